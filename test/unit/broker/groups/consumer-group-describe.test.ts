// ConsumerGroupDescribe: what is told of a group with server-side assignors, and of what is none.
import { describe, expect, test } from 'vitest'
import type { ClassicGroup, ConsumerGroup, ConsumerMember } from '../../../../lib/groups/group.ts'
import type { Topic } from '../../../../lib/log/log.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { consumerGroupDescribe } from '../../../../lib/wire/messages/consumer-group-describe.ts'
import { UNSERVED } from '../support/fake-groups.ts'
import { ENDLESS_ID, groupWorld } from '../support/group-world.ts'

const CLASSIC: ClassicGroup = {
  kind: 'classic',
  id: 'g',
  fence: 1,
  nextMemberNumber: 1,
  phase: 'empty',
  generation: 1,
  members: [],
  pending: [],
}
const OMITTED = -2147483648

function memberOf(topic: Topic, rest: Partial<ConsumerMember> = {}): ConsumerMember {
  return {
    memberId: 'm-1',
    number: 1,
    clientId: 'client',
    clientHost: '/10.0.0.1',
    sessionTimeoutMs: 45_000,
    rebalanceTimeoutMs: 60_000,
    subscribedTopics: ['t'],
    memberEpoch: 4,
    previousEpoch: 3,
    state: 'stable',
    assigned: [{ topicId: topic.id, partitions: [0] }],
    pendingRevocation: [],
    target: [{ topicId: topic.id, partitions: [0, 1] }],
    ...rest,
  }
}
function groupOf(...members: ConsumerMember[]): ConsumerGroup {
  return {
    kind: 'consumer',
    id: 'g',
    fence: 1,
    nextMemberNumber: 9,
    epoch: 5,
    targetEpoch: 4,
    topics: [],
    topicsAsOf: { generation: 1, index: 0 },
    patterns: [],
    members,
  }
}

describe.each([0, 1])('version %i', (version) => {
  test('a group', async () => {
    const w = groupWorld()
    const topic = await w.topic('t', 2)
    const group = groupOf(
      memberOf(topic),
      memberOf(topic, {
        memberId: 'm-2',
        instanceId: 'i-2',
        rackId: 'r-2',
        subscribedPattern: 't.*',
        classic: { protocols: [], synced: true },
        assigned: [],
        target: [],
      }),
    )
    w.groups.answers.describe = { kind: 'found', group, state: 'Reconciling' }
    const named = (...partitions: number[]) => ({
      topicPartitions: [{ topicId: topic.id, topicName: 't', partitions }],
    })
    const { groups } = await w.ask(consumerGroupDescribe, version, {
      groupIds: ['g'],
      includeAuthorizedOperations: false,
    })
    expect(groups).toEqual([
      {
        errorCode: 0,
        errorMessage: null,
        groupId: 'g',
        groupState: 'Reconciling',
        groupEpoch: 5,
        assignmentEpoch: 4,
        assignorName: 'uniform',
        members: [
          {
            memberId: 'm-1',
            instanceId: null,
            rackId: null,
            memberEpoch: 4,
            clientId: 'client',
            clientHost: '/10.0.0.1',
            subscribedTopicNames: ['t'],
            subscribedTopicRegex: null,
            assignment: named(0),
            targetAssignment: named(0, 1),
            memberType: version >= 1 ? 1 : -1,
          },
          {
            memberId: 'm-2',
            instanceId: 'i-2',
            rackId: 'r-2',
            memberEpoch: 4,
            clientId: 'client',
            clientHost: '/10.0.0.1',
            subscribedTopicNames: ['t'],
            subscribedTopicRegex: 't.*',
            assignment: { topicPartitions: [] },
            targetAssignment: { topicPartitions: [] },
            memberType: version >= 1 ? 0 : -1,
          },
        ],
        authorizedOperations: OMITTED,
      },
    ])
  })

  test.each([
    [{ kind: 'missing' } as const, 'Group g not found.'],
    [{ kind: 'offsetsOnly' } as const, 'Group g is not a consumer group.'],
    [{ kind: 'found', group: CLASSIC, state: 'Empty' } as const, 'Group g is not a consumer group.'],
  ])('what is no group of this kind: %o', async (answer, errorMessage) => {
    const w = groupWorld()
    w.groups.answers.describe = answer
    const request = { groupIds: ['g'], includeAuthorizedOperations: true }
    expect((await w.ask(consumerGroupDescribe, version, request)).groups[0]).toMatchObject({
      errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
      errorMessage,
      groupState: '',
      members: [],
      authorizedOperations: OMITTED,
    })
  })
})

