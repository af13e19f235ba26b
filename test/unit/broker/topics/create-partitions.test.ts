// CreatePartitions: only ever more, and decided anew when another change comes first.
import { describe, expect, test } from 'vitest'
import { CHANGE_TOPIC_ATTEMPTS_MAX, PARTITIONS_PER_TOPIC_MAX } from '../../../../lib/base/limits.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { createPartitions } from '../../../../lib/wire/messages/create-partitions.ts'
import { type World, world } from '../support/world.ts'

const timeoutMs = 1000

async function raise(
  w: World,
  count: number,
  rest: {
    name?: string
    version?: number
    validateOnly?: boolean
    assignments?: { brokerIds: number[] }[] | null
  } = {},
) {
  const { name = 't', version = 3, validateOnly = false, assignments = null } = rest
  const { results } = await w.ask(createPartitions, version, {
    topics: [{ name, count, assignments }],
    timeoutMs,
    validateOnly,
  })
  return results[0]!
}

test.each([0, 1, 2, 3])('version %i raises the number and echoes the topic', async (version) => {
  const w = world()
  await w.topic('t', 2)
  expect(await raise(w, 5, { version })).toEqual({ name: 't', errorCode: 0, errorMessage: null })
  expect(w.log.topicByName('t')!.partitions).toBe(5)
})

test('validateOnly changes nothing', async () => {
  const w = world()
  await w.topic('t', 2)
  expect(await raise(w, 5, { validateOnly: true })).toMatchObject({ errorCode: 0 })
  expect(await raise(w, 2, { validateOnly: true })).toMatchObject({ errorCode: ErrorCode.INVALID_PARTITIONS })
  expect(w.log.topicByName('t')!.partitions).toBe(2)
})

describe('refused', () => {
  test.each([2, 1, 0, -1, PARTITIONS_PER_TOPIC_MAX + 1])('%i of 2', async (count) => {
    const w = world()
    await w.topic('t', 2)
    const result = await raise(w, count)
    expect(result).toMatchObject({ name: 't', errorCode: ErrorCode.INVALID_PARTITIONS })
    expect(result.errorMessage).not.toBeNull()
  })

  test('an unknown topic, after a head read', async () => {
    const w = world()
    expect(await raise(w, 5)).toMatchObject({ name: 't', errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION })
    expect(w.log.calls.refresh).toBe(1)
  })

  test('a topic twice in one request', async () => {
    const w = world()
    await w.topic('t')
    const topic = { name: 't', count: 3 }
    const { results } = await w.ask(createPartitions, 3, { topics: [topic, topic], timeoutMs })
    expect(results).toMatchObject([{ name: 't', errorCode: ErrorCode.INVALID_REQUEST }])
    expect(w.log.topicByName('t')!.partitions).toBe(1)
  })

  test.each([
    ['too few', [[1]]],
    ['an unknown broker', [[1], [5]]],
    ['a broker twice', [[1], [1, 1]]],
  ])('assignments: %s', async (_name, brokers) => {
    const w = world()
    await w.topic('t', 2)
    const assignments = brokers.map((brokerIds) => ({ brokerIds }))
    expect(await raise(w, 4, { assignments })).toMatchObject({ errorCode: ErrorCode.INVALID_REPLICA_ASSIGNMENT })
  })
})

test('assignments that Kafka would accept', async () => {
  const w = world()
  await w.topic('t', 2)
  expect(await raise(w, 4, { assignments: [{ brokerIds: [1] }, { brokerIds: [1] }] })).toMatchObject({ errorCode: 0 })
})

describe('when another change comes first', () => {
  test('it is decided anew on what the topic has become', async () => {
    const w = world()
    await w.topic('t', 2)
    w.log.beforeChange = async () => {
      w.log.beforeChange = undefined
      await w.log.addPartitions(w.log.topicByName('t')!, 5)
    }
    expect(await raise(w, 4)).toMatchObject({ errorCode: ErrorCode.INVALID_PARTITIONS })
    expect(w.log.topicByName('t')!.partitions).toBe(5)
  })

  test('but not for ever', async () => {
    const w = world()
    await w.topic('t', 2)
    for (let i = 0; i <= CHANGE_TOPIC_ATTEMPTS_MAX; i++) w.log.nextChanges.push('stale')
    expect(await raise(w, 4)).toMatchObject({ errorCode: ErrorCode.NOT_CONTROLLER })
    expect(w.log.nextChanges).toHaveLength(1)
  })
})

test.each([
  ['unavailable', ErrorCode.NOT_CONTROLLER],
  ['unknown', ErrorCode.REQUEST_TIMED_OUT],
] as const)('%s', async (kind, errorCode) => {
  const w = world()
  await w.topic('t', 2)
  w.log.nextChanges.push(kind)
  expect(await raise(w, 4)).toMatchObject({ errorCode })
  w.log.failure = { kind }
  expect(await raise(w, 4)).toMatchObject({ errorCode })
})
