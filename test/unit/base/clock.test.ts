// Sleeping: over when its time is, at once when its signal aborts, and without a timer or listener left behind.
import { describe, expect, it } from 'vitest'
import { sleep, systemClock } from '../../../lib/base/clock.ts'
import { createManualClock, rest } from '../support/manual-clock.ts'

describe('clock', () => {
  it('sleeps as long as asked', async () => {
    const clock = createManualClock()
    let over = false
    void sleep(clock, 100).then(() => {
      over = true
    })
    await clock.advance(99)
    expect(over).toBe(false)
    await clock.advance(1)
    expect(over).toBe(true)
  })

  it('ends a sleep when its signal aborts and leaves no timer behind', async () => {
    const clock = createManualClock()
    const abort = new AbortController()
    let over = 0
    void sleep(clock, 100, abort.signal).then(() => over++)
    await rest()
    expect([over, clock.timers]).toEqual([0, 1])
    abort.abort()
    await rest()
    expect([over, clock.timers]).toEqual([1, 0])
    void sleep(clock, 100, abort.signal).then(() => over++)
    await rest()
    expect([over, clock.timers]).toEqual([2, 0])
  })

  it('never fires a cancelled timer of the machine, and cancels twice without harm', async () => {
    let fired = 0
    const cancel = systemClock.timer(1, () => fired++)
    cancel()
    cancel()
    await sleep(systemClock, 15)
    expect(fired).toBe(0)
    const before = systemClock.monotonic()
    await sleep(systemClock, 10)
    expect(systemClock.monotonic() - before).toBeGreaterThan(8)
  })
})
