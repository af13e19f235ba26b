// DescribeLogDirs: one directory, the partitions that are this gateway's, and how large they are.
import { expect, test } from 'vitest'
import { LOG_DIR_PARTITIONS_MAX } from '../../../../lib/base/limits.ts'
import { REPLICATION_FACTOR_CONFIG } from '../../../../lib/broker/cluster/replication.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { deleteRecords } from '../../../../lib/wire/messages/delete-records.ts'
import { describeLogDirs } from '../../../../lib/wire/messages/describe-log-dirs.ts'
import { metadata } from '../../../../lib/wire/messages/metadata.ts'
import { produce } from '../../../../lib/wire/messages/produce.ts'
import { batch, node, type World, world } from '../support/world.ts'

async function write(w: World, index: number, values: readonly string[]): Promise<number> {
  const records = batch(values, 1_700_000_000_000)
  const topicData = [{ name: 't', partitionData: [{ index, records }] }]
  await w.ask(produce, 9, { acks: -1, timeoutMs: 1000, topicData })
  return records.length
}

test.each([1, 2, 3, 4])('version %i: all topics, with their sizes', async (version) => {
  const w = world()
  await w.topic('t', 2)
  await w.topic('empty')
  const length = (await write(w, 1, ['1'])) + (await write(w, 1, ['2', '3']))
  const response = await w.ask(describeLogDirs, version, { topics: null })
  const partition = { offsetLag: 0, isFutureKey: false }
  expect(response).toEqual({
    throttleTimeMs: 0,
    errorCode: 0,
    results: [
      {
        errorCode: 0,
        logDir: '/data',
        topics: [
          {
            name: 't',
            partitions: [
              { partitionIndex: 0, partitionSize: 0, ...partition },
              { partitionIndex: 1, partitionSize: length, ...partition },
            ],
          },
          { name: 'empty', partitions: [{ partitionIndex: 0, partitionSize: 0, ...partition }] },
        ],
        totalBytes: -1,
        usableBytes: -1,
      },
    ],
  })
})

test('what is asked for twice comes once; what does not exist is left out', async () => {
  const w = world()
  await w.topic('t', 3)
  const topics = [
    { topic: 't', partitions: [2, 7, -1, 2] },
    { topic: 'nowhere', partitions: [0] },
    { topic: 't', partitions: [2, 0] },
  ]
  const { results } = await w.ask(describeLogDirs, 4, { topics })
  expect(results[0]!.topics.map(({ name }) => name)).toEqual(['t'])
  expect(results[0]!.topics[0]!.partitions.map((p) => p.partitionIndex)).toEqual([2, 0])
  expect((await w.ask(describeLogDirs, 4, { topics: [] })).results).toMatchObject([{ logDir: '/data', topics: [] }])
})

test('records that were deleted count no longer', async () => {
  const w = world()
  await w.topic('t')
  await write(w, 0, ['1', '2'])
  const length = await write(w, 0, ['3'])
  const partitions = [{ partitionIndex: 0, offset: 2 }]
  await w.ask(deleteRecords, 2, { topics: [{ name: 't', partitions }], timeoutMs: 1000 })
  const { results } = await w.ask(describeLogDirs, 4, { topics: null })
  expect(results[0]!.topics[0]!.partitions[0]!.partitionSize).toBe(length)
})

test('over all gateways each partition comes as often as it has replicas', async () => {
  const w = world({}, [node(1), node(2), node(3)])
  await w.topic('t', 16, { [REPLICATION_FACTOR_CONFIG]: '2' })
  const { topics } = await w.ask(metadata, 1, { topics: null })
  const replicas = topics[0]!.partitions.map((p) => [...p.replicaNodes].sort())
  const found: number[][] = replicas.map(() => [])
  for (const self of [1, 2, 3]) {
    w.members.self = self
    const { results } = await w.ask(describeLogDirs, 4, { topics: null })
    for (const { partitionIndex } of results[0]!.topics[0]!.partitions) found[partitionIndex]!.push(self)
  }
  expect(found).toEqual(replicas)
})

test('more partitions than one answer may have', async () => {
  const w = world()
  await w.topic('t', LOG_DIR_PARTITIONS_MAX)
  await w.topic('one more')
  const { results } = await w.ask(describeLogDirs, 4, { topics: null })
  expect(results).toMatchObject([{ errorCode: ErrorCode.POLICY_VIOLATION, topics: [] }])
})

test.each([1, 4])('version %i: the stores do not answer', async (version) => {
  const w = world()
  await w.topic('t')
  w.log.failure = { kind: 'unavailable' }
  const response = await w.ask(describeLogDirs, version, { topics: null })
  expect(response.results).toMatchObject([{ errorCode: ErrorCode.REQUEST_TIMED_OUT, topics: [] }])
  expect(response.errorCode).toBe(version >= 3 ? ErrorCode.REQUEST_TIMED_OUT : 0)
})

test('a page that cannot be read is an error of the directory', async () => {
  const w = world()
  await w.topic('t', 2)
  w.log.liveBytes = async (wanted) => wanted.map(() => ({ kind: 'unavailable' }))
  const { results } = await w.ask(describeLogDirs, 4, { topics: null })
  expect(results).toMatchObject([{ errorCode: ErrorCode.KAFKA_STORAGE_ERROR, topics: [] }])
})
