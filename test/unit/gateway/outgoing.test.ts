// The memory of answers at the door: given back exactly once on every way an answer can end, and never before it has left.
// Who does not take his answers is cut off when others wait for that memory, however busily he goes on sending.
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import type { Clock } from '../../../lib/base/clock.ts'
import type { Broker, BrokerResponse } from '../../../lib/broker/broker.ts'
import { type ListenerOptions, openListener } from '../../../lib/gateway/listener.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 5000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`timed out waiting until ${what}`)
    await sleep(2)
  }
}

/** A door whose broker answers each request by `answers`, and how often each answer's memory was given back. */
async function open(
  answers: readonly (number | 'close' | Promise<number>)[],
  options: Partial<ListenerOptions> & { readonly answersWaiting?: () => number } = {},
) {
  const given: number[] = []
  const proven: (boolean | undefined)[] = []
  const send = (index: number, sizeBytes: number): BrokerResponse => ({
    kind: 'send',
    buffers: [Buffer.alloc(sizeBytes >> 1, 1), Buffer.alloc(sizeBytes - (sizeBytes >> 1), 2)],
    written: () => {
      given[index] = (given[index] ?? 0) + 1
    },
  })
  const broker: Broker = {
    handle: (_frame, connection) => {
      const index = proven.push(connection.delivery?.isProven()) - 1
      const answer = answers[index] ?? 10
      const response = (async (): Promise<BrokerResponse> => {
        if (answer === 'close') return { kind: 'close', reason: 'told to' }
        return send(index, await answer)
      })()
      return { admitted: Promise.resolve(), response }
    },
  }
  const listener = await openListener({ host: '127.0.0.1', port: 0, ...options })
  closers.push(() => listener.close(100))
  listener.serve(broker, options.answersWaiting)
  const dial = async (): Promise<Socket> => {
    const socket = connect(listener.port, '127.0.0.1')
    closers.push(() => socket.destroy())
    socket.on('error', () => {})
    await new Promise((resolve) => socket.once('connect', resolve))
    return socket
  }
  return { listener, given, proven, dial }
}
const REQUEST = Buffer.from([0, 0, 0, 1, 7])
const MIB = 1024 * 1024

test('it comes back when the reader has taken all, in order, and the bytes are the right ones', async () => {
  const { given, proven, dial } = await open([3 * MIB + 1, 10, 0, 5])
  const socket = await dial()
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.write(Buffer.concat([REQUEST, REQUEST, REQUEST, REQUEST]))
  await until(() => given.length === 4, 'all is given back')
  const expected = [3 * MIB + 1, 10, 0, 5].map((sizeBytes) => {
    const bytes = Buffer.alloc(4 + sizeBytes, 2)
    bytes.fill(1, 4, 4 + (sizeBytes >> 1))
    bytes.writeInt32BE(sizeBytes)
    return bytes
  })
  await until(() => chunks.reduce((sum, { length }) => sum + length, 0) === 3 * MIB + 32, 'all is read')
  expect(Buffer.concat(chunks).equals(Buffer.concat(expected))).toBe(true)
  socket.write(REQUEST)
  await until(() => proven.length === 5, 'one more is asked')
  // Those that were asked at once show nothing; the last came after the answers.
  expect(proven).toEqual([false, false, false, false, true])
  await until(() => given.length === 5, 'that too')
  expect(given).toEqual([1, 1, 1, 1, 1])
})

test('it is held while the reader does not read, and comes back when the connection dies', async () => {
  const { given, dial, listener } = await open([64 * MIB, 100])
  const socket = await dial()
  socket.pause()
  socket.write(Buffer.concat([REQUEST, REQUEST]))
  await sleep(100)
  expect(given).toEqual([])
  socket.destroy()
  await until(() => listener.connections() === 0, 'it is gone')
  await until(() => given.length === 2, 'its memory is back')
  expect(given).toEqual([1, 1])
})

test('it comes back when the connection died before the answer, or ends before its turn', async () => {
  const late = Promise.withResolvers<number>()
  const first = await open([late.promise])
  const socket = await first.dial()
  socket.write(REQUEST)
  await until(() => first.proven.length === 1, 'it is asked')
  socket.resetAndDestroy()
  await until(() => first.listener.connections() === 0, 'it is gone')
  late.resolve(5000)
  await until(() => first.given.length === 1, 'its memory is back')

  const second = await open(['close', 5000])
  const other = await second.dial()
  other.write(Buffer.concat([REQUEST, REQUEST]))
  await until(() => second.listener.connections() === 0, 'it is closed')
  expect(second.given.filter((times) => times !== 1)).toEqual([])
  expect(first.given).toEqual([1])
})

test('a client that has ended its side gets the whole of a large answer', async () => {
  const { given, dial } = await open([16 * MIB])
  const socket = await dial()
  let readBytes = 0
  socket.end(REQUEST)
  await sleep(50)
  socket.on('data', ({ length }) => (readBytes += length))
  await new Promise((resolve) => socket.once('close', resolve))
  expect([readBytes, given]).toEqual([16 * MIB + 4, [1]])
})

test('who takes nothing is cut off while others wait, though it keeps sending; who takes a little is not', async () => {
  // Time runs ten times as fast, so that three seconds pass soon.
  const clock: Clock = {
    now: () => Date.now(),
    monotonic: () => performance.now() * 10,
    timer: (delayMs, callback) => {
      const timer = setTimeout(callback, delayMs / 10)
      return () => clearTimeout(timer)
    },
  }
  let waiting = 0
  const { given, dial, listener } = await open([64 * MIB, 64 * MIB], { clock, answersWaiting: () => waiting })
  const [deaf, slow] = [await dial(), await dial()]
  for (const socket of [deaf, slow]) socket.pause().write(REQUEST)
  const talk = setInterval(() => deaf.write(REQUEST), 5)
  const sip = setInterval(() => slow.read(), 5)
  closers.push(() => {
    clearInterval(talk)
    clearInterval(sip)
  })
  await sleep(200)
  expect(listener.connections()).toBe(2)
  waiting = 1
  await until(() => listener.connections() === 1, 'one is cut off')
  await sleep(100)
  expect(listener.connections()).toBe(1)
  expect(given.slice(0, 2)).toEqual([1])
})
