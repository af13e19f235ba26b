// The handlers as Lambda calls them, on memory stores: Kafka through API Gateway's events, everything that an event may not
// be, stores that fail, environments that freeze, and what CloudFormation and the table's stream send. What is refused is a
// JSON problem without a stack trace, and has written nothing.
import { createServer } from 'node:http'
import type { Context } from 'aws-lambda'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { frameHandler, noCompression } from '../../functions/handler.ts'
import { maintenanceHandler } from '../../functions/maintenance.ts'
import { topicHandler } from '../../functions/topic.ts'
import { systemClock } from '../../lib/base/clock.ts'
import type { ApiResult } from '../../lib/http/api-gateway.ts'
import { createMemoryBackend } from '../../lib/storage/memory/memory.ts'
import { observeStores, type StoreCall } from '../../lib/storage/observed.ts'
import { type FrameFunction, HTTPS_FRAME_BYTES_MAX } from '../../lib/wire/https.ts'
import { createTopics } from '../../lib/wire/messages/create-topics.ts'
import { fetch } from '../../lib/wire/messages/fetch.ts'
import { metadata } from '../../lib/wire/messages/metadata.ts'
import { produce } from '../../lib/wire/messages/produce.ts'
import { inlineCompression } from '../../lib/wire/native-compression.ts'
import { eventOf, REQUESTS, responseIn } from './support/frames.ts'

/** Before the first import: Powertools writes past the console otherwise. */
vi.hoisted(() => {
  process.env['POWERTOOLS_DEV'] = 'true'
})

const WRITES = ['put', 'append', 'putChunk', 'beginSeal', 'delete']

const contextOf = (remainingMs = 30_000): Context => {
  const endsAt = Date.now() + remainingMs
  return {
    functionName: 'test',
    functionVersion: '1',
    invokedFunctionArn: 'arn',
    memoryLimitInMB: '1024',
    awsRequestId: 'invocation-1',
    getRemainingTimeInMillis: () => endsAt - Date.now(),
  } as Context
}

/** One deployment, and its functions as separate environments. */
function deployment() {
  const backend = createMemoryBackend()
  const calls: StoreCall[] = []
  let broken = false
  const openDeployment = () => {
    const stores = observeStores(backend.open(), (call) => calls.push(call), systemClock)
    const { journal } = stores
    const readHead: typeof journal.readHead = async () =>
      broken ? { kind: 'unavailable', throttled: false, cause: 'secret cause' } : journal.readHead()
    const identify = async () => {
      await journal.init()
      return { kind: 'ready', clusterId: 'cluster' } as const
    }
    return { stores: { ...stores, journal: { ...journal, readHead } }, identify }
  }
  const options = { compression: inlineCompression, openDeployment }
  const functions = {
    produce: frameHandler('produce', options),
    fetch: frameHandler('fetch', options),
    coordinate: frameHandler('coordinate', { ...options, compression: noCompression }),
    admin: frameHandler('admin', { ...options, compression: noCompression }),
  }
  return {
    options,
    maintenance: maintenanceHandler(options),
    topic: topicHandler(options),
    breakStores: (now: boolean) => {
      broken = now
    },
    writes: () => calls.filter(({ operation }) => WRITES.includes(operation)).map(({ operation }) => operation),
    forget: () => calls.splice(0),
    invoke: (name: FrameFunction, event: unknown, context = contextOf()): Promise<ApiResult> =>
      functions[name](event as Parameters<(typeof functions)['admin']>[0], context),
    post: (name: FrameFunction, body: Uint8Array, headers = {}, context = contextOf()): Promise<ApiResult> =>
      functions[name](eventOf(`/kafka/${name}`, body, headers), context),
  }
}
type Deployment = ReturnType<typeof deployment>

let lines: string[] = []
beforeEach(() => {
  lines = []
  for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, level).mockImplementation((line) => void lines.push(String(line)))
  }
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'true')
})
const closers: (() => unknown)[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  for (const close of closers.splice(0)) await close()
})

