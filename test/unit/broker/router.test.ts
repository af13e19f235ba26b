// The router: what closes a connection, what a broken invariant becomes, and what metrics are told.
import { describe, expect, test } from 'vitest'
import type { BrokerConnection } from '../../../lib/broker/broker.ts'
import { firstErrorCode } from '../../../lib/broker/row.ts'
import { ErrorCode } from '../../../lib/wire/errors.ts'
import { encodeRequestFrame } from '../../../lib/wire/frame.ts'
import { apiVersions } from '../../../lib/wire/messages/api-versions.ts'
import { describeConfigs } from '../../../lib/wire/messages/describe-configs.ts'
import { fetch } from '../../../lib/wire/messages/fetch.ts'
import { initProducerId } from '../../../lib/wire/messages/init-producer-id.ts'
import { metadata } from '../../../lib/wire/messages/metadata.ts'
import { produce } from '../../../lib/wire/messages/produce.ts'
import { batch, connect, rawFrame, responseOf, world } from './support/world.ts'

const PRODUCE = 0
const METADATA = 3

describe('what closes the connection', () => {
  const frames: [string, Uint8Array][] = [
    ['an empty frame', new Uint8Array(0)],
    ['half a header', Uint8Array.of(0, 3, 0)],
    ['an unknown API', rawFrame(999, 0)],
    ['a negative API', rawFrame(-1, 0)],
    ['an API between brokers', rawFrame(4, 0)],
    ['WriteTxnMarkers, which no client may send', rawFrame(27, 1)],
    ['a version above the range', rawFrame(METADATA, 14, new Uint8Array(50))],
    ['a negative version', rawFrame(METADATA, -1, new Uint8Array(50))],
    ['Produce 0, advertised but not served', rawFrame(PRODUCE, 0, new Uint8Array(50))],
    ['Produce 2, advertised but not served', rawFrame(PRODUCE, 2, new Uint8Array(50))],
    ['Fetch 3', rawFrame(1, 3, new Uint8Array(50))],
    ['an array of 2^31-1 topics', rawFrame(METADATA, 1, Uint8Array.of(0x7f, 0xff, 0xff, 0xff))],
    ['a body that ends too early', rawFrame(PRODUCE, 7, Uint8Array.of(0xff))],
    ['random bytes', Uint8Array.from({ length: 300 }, (_, i) => (i * 7919) % 251)],
  ]
  test.each(frames)('%s', async (_name, frame) => {
    const w = world()
    expect(await responseOf(w.broker.handle(frame, connect()))).toMatchObject({ kind: 'close' })
    expect(w.reports).toMatchObject([{ result: 'close', errorCode: -1, bytesOut: 0, bytesIn: frame.length }])
    expect(w.errors).toEqual([])
    expect((await w.ask(metadata, 12, { topics: [] })).brokers).toHaveLength(1)
  })
})

// As in Kafka: librdkafka 2.16 sends three bytes too many.
test('bytes behind the body are ignored', async () => {
  const w = world()
  const frame = encodeRequestFrame(metadata, 4, { correlationId: 1, clientId: null }, { topics: [] })
  const longer = Buffer.concat([...frame, Buffer.alloc(3)])
  expect(await responseOf(w.broker.handle(longer, connect()))).toMatchObject({ kind: 'send' })
})

