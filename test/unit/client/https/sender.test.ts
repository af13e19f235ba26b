// One POST per call, over real sockets: what it says, how it is signed, whose memory its answer takes, and what is made of
// everything that can go wrong on the way.
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type AnswerMemory,
  openSender,
  readUrl,
  type SenderOptions,
  type Sent,
} from '../../../../lib/client/https/sender.ts'
import { createSigner, scopeInHost } from '../../../../lib/client/https/signing.ts'
import { authorizationOf, type FakeApi, type Received, startFakeApi } from './fake-api.ts'

const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const FRAME = Buffer.from('a frame of some bytes')
const closers: (() => unknown)[] = []

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', undefined)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  for (const close of closers.splice(0).reverse()) await close()
})

async function api(respond: (request: Received, response: ServerResponse) => unknown): Promise<FakeApi> {
  const started = await startFakeApi(respond)
  closers.push(() => started.close())
  return started
}

function sender(url: string, more: Partial<SenderOptions> = {}) {
  const read = readUrl(url)
  if (read.kind === 'problem') throw new Error(read.sentence)
  const opened = openSender({ url: read.url, ...more })
  closers.push(() => opened.close())
  return opened
}

const REQUEST = { functionName: 'fetch', frame: FRAME, connection: 'c1', advertise: '127.0.0.1:9092' } as const
const fine = (_: Received, response: ServerResponse) =>
  response.writeHead(200, { 'tidelog-generation': '12', 'content-type': 'application/octet-stream' }).end('an answer')

function answered(sent: Sent) {
  if (sent.kind !== 'answered') throw new Error(JSON.stringify(sent))
  return sent
}

describe('what is sent', () => {
  test('is the frame with its length, and headers that say what it belongs to', async () => {
    const { port, received } = await api(fine)
    const send = sender(`http://127.0.0.1:${port}/stage/`).send
    const sent = answered(await send({ ...REQUEST, requestId: '12-01ARZ3NDEKTSV4RRFFQ69G5FAV', waitedMs: 250 }))
    expect(sent).toMatchObject({ status: 200, generation: 12, signedAs: undefined })
    expect(Buffer.from(sent.body).toString()).toBe('an answer')
    const prefix = Buffer.from([0, 0, 0, FRAME.length])
    expect(received).toMatchObject([
      {
        method: 'POST',
        path: '/stage/kafka/fetch',
        body: Buffer.concat([prefix, FRAME]),
        headers: {
          host: `127.0.0.1:${port}`,
          'content-type': 'application/octet-stream',
          'content-length': String(FRAME.length + 4),
          'tidelog-request-id': '12-01ARZ3NDEKTSV4RRFFQ69G5FAV',
          'tidelog-connection': 'c1',
          'tidelog-advertise': '127.0.0.1:9092',
          'tidelog-waited-ms': '250',
        },
      },
    ])
    expect(received[0]!.headers['authorization']).toBeUndefined()
  })

  test('goes over one connection, which stays open', async () => {
    const { port, received } = await api(fine)
    const { send } = sender(`http://127.0.0.1:${port}`)
    for (let i = 0; i < 3; i++) await send(REQUEST)
    expect(new Set(received.map((request) => request.port)).size).toBe(1)
  })

  test('reaches names below localhost, which the system may not know', async () => {
    const { port, received } = await api(fine)
    const host = `abc123.execute-api.localhost:${port}`
    answered(await sender(`http://${host}`).send(REQUEST))
    expect(received[0]!.headers.host).toBe(host)
  })

  test.each(['abc', 'ftp://example.org', 'https://', 'https://example.org/?a=b', 'https://me@example.org'])(
    'does not go to %s',
    (text) => {
      expect(readUrl(text)).toMatchObject({ kind: 'problem', sentence: expect.stringContaining('https://abc123') })
    },
  )
})

