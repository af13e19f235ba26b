// The TCP door. It binds first (a taken port is known before anything else is opened), holds early connections until there
// is a broker, and then owns all connections: their number, their idle time, their common memory budget, their end.
import { createServer, type Server, type Socket } from 'node:net'
import { type Clock, systemClock } from '../base/clock.ts'
import {
  CONNECTION_IDLE_MS_MAX,
  CONNECTIONS_MAX,
  DRAIN_MS_MAX,
  FRAME_BYTES_MAX,
  REQUEST_MEMORY_BYTES_MAX,
  REQUEST_OVERHEAD_BYTES,
} from '../base/limits.ts'
import type { Broker } from '../broker/broker.ts'
import { ByteBudget } from './byte-budget.ts'
import { Connection, type ConnectionContext } from './connection.ts'
import { type GatewayObserver, silentObserver } from './observer.ts'

const SWEEP_MS = 1000

export interface ListenerOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  readonly clock?: Clock
  readonly observer?: GatewayObserver
  readonly log?: ConnectionContext['log']
  readonly connectionsMax?: number
  readonly idleMsMax?: number
  readonly frameBytesMax?: number
  readonly memoryBytesMax?: number
}

export interface Listener {
  readonly host: string
  /** The port it really has. */
  readonly port: number
  readonly budget: ByteBudget
  connections(): number
  /**
   * Begins to serve, connections made before this included. `answersWaiting` says how many answers wait for memory that
   * answers hold which are not written yet: only then is a client cut off for reading slowly.
   */
  serve(broker: Broker, answersWaiting?: () => number): void
  /** Takes no further connection or request, lets those under way finish (bounded), and ends. */
  close(drainMs?: number): Promise<void>
}

/** Binds a TCP port. Rejects with the system's error (`EADDRINUSE`, …) when it cannot. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const clock = options.clock ?? systemClock
  const observer = options.observer ?? silentObserver
  const log = options.log ?? { debug: () => {}, error: () => {} }
  const idleMsMax = options.idleMsMax ?? CONNECTION_IDLE_MS_MAX
  const memoryBytesMax = options.memoryBytesMax ?? REQUEST_MEMORY_BYTES_MAX
  const budget = new ByteBudget(memoryBytesMax)
  // A frame that could never get its memory is refused instead of waiting for ever.
  const frameBytesMax = Math.min(options.frameBytesMax ?? FRAME_BYTES_MAX, memoryBytesMax - REQUEST_OVERHEAD_BYTES)
  const connections = new Set<Connection>()
  const early = new Set<Socket>()
  let context: ConnectionContext | undefined
  let answersWaiting = (): number => 0
  let opened = 0

  const accept = (socket: Socket): void => {
    if (context === undefined) {
      early.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => early.delete(socket))
      return
    }
    const connection = new Connection(socket, `c${++opened}`, context)
    connections.add(connection)
    observer.connectionOpened()
    socket.on('close', () => {
      connections.delete(connection)
      observer.connectionClosed()
    })
  }
  // Half-open: a client may end its side and still wait for the answers to what it asked.
  const server = createServer({ allowHalfOpen: true }, accept)
  server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX
  const port = await bind(server, options.host, options.port)

  let cancelSweep = (): void => {}
  const sweep = (): void => {
    const nowMs = clock.monotonic()
    const answersWait = answersWaiting() > 0
    for (const connection of connections) connection.sweep(nowMs, answersWait)
    cancelSweep = clock.timer(SWEEP_MS, sweep)
  }

  let closed: Promise<void> | undefined
  const close = async (drainMs: number): Promise<void> => {
    cancelSweep()
    for (const socket of early) socket.destroy()
    const ended = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const connection of connections) connection.drain()
    const cancel = clock.timer(drainMs, () => {
      for (const connection of connections) connection.destroy()
    })
    await ended
    cancel()
  }

  return {
    host: options.host,
    port,
    budget,
    connections: () => connections.size,
    serve: (broker, waiting = () => 0) => {
      answersWaiting = waiting
      context = { broker, budget, clock, observer, log, idleMsMax, frameBytesMax }
      for (const socket of early) {
        early.delete(socket)
        accept(socket)
      }
      cancelSweep = clock.timer(SWEEP_MS, sweep)
    },
    close: (drainMs = DRAIN_MS_MAX) => {
      closed ??= close(drainMs)
      return closed
    },
  }
}

/** Listens and returns the port. */
function bind(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', reject)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}
