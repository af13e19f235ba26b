// A clock that stands still until a test moves it.
import type { Clock } from '../../../../lib/base/clock.ts'

export interface TestClock extends Clock {
  /** Moves time on and fires what is due, in order. */
  advance(ms: number): void
}

export function testClock(startMs = 1_700_000_000_000): TestClock {
  let nowMs = startMs
  const timers = new Set<{ at: number; callback: () => void }>()
  return {
    now: () => nowMs,
    monotonic: () => nowMs - startMs,
    timer: (delayMs, callback) => {
      const timer = { at: nowMs + delayMs, callback }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance: (ms) => {
      nowMs += ms
      for (const timer of [...timers].sort((a, b) => a.at - b.at)) {
        if (timer.at > nowMs || !timers.delete(timer)) continue
        timer.callback()
      }
    },
  }
}
