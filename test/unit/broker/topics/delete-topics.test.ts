// DeleteTopics: by name and by id, each topic for itself.
import { expect, test } from 'vitest'
import { type TopicId, ZERO_TOPIC_ID } from '../../../../lib/base/ids.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { deleteTopics } from '../../../../lib/wire/messages/delete-topics.ts'
import { world } from '../support/world.ts'

const timeoutMs = 1000

test.each([1, 2, 3, 4, 5])('version %i: by name', async (version) => {
  const w = world()
  await w.topic('a')
  const { responses } = await w.ask(deleteTopics, version, { topicNames: ['a', 'b'], timeoutMs })
  expect(responses).toMatchObject([
    { name: 'a', errorCode: 0 },
    { name: 'b', errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
  ])
  expect([...w.log.topics()]).toEqual([])
})

test('version 6: by name and by id', async () => {
  const w = world()
  const a = await w.topic('a')
  const b = await w.topic('b')
  const unknown = 'a'.repeat(32) as TopicId
  const topics = [
    { name: 'a' },
    { name: null, topicId: b.id },
    { name: null, topicId: unknown },
    { name: 'c' },
    { name: null, topicId: ZERO_TOPIC_ID },
    { name: 'd', topicId: a.id },
  ]
  const { responses } = await w.ask(deleteTopics, 6, { topics, timeoutMs })
  expect(responses).toMatchObject([
    { name: 'a', topicId: a.id, errorCode: 0 },
    { name: 'b', topicId: b.id, errorCode: 0 },
    { name: null, topicId: unknown, errorCode: ErrorCode.UNKNOWN_TOPIC_ID },
    { name: 'c', errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
    { errorCode: ErrorCode.INVALID_REQUEST },
    { name: 'd', errorCode: ErrorCode.INVALID_REQUEST },
  ])
  expect([...w.log.topics()]).toEqual([])
})

test('a topic named twice, be it by name and by id, is not deleted', async () => {
  const w = world()
  const a = await w.topic('a')
  const { responses } = await w.ask(deleteTopics, 6, {
    topics: [{ name: 'a' }, { name: null, topicId: a.id }],
    timeoutMs,
  })
  expect(responses.map((response) => response.errorCode)).toEqual([42, 42])
  expect(w.log.topicByName('a')).toBeDefined()
})

test('a topic that only the journal knows yet', async () => {
  const w = world()
  await w.topic('a')
  w.log.hidden.add('a')
  const { responses } = await w.ask(deleteTopics, 5, { topicNames: ['a'], timeoutMs })
  expect(responses[0]!.errorCode).toBe(0)
  expect(w.log.calls.refresh).toBe(1)
})

test('made again, it has another id', async () => {
  const w = world()
  const before = await w.topic('a')
  await w.ask(deleteTopics, 6, { topics: [{ name: 'a' }], timeoutMs })
  expect((await w.topic('a')).id).not.toBe(before.id)
})

test.each([
  ['unavailable', ErrorCode.NOT_CONTROLLER],
  ['unknown', ErrorCode.REQUEST_TIMED_OUT],
  ['halted', ErrorCode.NOT_CONTROLLER],
] as const)('%s', async (kind, errorCode) => {
  const w = world()
  await w.topic('a')
  w.log.failure = { kind }
  const { responses } = await w.ask(deleteTopics, 5, { topicNames: ['a', 'b'], timeoutMs })
  expect(responses.map((response) => response.errorCode)).toEqual([errorCode, errorCode])
})

test('where deletion is disabled', async () => {
  const w = world({ deleteTopics: false })
  await w.topic('a')
  const { responses } = await w.ask(deleteTopics, 5, { topicNames: ['a'], timeoutMs })
  expect(responses[0]!.errorCode).toBe(ErrorCode.TOPIC_DELETION_DISABLED)
  expect(w.log.topicByName('a')).toBeDefined()
})