/** The problem in an answer; nothing of the inside shows in it. */
function problemIn(result: ApiResult): { status: number; title: string; detail: string } {
  expect(result.headers['content-type']).toBe('application/problem+json')
  expect(result.isBase64Encoded).toBe(false)
  expect(result.body).not.toMatch(/\bat .*[:(]\d|node_modules|\.ts\b|secret/)
  const problem = JSON.parse(result.body)
  expect(problem.status).toBe(result.statusCode)
  return problem
}

async function withTopic(): Promise<Deployment> {
  const made = deployment()
  const { statusCode, body } = await made.post('admin', REQUESTS.createTopic())
  expect(statusCode).toBe(200)
  expect(responseIn(createTopics, 5, body).topics[0]?.errorCode).toBe(0)
  return made
}

async function readAll(of: Deployment): Promise<string> {
  const { statusCode, body } = await of.post('fetch', REQUESTS.fetch(0))
  if (statusCode === 202) return ''
  const [answer] = responseIn(fetch, 11, body).responses[0]!.partitions
  return Buffer.from(answer!.records ?? []).toString('latin1')
}

describe('frames', () => {
  it('are written, read and described by three functions', async () => {
    const of = await withTopic()
    const written = await of.post('produce', REQUESTS.produce('hello'))
    expect(written).toMatchObject({ statusCode: 200, isBase64Encoded: true })
    expect(written.headers['tidelog-generation']).toMatch(/^\d+$/)
    expect(responseIn(produce, 9, written.body).responses[0]?.partitionResponses[0]).toMatchObject({
      errorCode: 0,
      baseOffset: 0,
    })
    expect(await readAll(of)).toContain('hello')
    const described = responseIn(metadata, 9, (await of.post('admin', REQUESTS.metadata())).body)
    expect(described).toMatchObject({ clusterId: 'cluster', topics: [{ name: 't', partitions: [{}] }] })
  })

  it('come through behind a stage, and with headers in any case', async () => {
    const of = await withTopic()
    const event = eventOf('/prod/kafka/admin', REQUESTS.metadata())
    const headers = { 'Content-Type': 'application/octet-stream' }
    expect(await of.invoke('admin', { ...event, headers })).toMatchObject({ statusCode: 200 })
  })

  it('leave nothing under way', async () => {
    const of = await withTopic()
    for (let i = 0; i < 40; i++) await of.post('produce', REQUESTS.produce(`${i}`))
    of.forget()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(of.writes()).toEqual([])
  })
})

describe('what is refused', () => {
  const whole = REQUESTS.produce('never written')
  const large = Buffer.alloc(HTTPS_FRAME_BYTES_MAX + 1)
  large.writeInt32BE(large.length - 4)
  const event = (body: string, isBase64Encoded = true) => ({
    ...eventOf('/kafka/produce', whole),
    body,
    isBase64Encoded,
  })
  const CASES: readonly (readonly [name: string, status: number, event: unknown])[] = [
    ['no body', 400, event('')],
    ['a body that is no frame', 400, eventOf('/kafka/produce', Buffer.from('GET / HTTP/1.1'))],
    ['base64 that lies', 400, event(`${whole.toString('base64').slice(0, 12)}*_-!`)],
    ['base64 that is cut off', 400, event(whole.toString('base64').slice(0, -3))],
    ['a body said to be text', 400, event(whole.toString('base64'), false)],
    ['a truncated frame', 400, eventOf('/kafka/produce', whole.subarray(0, whole.length - 1))],
    ['two frames', 400, eventOf('/kafka/produce', Buffer.concat([whole, whole]))],
    ['4 MiB and a byte', 413, eventOf('/kafka/produce', large)],
    ['an API of another function', 421, eventOf('/kafka/produce', REQUESTS.metadata())],
    ['an unknown function', 404, eventOf('/kafka/nonsense', whole)],
    ['another content type', 415, eventOf('/kafka/produce', whole, { 'content-type': 'text/plain' })],
    ['a request id that is none', 400, eventOf('/kafka/produce', whole, { 'tidelog-request-id': '1-x' })],
    ['another method', 405, { ...eventOf('/kafka/produce', whole), requestContext: { http: { method: 'GET' } } }],
    ['an event of another kind', 400, { Records: [] }],
    ['an event with a number for a body', 400, { ...eventOf('/kafka/produce', whole), body: 7 }],
    ['nothing', 400, undefined],
  ]
  it.each(CASES)('%s', async (_name, status, sent) => {
    const of = await withTopic()
    of.forget()
    expect(problemIn(await of.invoke('produce', sent)).status).toBe(status)
    expect(of.writes()).toEqual([])
    expect(await readAll(of)).toBe('')
  })

  it('a request id that was used for another frame, here and in another environment', async () => {
    const of = await withTopic()
    const first = await of.post('admin', REQUESTS.metadata())
    const id = { 'tidelog-request-id': `${first.headers['tidelog-generation']}-01JD0000000000000000000001` }
    expect((await of.post('produce', REQUESTS.produce('one'), id)).statusCode).toBe(200)
    expect(problemIn(await of.post('produce', REQUESTS.produce('two'), id)).status).toBe(409)
    const elsewhere = frameHandler('produce', of.options)
    const event = eventOf('/kafka/produce', REQUESTS.produce('two'), id)
    expect(problemIn(await elsewhere(event, contextOf())).status).toBe(409)
    const records = await readAll(of)
    expect([records.includes('one'), records.includes('two')]).toEqual([true, false])
  })

  it('everything while the stores do not answer, and nothing once they do again', async () => {
    const of = deployment()
    of.breakStores(true)
    const startedAt = performance.now()
    expect(problemIn(await of.post('admin', REQUESTS.metadata(), {}, contextOf(2500))).status).toBe(504)
    expect(performance.now() - startedAt).toBeLessThan(2500)
    expect(problemIn(await of.post('admin', REQUESTS.metadata())).status).toBe(503)
    of.breakStores(false)
    expect((await of.post('admin', REQUESTS.createTopic())).statusCode).toBe(200)
  })

  it('a defect: its trace is in the log and not in the answer', async () => {
    const of = deployment()
    const handler = frameHandler('admin', {
      ...of.options,
      openDeployment: () => {
        throw new Error('secret defect')
      },
    })
    const problem = problemIn(await handler(eventOf('/kafka/admin', REQUESTS.metadata()), contextOf()))
    expect(problem).toMatchObject({ status: 500, title: 'Internal error' })
    expect(lines.join()).toContain('secret defect')
    vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false')
    await handler(eventOf('/kafka/admin', REQUESTS.metadata()), contextOf())
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ api: 'None', Requests: 1, Errors: 1 })
  })

  it('all of it in a function that was not told where the log is', async () => {
    vi.stubEnv('TIDELOG_BUCKET', '')
    const { handler } = await import('../../functions/coordinate.ts')
    const answer = await handler(eventOf('/kafka/coordinate', REQUESTS.metadata()), contextOf())
    expect(problemIn(answer).status).toBe(500)
  })
})

