// Kafka frames over HTTPS, through the runtime that a Lambda function keeps, on memory stores: what goes through, what an
// envelope may not be, what a repeat finds, and that nothing refused was written.
import { describe, expect, it, vi } from 'vitest'
import { GENERATION_AGE_MS_MAX } from '../../../lib/base/limits.ts'
import { silentLogger } from '../../../lib/base/logger.ts'
import { systemRandom } from '../../../lib/base/random.ts'
import { createFrameDoor } from '../../../lib/http/frame-door.ts'
import { createAnswerMemory } from '../../../lib/http/remembered-answers.ts'
import { buildPlainBatch } from '../../../lib/wire/build-batch.ts'
import { type FrameFunction, HTTPS_FRAME_BYTES_MAX } from '../../../lib/wire/https.ts'
import { apiVersions } from '../../../lib/wire/messages/api-versions.ts'
import { describeConfigs } from '../../../lib/wire/messages/describe-configs.ts'
import { fetch } from '../../../lib/wire/messages/fetch.ts'
import { metadata } from '../../../lib/wire/messages/metadata.ts'
import { produce } from '../../../lib/wire/messages/produce.ts'
import {
  body,
  call,
  decoded,
  endOffset,
  fetchRequest,
  post,
  problemIn,
  produceRequest,
  ULID,
  withTopic,
} from './support/frames.ts'