describe('signing', () => {
  const scope = { key: KEYS.accessKeyId, secret: KEYS.secretAccessKey }

  test('over HTTP happens where credentials are given, anew for each try, over the body and our headers', async () => {
    const { port, received } = await api(fine)
    const { send } = sender(`http://127.0.0.1:${port}/a stage`, { credentials: KEYS, region: 'eu-west-1' })
    const request = { ...REQUEST, requestId: '12-01ARZ3NDEKTSV4RRFFQ69G5FAV', waitedMs: 0 }
    expect(answered(await send(request)).signedAs).toBe(KEYS.accessKeyId)
    await send({ ...request, waitedMs: 50 })
    const signatures = received.map(({ headers }) => headers['authorization'])
    for (const [i, one] of received.entries()) {
      expect(signatures[i]).toBe(authorizationOf(one, { ...scope, region: 'eu-west-1', service: 'execute-api' }))
    }
    expect(signatures[0]).not.toBe(signatures[1])
    expect(signatures[0]).toMatch(
      /SignedHeaders=content-type;host;tidelog-advertise;tidelog-connection;tidelog-request-id;/,
    )
  })

  test('over HTTP happens where they stand in the environment', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', KEYS.accessKeyId)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', KEYS.secretAccessKey)
    vi.stubEnv('AWS_SESSION_TOKEN', 'a token')
    vi.stubEnv('AWS_REGION', undefined)
    const { port, received } = await api(fine)
    await sender(`http://127.0.0.1:${port}`).send(REQUEST)
    const [one] = received
    expect(one!.headers['x-amz-security-token']).toBe('a token')
    const wanted = authorizationOf(one!, { ...scope, region: 'us-east-1', service: 'execute-api' })
    expect(one!.headers['authorization']).toBe(wanted)
  })

  test.each([
    ['https://abc123.execute-api.eu-north-1.amazonaws.com/', 'execute-api', 'eu-north-1'],
    ['https://abc123.lambda-url.eu-north-1.on.aws/', 'lambda', 'eu-north-1'],
    ['https://log.example.org/', 'execute-api', 'ap-south-1'],
  ])('of %s names service and region, and always happens', async (url, service, region) => {
    vi.stubEnv('AWS_REGION', 'ap-south-1')
    const now = () => new Date('2026-05-04T03:02:01.987Z')
    const signed = await createSigner({ url: new URL(url), credentials: KEYS, now })({
      method: 'POST',
      path: '/kafka/produce',
      headers: { host: new URL(url).host },
      body: [Buffer.from('a '), Buffer.from('body')],
    })
    if (signed.kind === 'problem') throw new Error(signed.sentence)
    const { headers } = signed
    expect(headers['x-amz-date']).toBe('20260504T030201Z')
    const request = { method: 'POST', path: '/kafka/produce', headers, body: Buffer.from('a body') }
    expect(headers['authorization']).toBe(authorizationOf(request, { ...scope, service, region }))
  })

  test('credentials that a function gives are asked for with each request', async () => {
    const { port, received } = await api(fine)
    let calls = 0
    const credentials = async () => ({ ...KEYS, accessKeyId: `AKID${++calls}` })
    const { send } = sender(`http://127.0.0.1:${port}`, { credentials, region: 'eu-west-1' })
    await send(REQUEST)
    await send(REQUEST)
    expect(received.map(({ headers }) => /Credential=(\w+)/.exec(headers['authorization'] ?? '')?.[1])).toEqual([
      'AKID1',
      'AKID2',
    ])
  })

  test('without credentials is one sentence, and the next try looks again', async () => {
    let found = false
    const credentials = async () => {
      if (found) return KEYS
      throw new Error('Could not load credentials from any providers')
    }
    const { port, received } = await api(fine)
    const { send } = sender(`http://127.0.0.1:${port}`, { credentials, region: 'eu-west-1' })
    const sent = await send(REQUEST)
    expect(sent).toMatchObject({
      kind: 'unsigned',
      sentence: expect.stringMatching(/^There are no AWS credentials[^\n]+$/),
    })
    expect(received).toHaveLength(0)
    found = true
    answered(await send(REQUEST))
  })

  test('knows hosts of other partitions, and emulators', () => {
    expect(scopeInHost('a.execute-api.cn-north-1.amazonaws.com.cn').region).toBe('cn-north-1')
    expect(scopeInHost('abc.execute-api.localhost').region).toBeUndefined()
    expect(scopeInHost('execute-api.evil.example.org').region).toBeUndefined()
  })
})

