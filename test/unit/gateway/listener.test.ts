// The TCP door against real sockets and a broker that the test holds in its hand: order of answers, reading ahead, the
// memory budget, back-pressure in both directions, bad frames, and the end.
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Broker, BrokerResponse, Handled } from '../../../lib/broker/broker.ts'
import { type Listener, type ListenerOptions, openListener } from '../../../lib/gateway/listener.ts'

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing.close()
})

/** A request under way, as the broker sees it. */
interface Seen {
  readonly text: string
  readonly frame: Uint8Array
  admit(): void
  answer(response: BrokerResponse): void
}
interface ManualBroker extends Broker {
  readonly seen: Seen[]
  readonly signals: AbortSignal[]
}

function manualBroker(onRequest: (seen: Seen) => void = () => {}): ManualBroker {
  const seen: Seen[] = []
  const signals: AbortSignal[] = []
  return {
    seen,
    signals,
    handle: (frame, connection): Handled => {
      const admitted = Promise.withResolvers<void>()
      const response = Promise.withResolvers<BrokerResponse>()
      const request: Seen = {
        text: Buffer.from(frame).toString('latin1', 0, 20),
        frame,
        admit: admitted.resolve,
        answer: (value) => {
          admitted.resolve()
          response.resolve(value)
        },
      }
      seen.push(request)
      signals.push(connection.signal)
      onRequest(request)
      return { admitted: admitted.promise, response: response.promise }
    },
  }
}
const say = (text: string): BrokerResponse => ({ kind: 'send', buffers: [...text].map((c) => Buffer.from(c)) })
const echo = () => manualBroker((request) => request.answer(say(`>${request.text}`)))

async function listen(broker: Broker, options: Partial<ListenerOptions> = {}): Promise<Listener> {
  const listener = await openListener({ host: '127.0.0.1', port: 0, ...options })
  listener.serve(broker)
  opened.push({ close: () => listener.close(200) })
  return listener
}

interface TestClient {
  readonly socket: Socket
  readonly received: string[]
  readonly closed: Promise<void>
  send(...bodies: (string | Uint8Array)[]): void
}
async function dial(listener: Listener): Promise<TestClient> {
  const socket = connect(listener.port, '127.0.0.1')
  opened.push({ close: () => socket.destroy() })
  const received: string[] = []
  let bytes = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk])
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
      const end = 4 + bytes.readInt32BE(0)
      received.push(bytes.toString('latin1', 4, end))
      bytes = bytes.subarray(end)
    }
  })
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  await new Promise((resolve) => socket.once('connect', resolve))
  const send = (...bodies: (string | Uint8Array)[]): void => {
    const parts = bodies.flatMap((body) => {
      const length = Buffer.alloc(4)
      length.writeInt32BE(body.length)
      return [length, Buffer.from(body)]
    })
    socket.write(Buffer.concat(parts))
  }
  return { socket, received, closed, send }
}

