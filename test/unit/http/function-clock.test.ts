// The clock of a process that is frozen: what passed on the wall and not here is added, however it is cut into pieces, so
// that a view of the journal never looks younger than it is.
import { expect, it } from 'vitest'
import { createFunctionClock } from '../../../lib/http/function-clock.ts'

function frozen() {
  const time = { wallMs: 1_700_000_000_000, monotonicMs: 5_000 }
  const clock = createFunctionClock({
    now: () => Math.floor(time.wallMs),
    monotonic: () => time.monotonicMs,
    timer: () => () => {},
  })
  return {
    clock,
    run(ms: number) {
      time.wallMs += ms
      time.monotonicMs += ms
    },
    freeze(ms: number) {
      time.wallMs += ms
    },
    setWallBack(ms: number) {
      time.wallMs -= ms
    },
  }
}

it('adds what passed while the process was frozen', () => {
  const { clock, run, freeze } = frozen()
  const startedAt = clock.monotonic()
  run(100)
  freeze(3_600_000)
  clock.resume()
  run(10)
  expect(clock.monotonic() - startedAt).toBeCloseTo(3_600_110, 3)
})

it('adds up many short freezes', () => {
  const { clock, run, freeze } = frozen()
  const startedAt = clock.monotonic()
  for (let i = 0; i < 100; i++) {
    run(1)
    freeze(15)
    clock.resume()
  }
  expect(clock.monotonic() - startedAt).toBeGreaterThan(1_550)
})

it('takes no part of a wall clock that is rounded, or set back', () => {
  const { clock, run, freeze, setWallBack } = frozen()
  const startedAt = clock.monotonic()
  for (let i = 0; i < 1000; i++) {
    run(3.7)
    clock.resume()
  }
  expect(clock.monotonic() - startedAt).toBeCloseTo(3_700, 3)
  setWallBack(60_000)
  clock.resume()
  freeze(500)
  clock.resume()
  expect(clock.monotonic() - startedAt).toBeCloseTo(4_200, 3)
})
