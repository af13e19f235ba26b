// Members of a consumer group that still speak the classic protocol: their joins, syncs, heartbeats and leaves.
import { describe, expect, it } from 'vitest'
import { nextDeadlineMs } from '../../../../lib/groups/consumer/deadlines.ts'
import { stateName } from '../../../../lib/groups/consumer/state-name.ts'
import { assignmentIn, classicGroup, joined, mixedGroup } from './support/migration.ts'
import { createScene, metadataOf, placesOf } from './support/scene.ts'

describe('a classic member of a consumer group', () => {
  it('may join it, and gets what the others give up', () => {
    const scene = createScene()
    scene.topic('orders', 2)
    scene.enter('a')
    const asked = scene.join({ memberIdRequired: true })
    if (asked.kind !== 'memberIdRequired') throw new Error(asked.kind)
    const memberId = asked.memberId!
    expect(scene.consumer.members).toHaveLength(1)
    expect(joined(scene, { memberId, memberIdRequired: true })).toMatchObject({ memberId, generation: 2 })
    const nothing = scene.sync(memberId, 2)
    expect(nothing.kind === 'synced' && assignmentIn(nothing.assignment)).toEqual({})
    expect(scene.classicBeat(memberId, 2)).toEqual({ kind: 'alive' })

    scene.beat('a', 1, { owned: scene.assignment({ orders: [0, 1] }) })
    scene.beat('a', 1, { owned: scene.member('a').assigned })
    expect(scene.classicBeat(memberId, 2)).toEqual({ kind: 'rebalanceInProgress' })
    const { fence } = scene.consumer
    expect(joined(scene, { memberId })).toMatchObject({ generation: 2 })
    expect(scene.consumer.fence).toBe(fence + 1)
    const told = scene.sync(memberId, 2)
    expect(told.kind === 'synced' && assignmentIn(told.assignment)['orders']).toHaveLength(1)
    expect(stateName(scene.consumer)).toBe('Stable')
  })

  it('that gives up everything before it joins, as eager ones do, is done in one join', () => {
    const { scene, old } = classicGroup()
    scene.enter('a')
    expect(joined(scene, { memberId: old })).toMatchObject({ generation: 2 })
    expect(scene.member(old)).toMatchObject({ state: 'stable', assigned: scene.member(old).target })
    expect(scene.beat('a', 2)).toMatchObject({ assignment: scene.member('a').target })
  })

  it('is answered the same for the same join, which changes nothing twice', () => {
    const { scene, old } = mixedGroup()
    scene.topic('orders', 6)
    const first = joined(scene, {
      memberId: old,
      token: 'once',
      owned: { orders: scene.member(old).assigned[0]!.partitions },
    })
    const before = scene.consumer
    expect(joined(scene, { memberId: old, token: 'once', owned: {} })).toEqual(first)
    expect(scene.consumer).toStrictEqual(before)
  })

  it('is not spoken for by a join that a newer one overtook', () => {
    const { scene, old } = mixedGroup()
    const owned = { orders: scene.member(old).assigned[0]!.partitions }
    joined(scene, { memberId: old, token: 'older', owned: {} })
    joined(scene, { memberId: old, token: 'newer', owned })
    scene.enter('b')
    joined(scene, { memberId: old, token: 'newest', owned })
    const before = scene.consumer
    expect(scene.member(old).state).toBe('unrevokedPartitions')
    joined(scene, { memberId: old, token: 'older', owned: {} })
    expect(scene.consumer).toStrictEqual(before)
  })

  it('whose session ended while it still reads is told so, and not taken in as if it were new', () => {
    const { scene, old } = mixedGroup()
    const owned = { orders: scene.member(old).assigned[0]!.partitions }
    scene.pass(30_000)
    scene.beat('a', 2)
    expect(scene.join({ memberId: old, owned })).toMatchObject({ kind: 'unknownMember' })
    expect(joined(scene, { memberId: old })).toMatchObject({ memberId: old, generation: 4 })
  })

  it('neither loses nor is denied what it has of a topic that a process has not heard of yet', () => {
    const scene = createScene()
    scene.topic('invoices', 1)
    scene.enter('a', { subscribedTopics: ['invoices'] })
    scene.topic('orders', 2)
    const { memberId, generation } = joined(scene)
    const told = scene.sync(memberId, generation, {}, 1)
    expect(told.kind === 'synced' && assignmentIn(told.assignment)).toEqual({ orders: [0, 1] })
    scene.enter('b')
    const again = scene.join({ memberId, owned: { orders: [0, 1] } }, 2)
    expect(again).toMatchObject({ kind: 'joined', generation })
    expect(scene.member(memberId)).toMatchObject({ state: 'unrevokedPartitions' })
    expect(placesOf(scene.member(memberId).pendingRevocation)).toHaveLength(1)
  })

  it('owns what it has of topics without a name here while it names one that nobody knows', () => {
    const { scene, old } = mixedGroup()
    const { assigned } = scene.member(old)
    scene.deleteTopic('orders')
    scene.classicBeat(old, 2)
    joined(scene, { memberId: old, owned: { orders: assigned[0]!.partitions } })
    expect(scene.member(old)).toMatchObject({ state: 'unrevokedPartitions', pendingRevocation: assigned })
    joined(scene, { memberId: old, owned: {} })
    expect(scene.member(old)).toMatchObject({ state: 'stable', assigned: [], pendingRevocation: [] })
  })

  it('of a version without member ids in between joins once with one request', () => {
    const scene = createScene()
    scene.enter('a')
    const first = joined(scene, { token: 'once' })
    expect(joined(scene, { token: 'once' })).toEqual(first)
    expect(scene.consumer.members).toHaveLength(2)
  })

  it('is told of topics that changed by its own heartbeat', () => {
    const { scene, old } = mixedGroup()
    scene.topic('orders', 6)
    expect(scene.classicBeat(old, 2)).toEqual({ kind: 'rebalanceInProgress' })
    expect(scene.sync(old, 2)).toMatchObject({ kind: 'rebalanceInProgress' })
    const before = scene.consumer
    expect(before.members.find(({ memberId }) => memberId === old)?.classic?.joinDeadlineMs).toBe(scene.nowMs + 60_000)
    scene.pass(1000)
    expect(scene.classicBeat(old, 2)).toEqual({ kind: 'rebalanceInProgress' })
    expect(scene.consumer).toStrictEqual(before)
    const owned = { orders: scene.member(old).assigned[0]!.partitions }
    expect(joined(scene, { memberId: old, owned })).toMatchObject({ generation: 3 })
  })

  it('is removed when it does not join within its rebalance timeout after it was told to', () => {
    const { scene, old } = mixedGroup()
    scene.topic('orders', 6)
    for (let i = 0; i < 4; i++) {
      expect(scene.classicBeat(old, 2)).toEqual({ kind: 'rebalanceInProgress' })
      scene.beat('a', i === 0 ? 2 : 3)
      scene.pass(15_000)
    }
    scene.look()
    expect(scene.consumer.members.map(({ memberId }) => memberId)).toEqual(['a'])
  })

  it('is removed when it does not sync within its rebalance timeout after it joined', () => {
    const { scene, old } = mixedGroup()
    joined(scene, { memberId: old, owned: { orders: scene.member(old).assigned[0]!.partitions } })
    expect(nextDeadlineMs(scene.consumer, scene.context())).toBe(scene.nowMs + 30_000)
    scene.pass(20_000)
    scene.classicBeat(old, 2)
    scene.pass(20_000)
    scene.beat('a', 2)
    scene.classicBeat(old, 2)
    scene.pass(20_000)
    scene.look()
    expect(scene.consumer.members.map(({ memberId }) => memberId)).toEqual(['a'])
  })

  it('is removed when its session ends', () => {
    const { scene, old } = mixedGroup()
    scene.pass(29_999)
    scene.beat('a', 2)
    expect(scene.member(old)).toBeDefined()
    scene.pass(1)
    scene.beat('a', 2)
    expect(scene.consumer.members.map(({ memberId }) => memberId)).toEqual(['a'])
  })

  it('commits at its generation', () => {
    const { scene, old } = mixedGroup()
    expect(scene.commit(old, 2)).toEqual({ kind: 'allowed', fence: scene.consumer.fence })
    expect(scene.commit(old, 1)).toMatchObject({ kind: 'illegalGeneration' })
  })

  it('becomes a KIP-848 member by joining as one', () => {
    const { scene, old } = mixedGroup()
    expect(scene.enter(old)).toMatchObject({ memberEpoch: 2, assignment: scene.member(old).assigned })
    expect(scene.member(old).classic).toBeUndefined()
    expect(scene.classicBeat(old, 2)).toMatchObject({ kind: 'unknownMember' })
  })

  it.each([
    ['a session that is too short', { sessionTimeoutMs: 5999 }, 'invalidSessionTimeout'],
    ['a session that is too long', { sessionTimeoutMs: 1_800_001 }, 'invalidSessionTimeout'],
    ['another type', { protocolType: 'connect' }, 'inconsistentProtocol'],
    ['no protocol', { protocols: [] }, 'inconsistentProtocol'],
    [
      'no protocol that the others have',
      { protocols: [{ name: 'x', metadata: metadataOf(['orders']) }] },
      'inconsistentProtocol',
    ],
    [
      'metadata that is none',
      { protocols: [{ name: 'cooperative-sticky', metadata: 'AA==' }] },
      'inconsistentProtocol',
    ],
    ['no group id', { groupId: '' }, 'invalidGroupId'],
    ['a name without end', { clientId: 'x'.repeat(2000) }, 'invalidRequest'],
    ['an instance that nobody is', { memberId: 'm', instanceId: 'i' }, 'unknownMember'],
  ])('does not join with %s', (_, said, kind) => {
    const { scene } = mixedGroup()
    const before = scene.consumer
    expect(scene.join(said)).toMatchObject({ kind })
    expect(scene.consumer).toStrictEqual(before)
  })

  it('does not join a full group', () => {
    const scene = createScene({ consumerMembersMax: 1 })
    scene.enter('a')
    expect(scene.join()).toMatchObject({ kind: 'groupFull' })
    expect(scene.join({ memberIdRequired: true })).toMatchObject({ kind: 'groupFull' })
  })

  it('is refused with another generation, protocol or member', () => {
    const { scene, old } = mixedGroup()
    const before = scene.consumer
    expect(scene.sync(old, 1)).toMatchObject({ kind: 'illegalGeneration' })
    expect(scene.sync(old, 2, { protocol: 'range' })).toMatchObject({ kind: 'inconsistentProtocol' })
    expect(scene.sync(old, 2, { protocolType: 'connect' })).toMatchObject({ kind: 'inconsistentProtocol' })
    expect(scene.sync('nobody', 2)).toMatchObject({ kind: 'unknownMember' })
    expect(scene.sync('a', 2)).toMatchObject({ kind: 'unknownMember' })
    expect(scene.classicBeat(old, 3)).toMatchObject({ kind: 'illegalGeneration' })
    expect(scene.classicBeat('a', 2)).toMatchObject({ kind: 'unknownMember' })
    expect(scene.classicBeat(old, 2, { instanceId: 'i' })).toMatchObject({ kind: 'unknownMember' })
    expect(scene.sync(old, 2, { protocol: undefined, protocolType: undefined })).toMatchObject({
      kind: 'synced',
      protocolType: 'consumer',
      protocol: 'cooperative-sticky',
    })
    expect(scene.consumer).toStrictEqual(before)
  })
})