test('the assignor is the one that most members ask for', async () => {
  const w = groupWorld()
  const topic = await w.topic('t', 2)
  const members = ['range', 'uniform', 'range', undefined].map((serverAssignor) =>
    memberOf(topic, serverAssignor === undefined ? {} : { serverAssignor }),
  )
  w.groups.answers.describe = { kind: 'found', group: groupOf(...members), state: 'Stable' }
  const request = { groupIds: ['g'], includeAuthorizedOperations: false }
  expect((await w.ask(consumerGroupDescribe, 1, request)).groups[0]!.assignorName).toBe('range')
})

test('topics that are gone are left out', async () => {
  const w = groupWorld()
  const topic = await w.topic('t', 2)
  await w.log.deleteTopic(topic)
  w.groups.answers.describe = { kind: 'found', group: groupOf(memberOf(topic)), state: 'Stable' }
  const request = { groupIds: ['g'], includeAuthorizedOperations: false }
  const [member] = (await w.ask(consumerGroupDescribe, 1, request)).groups[0]!.members
  expect(member!.assignment.topicPartitions).toEqual([])
})

test('what one may do, for who asks', async () => {
  const w = groupWorld()
  w.groups.answers.describe = { kind: 'found', group: groupOf(), state: 'Empty' }
  const request = { groupIds: ['g'], includeAuthorizedOperations: true }
  const [group] = (await w.ask(consumerGroupDescribe, 1, request)).groups
  expect(group!.authorizedOperations).toBe((1 << 3) | (1 << 6) | (1 << 8))
})

test('group ids that cannot be, and one named twice', async () => {
  const w = groupWorld()
  const request = { groupIds: ['', 'g', ENDLESS_ID, 'g'], includeAuthorizedOperations: false }
  const { groups } = await w.ask(consumerGroupDescribe, 1, request)
  expect(groups.map(({ groupId, errorCode }) => [groupId, errorCode])).toEqual([
    ['', ErrorCode.INVALID_GROUP_ID],
    ['g', ErrorCode.GROUP_ID_NOT_FOUND],
    [ENDLESS_ID, ErrorCode.INVALID_GROUP_ID],
  ])
  expect(w.groups.asked.describe).toEqual([['g']])
})

test('more than one answer may hold is refused, not gathered', async () => {
  const w = groupWorld()
  const topic = await w.topic('t', 2)
  const partitions = Array.from({ length: 100_000 }, (_, i) => i)
  const members = Array.from({ length: 6 }, () => memberOf(topic, { target: [{ topicId: topic.id, partitions }] }))
  w.groups.answers.describe = { kind: 'found', group: groupOf(...members), state: 'Stable' }
  const groupIds = Array.from({ length: 20 }, (_, i) => `g-${i}`)
  const { groups } = await w.ask(consumerGroupDescribe, 1, { groupIds, includeAuthorizedOperations: false })
  expect(groups.filter(({ errorCode }) => errorCode === ErrorCode.INVALID_REQUEST).length).toBeGreaterThan(3)
})

test.each(UNSERVED)('%s is retriable', async (kind) => {
  const w = groupWorld()
  w.groups.answers.describe = { kind }
  const request = { groupIds: ['g'], includeAuthorizedOperations: false }
  expect((await w.ask(consumerGroupDescribe, 1, request)).groups[0]!.errorCode).toBe(
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
  )
})

test('a handler that breaks down', () => {
  const request = { groupIds: ['g'], includeAuthorizedOperations: false }
  expect(groupWorld().broken(consumerGroupDescribe, 1, request, -1).groups[0]!.errorCode).toBe(-1)
})
