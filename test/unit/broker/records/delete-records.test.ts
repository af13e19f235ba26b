// DeleteRecords: partition for partition, with the new log start or Kafka's error.
import { expect, test } from 'vitest'
import { CHANGES_AT_ONCE_MAX } from '../../../../lib/base/limits.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { deleteRecords } from '../../../../lib/wire/messages/delete-records.ts'
import { produce } from '../../../../lib/wire/messages/produce.ts'
import { batch, type World, world } from '../support/world.ts'

const NOW = 1_700_000_000_000

/** `topic` with one partition of three records and one of none. */
async function withRecords(configs: Readonly<Record<string, string>> = {}): Promise<World> {
  const w = world()
  await w.topic('t', 2, configs)
  const partitionData = [{ index: 0, records: batch(['1', '2', '3'], NOW) }]
  await w.ask(produce, 9, { acks: -1, timeoutMs: 1000, topicData: [{ name: 't', partitionData }] })
  return w
}

async function remove(w: World, offsets: readonly (readonly [number, number])[], name = 't', version = 2) {
  const partitions = offsets.map(([partitionIndex, offset]) => ({ partitionIndex, offset }))
  const { topics } = await w.ask(deleteRecords, version, { topics: [{ name, partitions }], timeoutMs: 1000 })
  return topics[0]?.partitions.map((p) => [p.partitionIndex, p.lowWatermark, p.errorCode])
}

test.each([0, 1, 2])('version %i: up to an offset, up to the end, nothing', async (version) => {
  const w = await withRecords()
  expect(await remove(w, [[0, 2]], 't', version)).toEqual([[0, 2, 0]])
  expect(await remove(w, [[0, 1]], 't', version)).toEqual([[0, 2, 0]])
  expect(await remove(w, [[0, -1]], 't', version)).toEqual([[0, 3, 0]])
  expect(await remove(w, [[1, -1]], 't', version)).toEqual([[1, 0, 0]])
  expect(await remove(w, [[1, 0]], 't', version)).toEqual([[1, 0, 0]])
})

test('beyond the end, below zero, unknown partitions and topics', async () => {
  const w = await withRecords()
  const outOfRange = ErrorCode.OFFSET_OUT_OF_RANGE
  const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  expect(
    await remove(w, [
      [0, 4],
      [1, -2],
      [2, 0],
      [-1, 0],
    ]),
  ).toEqual([
    [0, -1, outOfRange],
    [1, -1, outOfRange],
    [2, -1, unknown],
    [-1, -1, unknown],
  ])
  expect(await remove(w, [[0, 0]], 'nowhere')).toEqual([[0, -1, unknown]])
  expect(await remove(w, [[0, 0]], 'no name')).toEqual([[0, -1, unknown]])
  expect(w.log.calls.trims).toEqual(['t-0 4', 't-1 -2'])
})

test('a partition that is named again is answered once, for the last offset', async () => {
  const w = await withRecords()
  expect(
    await remove(w, [
      [0, 9],
      [0, 1],
    ]),
  ).toEqual([[0, 1, 0]])
})

test('nothing at all', async () => {
  const w = await withRecords()
  expect((await w.ask(deleteRecords, 2, { topics: [], timeoutMs: 0 })).topics).toEqual([])
  expect(await remove(w, [])).toBeUndefined()
})

test('a topic that is compacted and does not delete refuses', async () => {
  const w = await withRecords({ 'cleanup.policy': 'compact' })
  expect(await remove(w, [[1, 0]])).toEqual([[1, -1, ErrorCode.POLICY_VIOLATION]])
  const both = await withRecords({ 'cleanup.policy': 'compact,delete' })
  expect(await remove(both, [[1, 0]])).toEqual([[1, 0, 0]])
})

test('a topic that only the journal knows yet', async () => {
  const w = await withRecords()
  w.log.hidden.add('t')
  expect(await remove(w, [[0, 1]])).toEqual([[0, 1, 0]])
  expect(w.log.calls.refresh).toBe(1)
})

test.each(['unavailable', 'unknown', 'halted'] as const)('%s: to be asked for again', async (kind) => {
  const w = await withRecords()
  w.log.failure = { kind }
  expect(await remove(w, [[0, 1]])).toEqual([[0, -1, ErrorCode.NOT_LEADER_OR_FOLLOWER]])
})

test('what there is no time left for is not tried', async () => {
  const w = world()
  const topic = await w.topic('t', CHANGES_AT_ONCE_MAX + 2)
  const trim = w.log.trim
  w.log.trim = async (...args) => {
    w.clock.advance(10)
    return trim(...args)
  }
  const partitions = Array.from({ length: topic.partitions }, (_, partitionIndex) => ({ partitionIndex, offset: 0 }))
  const { topics } = await w.ask(deleteRecords, 2, { topics: [{ name: 't', partitions }], timeoutMs: 100 })
  const codes = topics[0]!.partitions.map((p) => p.errorCode)
  expect(codes.slice(0, CHANGES_AT_ONCE_MAX).every((code) => code === 0)).toBe(true)
  expect(codes.slice(CHANGES_AT_ONCE_MAX)).toEqual([ErrorCode.REQUEST_TIMED_OUT, ErrorCode.REQUEST_TIMED_OUT])
})
