// The Lambda functions of a simulated deployment: environments that run the real runtime, each on a host of its own, and
// take one invocation at a time. An environment starts cold, is frozen in the moment in which its handler returns, and
// nothing of it runs until its next invocation, if there ever is one: a minute or hours later, its monotonic clock having
// stood still. It may be frozen or killed in the middle of a request, killed while it is frozen, and is killed when a
// request takes longer than its time. The handler is what `functions/handler.ts` does, with simulated time.
import { FUNCTION_RESERVE_MS, FUNCTION_SWEEP_RESERVE_MS } from '../../lib/base/limits.ts'
import { createFunctionClock, type FunctionClock } from '../../lib/http/function-clock.ts'
import { type FunctionRuntime, openFunctionRuntime, type RuntimeOptions } from '../../lib/http/function-runtime.ts'
import { maintain } from '../../lib/http/maintain.ts'
import { type HttpRequest, type HttpResponse, problem } from '../../lib/http/responses.ts'
import type { Stores } from '../../lib/storage/ports.ts'
import type { Compression } from '../../lib/wire/compression.ts'
import type { FrameFunction } from '../../lib/wire/https.ts'
import { CALM, type Mix } from './faults.ts'
import { createHost, type Host } from './host.ts'
import type { Incidents } from './incidents.ts'
import type { Seeded } from './random.ts'
import type { Network } from './stores.ts'
import type { World } from './world.ts'

export type FunctionName = FrameFunction | 'maintenance'

/** What an invocation comes to, as API Gateway sees it. */
export type Invoked =
  | { readonly kind: 'answered'; readonly response: HttpResponse; readonly environment: string }
  /** The environment was killed, or the handler broke down. */
  | { readonly kind: 'failed' }
  /** All environments that there may be are busy. */
  | { readonly kind: 'throttled' }

export interface Environment {
  readonly name: string
  readonly host: Host
  /** Undefined until it was opened. */
  readonly runtime: FunctionRuntime | undefined
}

export interface Fleet {
  readonly environments: readonly Environment[]
  /** Hands a frame to an environment of a function; `done` is told once, unless the invocation never ends. */
  invoke(name: FrameFunction, request: HttpRequest, done: (outcome: Invoked) => void): void
  /** Wakes the maintenance function. */
  maintain(graceMs: number): void
  /** Has the coordinate function look after groups, as it does by the clock. */
  sweep(): void
  /** Faults from now on. */
  setMix(mix: Mix): void
  /** Lets go on what is frozen in the middle of a request; what returned stays frozen, as it does. */
  heal(): void
}

interface Slot extends Environment {
  readonly functionName: FunctionName
  readonly clock: FunctionClock
  readonly stores: Stores
  opening: ReturnType<typeof openFunctionRuntime> | undefined
  runtime: FunctionRuntime | undefined
  busy: boolean
  /** The invocation in which its processor stands still, until it is killed. */
  stalled: number | undefined
  /** Of invocations. */
  count: number
}

type Handler = (runtime: FunctionRuntime, host: Host, remainingMs: () => number) => Promise<HttpResponse>

const ENVIRONMENTS_MAX = 4
const HOUR_MS = 3_600_000
/** What Lambda gives an invocation here. */
const TIME_MS_MAX = 30_000
const START_MS = 150

export interface FleetOptions {
  readonly world: World
  readonly network: Network
  readonly random: Seeded
  readonly compression: Compression
  readonly incidents: Incidents
  readonly checkpointEntries: number
  readonly groups: NonNullable<RuntimeOptions['groups']>
  readonly skewed: boolean
  readonly sight: (anomaly: string, detail: string) => void
}

