// ConsumerGroupHeartbeat, rule by rule: joining, staying, moving partitions from one member to another, answers that get lost.
import { describe, expect, it } from 'vitest'
import { consumerHeartbeat } from '../../../../lib/groups/consumer/heartbeat.ts'
import { stateName } from '../../../../lib/groups/consumer/state-name.ts'
import type { GroupSettings } from '../../../../lib/groups/step.ts'
import { createScene, placesOf, QUIET, type Scene } from './support/scene.ts'

const JOINS = { rebalanceTimeoutMs: 60_000, owned: [], subscribedTopics: ['orders'] }

function twoMembers(settings: Partial<GroupSettings> = {}): Scene {
  const scene = createScene(settings)
  scene.topic('orders', 4)
  scene.enter('a')
  scene.enter('b')
  return scene
}

/** a: epoch 2, has given up 2 of 4; b: epoch 2. */
function settled(): Scene {
  const scene = twoMembers()
  scene.beat('a', 1, { owned: scene.assignment({ orders: [0, 1, 2, 3] }) })
  scene.beat('a', 1, { owned: scene.member('a').assigned })
  scene.beat('b', 2)
  return scene
}

/** The same, some time later: nobody is told anything again. */
function quieted(): Scene {
  const scene = settled()
  for (let i = 0; i < 2; i++) {
    scene.pass(30_000)
    scene.beat('a', 2)
    scene.beat('b', 2)
  }
  return scene
}

describe('the first member', () => {
  it('makes the group and has everything at once', () => {
    const scene = createScene({}, 7)
    scene.topic('orders', 3)
    expect(scene.enter('a')).toEqual({
      kind: 'beat',
      memberId: 'a',
      memberEpoch: 1,
      heartbeatIntervalMs: 3000,
      assignment: scene.assignment({ orders: [0, 1, 2] }),
    })
    expect(scene.consumer).toMatchObject({ epoch: 1, targetEpoch: 1, fence: 8, nextMemberNumber: 1 })
    expect(scene.member('a')).toMatchObject({ state: 'stable', sessionTimeoutMs: 45_000, clientId: 'reader' })
    expect(stateName(scene.consumer)).toBe('Stable')
  })

  it('of a topic that does not exist has nothing until it does', () => {
    const scene = createScene()
    expect(scene.enter('a')).toMatchObject({ memberEpoch: 1, assignment: [] })
    scene.topic('orders', 2)
    expect(scene.beat('a', 1)).toMatchObject({ memberEpoch: 2, assignment: scene.assignment({ orders: [0, 1] }) })
  })

  it('without any subscription is a member all the same', () => {
    const scene = createScene()
    expect(scene.enter('a', { subscribedTopics: [] })).toMatchObject({ memberEpoch: 1, assignment: [] })
    expect(stateName(scene.consumer)).toBe('Stable')
  })

  it('of version 0 is given an id', () => {
    const scene = createScene()
    expect(scene.enter('')).toMatchObject({ memberId: 'id-1', memberEpoch: 1 })
  })
})

describe('a heartbeat that says nothing new', () => {
  it('is answered without an assignment and changes nothing', () => {
    const scene = quieted()
    const before = scene.consumer
    const step = consumerHeartbeat(before, { ...QUIET, memberId: 'a', memberEpoch: 2 }, scene.context())
    expect(step.group).toBe(before)
    expect(step.answer).toMatchObject({ kind: 'beat', memberEpoch: 2, assignment: undefined })
    expect(step.seen).toBe(scene.member('a').number)
  })

  it('is told the assignment when it is a full request or owns something else', () => {
    const scene = quieted()
    const { assigned } = scene.member('a')
    expect(scene.beat('a', 2, { ...JOINS, owned: assigned })).toMatchObject({ assignment: assigned })
    expect(scene.beat('a', 2, { owned: [] })).toMatchObject({ assignment: assigned })
    expect(scene.beat('a', 2, { owned: assigned })).toMatchObject({ assignment: undefined })
  })

  it('is told the assignment for a while after it changed: its repeat would find nothing changed', () => {
    const scene = settled()
    const { assigned } = scene.member('b')
    expect(scene.beat('b', 2)).toMatchObject({ assignment: assigned })
    for (const ms of [30_000, 29_999]) {
      scene.pass(ms)
      scene.beat('a', 2)
      expect(scene.beat('b', 2)).toMatchObject({ assignment: assigned })
    }
    scene.pass(1)
    expect(scene.beat('b', 2)).toMatchObject({ assignment: undefined })
  })

  it('does not describe the client anew', () => {
    const scene = quieted()
    const before = scene.consumer
    const request = { ...QUIET, memberId: 'a', memberEpoch: 2, clientHost: '/10.0.0.9' }
    expect(consumerHeartbeat(before, request, scene.context()).group).toBe(before)
  })
})

