// Who is cut off, and who is not, as time passes: real sockets under a clock that the test moves.
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Clock } from '../../../lib/base/clock.ts'
import type { Broker, BrokerResponse } from '../../../lib/broker/broker.ts'
import { type Listener, type ListenerOptions, openListener } from '../../../lib/gateway/listener.ts'

/** Moves only when told; timers fire in order on the way. */
class HandClock implements Clock {
  #nowMs = 0
  readonly #timers = new Set<{ readonly atMs: number; readonly callback: () => void }>()
  now(): number {
    return this.#nowMs
  }
  monotonic(): number {
    return this.#nowMs
  }
  timer(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }
  /** Moves on in steps, between which sockets get their turn. */
  async pass(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs
    while (this.#nowMs < endMs) {
      this.#nowMs = Math.min(endMs, this.#nowMs + 1000)
      for (const timer of this.#timers) {
        if (timer.atMs > this.#nowMs) continue
        this.#timers.delete(timer)
        timer.callback()
      }
      await turn()
    }
  }
}
const turn = () => new Promise((resolve) => setTimeout(resolve, 1))

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function setUp(answer: Promise<BrokerResponse>, options: Partial<ListenerOptions> = {}) {
  const clock = new HandClock()
  const listener = await openListener({ host: '127.0.0.1', port: 0, clock, ...options })
  closers.push(async () => {
    const closed = listener.close(0)
    await clock.pass(2000)
    await closed
  })
  let requests = 0
  const broker: Broker = {
    handle: () => {
      requests++
      return { admitted: Promise.resolve(), response: answer }
    },
  }
  listener.serve(broker)
  return { clock, listener, requests: () => requests }
}

async function dial(listener: Listener, bytes: Uint8Array): Promise<{ socket: Socket; closed: () => boolean }> {
  const socket = connect(listener.port, '127.0.0.1')
  closers.push(() => socket.destroy())
  let closed = false
  socket.on('error', () => {})
  socket.on('close', () => {
    closed = true
  })
  await new Promise((resolve) => socket.once('connect', resolve))
  if (bytes.length > 0) socket.write(bytes)
  for (let i = 0; i < 20; i++) await turn()
  return { socket, closed: () => closed }
}

function frame(sizeBytes: number, sentBytes = sizeBytes): Buffer {
  const bytes = Buffer.alloc(4 + sentBytes)
  bytes.writeInt32BE(sizeBytes)
  return bytes
}
const NEVER = new Promise<BrokerResponse>(() => {})
const NOTHING: Promise<BrokerResponse> = Promise.resolve({ kind: 'none' })

test('who stops in the middle of a frame is cut off, and its memory comes back', async () => {
  const { clock, listener } = await setUp(NOTHING)
  const { socket, closed } = await dial(listener, frame(10_000_000, 100))
  socket.resume()
  expect(listener.budget.usedBytes).toBeGreaterThan(0)
  await clock.pass(25_000)
  expect(closed()).toBe(false)
  await clock.pass(15_000)
  expect(closed()).toBe(true)
  expect(listener.budget.usedBytes).toBe(0)
})

test('who sends a huge frame drop by drop is cut off, who sends it steadily is not', async () => {
  const { clock, listener, requests } = await setUp(NOTHING)
  const slow = await dial(listener, frame(20_000_000, 100))
  const steady = await dial(listener, frame(20_000_000, 1_000_000))
  for (let i = 0; i < 19; i++) {
    slow.socket.write(Buffer.alloc(100))
    steady.socket.write(Buffer.alloc(1_000_000))
    await clock.pass(5000)
    for (let turns = 0; turns < 20; turns++) await turn()
  }
  expect(slow.closed()).toBe(true)
  expect(steady.closed()).toBe(false)
  expect(requests()).toBe(1)
})

test('an idle connection is closed in the end, one that waits for its answer is not', async () => {
  const { clock, listener } = await setUp(NEVER, { idleMsMax: 60_000 })
  const idle = await dial(listener, Buffer.alloc(0))
  const waiting = await dial(listener, frame(100))
  idle.socket.resume()
  await clock.pass(50_000)
  expect(idle.closed()).toBe(false)
  await clock.pass(20_000)
  expect(idle.closed()).toBe(true)
  expect(waiting.closed()).toBe(false)
})

test('who does not read its answers is cut off when others wait for memory', async () => {
  const answer: BrokerResponse = { kind: 'send', buffers: [Buffer.alloc(16 * 1024 * 1024)] }
  const { clock, listener } = await setUp(Promise.resolve(answer), { memoryBytesMax: 300_000 })
  const reader = await dial(listener, Buffer.concat([frame(100), frame(200_000)]))
  reader.socket.pause()
  for (let i = 0; i < 20; i++) await turn()
  const other = await dial(listener, frame(200_000, 100))
  await clock.pass(25_000)
  expect(listener.connections()).toBe(2)
  other.socket.write(Buffer.alloc(1000))
  await clock.pass(15_000)
  expect(listener.connections()).toBe(1)
})