export function createFleet(options: FleetOptions): Fleet {
  const { world, network, random, compression, incidents, sight } = options
  const slots: Slot[] = []
  let mix = CALM
  let started = 0

  function start(functionName: FunctionName): Slot {
    incidents.count('cold start')
    const name = `${functionName}${++started}`
    const skewMs = options.skewed && random.chance(0.5) ? random.int(-3_000_000, 3_000_000) : random.int(-50, 50)
    const rate = 0.98 + 0.04 * random.fraction()
    const wallRate = options.skewed ? rate : 1
    const host = createHost(world, { name, random: random.fork(name), skewMs, rate, wallRate, standsStill: 0.8 })
    const slot: Slot = {
      name,
      functionName,
      host,
      clock: createFunctionClock(host.clock),
      stores: network.storesFor(host),
      opening: undefined,
      runtime: undefined,
      busy: false,
      stalled: undefined,
      count: 0,
    }
    slots.push(slot)
    world.trace(`${name} starts cold`)
    return slot
  }
  function kill(slot: Slot): void {
    slot.host.crash()
    slots.splice(slots.indexOf(slot), 1)
  }
  function choose(name: FunctionName): Slot | undefined {
    const all = slots.filter((slot) => slot.functionName === name)
    const idle = all.filter((slot) => !slot.busy)
    if (idle.length > 0 && (all.length >= ENVIRONMENTS_MAX || random.chance(0.95))) return random.pick(idle)
    return all.length < ENVIRONMENTS_MAX ? start(name) : undefined
  }

  /** The kept runtime, as `functions/handler.ts` keeps it. */
  async function runtimeOf(slot: Slot): Promise<FunctionRuntime | HttpResponse> {
    const { stores, clock, host } = slot
    const deployment = { stores, identify: async () => ({ kind: 'ready', clusterId: 'simulation' }) as const }
    slot.opening ??= openFunctionRuntime({
      deployment,
      compression,
      clock,
      random: host.random,
      groups: options.groups,
    })
    const outcome = await slot.opening
    if (outcome.kind === 'problem' || outcome.runtime.log.status().halted) slot.opening = undefined
    if (outcome.kind === 'problem') return outcome.response
    slot.runtime = outcome.runtime
    clock.resume()
    return outcome.runtime
  }
  async function handle(slot: Slot, handler: Handler): Promise<HttpResponse> {
    const { clock } = slot.host
    const startedAt = clock.monotonic()
    const remainingMs = (): number => TIME_MS_MAX - (clock.monotonic() - startedAt)
    const inTime = async <T>(work: Promise<T>): Promise<T | undefined> => {
      let cancel = (): void => {}
      const late = new Promise<undefined>((resolve) => {
        cancel = clock.timer(Math.max(0, remainingMs() - FUNCTION_RESERVE_MS), () => resolve(undefined))
      })
      const first = await Promise.race([work, late])
      cancel()
      return first
    }
    const runtime = await runtimeOf(slot)
    if ('status' in runtime) return runtime
    // Maintenance keeps to its time by itself.
    const work = handler(runtime, slot.host, remainingMs)
    const response = slot.functionName === 'maintenance' ? await work : await inTime(work)
    if (response === undefined) {
      incidents.count('frozen with work under way')
      return problem(504, 'Timed out', 'The stores did not answer in time.')
    }
    const settled = await inTime(runtime.settle().then(() => true))
    const { calls, timers } = slot.host.underWay()
    if (settled && calls + timers > 0) {
      sight('under-way', `${slot.name} returns with ${calls} calls to stores and ${timers} timers under way`)
    }
    if (!settled) incidents.count('frozen with work under way')
    return response
  }

  /** What strikes an invocation somewhere in its middle. */
  function strike(slot: Slot, count: number): void {
    const inTheMiddle = (label: string, work: () => void): void => {
      world.at(random.duration(12), `${slot.name} ${label}`, () => {
        if (slot.busy && slot.count === count && slot.host.state() === 'running') work()
      })
    }
    if (random.chance(mix.freezesPerSecond > 0.3 ? 0.1 : 0.03)) {
      inTheMiddle('falls asleep', () => {
        incidents.count('freeze inside a request')
        slot.host.freeze(random.duration(random.pick([60, 600, 6_000, 60_000, HOUR_MS, 3 * HOUR_MS])))
      })
    }
    if (random.chance(mix.crashesPerSecond > 0.2 ? 0.03 : 0.01)) {
      inTheMiddle('stands still', () => {
        slot.stalled = count
        slot.host.freeze()
      })
    }
    if (random.chance(mix.crashesPerSecond > 0.2 ? 0.08 : 0.02)) {
      inTheMiddle('is killed', () => {
        incidents.count('killed inside a request')
        kill(slot)
      })
    }
  }

  function run(name: FunctionName, handler: Handler, done: (outcome: Invoked) => void): void {
    const slot = choose(name)
    if (slot === undefined) {
      done({ kind: 'throttled' })
      return
    }
    const count = ++slot.count
    slot.busy = true
    if (slot.host.state() === 'frozen') {
      incidents.count('thaw')
      slot.host.thaw()
    }
    let over = false
    const end = (outcome: Invoked): void => {
      if (over) return
      over = true
      cancelLimit()
      done(outcome)
    }
    if (mix !== CALM) strike(slot, count)
    // A frozen environment's time does not pass; whoever called has given up by the time it goes on.
    const cancelLimit = world.at(TIME_MS_MAX, `${slot.name} has had its time`, () => {
      if (slot.host.state() === 'running' || slot.stalled === count) {
        incidents.count('killed by the time limit')
        kill(slot)
      }
      end({ kind: 'failed' })
    })
    const begin = (): void => {
      handle(slot, handler).then((response) => {
        slot.busy = false
        incidents.count('freeze between requests')
        slot.host.freeze()
        end({ kind: 'answered', response, environment: slot.name })
        if (mix !== CALM && random.chance(0.03)) {
          incidents.count('killed while frozen')
          kill(slot)
        }
      }, world.fail)
    }
    world.at(count === 1 ? random.duration(START_MS) : 0.5, `${slot.name} is invoked`, () => slot.host.deliver(begin))
  }

  return {
    environments: slots,
    invoke: (name, request, done) => run(name, (runtime) => runtime.door.answer(name, request), done),
    maintain(graceMs) {
      const { checkpointEntries } = options
      const handler: Handler = async ({ log, stores, clock }, host, remainingMs) => {
        const logger = { info: () => {}, warn: () => {}, error: () => {} }
        const everyMs = 2_000
        const done = await maintain({ log, stores, clock, logger, graceMs, everyMs, checkpointEntries }, remainingMs())
        world.trace(`${host.name} ${JSON.stringify(done)}`)
        return { status: 200, headers: {}, body: '' }
      }
      run('maintenance', handler, () => {})
    },
    sweep() {
      const handler: Handler = async ({ groups }, _host, remainingMs) => {
        await groups.sweep(() => remainingMs() < FUNCTION_SWEEP_RESERVE_MS)
        return { status: 200, headers: {}, body: '' }
      }
      run('coordinate', handler, () => {})
    },
    setMix(next) {
      mix = next
    },
    heal() {
      for (const slot of slots) if (slot.busy) slot.host.thaw()
    },
  }
}
