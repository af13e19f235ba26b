// Fetch: whole batches, limits, waiting, and Kafka's error for whatever cannot be read.
import { describe, expect, test } from 'vitest'
import { type TopicId, ZERO_TOPIC_ID } from '../../../../lib/base/ids.ts'
import { FETCH_BYTES_MAX } from '../../../../lib/base/limits.ts'
import type { Topic } from '../../../../lib/log/log.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { fetch } from '../../../../lib/wire/messages/fetch.ts'
import { readBatchHeader } from '../../../../lib/wire/record-batch.ts'
import type { RequestInput } from '../../../../lib/wire/schema.ts'
import { batch, connect, type World, world } from '../support/world.ts'

const NOW = 1_700_000_000_000
type Partition = RequestInput<typeof fetch>['topics'][number]['partitions'][number]

function request(
  topic: { name?: string; id?: TopicId },
  partition: Partial<Partition> = {},
  rest: Partial<RequestInput<typeof fetch>> = {},
): RequestInput<typeof fetch> {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000, ...partition }]
  return {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 50_000_000,
    topics: [{ topic: topic.name ?? '', topicId: topic.id ?? ZERO_TOPIC_ID, partitions }],
    ...rest,
  }
}

async function append(w: World, topic: Topic, ...values: string[]): Promise<void> {
  const bytes = batch(values, NOW)
  const rest = { recordCount: values.length, maxTimestamp: NOW, producerId: -1, producerEpoch: -1, baseSequence: -1 }
  await w.log.append('x', [{ topic, partition: 0, bytes, ...rest }]).outcomes
}

/** The one partition of the answer. */
async function fetchOne(w: World, version: number, value: RequestInput<typeof fetch>) {
  const response = await w.ask(fetch, version, value)
  expect(response.errorCode).toBe(0)
  expect(response.sessionId).toBe(0)
  return response.responses[0]!.partitions[0]!
}

describe('reading', () => {
  test.each([4, 5, 7, 11, 12, 13, 15, 16, 17])(
    'version %i returns whole batches with patched headers',
    async (version) => {
      const w = world()
      const topic = await w.topic('t')
      await append(w, topic, 'a', 'b')
      await append(w, topic, 'c')
      const named = version >= 13 ? { id: topic.id } : { name: 't' }
      const partition = await fetchOne(w, version, request(named, { fetchOffset: 1 }))
      expect(partition).toMatchObject({ errorCode: 0, highWatermark: 3, lastStableOffset: 3, preferredReadReplica: -1 })
      const header = readBatchHeader(partition.records!)
      expect([header.baseOffset, header.recordCount, header.partitionLeaderEpoch]).toEqual([0, 2, 7])
    },
  )

  test('the records are the very buffers of the log', async () => {
    const w = world()
    const topic = await w.topic('t')
    await append(w, topic, 'x'.repeat(1000))
    const { raw } = w.start(fetch, 13, request({ id: topic.id }))
    const response = await raw
    const [read] = await w.log.fetch(w.log.calls.fetches[0]!)
    const stored = read!.kind === 'records' ? read!.records[1]! : new Uint8Array(0)
    expect(stored.length).toBeGreaterThan(1000)
    const sent = response.kind === 'send' ? response.buffers : []
    expect(sent.some((b) => b.buffer === stored.buffer && b.length === stored.length)).toBe(true)
  })

  test('nothing at the end: empty records, never null', async () => {
    const w = world()
    await w.topic('t')
    const partition = await fetchOne(w, 11, request({ name: 't' }))
    expect(partition).toMatchObject({ errorCode: 0, highWatermark: 0, logStartOffset: 0 })
    expect(partition.records).not.toBeNull()
    expect(partition.records).toHaveLength(0)
  })

  test('aborted transactions: null, or an empty list for read_committed', async () => {
    const w = world()
    await w.topic('t')
    expect((await fetchOne(w, 11, request({ name: 't' }))).abortedTransactions).toBeNull()
    const committed = await fetchOne(w, 11, request({ name: 't' }, {}, { isolationLevel: 1 }))
    expect(committed.abortedTransactions).toEqual([])
    expect(w.log.calls.fetches.map((call) => call.committedOnly)).toEqual([false, true])
  })

  test('limits are passed on, within our own', async () => {
    const w = world()
    await w.topic('t')
    const limits = { maxWaitMs: -1, minBytes: -5, maxBytes: 2 ** 31 - 1 }
    await fetchOne(w, 11, request({ name: 't' }, { partitionMaxBytes: -3 }, limits))
    expect(w.log.calls.fetches[0]).toMatchObject({
      bytesMin: 0,
      bytesMax: FETCH_BYTES_MAX,
      waitMsMax: 0,
      leaderEpoch: 7,
    })
    expect(w.log.calls.fetches[0]!.partitions[0]!.bytesMax).toBe(0)
  })

  test('waits until something comes, or the client is gone', async () => {
    const w = world()
    const topic = await w.topic('t')
    const waiting = w.start(fetch, 11, request({ name: 't' }, {}, { maxWaitMs: 10_000 }))
    await new Promise((resolve) => setImmediate(resolve))
    await append(w, topic, 'a')
    expect((await waiting.response).responses[0]!.partitions[0]!.highWatermark).toBe(1)

    const gone = new AbortController()
    const again = w.start(
      fetch,
      11,
      request({ name: 't' }, { fetchOffset: 1 }, { maxWaitMs: 10_000 }),
      connect(gone.signal),
    )
    await new Promise((resolve) => setImmediate(resolve))
    gone.abort()
    expect((await again.raw).kind).toBe('send')
  })

  test('every partition is answered, in the order of the request', async () => {
    const w = world()
    await w.topic('a', 3)
    await w.topic('b')
    const at = (partition: number) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 })
    const response = await w.ask(fetch, 11, {
      ...request({}),
      topics: [
        { topic: 'b', partitions: [at(0)] },
        { topic: 'a', partitions: [at(2), at(5), at(0)] },
      ],
    })
    const order = response.responses.map((r) => [r.topic, r.partitions.map((p) => [p.partitionIndex, p.errorCode])])
    expect(order).toEqual([
      ['b', [[0, 0]]],
      [
        'a',
        [
          [2, 0],
          [5, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
          [0, 0],
        ],
      ],
    ])
  })
})

