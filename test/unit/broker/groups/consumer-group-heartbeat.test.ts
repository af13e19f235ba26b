// ConsumerGroupHeartbeat: what is new and what is unchanged in both directions, and requests that make no sense.
import { describe, expect, test } from 'vitest'
import { newTopicId } from '../../../../lib/base/ids.ts'
import { systemRandom } from '../../../../lib/base/random.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { consumerGroupHeartbeat } from '../../../../lib/wire/messages/consumer-group-heartbeat.ts'
import type { RequestInput } from '../../../../lib/wire/schema.ts'
import { ENDLESS_ID, groupWorld } from '../support/group-world.ts'
import { connect } from '../support/world.ts'

type Request = RequestInput<typeof consumerGroupHeartbeat>
const JOIN: Request = {
  groupId: 'g',
  memberId: 'm-1',
  memberEpoch: 0,
  rebalanceTimeoutMs: 60_000,
  subscribedTopicNames: ['t'],
  topicPartitions: [],
}
const BEAT: Request = { groupId: 'g', memberId: 'm-1', memberEpoch: 5 }

describe.each([0, 1])('version %i', (version) => {
  test('a join says everything', async () => {
    const w = groupWorld()
    const topicId = newTopicId(systemRandom)
    w.groups.answers.consumerHeartbeat = {
      kind: 'beat',
      memberId: 'm-1',
      memberEpoch: 3,
      heartbeatIntervalMs: 5000,
      assignment: [{ topicId, partitions: [0, 2] }],
    }
    const response = await w.ask(consumerGroupHeartbeat, version, {
      ...JOIN,
      instanceId: 'i-1',
      rackId: 'r-1',
      serverAssignor: 'range',
      subscribedTopicRegex: version >= 1 ? 'a.*' : null,
    })
    expect(w.groups.asked.consumerHeartbeat).toEqual([
      [
        {
          groupId: 'g',
          memberId: 'm-1',
          memberEpoch: 0,
          instanceId: 'i-1',
          rackId: 'r-1',
          clientId: 'test',
          clientHost: '/127.0.0.1:1',
          rebalanceTimeoutMs: 60_000,
          subscribedTopics: ['t'],
          subscribedPattern: version >= 1 ? 'a.*' : undefined,
          serverAssignor: 'range',
          owned: [],
        },
      ],
    ])
    expect(response).toEqual({
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: null,
      memberId: 'm-1',
      memberEpoch: 3,
      heartbeatIntervalMs: 5000,
      assignment: { topicPartitions: [{ topicId, partitions: [0, 2] }] },
    })
  })

  test('a heartbeat says nothing new and is told nothing new', async () => {
    const w = groupWorld()
    expect((await w.ask(consumerGroupHeartbeat, version, BEAT)).assignment).toBeNull()
    expect(w.groups.asked.consumerHeartbeat[0]![0]).toMatchObject({
      memberEpoch: 5,
      instanceId: undefined,
      rackId: undefined,
      rebalanceTimeoutMs: -1,
      subscribedTopics: undefined,
      subscribedPattern: undefined,
      serverAssignor: undefined,
      owned: undefined,
    })
  })

  test('an empty assignment is not an unchanged one', async () => {
    const w = groupWorld()
    const answer = { kind: 'beat', memberId: 'm-1', memberEpoch: 1, heartbeatIntervalMs: 1, assignment: [] } as const
    w.groups.answers.consumerHeartbeat = answer
    expect((await w.ask(consumerGroupHeartbeat, version, BEAT)).assignment).toEqual({ topicPartitions: [] })
  })

  test('an empty subscription is one', async () => {
    const w = groupWorld()
    await w.ask(consumerGroupHeartbeat, version, { ...JOIN, subscribedTopicNames: [] })
    expect(w.groups.asked.consumerHeartbeat[0]![0].subscribedTopics).toEqual([])
  })

  test.each<[string, Request]>([
    ["GroupId can't be empty.", { ...JOIN, groupId: ' ' }],
    ['GroupId is too long.', { ...JOIN, groupId: ENDLESS_ID }],
    ["InstanceId can't be empty.", { ...JOIN, instanceId: '' }],
    ["RackId can't be empty.", { ...JOIN, rackId: '' }],
    ['RebalanceTimeoutMs must be provided in first request.', { ...JOIN, rebalanceTimeoutMs: -1 }],
    ['TopicPartitions must be empty when (re-)joining.', { ...JOIN, topicPartitions: null }],
    [
      'TopicPartitions must be empty when (re-)joining.',
      { ...JOIN, topicPartitions: [{ topicId: newTopicId(systemRandom), partitions: [0] }] },
    ],
    [
      'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.',
      { ...JOIN, subscribedTopicNames: null },
    ],
    ["InstanceId can't be null.", { ...BEAT, memberEpoch: -2 }],
    ['MemberEpoch is invalid.', { ...BEAT, memberEpoch: -3 }],
    ["MemberId can't be empty.", { ...BEAT, memberId: '' }],
    ["MemberId can't be empty.", { ...BEAT, memberId: '', memberEpoch: -1 }],
  ])('refused before the group is asked: %s', async (errorMessage, request) => {
    const w = groupWorld()
    expect(await w.ask(consumerGroupHeartbeat, version, request)).toEqual({
      throttleTimeMs: 0,
      errorCode: ErrorCode.INVALID_REQUEST,
      errorMessage,
      memberId: null,
      memberEpoch: 0,
      heartbeatIntervalMs: 0,
      assignment: null,
    })
    expect(w.groups.asked.consumerHeartbeat).toEqual([])
  })

  test('a static member leaves for a while', async () => {
    const w = groupWorld()
    await w.ask(consumerGroupHeartbeat, version, { ...BEAT, memberEpoch: -2, instanceId: 'i-1' })
    expect(w.groups.asked.consumerHeartbeat[0]![0]).toMatchObject({ memberEpoch: -2, instanceId: 'i-1' })
  })
})

