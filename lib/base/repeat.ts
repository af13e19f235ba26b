// Work that a process does again and again in the background, at times that differ from process to process, one run after the
// other. A run that breaks down is told to whoever asked, and the next one comes all the same.
import type { Clock } from './clock.ts'
import { type Random, randomFraction } from './random.ts'

/** Runs `job` about every `everyMs`, give or take a quarter, until the returned function is called: it waits for the last run. */
export function startRepeating(args: {
  readonly everyMs: number
  readonly clock: Clock
  readonly random: Random
  job(): Promise<unknown>
  onError(error: unknown): void
}): () => Promise<void> {
  const { everyMs, clock, random, job, onError } = args
  let running: Promise<unknown> = Promise.resolve()
  let isStopped = false
  let cancel: () => void = () => {}
  const schedule = (): void => {
    cancel = clock.timer(everyMs * (0.75 + randomFraction(random) / 2), () => {
      running = job()
        .catch(onError)
        .then(() => {
          if (!isStopped) schedule()
        })
    })
  }
  schedule()
  return async () => {
    isStopped = true
    cancel()
    await running
  }
}