describe('answers', () => {
  test('without a generation are not ours', async () => {
    const { port } = await api((_, response) => response.writeHead(200, { 'tidelog-generation': 'x' }).end('hello'))
    expect(answered(await sender(`http://127.0.0.1:${port}`).send(REQUEST)).generation).toBeUndefined()
  })

  test('are read when there is memory for them', async () => {
    const { port } = await api((_, response) =>
      response.writeHead(200, { 'content-length': '1000' }).end(Buffer.alloc(1000)),
    )
    const log: string[] = []
    const free = Promise.withResolvers<void>()
    const memory: AnswerMemory = {
      acquire: (sizeBytes) => {
        log.push(`acquire ${sizeBytes}`)
        return free.promise
      },
      release: (sizeBytes) => void log.push(`release ${sizeBytes}`),
    }
    const sending = sender(`http://127.0.0.1:${port}`, { memory }).send(REQUEST)
    await vi.waitFor(() => expect(log).toEqual(['acquire 1000']))
    free.resolve()
    const sent = answered(await sending)
    expect(sent.body.length).toBe(1000)
    sent.release()
    sent.release()
    expect(log).toEqual(['acquire 1000', 'release 1000'])
  })

  test('that break off while they wait for memory give it back', async () => {
    const broken = Promise.withResolvers<void>()
    const { port } = await api((_, response) => {
      response.writeHead(200, { 'content-length': '1000' }).write('half')
      void broken.promise.then(() => response.destroy())
    })
    const free = Promise.withResolvers<void>()
    let heldBytes = 0
    const memory: AnswerMemory = {
      acquire: (sizeBytes) => {
        broken.resolve()
        return free.promise.then(() => {
          heldBytes += sizeBytes
        })
      },
      release: (sizeBytes) => {
        heldBytes -= sizeBytes
      },
    }
    const sending = sender(`http://127.0.0.1:${port}`, { memory }).send(REQUEST)
    await broken.promise
    setTimeout(free.resolve, 100)
    expect(await sending).toMatchObject({ kind: 'lost' })
    expect(heldBytes).toBe(0)
  })

  test.each<[string, (response: ServerResponse) => unknown, RegExp, number?]>([
    ['a connection that breaks', (response) => response.destroy(), /hang up|reset/],
    [
      'an answer that breaks off',
      (response) => {
        response.writeHead(200, { 'content-length': '1000' }).write('half')
        setTimeout(() => response.destroy(), 20)
      },
      /aborted|terminated|premature/i,
    ],
    [
      'an answer without end',
      (response) => {
        response.writeHead(200)
        const more = (): unknown => response.writable && response.write(Buffer.alloc(1 << 20), () => setImmediate(more))
        more()
      },
      /longer than/,
    ],
    ['no answer', () => {}, /no answer within 0.3 s/, 300],
  ])('%s is lost', async (_, respond, reason, exchangeMsMax = 20_000) => {
    const { port } = await api((_, response) => respond(response))
    const held: number[] = []
    const memory: AnswerMemory = {
      acquire: async (sizeBytes) => void held.push(sizeBytes),
      release: (sizeBytes) => void held.splice(held.indexOf(sizeBytes), 1),
    }
    const sent = await sender(`http://127.0.0.1:${port}`, { memory, exchangeMsMax }).send(REQUEST)
    expect(sent).toMatchObject({ kind: 'lost', reason: expect.stringMatching(reason) })
    expect(held).toEqual([])
  })

  test('nobody there, or nobody of that name, is said so', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    await new Promise((resolve) => server.close(resolve))
    expect(await sender(`http://127.0.0.1:${port}`).send(REQUEST)).toEqual({
      kind: 'lost',
      reason: `nothing listens on 127.0.0.1:${port}`,
    })
    expect(await sender('http://tidelog.invalid').send(REQUEST)).toEqual({
      kind: 'lost',
      reason: 'there is no host named tidelog.invalid',
    })
  })

  test('a connection that does not come about is given up early', async () => {
    const server = createServer(() => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => server.close())
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    const { send } = sender(`https://127.0.0.1:${port}`, { credentials: KEYS, region: 'eu-west-1', connectMsMax: 200 })
    expect(await send(REQUEST)).toEqual({ kind: 'lost', reason: 'no connection within 0.2 s' })
  })

  test('a server that speaks no HTTP is lost, not fatal', async () => {
    const server = createServer((socket) => socket.on('data', () => socket.end('this is no HTTP\r\n\r\n')))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => new Promise((resolve) => server.close(resolve)))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    expect(await sender(`http://127.0.0.1:${port}`).send(REQUEST)).toMatchObject({ kind: 'lost' })
  })
})