test('version 0 may join without an id and is given one; version 1 brings its own', async () => {
  const w = groupWorld()
  expect(await w.ask(consumerGroupHeartbeat, 0, { ...JOIN, memberId: '' })).toMatchObject({ memberId: 'm-1' })
  expect(await w.ask(consumerGroupHeartbeat, 1, { ...JOIN, memberId: '' })).toMatchObject({
    errorCode: ErrorCode.INVALID_REQUEST,
    errorMessage: "MemberId can't be empty.",
  })
})

test.each([
  ['unknownMember', ErrorCode.UNKNOWN_MEMBER_ID],
  ['fencedMemberEpoch', ErrorCode.FENCED_MEMBER_EPOCH],
  ['unreleasedInstance', ErrorCode.UNRELEASED_INSTANCE_ID],
  ['unsupportedAssignor', ErrorCode.UNSUPPORTED_ASSIGNOR],
  ['invalidPattern', ErrorCode.INVALID_REGULAR_EXPRESSION],
  ['groupFull', ErrorCode.GROUP_MAX_SIZE_REACHED],
  ['unavailable', ErrorCode.COORDINATOR_LOAD_IN_PROGRESS],
  ['unknown', ErrorCode.COORDINATOR_LOAD_IN_PROGRESS],
  ['halted', ErrorCode.NOT_COORDINATOR],
] as const)('%s, with a sentence', async (kind, errorCode) => {
  const w = groupWorld()
  w.groups.answers.consumerHeartbeat = { kind }
  const response = await w.ask(consumerGroupHeartbeat, 1, BEAT)
  expect(response.errorCode).toBe(errorCode)
  expect(response.errorMessage).toMatch(/^[A-Z].*\.$/)
})

test("the group's own sentence goes before ours", async () => {
  const w = groupWorld()
  w.groups.answers.consumerHeartbeat = { kind: 'invalidPattern', message: 'missing ): `(a`' }
  expect((await w.ask(consumerGroupHeartbeat, 1, BEAT)).errorMessage).toBe('missing ): `(a`')
})

test('a handler that breaks down', () => {
  expect(groupWorld().broken(consumerGroupHeartbeat, 1, BEAT, -1)).toMatchObject({ errorCode: -1, memberId: null })
})

test('a client that is better off at the coordinator is sent there, unless it leaves', async () => {
  const w = groupWorld({ coordinator: 'another' })
  const connection = connect()
  const code = async (memberEpoch: number) =>
    (await w.ask(consumerGroupHeartbeat, 1, { ...BEAT, memberEpoch }, connection)).errorCode
  expect([await code(-1), await code(5), await code(5)]).toEqual([0, ErrorCode.NOT_COORDINATOR, 0])
})
