// OffsetDelete: topics that fail alone and groups that refuse everything.
import { expect, test } from 'vitest'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { offsetDelete } from '../../../../lib/wire/messages/offset-delete.ts'
import { ENDLESS_ID, type GroupWorld, groupWorld } from '../support/group-world.ts'

async function filled(): Promise<GroupWorld> {
  const w = groupWorld()
  await w.topic('t', 3)
  await w.topic('u', 1)
  return w
}
const topicOf = (name: string, ...partitions: number[]) => ({
  name,
  partitions: partitions.map((partitionIndex) => ({ partitionIndex })),
})

test('partitions that exist are deleted, the others fail alone', async () => {
  const w = await filled()
  w.groups.answers.deleteOffsets = { kind: 'done', topics: [{ kind: 'deleted' }, { kind: 'groupSubscribedToTopic' }] }
  const response = await w.ask(offsetDelete, 0, {
    groupId: 'g',
    topics: [topicOf('no', 0), topicOf('t', 0, 7, 2), topicOf('u', 0)],
  })
  expect(w.groups.asked.deleteOffsets).toEqual([
    [
      'g',
      [
        { topicId: w.log.topicByName('t')!.id, name: 't', partitions: [0, 2] },
        { topicId: w.log.topicByName('u')!.id, name: 'u', partitions: [0] },
      ],
    ],
  ])
  expect(response.errorCode).toBe(0)
  expect(response.topics.map(({ name, partitions }) => [name, partitions.map((p) => p.errorCode)])).toEqual([
    ['no', [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]],
    ['t', [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 0]],
    ['u', [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC]],
  ])
  expect(w.log.calls.refresh).toBe(1)
})

test.each([
  ['groupNotFound', ErrorCode.GROUP_ID_NOT_FOUND],
  ['groupNotEmpty', ErrorCode.NON_EMPTY_GROUP],
  ['unavailable', ErrorCode.COORDINATOR_NOT_AVAILABLE],
  ['unknown', ErrorCode.REQUEST_TIMED_OUT],
  ['halted', ErrorCode.NOT_COORDINATOR],
] as const)('%s is said of the whole, also when no topic exists', async (kind, errorCode) => {
  const w = await filled()
  w.groups.answers.deleteOffsets = { kind }
  const response = await w.ask(offsetDelete, 0, { groupId: 'g', topics: [topicOf('no', 0)] })
  expect(response).toEqual({ errorCode, throttleTimeMs: 0, topics: [] })
  expect(w.groups.asked.deleteOffsets).toEqual([['g', []]])
})

test('no head to read: nobody is told that a topic is not there', async () => {
  const w = await filled()
  w.log.failure = { kind: 'unavailable' }
  w.groups.answers.deleteOffsets = { kind: 'done', topics: [] }
  const response = await w.ask(offsetDelete, 0, { groupId: 'g', topics: [topicOf('no', 0)] })
  expect(response.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE)
})

test.each(['', ENDLESS_ID])('a group id that cannot be', async (groupId) => {
  const w = await filled()
  const response = await w.ask(offsetDelete, 0, { groupId, topics: [] })
  expect(response.errorCode).toBe(ErrorCode.INVALID_GROUP_ID)
  expect(w.groups.asked.deleteOffsets).toEqual([])
})

test('a handler that breaks down', () => {
  expect(groupWorld().broken(offsetDelete, 0, { groupId: 'g', topics: [] }, -1).errorCode).toBe(-1)
})