describe('a second member', () => {
  it('is asked every second while it waits for the first, and no more often than others afterwards', () => {
    const scene = twoMembers()
    expect(scene.beat('b', 2)).toMatchObject({ heartbeatIntervalMs: 1000 })
    expect(scene.beat('a', 1)).toMatchObject({ heartbeatIntervalMs: 3000 })
    scene.beat('a', 1, { owned: scene.member('a').assigned })
    expect(scene.beat('b', 2)).toMatchObject({ heartbeatIntervalMs: 3000 })
    expect(placesOf(scene.member('b').assigned)).toHaveLength(2)
  })

  it('that waits is asked no less often than all are', () => {
    const scene = twoMembers({ consumerHeartbeatIntervalMs: 400 })
    expect(scene.beat('b', 2)).toMatchObject({ heartbeatIntervalMs: 400 })
  })

  it('gets nothing before the first has given it up', () => {
    const scene = twoMembers()
    expect(scene.member('b')).toMatchObject({ memberEpoch: 2, state: 'unreleasedPartitions', assigned: [] })
    expect(stateName(scene.consumer)).toBe('Reconciling')

    const all = scene.assignment({ orders: [0, 1, 2, 3] })
    const asked = scene.beat('a', 1, { owned: all })
    const [kept] = [scene.member('a').assigned]
    expect(placesOf(kept)).toHaveLength(2)
    expect(asked).toMatchObject({ memberEpoch: 1, assignment: kept })
    expect(scene.member('a')).toMatchObject({ state: 'unrevokedPartitions', revokeDeadlineMs: scene.nowMs + 60_000 })

    // It still owns all of it, then says nothing: neither is a confirmation.
    scene.beat('a', 1, { owned: all })
    scene.beat('a', 1)
    expect(scene.beat('b', 2)).toMatchObject({ assignment: undefined })

    expect(scene.beat('a', 1, { owned: kept })).toMatchObject({ memberEpoch: 2 })
    expect(scene.member('a').revokeDeadlineMs).toBeUndefined()
    const fence = scene.consumer.fence
    const given = scene.beat('b', 2)
    expect(given).toMatchObject({ memberEpoch: 2, assignment: scene.member('b').target })
    expect(scene.consumer.fence).toBe(fence + 1)
    expect(stateName(scene.consumer)).toBe('Stable')
  })

  it('gets at once what the first never had', () => {
    const scene = createScene()
    scene.topic('orders', 1)
    scene.topic('invoices', 1)
    scene.enter('a')
    const answer = scene.enter('b', { subscribedTopics: ['invoices'] })
    expect(answer).toMatchObject({ assignment: scene.assignment({ invoices: [0] }) })
  })

  it('gets what is free, and the rest later', () => {
    const scene = createScene()
    scene.topic('orders', 4)
    scene.enter('a')
    scene.topic('orders', 5)
    expect(scene.enter('b')).toMatchObject({ memberEpoch: 2, assignment: scene.assignment({ orders: [4] }) })
    expect(scene.member('b').state).toBe('unreleasedPartitions')
  })
})

describe('a lost answer', () => {
  it('to a join is given again to the same join', () => {
    const scene = createScene()
    scene.topic('orders', 2)
    const first = scene.enter('a')
    const before = scene.consumer
    expect(scene.enter('a')).toEqual(first)
    expect(scene.consumer).toStrictEqual(before)
  })

  it('is made good for a member at its epoch before that owns no more than it has', () => {
    const scene = twoMembers()
    const all = scene.assignment({ orders: [0, 1, 2, 3] })
    scene.beat('a', 1, { owned: all })
    const { assigned } = scene.member('a')
    scene.beat('a', 1, { owned: assigned })
    expect(scene.member('a')).toMatchObject({ memberEpoch: 2, previousEpoch: 1 })
    expect(scene.beat('a', 1, { ...JOINS, owned: assigned })).toMatchObject({ memberEpoch: 2, assignment: assigned })
    expect(scene.beat('a', 1, { owned: all })).toMatchObject({ kind: 'fencedMemberEpoch' })
    expect(scene.beat('a', 1)).toMatchObject({ kind: 'fencedMemberEpoch' })
  })

  it('does not excuse any other epoch', () => {
    const scene = settled()
    scene.topic('orders', 6)
    scene.beat('b', 2)
    const { assigned } = scene.member('b')
    expect(scene.beat('b', 4, { owned: assigned })).toMatchObject({ kind: 'fencedMemberEpoch' })
    expect(scene.beat('b', 1, { owned: assigned })).toMatchObject({ kind: 'fencedMemberEpoch' })
    expect(scene.beat('b', 2, { owned: assigned })).toMatchObject({ kind: 'beat', memberEpoch: 3 })
  })

  it('ends with joining again, which gives it all it had', () => {
    const scene = settled()
    const { assigned } = scene.member('a')
    expect(scene.enter('a')).toMatchObject({ memberEpoch: 2, assignment: assigned })
  })

  it('while giving up: joining again says that everything is given up', () => {
    const scene = twoMembers()
    scene.beat('a', 1, { owned: scene.assignment({ orders: [0, 1, 2, 3] }) })
    const { assigned } = scene.member('a')
    expect(scene.enter('a')).toMatchObject({ memberEpoch: 2, assignment: assigned })
    expect(scene.beat('b', 2)).toMatchObject({ assignment: scene.member('b').target })
  })
})

