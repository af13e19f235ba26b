// The processes of a simulated deployment and the connections to them. A process is the real log, opened on the ports of
// its own host; it can be crashed (a new one with nothing in memory takes its place), frozen, or left alone. A connection
// behaves as the gateway's do: requests are started in order, each as soon as the one before was admitted, and answered in
// order. A client sees an answer, a time-out, or that the connection broke; never why.
import type { Log } from '../../lib/log/log.ts'
import type { Stores } from '../../lib/storage/ports.ts'
import { createHost, type Host } from './host.ts'
import type { Seeded } from './random.ts'
import type { Network } from './stores.ts'
import type { World } from './world.ts'

/** Opens the real thing on a host. Undefined: the stores do not answer, try again. */
export type OpenProcess = (host: Host, stores: Stores) => Promise<Log | undefined>

export type Reply<T> = { readonly kind: 'answer'; readonly value: T } | { readonly kind: 'timeout' | 'broken' }

/** A request as the process handles it: `admitted` lets the next one of the connection start. */
export interface Started<T> {
  readonly admitted: Promise<void>
  readonly answer: Promise<T>
}

/** What the process does with a request. */
export type StartRequest<T> = (log: Log, connection: Connection) => Started<T> | Promise<Started<T>>

export interface Connection {
  readonly id: string
  /** Process and life. */
  readonly hostName: string
  readonly process: Process
  open(): boolean
  /**
   * Sends a request; after a time-out the connection is closed, as real clients do. `unlessClosed`: a process that comes to
   * read it when its client has hung up does not begin it.
   */
  request<T>(start: StartRequest<T>, timeoutMs: number, unlessClosed?: 'unlessClosed'): Promise<Reply<T>>
  readonly signal: AbortSignal
  close(): void
}

export interface Process {
  readonly name: string
  /** Rises with each restart. */
  readonly life: number
  readonly host: Host
  /** Undefined while it is down or starting. */
  readonly log: Log | undefined
}

export interface Cluster {
  readonly processes: readonly Process[]
  crash(index: number, downMs: number): void
  freeze(index: number, forMs: number): void
  /** Wakes everything that is frozen and starts everything that is down. */
  heal(): void
  connect(index: number): Connection
  /** A process that was never there before: it starts cold. */
  add(): number
  /** Processes that are up. */
  up(): number[]
}

interface Slot extends Process {
  life: number
  host: Host
  log: Log | undefined
  readonly connections: Set<{ breakUp: () => void }>
}

const NETWORK_MS = 0.4

export function createCluster(args: {
  readonly world: World
  readonly network: Network
  readonly random: Seeded
  readonly open: OpenProcess
  readonly skewed: boolean
}): Cluster {
  const { world, network, random, open, skewed } = args
  const slots: Slot[] = []
  let connections = 0

  function newHost(name: string): Host {
    const skewMs = skewed && random.chance(0.5) ? random.int(-3_000_000, 3_000_000) : random.int(-50, 50)
    const rate = 0.98 + 0.04 * random.fraction()
    return createHost(world, { name, random: random.fork(name), skewMs, rate, wallRate: skewed ? rate : 1 })
  }
  async function boot(slot: Slot): Promise<void> {
    const { host } = slot
    const stores = network.storesFor(host)
    for (;;) {
      let log: Log | undefined
      try {
        log = await open(host, stores)
      } catch (error) {
        world.fail(error)
        return
      }
      if (slot.host !== host) return
      if (log !== undefined) {
        slot.log = log
        world.trace(`${host.name} serves`)
        return
      }
      await new Promise<void>((resolve) => host.clock.timer(random.duration(200), resolve))
    }
  }
  function start(slot: Slot): void {
    slot.life++
    slot.host = newHost(`${slot.name}.${slot.life}`)
    void boot(slot)
  }

  function connect(index: number): Connection {
    const slot = slots[index]!
    const { host } = slot
    const id = `${host.name}-${++connections}`
    const abort = new AbortController()
    const waiting = new Set<() => void>()
    let isOpen = true
    let admission: Promise<unknown> = Promise.resolve()
    let answers: Promise<unknown> = Promise.resolve()

    function close(): void {
      if (!isOpen) return
      isOpen = false
      slot.connections.delete(entry)
      // The process hears of it a little later, if it hears anything.
      world.at(random.duration(NETWORK_MS), `${id} closes`, () => host.deliver(() => abort.abort()))
      for (const settle of [...waiting]) settle()
    }
    const entry = { breakUp: () => world.at(random.duration(20), `${id} breaks`, close) }
    slot.connections.add(entry)

    const connection: Connection = {
      id,
      hostName: host.name,
      process: slot,
      signal: abort.signal,
      open: () => isOpen,
      close,
      request<T>(startRequest: StartRequest<T>, timeoutMs: number, unlessClosed?: 'unlessClosed') {
        return new Promise<Reply<T>>((resolve) => {
          let settled = false
          const settle = (reply: Reply<T>): void => {
            if (settled) return
            settled = true
            waiting.delete(broken)
            cancelTimeout()
            resolve(reply)
          }
          const broken = (): void => settle({ kind: 'broken' })
          if (!isOpen || host.state() === 'dead') {
            world.at(random.duration(2), `${id} refused`, () => resolve({ kind: 'broken' }))
            close()
            return
          }
          waiting.add(broken)
          const cancelTimeout = world.at(timeoutMs, `${id} timeout`, () => {
            settle({ kind: 'timeout' })
            close()
          })
          const travelMs = NETWORK_MS
          world.at(travelMs, `${id} request`, () =>
            host.deliver(() => {
              const log = slot.host === host ? slot.log : undefined
              if (log === undefined) return close()
              if (unlessClosed && !isOpen) return
              const started = admission.then(() => startRequest(log, connection))
              admission = started.then((s) => s.admitted)
              const answer = started.then((s) => s.answer)
              answers = answers.then(async () => {
                const value = await answer
                world.at(travelMs, `${id} answer`, () => settle({ kind: 'answer', value }))
              })
              answers = answers.catch((error) => {
                world.fail(error)
                close()
              })
              admission = admission.catch(() => {})
            }),
          )
        })
      },
    }
    return connection
  }

  return {
    processes: slots,
    crash(index, downMs) {
      const slot = slots[index]!
      if (slot.host.state() === 'dead') return
      slot.host.crash()
      slot.log = undefined
      for (const connection of [...slot.connections]) connection.breakUp()
      const { host } = slot
      world.at(downMs, `${slot.name} restarts`, () => {
        if (slot.host === host) start(slot)
      })
    },
    freeze: (index, forMs) => slots[index]!.host.freeze(forMs),
    heal() {
      for (const slot of slots) {
        if (slot.host.state() === 'frozen') slot.host.thaw()
        if (slot.host.state() === 'dead') start(slot)
      }
    },
    connect,
    add() {
      const name = `p${slots.length + 1}`
      const slot: Slot = { name, life: 0, host: newHost(name), log: undefined, connections: new Set() }
      slots.push(slot)
      start(slot)
      return slots.length - 1
    },
    up: () =>
      slots.flatMap((slot, index) => (slot.log !== undefined && slot.host.state() === 'running' ? [index] : [])),
  }
}
