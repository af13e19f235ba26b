// Requests that are well formed and ask for something that cannot be, against a real process: each is answered with Kafka's
// own error code, what is good in the same request is served, and the connection goes on (`ask` checks that). The unit tests of the
// broker know more such cases; these are the ones that a person would try.
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TopicId } from '../../lib/base/ids.ts'
import { buildPlainBatch } from '../../lib/wire/build-batch.ts'
import { ErrorCode } from '../../lib/wire/errors.ts'
import { createPartitions } from '../../lib/wire/messages/create-partitions.ts'
import { createTopics } from '../../lib/wire/messages/create-topics.ts'
import { describeConfigs } from '../../lib/wire/messages/describe-configs.ts'
import { fetch } from '../../lib/wire/messages/fetch.ts'
import { incrementalAlterConfigs } from '../../lib/wire/messages/incremental-alter-configs.ts'
import { initProducerId } from '../../lib/wire/messages/init-producer-id.ts'
import { listOffsets } from '../../lib/wire/messages/list-offsets.ts'
import { metadata } from '../../lib/wire/messages/metadata.ts'
import { produce } from '../../lib/wire/messages/produce.ts'
import { type GuardedServer, startGuarded } from './support/guarded-server.ts'
import { ask } from './support/hostile.ts'

let server: GuardedServer
let topicId: TopicId
beforeAll(async () => {
  server = await startGuarded()
  const made = await ask(server.address, createTopics, 7, {
    topics: [{ name: 'target', numPartitions: 2, replicationFactor: 1 }],
  })
  topicId = made.topics[0]!.topicId
})
afterAll(() => server.end())

interface Produced {
  readonly errorCode: number
  readonly baseOffset: number
}

function batch(
  values: readonly string[],
  producer: { id: number; epoch: number; sequence: number } | undefined = undefined,
) {
  const records = values.map((value) => ({ timestamp: Date.now(), value: Buffer.from(value) }))
  const { id, epoch, sequence } = producer ?? { id: -1, epoch: -1, sequence: -1 }
  return Buffer.from(buildPlainBatch({ records, producerId: id, producerEpoch: epoch, baseSequence: sequence }))
}

async function write(name: string, ...partitions: readonly (readonly [number, Uint8Array])[]): Promise<Produced[]> {
  const partitionData = partitions.map(([index, bytes]) => ({ index, records: [bytes] }))
  const topicData = [{ name, partitionData }]
  const answer = await ask(server.address, produce, 9, { acks: -1, timeoutMs: 10_000, topicData })
  return answer.responses[0]!.partitionResponses.map(({ errorCode, baseOffset }) => ({ errorCode, baseOffset }))
}

