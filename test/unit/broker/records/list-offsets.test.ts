// ListOffsets: every special timestamp in the versions that know it, and times inside compressed batches.
import { describe, expect, test } from 'vitest'
import { buildBatch } from '../../../../lib/wire/build-batch.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { listOffsets } from '../../../../lib/wire/messages/list-offsets.ts'
import { inlineCompression } from '../../../../lib/wire/native-compression.ts'
import { type World, world } from '../support/world.ts'

/** Offsets 0..4 with timestamps 100, 300, 200 | 300, 150, in two compressed batches. */
async function filled(): Promise<World> {
  const w = world()
  const topic = await w.topic('t')
  for (const times of [
    [100, 300, 200],
    [300, 150],
  ]) {
    const records = times.map((timestamp) => ({ timestamp, value: Buffer.from('v') }))
    const bytes = await buildBatch({ records }, 'zstd', inlineCompression)
    const rest = { recordCount: times.length, maxTimestamp: 300, producerId: -1, producerEpoch: -1, baseSequence: -1 }
    await w.log.append('x', [{ topic, partition: 0, bytes, ...rest }]).outcomes
  }
  return w
}

async function ask(w: World, version: number, timestamp: number, rest: object = {}, name = 't', partitionIndex = 0) {
  const partitions = [{ partitionIndex, timestamp, ...rest }]
  const response = await w.ask(listOffsets, version, { topics: [{ name, partitions }] })
  return response.topics[0]!.partitions[0]!
}

describe('special timestamps', () => {
  test.each([1, 2, 4, 5, 6, 7, 8, 9, 10])('version %i: latest and earliest', async (version) => {
    const w = await filled()
    const epoch = version >= 4 ? 7 : -1
    expect(await ask(w, version, -1)).toMatchObject({ errorCode: 0, offset: 5, timestamp: -1, leaderEpoch: epoch })
    expect(await ask(w, version, -2)).toMatchObject({ errorCode: 0, offset: 0, timestamp: -1, leaderEpoch: epoch })
  })

  test.each([
    [-3, 7, { offset: 1, timestamp: 300 }],
    [-4, 8, { offset: 0, timestamp: -1 }],
    [-5, 9, { offset: -1, timestamp: -1, leaderEpoch: -1 }],
  ])('%i is known from version %i on', async (timestamp, from, answer) => {
    const w = await filled()
    expect(await ask(w, from, timestamp)).toMatchObject({ errorCode: 0, ...answer })
    expect(await ask(w, from - 1, timestamp)).toMatchObject({ errorCode: ErrorCode.UNSUPPORTED_VERSION, offset: -1 })
  })

  test.each([-6, -7, -(2 ** 60)])('%i is not known', async (timestamp) => {
    expect(await ask(await filled(), 10, timestamp)).toMatchObject({ errorCode: ErrorCode.UNSUPPORTED_VERSION })
  })
})

test.each([
  [0, 0, 100],
  [100, 0, 100],
  [101, 1, 300],
  [300, 1, 300],
  [301, -1, -1],
])('from time %i on: offset %i, inside a compressed batch', async (timestamp, offset, found) => {
  expect(await ask(await filled(), 5, timestamp)).toMatchObject({ errorCode: 0, offset, timestamp: found })
})

test('the last stable offset for read_committed', async () => {
  const w = await filled()
  w.log.offsets = async () => ({ kind: 'found', logStartOffset: 1, highWatermark: 5, lastStableOffset: 3 })
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
  const offset = async (isolationLevel: number) =>
    (await w.ask(listOffsets, 5, { isolationLevel, topics })).topics[0]!.partitions[0]!.offset
  expect([await offset(0), await offset(1)]).toEqual([5, 3])
})

describe('errors', () => {
  test('unknown topic and partition, after a head read', async () => {
    const w = await filled()
    expect(await ask(w, 5, -1, {}, 'no')).toMatchObject({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, offset: -1 })
    expect(await ask(w, 5, -1, {}, 't', 9)).toMatchObject({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION })
    expect(w.log.calls.refresh).toBe(2)
  })

  test('leader epochs', async () => {
    const w = await filled()
    expect(await ask(w, 5, -1, { currentLeaderEpoch: 6 })).toMatchObject({ errorCode: ErrorCode.FENCED_LEADER_EPOCH })
    expect(await ask(w, 5, -1, { currentLeaderEpoch: 8 })).toMatchObject({ errorCode: ErrorCode.UNKNOWN_LEADER_EPOCH })
  })

  test('a partition named twice', async () => {
    const w = await filled()
    const partition = { partitionIndex: 0, timestamp: -1 }
    const response = await w.ask(listOffsets, 5, { topics: [{ name: 't', partitions: [partition, partition] }] })
    expect(response.topics[0]!.partitions.map((p) => p.errorCode)).toEqual([42, 42])
  })

  test.each(['unavailable', 'unknown', 'halted'] as const)('%s is retriable', async (kind) => {
    const w = await filled()
    w.log.failure = { kind }
    for (const timestamp of [-1, -3, 100]) {
      expect(await ask(w, 7, timestamp)).toMatchObject({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER })
    }
  })
})