describe('topics that change', () => {
  it('are noticed by the next heartbeat of anybody', () => {
    const scene = settled()
    scene.topic('orders', 6)
    expect(scene.beat('b', 2)).toMatchObject({ memberEpoch: 3 })
    expect(scene.consumer).toMatchObject({ epoch: 3, topics: [{ name: 'orders', partitions: 6 }] })
    expect(scene.beat('a', 2)).toMatchObject({ memberEpoch: 3 })
    expect(placesOf(scene.consumer.members.flatMap(({ assigned }) => assigned))).toHaveLength(6)
  })

  it('that nobody is subscribed to change nothing', () => {
    const scene = settled()
    const before = scene.consumer
    scene.topic('other', 3)
    scene.beat('a', 2)
    expect(scene.consumer).toStrictEqual(before)
  })

  it('that were deleted are given up, and one of the same name is another', () => {
    const scene = settled()
    const { assigned } = scene.member('a')
    scene.deleteTopic('orders')
    scene.topic('orders', 2)
    scene.beat('a', 2, { owned: assigned })
    expect(scene.member('a')).toMatchObject({ state: 'unrevokedPartitions', pendingRevocation: assigned })
    const { kind } = scene.beat('a', 2, { owned: [] })
    expect(kind).toBe('beat')
    expect(scene.member('a').assigned).toEqual(scene.assignment({ orders: scene.member('a').target[0]!.partitions }))
  })

  it('are not changed back by a process that has not heard of it yet', () => {
    const scene = settled()
    scene.topic('orders', 6)
    scene.beat('b', 2)
    const before = scene.consumer
    scene.beat('b', 3, {}, 1)
    expect(scene.consumer).toStrictEqual(before)
  })
})

describe('a subscription that changes', () => {
  it('takes what is no longer wanted and gives what is', () => {
    const scene = settled()
    scene.topic('invoices', 2)
    const { assigned } = scene.member('b')
    const fence = scene.consumer.fence
    scene.beat('b', 2, { subscribedTopics: ['invoices'], owned: assigned })
    expect(scene.member('b')).toMatchObject({ state: 'unrevokedPartitions', assigned: [], pendingRevocation: assigned })
    scene.beat('a', 2)
    expect(scene.member('a').state).toBe('unreleasedPartitions')
    expect(scene.beat('b', 2, { owned: [] })).toMatchObject({ assignment: scene.assignment({ invoices: [0, 1] }) })
    expect(scene.beat('a', 3)).toMatchObject({ assignment: scene.assignment({ orders: [0, 1, 2, 3] }) })
    expect(scene.consumer.fence).toBe(fence + 2)
  })

  it('in the middle of giving up adds to what has to be given up', () => {
    const scene = twoMembers()
    scene.topic('invoices', 2)
    const all = scene.assignment({ orders: [0, 1, 2, 3] })
    scene.beat('a', 1, { owned: all })
    scene.pass(1000)
    scene.beat('a', 1, { owned: all, subscribedTopics: ['invoices'] })
    expect(scene.member('a')).toMatchObject({
      memberEpoch: 1,
      assigned: [],
      pendingRevocation: all,
      revokeDeadlineMs: scene.nowMs + 60_000,
    })
  })

  it('in order or in doubles only is none', () => {
    const scene = createScene()
    scene.topic('orders', 1)
    scene.topic('invoices', 1)
    scene.enter('a', { subscribedTopics: ['orders', 'invoices'] })
    const before = scene.consumer
    scene.beat('a', 1, { subscribedTopics: ['invoices', 'orders', 'orders'] })
    expect(scene.consumer).toStrictEqual(before)
  })
})

