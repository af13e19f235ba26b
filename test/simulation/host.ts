// One simulated process: its clock, its randomness, and the gate through which everything reaches it (timers, answers of
// stores, requests of clients). A crashed host never hears anything again and whatever it still tries is swallowed; a
// frozen one hears nothing until it thaws, and then all at once; both may happen between any two steps of the real code
// that runs on it. Its clocks are skewed, may jump, and may stand still while it is frozen. It counts what is under way, so
// that a process which says that nothing is can be held to it.
import type { Clock } from '../../lib/base/clock.ts'
import type { Seeded } from './random.ts'
import type { World } from './world.ts'

/** As in Node: no timer is shorter. */
const TIMER_MS_MIN = 1

/** Wall time of the world at its start: any date will do. */
export const EPOCH_MS = Date.UTC(2030, 0, 1)

export interface Host {
  readonly name: string
  readonly clock: Clock
  readonly random: Seeded
  state(): 'running' | 'frozen' | 'dead'
  /** Runs `callback` on the host: now, when it thaws, or never. `jitterMs` spreads what piled up while it was frozen. */
  deliver(callback: () => void, jitterMs?: number): void
  crash(): void
  /** Without a time: until somebody thaws it. */
  freeze(forMs?: number): void
  thaw(): void
  /** A call to a store begins; the returned function ends it. */
  begin(): () => void
  /** Calls to stores without an answer, and timers that run. */
  underWay(): { readonly calls: number; readonly timers: number }
  /** The wall clock jumps by this much. */
  jump(byMs: number): void
}

export interface HostOptions {
  readonly name: string
  readonly random: Seeded
  readonly skewMs: number
  /** The monotonic clock's speed, about 1. */
  readonly rate: number
  /** The wall clock's, the same by default; 1 where something sets it right all the time. */
  readonly wallRate?: number
  /** How likely its monotonic clock is to have stood still while it was frozen. */
  readonly standsStill?: number
}

/** A running host. */
export function createHost(world: World, options: HostOptions): Host {
  const { name, random, rate, wallRate = rate, standsStill = 0.5 } = options
  let skewMs = options.skewMs
  let state: 'running' | 'frozen' | 'dead' = 'running'
  let held: { callback: () => void; jitterMs: number }[] = []
  let cancelThaw: (() => void) | undefined
  let frozenAtMs = 0
  let stoodStillMs = 0
  let calls = 0
  let timers = 0

  function deliver(callback: () => void, jitterMs = 0): void {
    if (state === 'dead') return
    if (state === 'frozen') held.push({ callback, jitterMs })
    else callback()
  }
  function thaw(): void {
    if (state !== 'frozen') return
    state = 'running'
    cancelThaw?.()
    world.trace(`${name} thaws`)
    if (random.chance(standsStill)) stoodStillMs += world.now() - frozenAtMs
    const waiting = held
    held = []
    for (const { callback, jitterMs } of waiting) {
      world.at(random.fraction() * jitterMs, `${name} hears`, () => deliver(callback, jitterMs))
    }
  }

  const monotonic = (): number => (world.now() - stoodStillMs) * rate
  return {
    name,
    random,
    state: () => state,
    deliver,
    crash() {
      if (state === 'dead') return
      state = 'dead'
      held = []
      cancelThaw?.()
      world.trace(`${name} crashes`)
    },
    freeze(forMs) {
      if (state !== 'running') return
      state = 'frozen'
      frozenAtMs = world.now()
      world.trace(`${name} freezes`)
      cancelThaw = forMs === undefined ? undefined : world.at(forMs, `${name} wakes`, thaw)
    },
    thaw,
    begin() {
      let ended = false
      calls++
      return () => {
        if (!ended) calls--
        ended = true
      }
    },
    underWay: () => ({ calls, timers }),
    jump(byMs) {
      skewMs += byMs
      world.trace(`${name} clock jumps ${byMs}`)
    },
    clock: {
      now: () => Math.floor(EPOCH_MS + world.now() * wallRate + skewMs),
      monotonic,
      timer(delayMs, callback) {
        let ended = false
        timers++
        const end = (): void => {
          if (!ended) timers--
          ended = true
        }
        const cancelEvent = world.at(Math.max(delayMs, TIMER_MS_MIN) / rate, `${name} timer`, () =>
          deliver(() => {
            if (ended) return
            end()
            callback()
          }),
        )
        return () => {
          end()
          cancelEvent()
        }
      },
    },
  }
}
