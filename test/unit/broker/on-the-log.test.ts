// The broker on the real log: two gateways over one set of stores, spoken to in frames.
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../lib/base/clock.ts'
import { ZERO_TOPIC_ID } from '../../../lib/base/ids.ts'
import { systemRandom } from '../../../lib/base/random.ts'
import { type OpenedLog, openLog } from '../../../lib/log/open-log.ts'
import { createMemoryBackend } from '../../../lib/storage/memory/memory.ts'
import { buildBatch } from '../../../lib/wire/build-batch.ts'
import { ErrorCode } from '../../../lib/wire/errors.ts'
import { alterConfigs } from '../../../lib/wire/messages/alter-configs.ts'
import { alterPartitionReassignments } from '../../../lib/wire/messages/alter-partition-reassignments.ts'
import { createPartitions } from '../../../lib/wire/messages/create-partitions.ts'
import { createTopics } from '../../../lib/wire/messages/create-topics.ts'
import { deleteRecords } from '../../../lib/wire/messages/delete-records.ts'
import { deleteTopics } from '../../../lib/wire/messages/delete-topics.ts'
import { describeConfigs } from '../../../lib/wire/messages/describe-configs.ts'
import { describeLogDirs } from '../../../lib/wire/messages/describe-log-dirs.ts'
import { describeTopicPartitions } from '../../../lib/wire/messages/describe-topic-partitions.ts'
import { fetch } from '../../../lib/wire/messages/fetch.ts'
import { listOffsets } from '../../../lib/wire/messages/list-offsets.ts'
import { metadata } from '../../../lib/wire/messages/metadata.ts'
import { produce } from '../../../lib/wire/messages/produce.ts'
import { inlineCompression } from '../../../lib/wire/native-compression.ts'
import { batchSizeBytes, readBatchHeader } from '../../../lib/wire/record-batch.ts'
import { batch, connect, node, type World, worldOn } from './support/world.ts'

const NOW = 1_700_000_000_000
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** Two gateways on one memory store. */
async function gateways(): Promise<[World<OpenedLog>, World<OpenedLog>]> {
  const backend = createMemoryBackend()
  const one = async (): Promise<World<OpenedLog>> => {
    const stores = backend.open()
    await stores.journal.init()
    const ports = { stores, clock: systemClock, random: systemRandom, compression: inlineCompression }
    const outcome = await openLog(ports)
    if (outcome.kind !== 'opened') throw new Error(outcome.kind)
    closing.push(async () => {
      await outcome.log.close()
      await stores.close()
    })
    return worldOn(outcome.log, { autoCreateTopics: false }, [node(1), node(2)])
  }
  return [await one(), await one()]
}

async function create(w: World<OpenedLog>, name = 't', numPartitions = 1) {
  const topics = [{ name, numPartitions, replicationFactor: 3 }]
  return (await w.ask(createTopics, 7, { topics })).topics[0]!
}

async function produceOne(w: World<OpenedLog>, records: Uint8Array, index = 0) {
  const topicData = [{ name: 't', partitionData: [{ index, records }] }]
  const response = await w.ask(produce, 9, { acks: -1, timeoutMs: 30_000, topicData })
  return response.responses[0]!.partitionResponses[0]!
}

async function fetchOne(w: World<OpenedLog>, fetchOffset: number, maxWaitMs = 0) {
  const topics = [{ topic: 't', partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 }] }]
  const response = await w.ask(fetch, 11, { maxWaitMs, minBytes: 1, maxBytes: 1_000_000, isolationLevel: 1, topics })
  return response.responses[0]!.partitions[0]!
}

function baseOffsets(records: Uint8Array): number[] {
  const found: number[] = []
  for (let at = 0; at < records.length; at += batchSizeBytes(records, at)) {
    found.push(readBatchHeader(records, at).baseOffset)
  }
  return found
}

test('what one gateway takes the other gives, at dense offsets', async () => {
  const [a, b] = await gateways()
  expect(await create(a)).toMatchObject({ errorCode: 0, replicationFactor: 3 })
  expect(await produceOne(b, batch(['1', '2'], NOW))).toMatchObject({ errorCode: 0, baseOffset: 0, logStartOffset: 0 })
  expect(await produceOne(a, batch(['3'], NOW))).toMatchObject({ errorCode: 0, baseOffset: 2 })
  // Below the end a gateway may answer from what it knew within the last second; at the end it reads the head.
  expect(await fetchOne(b, 2)).toMatchObject({ errorCode: 0, highWatermark: 3 })
  for (const w of [a, b]) {
    const read = await fetchOne(w, 0)
    expect(read).toMatchObject({ errorCode: 0, highWatermark: 3, lastStableOffset: 3, abortedTransactions: [] })
    expect(baseOffsets(read.records!)).toEqual([0, 2])
    expect(readBatchHeader(read.records!).partitionLeaderEpoch).toBe(7)
  }
})