describe('an environment', () => {
  it('that slept does not serve an old view', async () => {
    const of = await withTopic()
    await of.post('produce', REQUESTS.produce('early'))
    expect(await readAll(of)).toContain('early')
    const other = frameHandler('produce', of.options)
    await other(eventOf('/kafka/produce', REQUESTS.produce('late')), contextOf())
    const { body } = await of.post('fetch', REQUESTS.fetch(1))
    expect(Buffer.from(responseIn(fetch, 11, body).responses[0]!.partitions[0]!.records!).includes('late')).toBe(true)
  })

  it('writes one line of metrics per invocation, where they are switched on', async () => {
    vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false')
    const of = await withTopic()
    lines = []
    await of.post('admin', REQUESTS.metadata())
    const emf = lines.filter((line) => line.includes('CloudWatchMetrics')).map((line) => JSON.parse(line))
    expect(emf).toHaveLength(1)
    expect(emf[0]).toMatchObject({ function: 'admin', api: 'Metadata', Requests: 1, Errors: 0 })
    expect(emf[0].Duration).toBeGreaterThan(0)
    lines = []
    await of.invoke('admin', eventOf('/kafka/admin', Buffer.from('x')))
    const refused = lines.filter((line) => line.includes('CloudWatchMetrics')).map((line) => JSON.parse(line))
    expect(refused).toMatchObject([{ api: 'None', Errors: 1 }])
  })

  it('says nothing where all went well, and with which request where it did not', async () => {
    const of = await withTopic()
    await of.post('admin', REQUESTS.metadata())
    expect(lines).toEqual([])
    await of.invoke('admin', eventOf('/kafka/admin', Buffer.from('x'), { 'tidelog-connection': 'c1' }))
    expect(JSON.parse(lines[0]!)).toMatchObject({ status: 400, connection: 'c1', function_request_id: 'invocation-1' })
  })
})

describe('maintenance', () => {
  const record = { eventSource: 'aws:dynamodb', dynamodb: { SequenceNumber: '111', Keys: {} } }
  it('takes what the stream and the schedule send', async () => {
    const of = await withTopic()
    for (const event of [{ Records: [record, record] }, { source: 'aws.scheduler' }, {}]) {
      expect(await of.maintenance(event as never, contextOf())).toEqual({ batchItemFailures: [] })
    }
  })

  it('asks for the batch again when it could not look at the journal', async () => {
    const of = await withTopic()
    await of.maintenance({}, contextOf())
    of.breakStores(true)
    const answer = await of.maintenance({ Records: [record] } as never, contextOf())
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: '111' }] })
  })
})

