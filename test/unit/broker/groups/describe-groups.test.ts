// DescribeGroups: what is told of a classic group in each phase, and of what is none.
import { describe, expect, test } from 'vitest'
import type { ClassicGroup, ConsumerGroup } from '../../../../lib/groups/group.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { describeGroups } from '../../../../lib/wire/messages/describe-groups.ts'
import { UNSERVED } from '../support/fake-groups.ts'
import { ENDLESS_ID, groupWorld, versionsOf } from '../support/group-world.ts'

const GROUP: ClassicGroup = {
  kind: 'classic',
  id: 'g',
  fence: 1,
  nextMemberNumber: 2,
  phase: 'stable',
  generation: 4,
  protocolType: 'consumer',
  protocol: 'range',
  leader: 'm-1',
  pending: [],
  members: [
    {
      memberId: 'm-1',
      number: 1,
      instanceId: 'i-1',
      clientId: 'client',
      clientHost: '/10.0.0.1',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      protocols: [
        { name: 'roundrobin', metadata: 'AQ==' },
        { name: 'range', metadata: 'AgM=' },
      ],
      assignment: 'BAUG',
      synced: true,
    },
  ],
}
const CONSUMER: ConsumerGroup = {
  kind: 'consumer',
  id: 'g',
  fence: 1,
  nextMemberNumber: 1,
  epoch: 1,
  targetEpoch: 1,
  topics: [],
  topicsAsOf: { generation: 1, index: 0 },
  patterns: [],
  members: [],
}
const OMITTED = -2147483648

describe.each(versionsOf(describeGroups))('version %i', (version) => {
  test('a stable group', async () => {
    const w = groupWorld()
    w.groups.answers.describe = { kind: 'found', group: GROUP, state: 'Stable' }
    expect((await w.ask(describeGroups, version, { groups: ['g'] })).groups).toEqual([
      {
        errorCode: 0,
        errorMessage: null,
        groupId: 'g',
        groupState: 'Stable',
        protocolType: 'consumer',
        protocolData: 'range',
        members: [
          {
            memberId: 'm-1',
            groupInstanceId: version >= 4 ? 'i-1' : null,
            clientId: 'client',
            clientHost: '/10.0.0.1',
            memberMetadata: new Uint8Array([2, 3]),
            memberAssignment: new Uint8Array([4, 5, 6]),
          },
        ],
        authorizedOperations: OMITTED,
      },
    ])
  })

  test('while it rebalances its protocol is nobody’s', async () => {
    const w = groupWorld()
    const group: ClassicGroup = { ...GROUP, phase: 'preparingRebalance' }
    w.groups.answers.describe = { kind: 'found', group, state: 'PreparingRebalance' }
    const [described] = (await w.ask(describeGroups, version, { groups: ['g'] })).groups
    expect(described).toMatchObject({ groupState: 'PreparingRebalance', protocolType: 'consumer', protocolData: '' })
    expect(described!.members[0]!.memberMetadata).toHaveLength(0)
    expect(described!.members[0]!.memberAssignment).toHaveLength(3)
  })

  test.each([
    [{ kind: 'missing' } as const, 'Group g not found.'],
    [{ kind: 'found', group: CONSUMER, state: 'Stable' } as const, 'Group g is not a classic group.'],
  ])('what is no classic group is dead: %o', async (answer, message) => {
    const w = groupWorld()
    w.groups.answers.describe = answer
    const told =
      version >= 6
        ? { errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: message }
        : { errorCode: 0, errorMessage: null }
    expect((await w.ask(describeGroups, version, { groups: ['g'] })).groups[0]).toMatchObject({
      ...told,
      groupState: 'Dead',
      protocolType: '',
      members: [],
    })
  })

  test('a group of offsets only is empty and of no protocol', async () => {
    const w = groupWorld()
    w.groups.answers.describe = { kind: 'offsetsOnly' }
    const [described] = (await w.ask(describeGroups, version, { groups: ['g'] })).groups
    expect(described).toMatchObject({ errorCode: 0, groupState: 'Empty', protocolType: '', members: [] })
  })
})

test('a group that nobody has joined yet has no protocol type', async () => {
  const w = groupWorld()
  const { protocolType: _, ...rest } = GROUP
  w.groups.answers.describe = { kind: 'found', group: { ...rest, phase: 'empty', members: [] }, state: 'Empty' }
  expect((await w.ask(describeGroups, 6, { groups: ['g'] })).groups[0]).toMatchObject({ protocolType: '', members: [] })
})

test.each([3, 4, 5, 6])('version %i: what one may do, for who asks, with a group that is there', async (version) => {
  const w = groupWorld()
  w.groups.describe = async (id) => (id === 'g' ? { kind: 'offsetsOnly' } : { kind: 'unavailable' })
  const operations = async (includeAuthorizedOperations: boolean) => {
    const response = await w.ask(describeGroups, version, { groups: ['g', 'h'], includeAuthorizedOperations })
    return response.groups.map(({ authorizedOperations }) => authorizedOperations)
  }
  expect(await operations(true)).toEqual([(1 << 3) | (1 << 6) | (1 << 8), OMITTED])
  expect(await operations(false)).toEqual([OMITTED, OMITTED])
})

test('several groups, each once, each with its own outcome', async () => {
  const w = groupWorld()
  w.groups.describe = async (id) => (id === 'a' ? { kind: 'offsetsOnly' } : { kind: 'missing' })
  const { groups } = await w.ask(describeGroups, 6, { groups: ['b', 'a', 'b', '', ENDLESS_ID] })
  expect(groups.map(({ groupId, errorCode }) => [groupId, errorCode])).toEqual([
    ['b', ErrorCode.GROUP_ID_NOT_FOUND],
    ['a', 0],
    ['', ErrorCode.GROUP_ID_NOT_FOUND],
    [ENDLESS_ID, ErrorCode.INVALID_GROUP_ID],
  ])
})

test.each(UNSERVED)('%s is retriable', async (kind) => {
  const w = groupWorld()
  w.groups.answers.describe = { kind }
  const [described] = (await w.ask(describeGroups, 6, { groups: ['g'] })).groups
  expect(described).toMatchObject({ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, groupState: '' })
  expect(described!.errorMessage).not.toBe('')
})

test('more than one answer may hold is refused, not gathered', async () => {
  const w = groupWorld()
  const member = { ...GROUP.members[0]!, assignment: 'A'.repeat(4 * 1024 * 1024) }
  w.groups.answers.describe = { kind: 'found', group: { ...GROUP, members: [member] }, state: 'Stable' }
  const groups = Array.from({ length: 20 }, (_, i) => `g-${i}`)
  const response = await w.ask(describeGroups, 5, { groups })
  expect(response.groups.filter(({ errorCode }) => errorCode === ErrorCode.INVALID_REQUEST).length).toBeGreaterThan(3)
})

test('a handler that breaks down', () => {
  const { groups } = groupWorld().broken(describeGroups, 6, { groups: ['a', 'b'] }, -1)
  expect(groups.map(({ groupId, errorCode }) => [groupId, errorCode])).toEqual([
    ['a', -1],
    ['b', -1],
  ])
})
