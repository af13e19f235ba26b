// The verdicts of one own entry, gathered from the pages that decide its parts. Each page answers once, now or when it is
// loaded; a page that never will leaves its parts without a verdict, and whoever waits learns that they are unknown.
import type { PagedVerdict, Verdict } from './fold.ts'
import type { PageVerdict, PageWork } from './state/page.ts'

/** One verdict for each part of an entry, in its order; undefined where this replica will never know. */
type Decided<V extends PagedVerdict> = V extends PagedVerdict
  ? { readonly kind: V['kind']; readonly verdicts: Promise<readonly V['verdicts'][number][]> }
  : never

/** The verdict of an own entry. What pages decide may have to wait for them. */
export type OwnVerdict = Exclude<Verdict, PagedVerdict> | Decided<PagedVerdict>

/** Where a page's verdicts on its part of an entry go; undefined when this replica will never know them. */
export type Settle = (work: PageWork, verdicts: readonly (PageVerdict | undefined)[] | undefined) => void

export interface GatheredVerdicts {
  readonly own: OwnVerdict
  readonly settle: Settle
}

/** Adds to what the root decided already what the pages that have work do. */
export function gatherVerdicts({ kind, verdicts, works }: PagedVerdict): GatheredVerdicts {
  const parts: (PageVerdict | undefined)[] = verdicts
  let open = works.length
  let finish: (value: readonly (PageVerdict | undefined)[]) => void = () => {}
  const all = new Promise<readonly (PageVerdict | undefined)[]>((resolve) => {
    finish = resolve
  })
  if (open === 0) finish(parts)
  return {
    // A page answers with verdicts of the kind that its work asks for.
    own: { kind, verdicts: all } as OwnVerdict,
    settle({ from }, settled) {
      for (let i = 0; i < (settled?.length ?? 0); i++) parts[from + i] ??= settled![i]
      if (--open === 0) finish(parts)
    },
  }
}
