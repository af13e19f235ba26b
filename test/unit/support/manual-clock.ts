// Virtual time that stands still until a test moves it, and lets everything that a timer set going come to rest before the
// next one fires. So a test can say what happened before the linger was over, and nothing waits for real time.
import type { Clock } from '../../../lib/base/clock.ts'
import type { Random } from '../../../lib/base/random.ts'

export interface ManualClock extends Clock {
  /** Moves time on by `ms`, one due timer after the other. */
  advance(ms: number): Promise<void>
  /** Timers that wait. */
  readonly timers: number
}

/** Lets all promises settle that need neither time nor a store that holds its answer. */
export async function rest(turns = 3): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
}

export function createManualClock(startMs = 1_700_000_000_000): ManualClock {
  let elapsedMs = 0
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>()
  const nextDue = (until: number) => {
    let next: { readonly at: number; readonly callback: () => void } | undefined
    for (const timer of timers) if (timer.at <= until && (next === undefined || timer.at < next.at)) next = timer
    return next
  }
  return {
    now: () => startMs + Math.floor(elapsedMs),
    monotonic: () => elapsedMs,
    timer(delayMs, callback) {
      const timer = { at: elapsedMs + Math.max(0, delayMs), callback }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    async advance(ms) {
      const until = elapsedMs + ms
      await rest()
      for (let timer = nextDue(until); timer !== undefined; timer = nextDue(until)) {
        timers.delete(timer)
        elapsedMs = Math.max(elapsedMs, timer.at)
        timer.callback()
        await rest()
      }
      elapsedMs = until
      await rest()
    },
    get timers() {
      return timers.size
    },
  }
}

/** Moves time on in steps until `promise` settles; fails after `limitMs`. */
export async function during<T>(clock: ManualClock, promise: Promise<T>, limitMs = 300_000, stepMs = 5): Promise<T> {
  let settled = false
  const watched = promise.finally(() => {
    settled = true
  })
  watched.catch(() => {})
  await rest()
  for (let spent = 0; !settled; spent += stepMs) {
    if (spent > limitMs) throw new Error(`still waiting after ${limitMs} ms of virtual time`)
    await clock.advance(stepMs)
  }
  return watched
}

/** The same bytes for the same seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
  return { bytes: (length) => Uint8Array.from({ length }, () => next() & 0xff) }
}
