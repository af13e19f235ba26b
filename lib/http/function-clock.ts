// The clock of a process that may be frozen between two requests and resumed hours later, as Lambda's environments are. Its
// monotonic time may have stood still meanwhile, and a view of the journal would look young that is not. So each request
// begins with a look at the wall clock: what passed there and not here is added. Wall time that jumps forward by itself only
// makes a view look older than it is, which costs a read.
import { type Clock, systemClock } from '../base/clock.ts'

export interface FunctionClock extends Clock {
  /** To be called when a request begins. */
  resume(): void
}

/** A difference up to this may be the two clocks' own; it is kept for the next look, as many short freezes add up. */
const DRIFT_MS_MAX = 20

export function createFunctionClock(clock: Clock = systemClock): FunctionClock {
  let addedMs = 0
  let wallMs = clock.now()
  let monotonicMs = clock.monotonic()
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic() + addedMs,
    timer: (delayMs, callback) => clock.timer(delayMs, callback),
    resume() {
      const [wall, monotonic] = [clock.now(), clock.monotonic()]
      const missingMs = wall - wallMs - (monotonic - monotonicMs)
      if (missingMs >= 0 && missingMs <= DRIFT_MS_MAX) return
      if (missingMs > 0) addedMs += missingMs
      wallMs = wall
      monotonicMs = monotonic
    },
  }
}