describe('frames over HTTPS', () => {
  it('carries what a client does, through different environments', async () => {
    const { open, runtime } = await withTopic()
    const other = await open()
    expect(
      (await call(runtime, apiVersions, 3, { clientSoftwareName: 'x', clientSoftwareVersion: '1' })).errorCode,
    ).toBe(0)
    const written = await call(other, produce, 9, produceRequest('hello'))
    expect(written.responses[0]!.partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: 0 })
    const read = await call(runtime, fetch, 11, fetchRequest(0))
    expect(read.responses[0]!.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 1 })
    expect(Buffer.from(read.responses[0]!.partitions[0]!.records!).includes('hello')).toBe(true)
    await Promise.all([runtime.settle(), other.settle()])
  })

  it('tells a client the address of its own listener, or one that nobody can dial', async () => {
    const { runtime } = await withTopic()
    const request = { topics: null, allowAutoTopicCreation: false }
    const told = await call(runtime, metadata, 4, request, { 'tidelog-advertise': '127.0.0.1:19092' })
    expect(told.brokers).toMatchObject([{ nodeId: 1, host: '127.0.0.1', port: 19092 }])
    expect(told.topics[0]!.partitions[0]!.leaderId).toBe(1)
    const untold = await call(runtime, metadata, 4, request)
    expect(untold.brokers[0]!.host).toBe('tidelog.invalid')
  })

  it('announces its limits in the configs of the broker', async () => {
    const { runtime } = await withTopic()
    const configurationKeys = ['socket.request.max.bytes', 'fetch.max.bytes']
    const told = await call(runtime, describeConfigs, 2, {
      resources: [{ resourceType: 4, resourceName: '1', configurationKeys }],
      includeSynonyms: false,
    })
    const values = told.results[0]!.configs.map(({ name, value }) => [name, Number(value)])
    expect(values.toSorted()).toEqual([
      ['fetch.max.bytes', HTTPS_FRAME_BYTES_MAX],
      ['socket.request.max.bytes', HTTPS_FRAME_BYTES_MAX],
    ])
  })

  it('says the generation with every answer', async () => {
    const { runtime } = await withTopic()
    const good = await post(runtime, 'admin', body(apiVersions, 0, {}))
    const bad = await post(runtime, 'admin', Buffer.from('nonsense'))
    expect(good.headers['tidelog-generation']).toBe('1')
    expect(bad.headers['tidelog-generation']).toBe('1')
  })

  it('does not tell a generation that it learned long ago', async () => {
    const { open, runtime } = await withTopic()
    const other = await open()
    for (let i = 0; i < 20; i++) await call(other, produce, 9, produceRequest('x'))
    await other.settle()
    const versions = body(apiVersions, 0, {})
    expect((await post(runtime, 'admin', versions)).headers['tidelog-generation']).toBe('1')
    const later = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 2 * GENERATION_AGE_MS_MAX)
    runtime.clock.resume()
    later.mockRestore()
    expect((await post(runtime, 'admin', versions)).headers['tidelog-generation']).toBe('2')
  })

  it('writes acks=0 and answers nothing', async () => {
    const { runtime } = await withTopic()
    expect(await post(runtime, 'produce', body(produce, 9, produceRequest('quiet', 0)))).toMatchObject({
      status: 204,
      body: '',
    })
    expect(await endOffset(runtime)).toBe(1)
  })

  it('says later instead of waiting, until the wait is over', async () => {
    const { runtime } = await withTopic()
    const sent = body(fetch, 11, fetchRequest(0))
    const startedAt = performance.now()
    expect((await post(runtime, 'fetch', sent)).status).toBe(202)
    expect((await post(runtime, 'fetch', sent, { 'tidelog-waited-ms': '499' })).status).toBe(202)
    const over = decoded(fetch, 11, await post(runtime, 'fetch', sent, { 'tidelog-waited-ms': '500' }))
    expect(over.responses[0]!.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 0 })
    expect(over.responses[0]!.partitions[0]!.records!.length).toBe(0)
    expect(performance.now() - startedAt).toBeLessThan(400)
    await call(runtime, produce, 9, produceRequest('x'))
    const few = body(fetch, 11, fetchRequest(0, { minBytes: 1000 }))
    expect((await post(runtime, 'fetch', few)).status).toBe(202)
    const outOfRange = await call(runtime, fetch, 11, fetchRequest(99))
    expect(outOfRange.responses[0]!.partitions[0]!.errorCode).toBe(1)
  })

  it('keeps an answer within 4 MiB', async () => {
    const { runtime } = await withTopic()
    const large = Buffer.alloc(900_000, 7).toString('latin1')
    for (let i = 0; i < 6; i++) await call(runtime, produce, 9, produceRequest(large))
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 50_000_000 }]
    const request = fetchRequest(0, { maxBytes: 50_000_000, topics: [{ topic: 't', partitions }] })
    const response = await post(runtime, 'fetch', body(fetch, 11, request))
    const bytes = (response.body as Uint8Array).length
    expect(bytes).toBeGreaterThan(3_600_000)
    expect(bytes).toBeLessThanOrEqual(HTTPS_FRAME_BYTES_MAX)
    // Nobody waits for more than an answer can hold.
    expect((await post(runtime, 'fetch', body(fetch, 11, { ...request, minBytes: 50_000_000 }))).status).toBe(200)
  })

  it('says so where one batch is longer than an answer can be', async () => {
    const { runtime } = await withTopic()
    const topic = runtime.log.topicByName('t')!
    const bytes = buildPlainBatch({ records: [{ timestamp: 1, value: Buffer.alloc(5_000_000) }] })
    const batch = { topic, partition: 0, bytes, recordCount: 1, maxTimestamp: 1 }
    await runtime.log.append('tcp', [{ ...batch, producerId: -1, producerEpoch: -1, baseSequence: -1 }]).outcomes
    const read = await call(runtime, fetch, 11, fetchRequest(0))
    expect(read.responses[0]!.partitions[0]!.errorCode).toBe(10)
  })

  it('refuses a generation that no journal has reached', async () => {
    const { runtime } = await withTopic()
    const headers = { 'tidelog-request-id': `99-${ULID(8)}` }
    const answer = await post(runtime, 'produce', body(produce, 9, produceRequest('x')), headers)
    expect(answer.status).toBe(409)
    expect(await endOffset(runtime)).toBe(0)
  })

  it('more than is held at once waits outside, also behind its answer', async () => {
    let release = (): void => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const response = Promise.resolve({ kind: 'none' } as const)
    const { log, stores, clock } = (await withTopic()).runtime
    const door = createFrameDoor({
      log,
      members: { self: 1, clusterId: 'c', epoch: () => 0, nodes: () => [], refresh: async () => {} },
      answers: createAnswerMemory({ log, documents: stores.documents, clock, random: systemRandom }),
      logger: silentLogger,
      broker: () => ({ handle: () => ({ admitted: Promise.resolve(), response, released }) }),
    })
    const large = body(produce, 9, produceRequest('x'.repeat(HTTPS_FRAME_BYTES_MAX - 1000), 0))
    const headers = { 'content-type': 'application/octet-stream' }
    const send = () => door.answer('produce', { method: 'POST', path: '', headers, body: large })
    const statuses: number[] = []
    while (statuses.length < 20) statuses.push((await send()).status)
    expect(new Set(statuses.slice(0, 15))).toEqual(new Set([204]))
    expect(statuses.at(-1)).toBe(503)
    let isSettled = false
    const settled = door.settle().then(() => {
      isSettled = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(isSettled).toBe(false)
    release()
    await settled
    expect((await send()).status).toBe(204)
  })
})