describe('who is refused', () => {
  const scene = createScene({ consumerMembersMax: 2 })
  scene.topic('orders', 4)
  scene.enter('a')
  scene.enter('b')

  it.each([
    ['no group id', 'c', 0, { ...JOINS, groupId: ' ' }, 'invalidRequest'],
    ['no member id', ' ', 0, JOINS, 'invalidRequest'],
    ['no member id while leaving', '', -1, {}, 'invalidRequest'],
    ['an empty instance id', 'c', 0, { ...JOINS, instanceId: '' }, 'invalidRequest'],
    ['an empty rack', 'c', 0, { ...JOINS, rackId: '' }, 'invalidRequest'],
    ['no rebalance timeout', 'c', 0, { ...JOINS, rebalanceTimeoutMs: -1 }, 'invalidRequest'],
    ['not saying what it owns', 'c', 0, { ...JOINS, owned: undefined }, 'invalidRequest'],
    ['owning something', 'c', 0, { ...JOINS, owned: scene.assignment({ orders: [0] }) }, 'invalidRequest'],
    ['wanting nothing said', 'c', 0, { ...JOINS, subscribedTopics: undefined }, 'invalidRequest'],
    ['an epoch that is none', 'a', -3, {}, 'invalidRequest'],
    ['leaving for a while as nobody in particular', 'a', -2, {}, 'invalidRequest'],
    ['a name without end', 'c', 0, { ...JOINS, clientId: 'x'.repeat(2000) }, 'invalidRequest'],
    ['an assignor of its own', 'a', 1, { serverAssignor: 'mine' }, 'unsupportedAssignor'],
    ['a pattern that is none', 'a', 1, { subscribedPattern: '(' }, 'invalidPattern'],
    ['one member too many', 'c', 0, JOINS, 'groupFull'],
    ['a subscription without end', 'a', 1, { subscribedTopics: ['x'.repeat(70_000)] }, 'groupFull'],
    ['a stranger', 'c', 1, {}, 'unknownMember'],
    ['a stranger who leaves', 'c', -1, {}, 'unknownMember'],
    ['an instance that nobody is', 'a', 1, { instanceId: 'i' }, 'unknownMember'],
  ] as const)('%s', (_, memberId, epoch, said, kind) => {
    const before = scene.consumer
    expect(scene.beat(memberId, epoch, said)).toMatchObject({ kind })
    expect(scene.consumer).toStrictEqual(before)
  })

  it('whoever is in a group that is not there', () => {
    const empty = createScene()
    expect(empty.beat('a', 1)).toMatchObject({ kind: 'groupNotFound' })
    expect(empty.beat('a', -1)).toMatchObject({ kind: 'groupNotFound' })
    expect(empty.group).toBeUndefined()
  })

  it('an assignor that the settings leave out', () => {
    const scene2 = createScene({ consumerAssignors: ['uniform'] })
    expect(scene2.enter('a', { serverAssignor: 'range' })).toMatchObject({ kind: 'unsupportedAssignor' })
  })
})

describe('a group that would be too large', () => {
  it('takes in nobody who makes it so', () => {
    const scene = createScene()
    scene.topic('orders', 30_000)
    expect(scene.enter('a')).toMatchObject({ kind: 'groupFull' })
    expect(scene.group).toBeUndefined()
  })

  it('lets nobody subscribe to what makes it so', () => {
    const scene = createScene()
    scene.topic('orders', 2)
    scene.topic('huge', 30_000)
    scene.enter('a')
    const before = scene.consumer
    expect(scene.beat('a', 1, { subscribedTopics: ['orders', 'huge'] })).toMatchObject({ kind: 'groupFull' })
    expect(scene.consumer).toStrictEqual(before)
  })

  it('goes on with the topics that it has when they grow so', () => {
    const scene = createScene()
    scene.topic('orders', 2)
    scene.enter('a')
    scene.topic('orders', 30_000)
    const before = scene.consumer
    expect(scene.beat('a', 1)).toMatchObject({ kind: 'beat', memberEpoch: 1 })
    expect(scene.consumer).toStrictEqual(before)
    expect(scene.beat('a', 0, JOINS)).toMatchObject({ assignment: scene.assignment({ orders: [0, 1] }) })
  })
})

describe('the assignor', () => {
  it('is the one that most ask for, at the next target', () => {
    const scene = createScene()
    scene.topic('orders', 4)
    scene.enter('a', { serverAssignor: 'range' })
    scene.enter('b')
    expect(scene.member('a').target).toEqual(scene.assignment({ orders: [0, 1] }))
    expect(scene.member('b').target).toEqual(scene.assignment({ orders: [2, 3] }))
  })
})