async function until(condition: () => boolean, what: string, timeoutMs = 5000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`timed out waiting until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('answers in the order of the requests, whatever finishes first', async () => {
  const broker = manualBroker((request) => request.admit())
  const client = await dial(await listen(broker))
  client.send('a', 'b', 'c')
  await until(() => broker.seen.length === 3, 'all are handed over')
  broker.seen[2]!.answer(say('third'))
  broker.seen[1]!.answer({ kind: 'none' })
  await pause(20)
  expect(client.received).toEqual([])
  broker.seen[0]!.answer(say('first'))
  await until(() => client.received.length === 2, 'both answers are there')
  expect(client.received).toEqual(['first', 'third'])
})

test('starts a request only when the one before has its place', async () => {
  const broker = manualBroker()
  const client = await dial(await listen(broker))
  client.send('a', 'b')
  await until(() => broker.seen.length === 1, 'the first is handed over')
  await pause(20)
  expect(broker.seen).toHaveLength(1)
  broker.seen[0]!.admit()
  await until(() => broker.seen.length === 2, 'the second is handed over')
})

test('reads ahead no more than so many requests', async () => {
  const broker = manualBroker((request) => request.admit())
  const client = await dial(await listen(broker))
  client.send(...Array.from({ length: 200 }, (_, i) => `r${i}`))
  await until(() => broker.seen.length === 64, '64 are handed over')
  await pause(30)
  expect(broker.seen).toHaveLength(64)
  broker.seen[0]!.answer(say('x'))
  await until(() => broker.seen.length === 65, 'one more is handed over')
})

test.each([
  ['negative length', Buffer.from('ffffffff00', 'hex')],
  ['length of zero', Buffer.from('00000000', 'hex')],
  ['too long', Buffer.from('7fffffff', 'hex')],
  ['text', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
])('a frame with %s closes that connection alone', async (_, bytes) => {
  const listener = await listen(echo())
  const good = await dial(listener)
  const bad = await dial(listener)
  bad.socket.write(bytes)
  await bad.closed
  good.send('still here')
  await until(() => good.received.length === 1, 'the other connection is served')
  expect(good.received).toEqual(['>still here'])
  expect(listener.budget.usedBytes).toBe(0)
})

test('a frame that is larger than all memory for requests is refused', async () => {
  const listener = await listen(echo(), { memoryBytesMax: 100_000 })
  const [bad, good] = [await dial(listener), await dial(listener)]
  bad.send(Buffer.alloc(100_000))
  await bad.closed
  good.send(Buffer.alloc(50_000))
  await until(() => good.received.length === 1, 'a smaller one is served')
})

test('a truncated frame is no request, and gives its memory back', async () => {
  const broker = echo()
  const listener = await listen(broker)
  const client = await dial(listener)
  client.socket.write(Buffer.from('00100000616263', 'hex'))
  await until(() => listener.budget.usedBytes > 0, 'memory is acquired')
  client.socket.end()
  await client.closed
  await until(() => listener.budget.usedBytes === 0, 'memory is released')
  expect(broker.seen).toHaveLength(0)
})

test('a huge announcement costs only what was sent', async () => {
  const listener = await listen(echo())
  const before = process.memoryUsage.rss()
  const client = await dial(listener)
  const length = Buffer.alloc(4)
  length.writeInt32BE(100 * 1024 * 1024)
  client.socket.write(Buffer.concat([length, Buffer.alloc(10_000)]))
  await until(() => listener.budget.usedBytes > 10_000, 'some of the frame is there')
  await pause(50)
  expect(listener.budget.usedBytes).toBeLessThan(200_000)
  expect(process.memoryUsage.rss() - before).toBeLessThan(30 * 1024 * 1024)
})

// Once an announcement took its memory at once: two connections that announced 100 MiB and sent nothing stopped everybody
// else for half a minute, five hundred for hours.
test('announcements without bytes keep nobody from being served', async () => {
  const listener = await listen(echo(), { memoryBytesMax: 4 * 1024 * 1024 })
  const length = Buffer.alloc(4)
  length.writeInt32BE(3 * 1024 * 1024)
  const idlers = await Promise.all(Array.from({ length: 200 }, () => dial(listener)))
  for (const idler of idlers) idler.socket.write(Buffer.concat([length, Buffer.alloc(1)]))
  await until(() => listener.budget.usedBytes > 200 * 4096, 'all have announced')
  const client = await dial(listener)
  client.send(Buffer.alloc(2 * 1024 * 1024, 'z'))
  await until(() => client.received.length === 1, 'the honest one is answered')
})

test('large frames that came in part and hold all memory end one after the other', async () => {
  const listener = await listen(echo(), { memoryBytesMax: 1024 * 1024 })
  const frame = Buffer.alloc(4 + 900_000, 'w')
  frame.writeInt32BE(900_000)
  const clients = await Promise.all(Array.from({ length: 20 }, () => dial(listener)))
  for (const client of clients) client.socket.write(frame.subarray(0, 40_004))
  await until(() => listener.budget.waiting > 0, 'memory is used up by beginnings')
  for (const client of clients) client.socket.write(frame.subarray(40_004))
  await until(() => clients.every((client) => client.received.length === 1), 'everybody is answered')
  await until(() => listener.budget.usedBytes === 0, 'all memory is released')
})

test('requests of all connections share one budget; who waits is slowed down by TCP', async () => {
  const memoryBytesMax = 4 * 1024 * 1024
  const broker = manualBroker((request) => request.admit())
  const listener = await listen(broker, { memoryBytesMax })
  const body = Buffer.alloc(1024 * 1024, 'x')
  const clients = await Promise.all(Array.from({ length: 20 }, () => dial(listener)))
  for (const client of clients) client.send(body, body)
  // Two or three, since frames of which little has come hold some of it.
  await until(() => broker.seen.length >= 2, 'as many as fit are handed over')
  await pause(50)
  expect(broker.seen.length).toBeLessThanOrEqual(3)
  expect(listener.budget.usedBytes).toBeLessThanOrEqual(memoryBytesMax)
  expect(listener.budget.waiting).toBeGreaterThan(0)
  for (let i = 0; i < 40; i++) {
    await until(() => broker.seen.length > i, 'the next one gets its turn')
    broker.seen[i]!.answer(say('ok'))
    // One frame may overdraw, where all others wait for each other.
    expect(listener.budget.usedBytes).toBeLessThanOrEqual(memoryBytesMax + body.length)
  }
  await until(() => clients.every((client) => client.received.length === 2), 'everybody is answered')
  await until(() => listener.budget.usedBytes === 0, 'all memory is released')
})

test('a reader that does not read gets no further requests started, and memory stays', async () => {
  const big = Buffer.alloc(512 * 1024, 'y')
  const broker = manualBroker((request) => request.answer({ kind: 'send', buffers: [big] }))
  const listener = await listen(broker)
  const client = await dial(listener)
  client.socket.pause()
  for (let i = 0; i < 100; i++) client.send(`fetch ${i}`)
  await pause(300)
  const started = broker.seen.length
  // What the kernel's socket buffers took, and little more.
  expect(started).toBeLessThan(40)
  await pause(100)
  expect(broker.seen.length).toBe(started)
  client.socket.resume()
  await until(() => client.received.length === 100, 'all answers are read')
})

test('an exception in the broker closes that connection alone', async () => {
  const listener = await listen({
    handle: (frame) => {
      if (frame[0] === 'x'.charCodeAt(0)) throw new Error('broken on purpose')
      return { admitted: Promise.resolve(), response: Promise.resolve(say('fine')) }
    },
  })
  const bad = await dial(listener)
  const good = await dial(listener)
  bad.send('x')
  await bad.closed
  good.send('y')
  await until(() => good.received.length === 1, 'the other connection is served')
})

test('answers before a close still arrive, and what follows it is not served', async () => {
  const broker = manualBroker((request) => request.admit())
  const client = await dial(await listen(broker))
  client.send('a', 'b', 'c')
  await until(() => broker.seen.length === 3, 'all are handed over')
  broker.seen[1]!.answer({ kind: 'close', reason: 'bad' })
  broker.seen[2]!.answer(say('never'))
  broker.seen[0]!.answer(say('first'))
  await client.closed
  expect(client.received).toEqual(['first'])
})

test('a client that ended its side is answered, and its long polls are told', async () => {
  const broker = manualBroker((request) => request.admit())
  const client = await dial(await listen(broker))
  client.send('a')
  client.socket.end()
  await until(() => broker.signals[0]?.aborted === true, 'the signal is aborted')
  broker.seen[0]!.answer(say('late'))
  await client.closed
  expect(client.received).toEqual(['late'])
})

test('close lets requests under way finish and takes no new ones', async () => {
  const broker = manualBroker((request) => request.admit())
  const listener = await listen(broker)
  const busy = await dial(listener)
  const idle = await dial(listener)
  busy.send('a')
  await until(() => broker.seen.length === 1, 'the request is under way')
  const closed = listener.close(5000)
  await idle.closed
  expect(broker.signals[0]!.aborted).toBe(true)
  busy.send('too late')
  await pause(20)
  broker.seen[0]!.answer(say('done'))
  await closed
  await busy.closed
  expect(busy.received).toEqual(['done'])
  expect(broker.seen).toHaveLength(1)
})

test('close does not wait for ever', async () => {
  const broker = manualBroker((request) => request.admit())
  const listener = await listen(broker)
  const client = await dial(listener)
  client.send('never answered')
  await until(() => broker.seen.length === 1, 'the request is under way')
  await listener.close(50)
  await client.closed
})

test('connections past the limit are refused', async () => {
  const listener = await listen(echo(), { connectionsMax: 2 })
  const [one] = [await dial(listener), await dial(listener)]
  const third = await dial(listener)
  await third.closed
  one!.send('hello')
  await until(() => one!.received.length === 1, 'the first is served')
})

test('a taken port is an error that says so', async () => {
  const listener = await listen(echo())
  await expect(openListener({ host: '127.0.0.1', port: listener.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
})