describe('a batch', () => {
  const changed = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = batch(['one', 'two'])
    change(bytes)
    return bytes
  }
  test.each([
    ['with a wrong CRC', changed((b) => b.writeUInt8(b.at(-1)! ^ 1, b.length - 1)), ErrorCode.CORRUPT_MESSAGE],
    ['that says it is longer', changed((b) => b.writeInt32BE(b.length + 1000, 8)), ErrorCode.INVALID_RECORD],
    ['that says it is shorter', changed((b) => b.writeInt32BE(b.length - 20, 8)), ErrorCode.INVALID_RECORD],
    ['of negative length', changed((b) => b.writeInt32BE(-1, 8)), ErrorCode.CORRUPT_MESSAGE],
    ['that counts more records', changed((b) => b.writeInt32BE(3, 57)), ErrorCode.CORRUPT_MESSAGE],
    ['of magic 0', changed((b) => b.writeInt8(0, 16)), ErrorCode.INVALID_RECORD],
    ['of magic 1', changed((b) => b.writeInt8(1, 16)), ErrorCode.INVALID_RECORD],
    ['of magic 3', changed((b) => b.writeInt8(3, 16)), ErrorCode.CORRUPT_MESSAGE],
    ['of random bytes', randomBytes(500), undefined],
    ['that is none', Buffer.alloc(0), ErrorCode.INVALID_RECORD],
  ])('%s is refused, and the other partition of the request written', async (_name, bytes, errorCode) => {
    const [bad, good] = await write('target', [0, bytes], [1, batch(['good'])])
    expect(bad!.baseOffset).toBe(-1)
    if (errorCode === undefined) expect([ErrorCode.CORRUPT_MESSAGE, ErrorCode.INVALID_RECORD]).toContain(bad!.errorCode)
    else expect(bad!.errorCode).toBe(errorCode)
    expect(good!.errorCode).toBe(ErrorCode.NONE)
  })

  test.each([0, -1, 1, 1000, 0x7fffffff])('whose count says %d records, with a right CRC', async (count) => {
    const { assembleBatch, readBatchHeader } = await import('../../lib/wire/record-batch.ts')
    const honest = batch(['one', 'two'])
    const lying = { ...readBatchHeader(honest), recordCount: count, lastOffsetDelta: Math.max(0, count - 1) }
    const [answer] = await write('target', [0, assembleBatch(lying, honest.subarray(61))])
    expect(answer).toEqual({ errorCode: ErrorCode.INVALID_RECORD, baseOffset: -1 })
  })

  test('larger than max.message.bytes', async () => {
    const [answer] = await write('target', [0, batch(['x'.repeat(1_100_000)])])
    expect(answer).toEqual({ errorCode: ErrorCode.MESSAGE_TOO_LARGE, baseOffset: -1 })
  })

  test('for a topic, a partition or a name that there is not', async () => {
    const none = { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, baseOffset: -1 }
    expect(await write('target', [2, batch(['x'])], [-1, batch(['x'])])).toEqual([none, none])
    expect(await write('nowhere', [0, batch(['x'])])).toEqual([none])
    expect((await write('no/name', [0, batch(['x'])]))[0]!.baseOffset).toBe(-1)
  })
})

test('a gap in the sequence, a repeat, an old epoch', async () => {
  const init = await ask(server.address, initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1000 })
  const { producerId: id } = init
  expect((await write('target', [0, batch(['no start'], { id, epoch: 0, sequence: 5 })]))[0]!.errorCode).toBe(
    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  )
  const [first] = await write('target', [0, batch(['a', 'b'], { id, epoch: 0, sequence: 0 })])
  expect(first!.errorCode).toBe(ErrorCode.NONE)
  expect(await write('target', [0, batch(['d'], { id, epoch: 0, sequence: 3 })])).toEqual([
    { errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, baseOffset: -1 },
  ])
  expect(await write('target', [0, batch(['a', 'b'], { id, epoch: 0, sequence: 0 })])).toEqual([first])
  const [renewed] = await write('target', [0, batch(['c'], { id, epoch: 1, sequence: 0 })])
  expect(renewed).toEqual({ errorCode: ErrorCode.NONE, baseOffset: first!.baseOffset + 2 })
  expect((await write('target', [0, batch(['c'], { id, epoch: 0, sequence: 2 })]))[0]!.errorCode).toBe(
    ErrorCode.INVALID_PRODUCER_EPOCH,
  )
})

describe('a name', () => {
  const names = [
    '',
    '.',
    '..',
    'a b',
    'a/b',
    'ünï',
    '日本',
    'a\u0000b',
    'a\nb',
    '../../etc',
    'x'.repeat(250),
    'x'.repeat(20_000),
  ]
  test.each(names)('%j is no topic', async (name) => {
    const topics = [{ name, numPartitions: 1, replicationFactor: 1 }]
    const made = await ask(server.address, createTopics, 7, { topics })
    expect(made.topics[0]!.errorCode).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION)
    const seen = await ask(server.address, metadata, 12, { topics: [{ name }], allowAutoTopicCreation: true })
    expect(seen.topics[0]!.errorCode).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION)
  })

  test('of 249 characters is one', async () => {
    const topics = [{ name: 'x'.repeat(249), numPartitions: 1, replicationFactor: 1 }]
    expect((await ask(server.address, createTopics, 7, { topics })).topics[0]!.errorCode).toBe(ErrorCode.NONE)
  })
})