describe('a topic of CloudFormation', () => {
  async function cloudFormation(of: Deployment) {
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1')
    const answers: Record<string, unknown>[] = []
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (piece) => {
        body += piece
      })
      request.on('end', () => {
        answers.push(JSON.parse(body))
        response.end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => server.close())
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    return async (RequestType: string, properties: object, more: object = {}): Promise<Record<string, unknown>> => {
      const event = {
        RequestType,
        ResponseURL: `http://127.0.0.1:${port}/answer`,
        StackId: 'arn:stack',
        RequestId: `request-${answers.length}`,
        LogicalResourceId: 'Orders',
        ResourceType: 'Custom::TidelogTopic',
        ResourceProperties: { ServiceToken: 'arn:function', ...properties },
        ...more,
      }
      const before = answers.length
      await of.topic(event as never, contextOf())
      expect(answers).toHaveLength(before + 1)
      return answers[before]!
    }
  }

  it('is made, raised, refused fewer partitions, and deleted; numbers come as text', async () => {
    const of = deployment()
    const ask = await cloudFormation(of)
    const properties = {
      TopicName: 't',
      Partitions: '2',
      Configs: { 'retention.ms': '1000' },
      RemovalPolicy: 'DESTROY',
    }
    const made = await ask('Create', properties)
    expect(made).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 't', Data: { TopicName: 't', Partitions: 2 } })
    const physical = { PhysicalResourceId: 't' }
    const more = { ...physical, OldResourceProperties: properties }
    expect(await ask('Update', { ...properties, Partitions: '4' }, more)).toMatchObject({ Data: { Partitions: 4 } })
    const fewer = await ask('Update', { ...properties, Partitions: '3' }, more)
    expect(fewer).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('has 4 partitions') })
    expect(await ask('Delete', properties, physical)).toMatchObject({ Status: 'SUCCESS' })
    const described = responseIn(metadata, 9, (await of.post('admin', REQUESTS.metadata())).body)
    expect(described.topics[0]?.errorCode).toBe(3)
  })

  it.each([
    [{ TopicName: 't', Partitions: 'many' }, 'Partitions is a whole number'],
    [{ TopicName: 't' }, 'Partitions'],
    [{ Partitions: '1' }, 'TopicName is the name of a topic'],
    [{ TopicName: 't', Partitions: '1', RemovalPolicy: 'SNAPSHOT' }, 'RemovalPolicy is RETAIN or DESTROY'],
    [{ TopicName: 't', Partitions: '1', Partition: '2' }, 'There is no property Partition.'],
    [{ TopicName: 't', Partitions: '1', Configs: { 'retention.ms': ['x'] } }, 'Configs.retention.ms is a text'],
    [{ TopicName: 't', Partitions: '1', Configs: { 'no.such': 'x' } }, 'Unknown topic config name: no.such'],
  ])('says what is wrong with %j', async (properties, sentence) => {
    const of = deployment()
    const ask = await cloudFormation(of)
    const failed = await ask('Create', properties)
    expect(failed).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining(sentence) })
    const gone = await ask('Delete', properties, { PhysicalResourceId: failed['PhysicalResourceId'] })
    expect(gone).toMatchObject({ Status: 'SUCCESS' })
  })

  it('is answered when the log cannot be opened', async () => {
    const of = deployment()
    const ask = await cloudFormation({
      ...of,
      topic: topicHandler({
        ...of.options,
        openDeployment: () => {
          throw new Error('secret')
        },
      }),
    })
    const failed = await ask('Create', { TopicName: 't', Partitions: '1' })
    expect(failed).toMatchObject({ Status: 'FAILED', PhysicalResourceId: 't' })
    expect(JSON.stringify(failed)).not.toContain('secret')
  })
})

it('takes a frame of exactly 4 MiB, of which Kafka says what it thinks', async () => {
  const of = await withTopic()
  let text = 'x'.repeat(HTTPS_FRAME_BYTES_MAX - 256)
  text += 'x'.repeat(HTTPS_FRAME_BYTES_MAX - REQUESTS.produce(text).length)
  expect(REQUESTS.produce(text)).toHaveLength(HTTPS_FRAME_BYTES_MAX)
  const { statusCode, body } = await of.post('produce', REQUESTS.produce(text))
  expect(statusCode).toBe(200)
  const MESSAGE_TOO_LARGE = 10
  expect(responseIn(produce, 9, body).responses[0]?.partitionResponses[0]?.errorCode).toBe(MESSAGE_TOO_LARGE)
})