test('requests that overlap on one connection keep their order', async () => {
  const [a] = await gateways()
  await create(a)
  const connection = connect()
  const started = []
  for (let i = 0; i < 20; i++) {
    const records = batch([`${i}`], NOW, { producerId: 2 ** 40, producerEpoch: 0, baseSequence: i })
    const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }]
    const request = a.start(produce, 9, { acks: -1, timeoutMs: 30_000, topicData }, connection)
    await request.admitted
    started.push(request.response)
  }
  const responses = await Promise.all(started)
  const offsets = responses.map((response) => response.responses[0]!.partitionResponses[0]!)
  expect(offsets.map((p) => [p.errorCode, p.baseOffset])).toEqual(Array.from({ length: 20 }, (_, i) => [0, i]))
})

test('a long poll at one gateway is woken by a record at the other', async () => {
  const [a, b] = await gateways()
  await create(a)
  const waiting = fetchOne(b, 0, 10_000)
  await produceOne(a, batch(['1'], NOW))
  expect(baseOffsets((await waiting).records!)).toEqual([0])
})

describe('idempotence', () => {
  const at = (baseSequence: number, producerEpoch = 0) =>
    batch(['x'], NOW, { producerId: 2 ** 40 + 1, producerEpoch, baseSequence })

  test('a repeat at another gateway is told the first offset; a gap and an old epoch are refused', async () => {
    const [a, b] = await gateways()
    await create(a)
    expect(await produceOne(a, at(0, 1))).toMatchObject({ errorCode: 0, baseOffset: 0 })
    expect(await produceOne(b, at(0, 1))).toMatchObject({ errorCode: 0, baseOffset: 0 })
    expect(await produceOne(b, at(2, 1))).toMatchObject({ errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER })
    expect(await produceOne(a, at(1, 0))).toMatchObject({ errorCode: ErrorCode.INVALID_PRODUCER_EPOCH })
    expect(await produceOne(b, at(1, 1))).toMatchObject({ errorCode: 0, baseOffset: 1 })
  })
})

test('the end, beyond the end, and by time inside a compressed batch', async () => {
  const [a, b] = await gateways()
  await create(a)
  const records = [100, 300, 200].map((timestamp) => ({ timestamp, value: Buffer.from('v') }))
  await produceOne(a, await buildBatch({ records }, 'lz4', inlineCompression))
  expect(await fetchOne(b, 3)).toMatchObject({ errorCode: 0, highWatermark: 3 })
  expect(await fetchOne(b, 4)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE })
  const find = async (timestamp: number) => {
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp }] }]
    const { offset, errorCode } = (await b.ask(listOffsets, 7, { topics })).topics[0]!.partitions[0]!
    expect(errorCode).toBe(0)
    return offset
  }
  expect([await find(-1), await find(-2), await find(-3), await find(150), await find(301)]).toEqual([3, 0, 1, 1, -1])
})

test('a topic deleted and made again has a new id and starts at 0', async () => {
  const [a, b] = await gateways()
  const before = await create(a)
  await produceOne(a, batch(['1', '2'], NOW))
  const deleted = await b.ask(deleteTopics, 6, { topics: [{ name: 't' }], timeoutMs: 1000 })
  expect(deleted.responses[0]).toMatchObject({ errorCode: 0, topicId: before.topicId })
  expect(await fetchOne(a, 2)).toMatchObject({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION })
  const after = await create(b)
  expect(after.errorCode).toBe(0)
  expect(after.topicId).not.toBe(before.topicId)
  expect(await produceOne(a, batch(['1'], NOW))).toMatchObject({ errorCode: 0, baseOffset: 0 })
})