describe('what is no frame over HTTPS', () => {
  const good = body(produce, 9, produceRequest('never'))
  const lengthened = (length: number): Buffer => {
    const copy = Buffer.from(good)
    copy.writeInt32BE(length)
    return copy
  }
  const cases: readonly [string, FrameFunction, Uint8Array, Record<string, string | undefined>, number, RegExp][] = [
    ['an empty body', 'produce', new Uint8Array(), {}, 400, /shorter than the length prefix/],
    ['random bytes', 'produce', Buffer.from('GET / HTTP/1.1 and so on'), {}, 400, /cut off/],
    ['a truncated frame', 'produce', good.subarray(0, good.length - 1), {}, 400, /cut off/],
    ['two frames', 'produce', Buffer.concat([good, good]), {}, 400, /goes on behind/],
    ['a negative length', 'produce', lengthened(-1), {}, 400, /negative/],
    ['a length of 2 GiB', 'produce', lengthened(0x7fffffff), {}, 400, /cut off/],
    ['a header cut off', 'produce', Buffer.from([0, 0, 0, 3, 0, 0, 0]), {}, 400, /malformed/],
    ['4 MiB and a byte', 'produce', Buffer.alloc(HTTPS_FRAME_BYTES_MAX + 1), {}, 413, /at most 4194304 bytes/],
    ['the wrong function', 'fetch', good, {}, 421, /\/kafka\/produce, not by \/kafka\/fetch/],
    [
      'an unknown API',
      'admin',
      Buffer.from([0, 0, 0, 10, 3, 231, 0, 0, 0, 0, 0, 7, 0, 0]),
      {},
      400,
      /unknown API key 999/,
    ],
    [
      'an unknown version',
      'produce',
      Buffer.from([0, 0, 0, 11, 0, 0, 0, 99, 0, 0, 0, 7, 0, 0, 0]),
      {},
      400,
      /unsupported version/,
    ],
    ['another content type', 'produce', good, { 'content-type': 'application/json' }, 415, /octet-stream/],
    ['no content type', 'produce', good, { 'content-type': undefined }, 415, /octet-stream/],
    ['a bad request id', 'produce', good, { 'tidelog-request-id': 'abc' }, 400, /tidelog-request-id/],
    ['a request id without generation', 'produce', good, { 'tidelog-request-id': `0-${ULID(1)}` }, 400, /request-id/],
    ['a bad connection', 'produce', good, { 'tidelog-connection': 'a b' }, 400, /tidelog-connection/],
    ['a negative wait', 'produce', good, { 'tidelog-waited-ms': '-1' }, 400, /tidelog-waited-ms/],
    ['a wait of years', 'produce', good, { 'tidelog-waited-ms': '99999999999' }, 400, /tidelog-waited-ms/],
    ['an address that is none', 'produce', good, { 'tidelog-advertise': 'here' }, 400, /host:port/],
  ]
  it.each(cases)('%s', async (_name, fn, sent, headers, status, detail) => {
    const { runtime } = await withTopic()
    const answer = await post(runtime, fn, sent, headers)
    expect(answer.status, String(answer.body)).toBe(status)
    expect(problemIn(answer).detail).toMatch(detail)
    expect(await endOffset(runtime)).toBe(0)
  })

  it('GET is not for frames', async () => {
    const { runtime } = await withTopic()
    const answer = await runtime.door.answer('produce', {
      method: 'GET',
      path: '/',
      headers: {},
      body: new Uint8Array(),
    })
    expect(answer.status).toBe(405)
  })
})
