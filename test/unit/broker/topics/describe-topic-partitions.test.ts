// DescribeTopicPartitions: topics by name in pages; what a page is told must be what Metadata tells.
import { describe, expect, test } from 'vitest'
import { ZERO_TOPIC_ID } from '../../../../lib/base/ids.ts'
import { DESCRIBED_PARTITIONS_MAX } from '../../../../lib/base/limits.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import {
  type DescribeTopicPartitionsResponse,
  describeTopicPartitions,
} from '../../../../lib/wire/messages/describe-topic-partitions.ts'
import { metadata } from '../../../../lib/wire/messages/metadata.ts'
import type { RequestInput } from '../../../../lib/wire/schema.ts'
import { node, type World, world } from '../support/world.ts'

type Request = RequestInput<typeof describeTopicPartitions>

async function threeTopics(): Promise<World> {
  const w = world({}, [node(1), node(2)])
  // Not in the order of their names.
  await w.topic('c', 5)
  await w.topic('a', 3)
  await w.topic('b', 3)
  return w
}

const seen = ({ topics }: Pick<DescribeTopicPartitionsResponse, 'topics'>) =>
  topics.map(({ name, partitions }) => `${name} ${partitions.map((p) => p.partitionIndex).join('')}`)
const ask = (w: World, request: Partial<Request>) => w.ask(describeTopicPartitions, 0, { topics: [], ...request })
const named = (...names: readonly string[]) => names.map((name) => ({ name }))

test('all topics by name, as Metadata tells of them', async () => {
  const w = await threeTopics()
  const response = await ask(w, {})
  expect(seen(response)).toEqual(['a 012', 'b 012', 'c 01234'])
  expect(response.nextCursor).toBeNull()
  const { topics } = await w.ask(metadata, 12, { topics: null, includeTopicAuthorizedOperations: true })
  for (const topic of response.topics) {
    const partitions = topic.partitions.map(({ eligibleLeaderReplicas, lastKnownElr, ...partition }) => {
      expect([eligibleLeaderReplicas, lastKnownElr]).toEqual([[], []])
      return partition
    })
    expect({ ...topic, partitions }).toEqual(topics.find(({ name }) => name === topic.name))
  }
})

describe('pages', () => {
  test.each([1, 2, 3, 4, 7, 10, 11, 2000])('of %i partitions are the whole together', async (limit) => {
    const w = await threeTopics()
    const found: string[] = []
    let cursor: DescribeTopicPartitionsResponse['nextCursor'] = null
    let pages = 0
    do {
      const response: DescribeTopicPartitionsResponse = await ask(w, { responsePartitionLimit: limit, cursor })
      const count = response.topics.reduce((sum, { partitions }) => sum + partitions.length, 0)
      expect(count).toBeLessThanOrEqual(limit)
      for (const { name, partitions } of response.topics) {
        for (const { partitionIndex } of partitions) found.push(`${name}${partitionIndex}`)
      }
      cursor = response.nextCursor
      pages += 1
    } while (cursor !== null && cursor !== undefined)
    expect(found).toEqual(['a0', 'a1', 'a2', 'b0', 'b1', 'b2', 'c0', 'c1', 'c2', 'c3', 'c4'])
    expect(pages).toBe(Math.ceil(11 / limit))
  })

  test.each([0, -5])('a limit of %i is one', async (responsePartitionLimit) => {
    const response = await ask(await threeTopics(), { responsePartitionLimit })
    expect(seen(response)).toEqual(['a 0'])
    expect(response.nextCursor).toEqual({ topicName: 'a', partitionIndex: 1 })
  })

  test('have a bound, whatever is asked for', async () => {
    const w = world()
    await w.topic('t', DESCRIBED_PARTITIONS_MAX + 1)
    const response = await ask(w, { responsePartitionLimit: 2 ** 31 - 1 })
    expect(response.topics[0]!.partitions).toHaveLength(DESCRIBED_PARTITIONS_MAX)
    expect(response.nextCursor).toEqual({ topicName: 't', partitionIndex: DESCRIBED_PARTITIONS_MAX })
  })
})

test('topics by name: each once, sorted, with what is wrong with it', async () => {
  const w = await threeTopics()
  const response = await ask(w, { topics: named('zz', 'a', 'bad name', 'a') })
  expect(response.topics).toMatchObject([
    { name: 'a', errorCode: 0 },
    { name: 'bad name', errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, topicId: ZERO_TOPIC_ID, partitions: [] },
    { name: 'zz', errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, topicId: ZERO_TOPIC_ID, partitions: [] },
  ])
})

describe('cursors', () => {
  test('beyond the end of their topic, and of a topic that is gone', async () => {
    const w = await threeTopics()
    expect(seen(await ask(w, { cursor: { topicName: 'b', partitionIndex: 99 } }))).toEqual(['b ', 'c 01234'])
    expect(seen(await ask(w, { cursor: { topicName: 'aa', partitionIndex: 1 } }))).toEqual(['b 012', 'c 01234'])
    expect(seen(await ask(w, { cursor: { topicName: 'zz', partitionIndex: 1 } }))).toEqual([])
  })

  test.each([
    ['before the first partition', { topicName: 'c', partitionIndex: -1 }],
    ['of a topic that is not asked for', { topicName: 'b', partitionIndex: 0 }],
  ])('%s', async (_name, cursor) => {
    const w = await threeTopics()
    const response = await ask(w, { topics: named('c', 'a'), cursor })
    expect(response.topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['a', ErrorCode.INVALID_REQUEST],
      ['c', ErrorCode.INVALID_REQUEST],
    ])
    expect(response.nextCursor).toBeNull()
  })

  test('before the first partition, where all topics are asked for', async () => {
    const response = await ask(await threeTopics(), { cursor: { topicName: 'b', partitionIndex: -1 } })
    expect(response).toMatchObject({ topics: [], nextCursor: null })
  })
})

describe('a fact about now', () => {
  test('what only the journal knows yet is told of', async () => {
    const w = await threeTopics()
    w.log.hidden.add('a')
    expect((await ask(w, { topics: named('a') })).topics[0]!.errorCode).toBe(0)
    expect(w.members.refreshes).toBe(1)
  })

  test('the stores do not answer: an error for each topic, or no answer where all are asked for', async () => {
    const w = await threeTopics()
    w.log.failure = { kind: 'unavailable' }
    expect((await ask(w, { topics: named('a') })).topics).toMatchObject([
      { name: 'a', errorCode: ErrorCode.LEADER_NOT_AVAILABLE },
    ])
    expect(await w.start(describeTopicPartitions, 0, { topics: [] }).raw).toMatchObject({ kind: 'close' })
  })
})
