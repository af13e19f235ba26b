// Time as a port. Domain code never reads `Date` or starts a timer by itself: it is handed a `Clock`, so that simulation
// runs the real code in virtual time. Clocks give liveness only; no invariant rests on one.

/** Wall time, monotonic time and timers. All durations are milliseconds. */
export interface Clock {
  /** Wall clock: milliseconds since the Unix epoch. May jump. */
  now(): number
  /** Monotonic milliseconds from an arbitrary origin, with fractions. Never goes back. */
  monotonic(): number
  /** Calls `callback` once after `delayMs`. The returned function cancels it; cancelling twice is harmless. */
  timer(delayMs: number, callback: () => void): () => void
}

/** Resolves after `delayMs`, or at once when `signal` aborts (it never rejects: the caller looks at the signal). */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const onAbort = (): void => {
      cancel()
      resolve()
    }
    const cancel = clock.timer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer: (delayMs, callback) => {
    const handle = setTimeout(callback, delayMs)
    return () => clearTimeout(handle)
  },
}
