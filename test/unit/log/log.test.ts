// The log on memory stores: what goes in comes out, at dense offsets, through any process.
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../lib/base/clock.ts'
import { systemRandom } from '../../../lib/base/random.ts'
import type { FetchPartitionOutcome, Topic } from '../../../lib/log/log.ts'
import { type OpenedLog, openLog } from '../../../lib/log/open-log.ts'
import { createMemoryBackend } from '../../../lib/storage/memory/memory.ts'
import { buildPlainBatch } from '../../../lib/wire/build-batch.ts'
import { inlineCompression } from '../../../lib/wire/native-compression.ts'
import { readBatchHeader } from '../../../lib/wire/record-batch.ts'

async function open(backend: ReturnType<typeof createMemoryBackend>, checkpointEntries = 1024): Promise<OpenedLog> {
  const stores = backend.open()
  await stores.journal.init()
  const outcome = await openLog({
    stores,
    clock: systemClock,
    random: systemRandom,
    compression: inlineCompression,
    options: { checkpointEntries },
  })
  if (outcome.kind !== 'opened') throw new Error(outcome.kind)
  return outcome.log
}

async function topicOf(log: OpenedLog, name: string, partitions: number): Promise<Topic> {
  const created = await log.createTopic({ name, partitions, configs: new Map() })
  if (created.kind !== 'created') throw new Error(created.kind)
  return created.topic
}

function batch(topic: Topic, partition: number, values: string[], sequence?: { id: number; base: number }) {
  const bytes = buildPlainBatch({
    records: values.map((value) => ({ timestamp: 1000, key: null, value: Buffer.from(value), headers: [] })),
    ...(sequence === undefined ? {} : { producerId: sequence.id, producerEpoch: 0, baseSequence: sequence.base }),
  })
  const header = readBatchHeader(bytes)
  return {
    topic,
    partition,
    bytes,
    recordCount: values.length,
    maxTimestamp: header.maxTimestamp,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
  }
}

async function fetchAll(log: OpenedLog, topic: Topic, partition: number, offset = 0): Promise<FetchPartitionOutcome> {
  const [outcome] = await log.fetch({
    partitions: [{ topic, partition, offset, bytesMax: 1e9 }],
    bytesMin: 0,
    bytesMax: 1e9,
    waitMsMax: 0,
    committedOnly: true,
    leaderEpoch: 1,
    signal: new AbortController().signal,
  })
  return outcome!
}

function offsetsOf(outcome: FetchPartitionOutcome): number[] {
  if (outcome.kind !== 'records') throw new Error(outcome.kind)
  const bytes = Buffer.concat(outcome.records)
  const offsets: number[] = []
  for (let at = 0; at < bytes.length; ) {
    const header = readBatchHeader(bytes, at)
    for (let i = 0; i < header.recordCount; i++) offsets.push(header.baseOffset + i)
    at += header.batchLength + 12
  }
  return offsets
}

describe('log', () => {
  it('gives dense offsets and reads them back through another process', async () => {
    const backend = createMemoryBackend()
    const a = await open(backend)
    const topic = await topicOf(a, 'orders', 3)
    const outcomes = await a.append('c', [batch(topic, 1, ['x', 'y']), batch(topic, 2, ['z']), batch(topic, 1, ['w'])])
      .outcomes
    expect(outcomes.map((o) => o.kind === 'appended' && o.baseOffset)).toEqual([0, 0, 2])
    const b = await open(backend)
    expect(offsetsOf(await fetchAll(b, topic, 1))).toEqual([0, 1, 2])
    expect(await fetchAll(b, topic, 1, 4)).toMatchObject({ kind: 'outOfRange', highWatermark: 3 })
    await a.close()
    await b.close()
  })

  it('answers a repeated batch with its first offset, and refuses a gap', async () => {
    const log = await open(createMemoryBackend())
    const topic = await topicOf(log, 't', 1)
    const send = async (base: number) =>
      (await log.append('c', [batch(topic, 0, ['a', 'b'], { id: 7, base })]).outcomes)[0]
    expect(await send(0)).toMatchObject({ kind: 'appended', baseOffset: 0 })
    expect(await send(2)).toMatchObject({ kind: 'appended', baseOffset: 2 })
    expect(await send(0)).toMatchObject({ kind: 'duplicate', baseOffset: 0 })
    expect(await send(9)).toEqual({ kind: 'outOfOrderSequence' })
    await log.close()
  })

  it('survives checkpoints, blocks of extents and restarts', async () => {
    const backend = createMemoryBackend()
    const log = await open(backend, 64)
    const topic = await topicOf(log, 't', 130)
    for (let i = 0; i < 9000; i += 100) {
      const appends = Array.from({ length: 100 }, (_, k) =>
        log.append('c', [batch(topic, 0, [`${i + k}`]), batch(topic, k, ['q'])]),
      )
      for (const { outcomes } of appends) for (const o of await outcomes) expect(o.kind).toBe('appended')
    }
    expect(log.journal.replica.root.checkpoint).toBeDefined()
    const again = await open(backend)
    expect(again.journal.replica.root.checkpoint?.key).toBe(log.journal.replica.root.checkpoint?.key)
    expect(offsetsOf(await fetchAll(again, topic, 0))).toEqual(Array.from({ length: 9090 }, (_, i) => i))
    expect(offsetsOf(await fetchAll(again, topic, 99))).toHaveLength(90)
    await log.close()
    await again.close()
  })

  it('wakes a waiting fetch of another process', async () => {
    const backend = createMemoryBackend()
    const a = await open(backend)
    const b = await open(backend)
    const topic = await topicOf(a, 't', 1)
    const waiting = b.fetch({
      partitions: [{ topic, partition: 0, offset: 0, bytesMax: 1e6 }],
      bytesMin: 1,
      bytesMax: 1e6,
      waitMsMax: 5000,
      committedOnly: false,
      leaderEpoch: 0,
      signal: new AbortController().signal,
    })
    await a.append('c', [batch(topic, 0, ['hello'])]).outcomes
    expect(offsetsOf((await waiting)[0]!)).toEqual([0])
    await a.close()
    await b.close()
  })
})
