// The local listener as `tidelog connect` builds it, over real sockets on both sides: a client's bytes in, HTTP out to a
// server that says what the test wants, and the client's bytes back.
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { checkUrl, createHttpsBroker } from '../../../../lib/client/https/listener.ts'
import type { Answered } from '../../../../lib/client/https/sender.ts'
import { openSender } from '../../../../lib/client/https/sender.ts'
import { type Listener, openListener } from '../../../../lib/gateway/listener.ts'
import { type FakeApi, type Received, startFakeApi } from './fake-api.ts'
import {
  fetchAnswer,
  fetchFrame,
  later,
  metadataAnswer,
  metadataFrame,
  produceFrame,
  status,
  versionsAnswer,
} from './scripted-sender.ts'

const closers: (() => unknown)[] = []
let troubles: string[]

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', undefined)
  troubles = []
})

afterEach(async () => {
  vi.unstubAllEnvs()
  for (const close of closers.splice(0).reverse()) await close()
})

function reply(response: ServerResponse, { status, body, contentType, generation }: Answered): void {
  const known = generation === undefined ? {} : { 'tidelog-generation': String(generation) }
  response.writeHead(status, { ...known, 'content-type': contentType }).end(body)
}

const correlationOf = ({ body }: Received): number => body.readInt32BE(8)
const waitedMs = ({ headers }: Received): number => Number(headers['tidelog-waited-ms'])

async function start(
  respond: (request: Received, response: ServerResponse) => unknown,
): Promise<{ readonly api: FakeApi; readonly listener: Listener }> {
  const api = await startFakeApi(respond)
  closers.push(() => api.close())
  const listener = await openListener({ host: '127.0.0.1', port: 0, connectionsMax: 50 })
  const sender = openSender({ url: new URL(`http://127.0.0.1:${api.port}`) })
  const onTrouble = (sentence: string): void => void troubles.push(sentence)
  listener.serve(createHttpsBroker({ sender, advertise: `127.0.0.1:${listener.port}`, onTrouble }))
  closers.push(async () => {
    await listener.close(0)
    sender.close()
  })
  return { api, listener }
}

interface Client {
  readonly socket: Socket
  send(...frames: readonly Uint8Array[]): void
  /** The correlation ids of the answers so far. */
  answered(): number[]
}

async function dial(port: number): Promise<Client> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
  closers.push(() => socket.destroy())
  let bytes = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk])
  })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return {
    socket,
    send: (...frames) => {
      for (const frame of frames) {
        const prefix = Buffer.alloc(4)
        prefix.writeInt32BE(frame.length)
        socket.write(Buffer.concat([prefix, frame]))
      }
    },
    answered: () => {
      const ids: number[] = []
      for (let at = 0; at + 8 <= bytes.length; at += 4 + bytes.readInt32BE(at)) ids.push(bytes.readInt32BE(at + 4))
      return ids
    },
  }
}

describe('a client', () => {
  test('gets its answers in order, one request under way at a time, under a name of its own', async () => {
    let underWay = 0
    const { api, listener } = await start((request, response) => {
      expect(++underWay).toBe(1)
      setTimeout(() => {
        underWay--
        const id = correlationOf(request)
        reply(response, id === 0 ? versionsAnswer(0) : metadataAnswer(id))
      }, id5(request))
    })
    const client = await dial(listener.port)
    client.send(...[1, 2, 3, 4, 5].map(metadataFrame))
    await vi.waitFor(() => expect(client.answered()).toEqual([1, 2, 3, 4, 5]))
    expect(new Set(api.received.map(({ headers }) => headers['tidelog-connection'])).size).toBe(1)
    expect(api.received[0]!.headers['tidelog-connection']).toMatch(/^[0-9A-Z]{26}-c1$/)
    expect(api.received.every(({ headers }) => headers['tidelog-advertise'] === `127.0.0.1:${listener.port}`)).toBe(
      true,
    )
  })

  test('does not wait for another one', async () => {
    const { listener } = await start((request, response) => {
      const id = correlationOf(request)
      if (id !== 1) reply(response, id === 0 ? versionsAnswer(0) : metadataAnswer(id))
    })
    const stuck = await dial(listener.port)
    stuck.send(metadataFrame(1))
    const other = await dial(listener.port)
    other.send(metadataFrame(2))
    await vi.waitFor(() => expect(other.answered()).toEqual([2]))
    expect(stuck.answered()).toEqual([])
  })

  test('that ends its side while it waits for records is answered at once, as kcat needs it', async () => {
    const { listener } = await start((request, response) => {
      reply(response, waitedMs(request) < 60_000 ? later : fetchAnswer(correlationOf(request)))
    })
    const client = await dial(listener.port)
    client.send(fetchFrame(1, { maxWaitMs: 60_000 }))
    setTimeout(() => client.socket.end(), 100)
    await once(client.socket, 'end')
    expect(client.answered()).toEqual([1])
  })

  test('that sends acks=0 and goes away has its records written', async () => {
    const { api, listener } = await start((request, response) => {
      reply(response, correlationOf(request) === 0 ? versionsAnswer(0) : status(204))
    })
    const client = await dial(listener.port)
    client.send(produceFrame(1, 0), produceFrame(2, 0), produceFrame(3, 0))
    client.socket.end()
    await once(client.socket, 'close')
    expect(api.received.filter(({ path }) => path === '/kafka/produce').map(correlationOf)).toEqual([1, 2, 3])
    expect(client.answered()).toEqual([])
  })

  test('is cut off when its request is refused, and somebody is told', async () => {
    const problem = { type: 'about:blank', title: 'Not a frame', status: 400, detail: 'It is cut off.' }
    const { listener } = await start((request, response) => {
      reply(response, correlationOf(request) === 0 ? versionsAnswer(0) : status(400, problem))
    })
    const client = await dial(listener.port)
    client.send(metadataFrame(1), metadataFrame(2))
    await once(client.socket, 'end')
    expect(client.answered()).toEqual([])
    expect(troubles).toEqual([expect.stringContaining('400 Not a frame: It is cut off')])
  })
})