describe('a static classic member', () => {
  const STATIC = { instanceId: 'one' }

  it('that starts anew takes the place of the one before, whose requests are then refused', () => {
    const { scene, old } = classicGroup(STATIC)
    scene.enter('a')
    const { fence } = scene.consumer
    const again = joined(scene, { ...STATIC, token: 'again' })
    expect(again.memberId).not.toBe(old)
    expect(scene.consumer.members).toHaveLength(2)
    expect(scene.consumer.fence).toBe(fence + 1)
    expect(scene.classicBeat(old, 1, STATIC)).toMatchObject({ kind: 'fencedInstance' })
    expect(scene.join({ ...STATIC, memberId: old })).toMatchObject({ kind: 'fencedInstance' })
    expect(joined(scene, { ...STATIC, token: 'again' })).toEqual(again)
    const third = joined(scene, { ...STATIC, token: 'third' })
    expect(scene.join({ ...STATIC, token: 'again' })).toMatchObject({ kind: 'fencedInstance' })
    expect(scene.member(third.memberId)).toBeDefined()
  })

  it('may be taken over by a KIP-848 member, without having left', () => {
    const { scene } = classicGroup(STATIC)
    expect(scene.enter('a', STATIC)).toMatchObject({
      memberEpoch: 2,
      assignment: scene.assignment({ orders: [0, 1, 2, 3] }),
    })
    expect(scene.consumer.members).toHaveLength(1)
    expect(scene.member('a').classic).toBeUndefined()
  })

  it('may take over from the last KIP-848 member: the group is a stable classic one at once', () => {
    const { scene } = classicGroup(STATIC)
    scene.enter('a', STATIC)
    const { fence, epoch } = scene.consumer
    const back = joined(scene, STATIC)
    expect(back.generation).toBe(epoch)
    expect(scene.group).toMatchObject({ kind: 'classic', phase: 'stable', generation: epoch, leader: back.memberId })
    expect(scene.group!.fence).toBeGreaterThan(fence)
    const told = scene.sync(back.memberId, epoch, STATIC)
    expect(told.kind === 'synced' && assignmentIn(told.assignment)).toEqual({ orders: [0, 1, 2, 3] })
    expect(scene.classicBeat(back.memberId, epoch, STATIC)).toEqual({ kind: 'alive' })
  })

  it('that wants something else then makes everybody join again', () => {
    const { scene } = classicGroup(STATIC)
    scene.enter('a', STATIC)
    scene.topic('orders', 8)
    scene.topic('invoices', 1)
    joined(scene, { token: 'other' })
    joined(scene, { ...STATIC, topics: ['invoices'] })
    expect(scene.group).toMatchObject({ kind: 'classic', phase: 'preparingRebalance' })
  })
})
