// The verdicts of one own flush, gathered from the pages that judge its batches. Each page answers once, now or when it is
// loaded; a page that never will leaves its batches without a verdict, and whoever waits learns that they are unknown.
import type { PageWork } from './fold.ts'
import type { BatchVerdict } from './state/page.ts'

export interface GatheredVerdicts {
  /** In table order; undefined where this replica will never know. */
  readonly batches: Promise<readonly (BatchVerdict | undefined)[]>
  settle(work: PageWork, settled: readonly BatchVerdict[] | undefined): void
}

/** `verdicts` holds what the root decided already; `works` pages decide the rest. */
export function gatherVerdicts(verdicts: (BatchVerdict | undefined)[], works: number): GatheredVerdicts {
  let open = works
  let finish: (value: readonly (BatchVerdict | undefined)[]) => void = () => {}
  const batches = new Promise<readonly (BatchVerdict | undefined)[]>((resolve) => {
    finish = resolve
  })
  if (open === 0) finish(verdicts)
  return {
    batches,
    settle({ from }, settled) {
      for (let i = 0; i < (settled?.length ?? 0); i++) verdicts[from + i] = settled![i]
      if (--open === 0) finish(verdicts)
    },
  }
}