describe('the listener', () => {
  test('finishes what is under way when it is closed, parked fetches at once', async () => {
    const { listener } = await start((request, response) => {
      const id = correlationOf(request)
      if (request.path !== '/kafka/fetch')
        setTimeout(() => reply(response, id === 0 ? versionsAnswer(0) : metadataAnswer(id)), 200)
      else reply(response, waitedMs(request) < 60_000 ? later : fetchAnswer(id))
    })
    const [parked, busy] = [await dial(listener.port), await dial(listener.port)]
    parked.send(fetchFrame(1, { maxWaitMs: 60_000 }))
    busy.send(metadataFrame(2))
    await new Promise((resolve) => setTimeout(resolve, 100))
    const startedMs = performance.now()
    const closing = listener.close()
    await Promise.all([once(parked.socket, 'end'), once(busy.socket, 'end')])
    expect([parked.answered(), busy.answered()]).toEqual([[1], [2]])
    parked.socket.end()
    busy.socket.end()
    await closing
    expect(performance.now() - startedMs).toBeLessThan(5000)
  })
})

describe('the check of an address', () => {
  const check = async (respond: (request: Received, response: ServerResponse) => unknown) => {
    const api = await startFakeApi(respond)
    closers.push(() => api.close())
    const sender = openSender({ url: new URL(`http://127.0.0.1:${api.port}`) })
    closers.push(() => sender.close())
    return checkUrl(sender, '127.0.0.1:9092')
  }
  const asked421 = status(421, { title: 'Misdirected request' })

  test('accepts a deployment', async () => {
    expect(
      await check(({ path }, response) => reply(response, path.endsWith('/admin') ? versionsAnswer(0) : asked421)),
    ).toEqual({ kind: 'ok' })
  })

  test('asks again where a cold one is busy', async () => {
    let tries = 0
    const checked = await check(({ path }, response) => {
      if (!path.endsWith('/admin')) reply(response, asked421)
      else reply(response, ++tries < 3 ? status(503, { message: 'Service Unavailable' }, 0) : versionsAnswer(0))
    })
    expect(checked).toEqual({ kind: 'ok' })
  })

  test.each<[string, Answered, RegExp]>([
    [
      'somebody else',
      { ...status(200, Buffer.from('<html>'), 0), contentType: 'text/html' },
      /no Tidelog: it said 200 and text\/html/,
    ],
    ['a place without functions', status(404, { message: 'Not Found' }, 0), /no such function.+with its stage/],
    [
      'somebody who wants signatures',
      status(403, { message: 'Forbidden' }, 0),
      /wants signed requests \(403 Forbidden\)/,
    ],
    ['another API', status(200, metadataAnswer(0).body), /no Tidelog/],
  ])('tells %s in one sentence', async (_, answer, sentence) => {
    const checked = await check((__, response) => reply(response, answer))
    expect(checked).toMatchObject({ kind: 'problem', sentence: expect.stringMatching(sentence) })
    expect(checked.kind === 'problem' && checked.sentence).not.toContain('\n')
  })

  test('tells which functions are missing', async () => {
    const checked = await check(({ path }, response) => {
      if (path.endsWith('/admin')) reply(response, versionsAnswer(0))
      else reply(response, path.endsWith('/fetch') ? asked421 : status(404, { message: 'Not Found' }, 0))
    })
    expect(checked).toMatchObject({ sentence: expect.stringContaining('/kafka/produce, /kafka/coordinate') })
  })
})

/** Earlier requests take longer. */
function id5(request: Received): number {
  return Math.max(0, 5 - correlationOf(request)) * 10
}