test('names, partitions and configs changed at one gateway are seen at the other', async () => {
  const [a, b] = await gateways()
  const { topicId } = await create(a)
  expect(await create(b)).toMatchObject({ errorCode: ErrorCode.TOPIC_ALREADY_EXISTS })
  const raised = await b.ask(createPartitions, 3, { topics: [{ name: 't', count: 4 }], timeoutMs: 1000 })
  expect(raised.results[0]).toMatchObject({ errorCode: 0 })
  expect(await produceOne(a, batch(['1'], NOW), 3)).toMatchObject({ errorCode: 0, baseOffset: 0 })

  const configs = [{ name: 'max.message.bytes', value: '50' }]
  const resources = [{ resourceType: 2, resourceName: 't', configs }]
  expect((await b.ask(alterConfigs, 2, { resources })).responses[0]).toMatchObject({ errorCode: 0 })
  const asked = [{ resourceType: 2, resourceName: 't', configurationKeys: ['max.message.bytes'] }]
  const described = (await a.ask(describeConfigs, 4, { resources: asked })).results[0]!
  expect(described.configs).toMatchObject([{ value: '50', configSource: 1 }])
  expect(await produceOne(a, batch(['1'], NOW))).toMatchObject({ errorCode: ErrorCode.MESSAGE_TOO_LARGE })

  const { topics } = await a.ask(metadata, 12, { topics: [{ name: 't', topicId: ZERO_TOPIC_ID }] })
  expect(topics[0]).toMatchObject({ topicId, errorCode: 0 })
  expect(topics[0]!.partitions.map((p) => p.isrNodes.length)).toEqual([2, 2, 2, 2])
  expect(topics).toEqual((await b.ask(metadata, 12, { topics: [{ name: 't', topicId: ZERO_TOPIC_ID }] })).topics)
})

test('5,000 partitions in one request', async () => {
  const [a, b] = await gateways()
  await create(a, 't', 5000)
  const partitionData = Array.from({ length: 5000 }, (_, index) => ({ index, records: batch([`${index}`], NOW) }))
  const response = await a.ask(produce, 9, { acks: -1, timeoutMs: 30_000, topicData: [{ name: 't', partitionData }] })
  expect(response.responses[0]!.partitionResponses.every((p) => p.errorCode === 0 && p.baseOffset === 0)).toBe(true)
  expect(await fetchOne(b, 0)).toMatchObject({ errorCode: 0, highWatermark: 1 })
})

test('records deleted at one gateway are gone at the other, and are counted no longer', async () => {
  const [a, b] = await gateways()
  await create(a)
  const lengths: number[] = []
  for (const values of [['1', '2'], ['3'], ['4', '5']]) {
    const records = batch(values, NOW)
    lengths.push(records.length)
    await produceOne(a, records)
  }
  const remove = async (w: World<OpenedLog>, offset: number) => {
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, offset }] }]
    const { lowWatermark, errorCode } = (await w.ask(deleteRecords, 2, { topics, timeoutMs: 1000 })).topics[0]!
      .partitions[0]!
    return [lowWatermark, errorCode]
  }
  const size = async (w: World<OpenedLog>) => {
    w.members.list = [node(1)]
    return (await w.ask(describeLogDirs, 4, { topics: null })).results[0]!.topics[0]!.partitions[0]!.partitionSize
  }
  const [first = 0, second = 0, third = 0] = lengths
  expect(await size(b)).toBe(first + second + third)
  expect(await remove(b, 2)).toEqual([2, 0])
  expect(await size(a)).toBe(second + third)
  expect(await fetchOne(a, 1)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE })
  expect(await fetchOne(a, 2)).toMatchObject({ errorCode: 0, logStartOffset: 2, highWatermark: 5 })
  expect(await remove(a, 1)).toEqual([2, 0])
  expect(await remove(a, 6)).toEqual([-1, ErrorCode.OFFSET_OUT_OF_RANGE])
  expect(await remove(a, -1)).toEqual([5, 0])
  expect(await size(b)).toBe(0)
  expect(await produceOne(b, batch(['6'], NOW))).toMatchObject({ errorCode: 0, baseOffset: 5, logStartOffset: 5 })
})

test('replicas chosen at one gateway are named by the other, for hundreds of partitions', async () => {
  const [a, b] = await gateways()
  await create(a, 't', 300)
  const partitions = Array.from({ length: 300 }, (_, i) => ({
    partitionIndex: i,
    replicas: i % 2 === 0 ? [2, 1] : [1],
  }))
  const reassigned = await a.ask(alterPartitionReassignments, 1, { topics: [{ name: 't', partitions }] })
  expect(new Set(reassigned.responses[0]!.partitions.map((p) => p.errorCode))).toEqual(new Set([0]))
  const { topics } = await b.ask(describeTopicPartitions, 0, { topics: [] })
  expect(topics[0]!.partitions.map((p) => p.replicaNodes)).toEqual(partitions.map((p) => p.replicas))
})