describe('a fetch', () => {
  const read = async (id: TopicId, partition: number, fetchOffset: number, limits: object = {}) => {
    const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }]
    const request = { maxWaitMs: 0, minBytes: 1, topics: [{ topicId: id, partitions }], ...limits }
    return (await ask(server.address, fetch, 17, request)).responses[0]!.partitions[0]!
  }

  test('beyond the end, before the start, far beyond anything', async () => {
    await write('target', [1, batch(['there'])])
    const end = (await read(topicId, 1, 0)).highWatermark
    expect((await read(topicId, 1, end)).errorCode).toBe(ErrorCode.NONE)
    for (const offset of [end + 1, -1, -2, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER]) {
      expect((await read(topicId, 1, offset)).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
    }
  })

  test('of an unknown topic id, name and partition', async () => {
    const unknown = randomBytes(16).toString('hex') as TopicId
    expect((await read(unknown, 0, 0)).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID)
    for (const partition of [2, -1, 0x7fffffff]) {
      expect((await read(topicId, partition, 0)).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    }
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }]
    const topics = [{ topic: 'nowhere', partitions }]
    const byName = await ask(server.address, fetch, 12, { maxWaitMs: 0, minBytes: 1, topics })
    expect(byName.responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  })

  test.each([
    ['max_bytes 0', { maxBytes: 0 }],
    ['max_bytes negative', { maxBytes: -1 }],
    ['max_bytes 2^31-1', { maxBytes: 0x7fffffff }],
    ['min_bytes above max_bytes', { minBytes: 1 << 20, maxBytes: 10, maxWaitMs: 100 }],
    ['min_bytes negative', { minBytes: -5 }],
    ['a wait below 0', { maxWaitMs: -1 }],
  ])('with %s gives at least one whole batch', async (_name, limits) => {
    await write('target', [1, batch(['whole'])])
    const got = await read(topicId, 1, 0, limits)
    expect(got.errorCode).toBe(ErrorCode.NONE)
    expect(got.records!.length).toBeGreaterThan(61)
  })
})

describe('configs and counts', () => {
  const TOPIC = 2
  test('a config that there is not, and a value that it cannot have', async () => {
    const wrong = [
      ['no.such.config', '1'],
      ['retention.ms', 'long'],
      ['cleanup.policy', 'burn'],
      ['max.message.bytes', '-1'],
    ] as const
    for (const [name, value] of wrong) {
      const topics = [{ name: 'new', numPartitions: 1, replicationFactor: 1, configs: [{ name, value }] }]
      expect((await ask(server.address, createTopics, 7, { topics })).topics[0]!.errorCode).toBe(
        ErrorCode.INVALID_CONFIG,
      )
      const configs = [{ name, configOperation: 0, value }]
      const resources = [{ resourceType: TOPIC, resourceName: 'target', configs }]
      const altered = await ask(server.address, incrementalAlterConfigs, 1, { resources, validateOnly: false })
      expect(altered.responses[0]!.errorCode).toBe(ErrorCode.INVALID_CONFIG)
    }
    const resources = [{ resourceType: TOPIC, resourceName: 'target', configurationKeys: ['no.such.config'] }]
    expect((await ask(server.address, describeConfigs, 4, { resources })).results[0]).toMatchObject({
      errorCode: ErrorCode.NONE,
      configs: [],
    })
  })

  test('impossible numbers of partitions', async () => {
    for (const numPartitions of [0, -2, 0x7fffffff]) {
      const topics = [{ name: 'new', numPartitions, replicationFactor: 1 }]
      expect((await ask(server.address, createTopics, 7, { topics })).topics[0]!.errorCode).toBe(
        ErrorCode.INVALID_PARTITIONS,
      )
    }
    for (const count of [0, 1, 2, -1, 0x7fffffff]) {
      const topics = [{ name: 'target', count, assignments: null }]
      const answer = await ask(server.address, createPartitions, 3, { topics, timeoutMs: 1000, validateOnly: false })
      expect(answer.results[0]!.errorCode).toBe(ErrorCode.INVALID_PARTITIONS)
    }
  })

  test('a time of no meaning', async () => {
    for (const timestamp of [-7, -1000, -Number.MAX_SAFE_INTEGER]) {
      const topics = [{ name: 'target', partitions: [{ partitionIndex: 0, timestamp }] }]
      const [answer] = (await ask(server.address, listOffsets, 7, { topics })).topics[0]!.partitions
      expect({ timestamp, ...answer }).toMatchObject({ errorCode: expect.any(Number), partitionIndex: 0 })
    }
  })
})