describe('bad input', () => {
  test('beyond the end and before the start', async () => {
    const w = world()
    const topic = await w.topic('t')
    await append(w, topic, 'a')
    const code = async (fetchOffset: number) =>
      (await fetchOne(w, 13, request({ id: topic.id }, { fetchOffset }))).errorCode
    expect(await code(2)).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
    expect(await code(-1)).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
    expect(await code(1)).toBe(0)
  })

  test('an unknown topic id, name and partition, each after one head read', async () => {
    const w = world()
    const topic = await w.topic('t')
    const unknown = 'e'.repeat(32) as TopicId
    expect((await fetchOne(w, 13, request({ id: unknown }))).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID)
    expect((await fetchOne(w, 12, request({ name: 'no' }))).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    const past = await fetchOne(w, 13, request({ id: topic.id }, { partition: 1 }))
    expect(past.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(w.log.calls.refresh).toBe(3)
    expect(past.records).toHaveLength(0)
  })

  test('an error is told at once, without waiting for the other partitions', async () => {
    const w = world()
    await w.topic('t')
    const at = (partition: number) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 })
    const value = { ...request({}), maxWaitMs: 60_000, topics: [{ topic: 't', partitions: [at(0), at(1)] }] }
    expect((await w.ask(fetch, 11, value)).responses[0]!.partitions[1]!.errorCode).toBe(3)
    expect(w.log.calls.fetches[0]!.waitMsMax).toBe(0)
  })

  test('a topic that was deleted meanwhile', async () => {
    const w = world()
    const topic = await w.topic('t')
    const { fetch: real } = w.log
    w.log.fetch = async (asked) => {
      await w.log.deleteTopic(topic)
      return real(asked)
    }
    expect((await fetchOne(w, 13, request({ id: topic.id }))).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID)
  })
})

describe('sessions', () => {
  test.each([
    [0, -1],
    [0, 0],
    [99, 0],
    [99, -1],
  ])('session %i, epoch %i is a full fetch', async (sessionId, sessionEpoch) => {
    const w = world()
    await w.topic('t')
    expect(await fetchOne(w, 11, request({ name: 't' }, {}, { sessionId, sessionEpoch }))).toMatchObject({
      errorCode: 0,
    })
  })

  test('one that goes on is not known', async () => {
    const w = world()
    await w.topic('t')
    const response = await w.ask(fetch, 11, request({ name: 't' }, {}, { sessionId: 99, sessionEpoch: 1 }))
    expect(response).toMatchObject({ errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND, sessionId: 0, responses: [] })
  })
})

describe('leader epochs', () => {
  test('an old one is fenced, the current one and none are served', async () => {
    const w = world()
    await w.topic('t')
    const code = async (currentLeaderEpoch: number) =>
      (await fetchOne(w, 12, request({ name: 't' }, { currentLeaderEpoch }))).errorCode
    expect(await code(6)).toBe(ErrorCode.FENCED_LEADER_EPOCH)
    expect(await code(7)).toBe(0)
    expect(await code(-1)).toBe(0)
    expect(w.members.refreshes).toBe(0)
  })

  test('a newer one is looked for before it is refused', async () => {
    const w = world()
    await w.topic('t')
    const partition = { currentLeaderEpoch: 8 }
    expect((await fetchOne(w, 12, request({ name: 't' }, partition))).errorCode).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH)
    w.members.next = { version: 8 }
    expect((await fetchOne(w, 12, request({ name: 't' }, partition))).errorCode).toBe(0)
  })
})

test.each(['unavailable', 'unknown', 'halted'] as const)('%s is retriable for every consumer', async (kind) => {
  const w = world()
  await w.topic('t')
  w.log.failure = { kind }
  expect((await fetchOne(w, 12, request({ name: 't' }))).errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
  expect((await fetchOne(w, 12, request({ name: 'no' }))).errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
})