describe('broken invariants', () => {
  test('are answered with UNKNOWN_SERVER_ERROR and logged where the response has room', async () => {
    const w = world()
    await w.topic('t')
    const bug = new Error('a bug')
    w.log.append = () => {
      throw bug
    }
    w.log.fetch = async () => {
      throw bug
    }
    const partitionData = [{ index: 0, records: batch(['a'], w.clock.now()) }]
    const produced = w.start(produce, 11, { acks: -1, timeoutMs: 1000, topicData: [{ name: 't', partitionData }] })
    await produced.admitted
    expect((await produced.response).responses[0]!.partitionResponses[0]!.errorCode).toBe(-1)
    const fetched = await w.ask(fetch, 11, {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }] }],
    })
    expect(fetched.errorCode).toBe(ErrorCode.UNKNOWN_SERVER_ERROR)
    expect(w.errors).toHaveLength(2)
    expect(w.errors[0]).toMatchObject({ err: bug, api: 'Produce' })
    expect(w.reports.map((report) => report.errorCode)).toEqual([-1, -1])
  })

  test('close the connection where it has not', async () => {
    const w = world()
    w.log.refresh = async () => {
      throw new Error('a bug')
    }
    const resources = [{ resourceType: 2, resourceName: 't', configurationKeys: null }]
    expect(await w.start(describeConfigs, 4, { resources }).raw).toMatchObject({ kind: 'close' })
    expect(w.errors).toHaveLength(1)
  })
})

test('every request but Produce is admitted with its answer', async () => {
  const w = world()
  let release = (): void => {}
  const hold = new Promise<void>((resolve) => {
    release = resolve
  })
  w.members.refresh = () => hold
  const started = w.start(metadata, 12, { topics: [] })
  let admitted = false
  void started.admitted.then(() => {
    admitted = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(admitted).toBe(false)
  release()
  await started.response
  await started.admitted
})

test('reports what was asked and answered', async () => {
  const w = world()
  const { raw } = w.start(initProducerId, 4, { transactionalId: '', transactionTimeoutMs: 0 })
  const response = await raw
  const bytesOut = response.kind === 'send' ? Buffer.concat(response.buffers).length : 0
  expect(w.reports).toEqual([
    {
      apiName: 'InitProducerId',
      version: 4,
      result: 'send',
      errorCode: ErrorCode.INVALID_REQUEST,
      durationMs: 0,
      bytesIn: expect.any(Number),
      bytesOut,
    },
  ])
})

test('the first error of a response is found at any depth', () => {
  expect(firstErrorCode({ topics: [{ errorCode: 0, partitions: [{ errorCode: 0 }, { errorCode: 5 }] }] })).toBe(5)
  expect(firstErrorCode({ errorCode: 3, topics: [] })).toBe(3)
  expect(firstErrorCode({ ids: [1, 2], records: [new Uint8Array(3)], name: null, errorCode: 0 })).toBe(0)
})

test('ApiVersions in a version that is too new is answered in version 0', async () => {
  const w = world()
  for (const version of [5, 99, -1]) {
    const response = await responseOf(
      w.broker.handle(rawFrame(apiVersions.key, version, Uint8Array.of(0, 1, 2)), connect()),
    )
    const bytes = response.kind === 'send' ? Buffer.concat(response.buffers) : Buffer.alloc(0)
    // Correlation id, error 35, one key: 18 from 0 to 4.
    expect(bytes.toString('hex')).toBe('0000004d' + '0023' + '00000001' + '0012' + '0000' + '0004')
  }
})

test("the memory of an answer is the door's to give back where the door says so, and free at once where it does not", async () => {
  const w = world()
  const topic = await w.topic('t')
  let released = 0
  const { fetch: fetchFrom } = w.log
  const provens: (boolean | undefined)[] = []
  w.log.fetch = async (request) => {
    provens.push(request.proven)
    request.takeOver?.(() => released++)
    if (provens.length === 3) throw new Error('broken')
    return fetchFrom(request)
  }
  const ask = (connection: BrokerConnection) => {
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100 }]
    return w.start(fetch, 13, { maxWaitMs: 0, minBytes: 0, topics: [{ topicId: topic.id, partitions }] }, connection)
      .raw
  }
  expect(await ask(connect())).not.toHaveProperty('written')
  const slow: BrokerConnection = { ...connect(), delivery: { isProven: () => true } }
  const second = await ask(slow)
  const third = await ask(slow)
  expect([provens, released]).toEqual([[false, true, true], 0])
  for (const response of [second, third]) if (response.kind === 'send') response.written?.()
  expect(released).toBe(2)
})
