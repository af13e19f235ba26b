// A running group changes from the classic protocol to KIP-848 and back, member by member, without a partition that two of them
// have; and the classic requests of those who have not changed yet.
import { describe, expect, it } from 'vitest'
import { nextDeadlineMs } from '../../../../lib/groups/consumer/deadlines.ts'
import { stateName } from '../../../../lib/groups/consumer/state-name.ts'
import type { ClassicGroup } from '../../../../lib/groups/group.ts'
import type { Joined, JoinRequest } from '../../../../lib/groups/requests.ts'
import { decodeAssignment, encodeAssignment } from '../../../../lib/wire/consumer-protocol.ts'
import { createScene, metadataOf, placesOf, type Scene } from './support/scene.ts'

type Named = Readonly<Record<string, readonly number[]>>

function embeddedAssignment(partitions: Named, userData: Uint8Array | null = null): string {
  const assignedPartitions = Object.entries(partitions).map(([topic, numbers]) => ({ topic, partitions: numbers }))
  return Buffer.from(encodeAssignment(1, { assignedPartitions, userData })).toString('base64')
}

function assignmentIn(base64: string): Named {
  const { assignedPartitions } = decodeAssignment(Buffer.from(base64, 'base64'))!
  return Object.fromEntries(assignedPartitions.map(({ topic, partitions }) => [topic, partitions]))
}

function joined(scene: Scene, said: Parameters<Scene['join']>[0] = {}): Joined {
  const answer = scene.join(said)
  if (answer.kind !== 'joined') throw new Error(`the join was answered ${answer.kind}`)
  return answer
}

/** A stable classic group of one member with all four partitions of `orders`. */
function classicGroup(said: Partial<JoinRequest> = {}): { readonly scene: Scene; readonly old: string } {
  const scene = createScene()
  scene.topic('orders', 4)
  const { memberId, generation } = joined(scene, said)
  const assignments = [{ memberId, assignment: embeddedAssignment({ orders: [0, 1, 2, 3] }) }]
  const { instanceId } = said
  expect(scene.sync(memberId, generation, { assignments, instanceId })).toMatchObject({ kind: 'synced' })
  return { scene, old: memberId }
}

/** The classic member has joined the consumer group and owns half of the partitions; `a` has the others. */
function mixedGroup(): { readonly scene: Scene; readonly old: string } {
  const { scene, old } = classicGroup()
  scene.enter('a')
  joined(scene, { memberId: old, owned: { orders: [0, 1, 2, 3] } })
  scene.sync(old, 1)
  const { assigned } = scene.member(old)
  joined(scene, { memberId: old, owned: { orders: assigned[0]!.partitions } })
  scene.sync(old, 2)
  scene.beat('a', 2)
  expect(stateName(scene.consumer)).toBe('Stable')
  return { scene, old }
}

describe('an upgrade', () => {
  it('leaves classic members what they have until they give it up', () => {
    const { scene, old } = classicGroup()
    const { fence } = scene.group!
    expect(scene.enter('a')).toMatchObject({ memberEpoch: 2, assignment: [] })
    expect(scene.consumer).toMatchObject({ epoch: 2, nextMemberNumber: 2 })
    expect(scene.consumer.fence).toBeGreaterThan(fence)
    expect(scene.member(old)).toMatchObject({ memberEpoch: 1, sessionTimeoutMs: 30_000, state: 'stable' })
    expect(scene.member(old).assigned).toEqual(scene.assignment({ orders: [0, 1, 2, 3] }))

    expect(scene.classicBeat(old, 1)).toMatchObject({ kind: 'rebalanceInProgress' })
    const first = joined(scene, { memberId: old, owned: { orders: [0, 1, 2, 3] } })
    expect(first).toMatchObject({ generation: 1, leader: '', members: [], protocol: 'cooperative-sticky' })
    const told = scene.sync(old, 1)
    if (told.kind !== 'synced') throw new Error(told.kind)
    const kept = assignmentIn(told.assignment)
    expect(kept['orders']).toHaveLength(2)
    expect(scene.beat('a', 2)).toMatchObject({ assignment: undefined })

    expect(joined(scene, { memberId: old, owned: kept })).toMatchObject({ generation: 2 })
    expect(scene.sync(old, 2)).toMatchObject({ kind: 'synced', assignment: told.assignment })
    expect(scene.beat('a', 2)).toMatchObject({ assignment: scene.member('a').target })
    expect(scene.classicBeat(old, 2)).toEqual({ kind: 'alive' })
    expect(stateName(scene.consumer)).toBe('Stable')
  })

  it('tells those who wait for a join or a sync, who go on in the consumer group', () => {
    const scene = createScene()
    scene.topic('orders', 2)
    const leader = joined(scene)
    const waiting = scene.join({ token: 'waiting' })
    expect(waiting).toMatchObject({ kind: 'wait' })
    scene.enter('a')
    expect(scene.sync(leader.memberId, 1)).toMatchObject({ kind: 'rebalanceInProgress' })
    const answer = joined(scene, { token: 'waiting' })
    expect(answer.generation).toBe(2)
    expect(scene.consumer.members).toHaveLength(3)
    expect(joined(scene, { token: 'waiting' })).toEqual(answer)
    expect(scene.consumer.members).toHaveLength(3)
  })

  it('counts as theirs what members may own in the middle of a rebalance', () => {
    const { scene, old } = classicGroup()
    // The group has begun a generation in which nobody is assigned anything yet; the member still has its partitions.
    expect(scene.join({ token: 'other', owned: {} })).toMatchObject({ kind: 'wait' })
    joined(scene, { memberId: old, owned: { orders: [0, 1, 2, 3] } })
    expect(scene.group).toMatchObject({ kind: 'classic', phase: 'completingRebalance' })
    scene.enter('a')
    expect(scene.member(old).assigned).toEqual(scene.assignment({ orders: [0, 1, 2, 3] }))
    expect(scene.member('a').assigned).toEqual([])
  })

  it('gives no partition to two, whatever a leader assigned', () => {
    const scene = createScene()
    scene.topic('orders', 2)
    const first = joined(scene)
    scene.join({ token: 'second' })
    const again = joined(scene, { memberId: first.memberId })
    const second = joined(scene, { token: 'second' })
    const assignment = embeddedAssignment({ orders: [0, 1] })
    const assignments = [first, second].map(({ memberId }) => ({ memberId, assignment }))
    scene.sync(first.memberId, again.generation, { assignments })
    scene.enter('a')
    expect(placesOf(scene.consumer.members.flatMap(({ assigned }) => assigned))).toHaveLength(2)
  })

  it.each([
    ['the policy forbids it', { migration: 'downgrade' } as const],
    ['migration is off', { migration: 'disabled' } as const],
    ['it has too many members', { consumerMembersMax: 0 }],
  ])('is refused when %s', (_, settings) => {
    const { scene } = classicGroup()
    const refusing = createScene(settings)
    refusing.topic('orders', 4)
    refusing.set(scene.group)
    expect(refusing.enter('a')).toMatchObject({ kind: 'groupNotFound' })
    expect(refusing.group).toStrictEqual(scene.group)
  })

  it('is refused for members of another type, with another metadata, and with an assignor of their own', () => {
    const connect = createScene()
    joined(connect, { protocolType: 'connect' })
    expect(connect.enter('a')).toMatchObject({ kind: 'groupNotFound' })

    const strange = createScene()
    joined(strange, { protocols: [{ name: 'range', metadata: 'AA==' }] })
    expect(strange.enter('a')).toMatchObject({ kind: 'groupNotFound' })

    const own = createScene()
    own.topic('orders', 1)
    const { memberId, generation } = joined(own)
    const assignment = embeddedAssignment({ orders: [0] }, Uint8Array.of(1))
    own.sync(memberId, generation, { assignments: [{ memberId, assignment }] })
    expect(own.enter('a')).toMatchObject({ kind: 'groupNotFound' })
    expect(own.group?.kind).toBe('classic')
  })

  it('is no upgrade where nobody is in the group', () => {
    const { scene, old } = classicGroup()
    scene.leave({ memberId: old })
    const { fence, nextMemberNumber, generation } = scene.group as ClassicGroup
    expect(scene.enter('a')).toMatchObject({ assignment: scene.assignment({ orders: [0, 1, 2, 3] }) })
    expect(scene.consumer.epoch).toBe(generation + 1)
    expect(scene.consumer.fence).toBeGreaterThan(fence)
    expect(scene.consumer.nextMemberNumber).toBe(nextMemberNumber + 1)
  })
})

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

describe('a downgrade', () => {
  it('follows when the last KIP-848 member leaves: all others join again', () => {
    const { scene, old } = mixedGroup()
    const { fence, epoch } = scene.consumer
    expect(scene.beat('a', -1)).toMatchObject({ memberEpoch: -1 })
    expect(scene.group).toMatchObject({
      kind: 'classic',
      phase: 'preparingRebalance',
      generation: epoch,
      protocolType: 'consumer',
      protocol: 'cooperative-sticky',
      leader: old,
    })
    expect(scene.group!.fence).toBeGreaterThan(fence)
    expect(scene.classicBeat(old, 2)).toEqual({ kind: 'rebalanceInProgress' })
    const again = joined(scene, { memberId: old, owned: { orders: [0, 1] } })
    expect(again).toMatchObject({ generation: epoch + 1, leader: old })
    expect(again.members).toHaveLength(1)
  })

  it('raises the fence, whether the one who left had anything or not', () => {
    const { scene } = classicGroup()
    scene.enter('a')
    const { fence } = scene.consumer
    scene.beat('a', -1)
    expect(scene.group).toMatchObject({ kind: 'classic', fence: fence + 1 })
  })

  it('follows when its session ends, too, and up again with the next one', () => {
    const { scene, old } = mixedGroup()
    const has = scene.member(old).assigned
    scene.pass(25_000)
    scene.classicBeat(old, 2)
    scene.pass(20_000)
    scene.look()
    expect(scene.group?.kind).toBe('classic')
    scene.enter('b')
    expect(scene.member(old)).toMatchObject({ memberEpoch: 2, assigned: has })
  })

  it.each([
    ['the policy forbids it', { migration: 'upgrade' } as const],
    ['there are too many members', { membersMax: 0 }],
  ])('does not follow when %s', (_, settings) => {
    const { scene, old } = mixedGroup()
    const refusing = createScene(settings)
    refusing.topic('orders', 4)
    refusing.set(scene.group)
    refusing.beat('a', -1)
    expect(refusing.consumer.members.map(({ memberId }) => memberId)).toEqual([old])
    expect(refusing.classicBeat(old, 2)).toEqual({ kind: 'rebalanceInProgress' })
  })

  it('does not follow while a static KIP-848 member is away for a while', () => {
    const { scene } = mixedGroup()
    scene.enter('s', { instanceId: 'one' })
    scene.beat('s', -2, { instanceId: 'one' })
    scene.beat('a', -1)
    expect(scene.group?.kind).toBe('consumer')
  })

  it('follows from LeaveGroup, which may name several, by instance too', () => {
    const { scene, old } = mixedGroup()
    scene.enter('s', { instanceId: 'one' })
    const left = scene.leave(
      { memberId: 'a' },
      { memberId: '', instanceId: 'one' },
      { memberId: 'nobody' },
      { memberId: 'a' },
      { memberId: 'x', instanceId: 'one' },
      { memberId: '', instanceId: 'two' },
    )
    expect(left.kind === 'left' && left.refusals.map((refusal) => refusal?.kind)).toEqual([
      undefined,
      undefined,
      'unknownMember',
      'unknownMember',
      'fencedInstance',
      'unknownMember',
    ])
    expect(scene.group).toMatchObject({ kind: 'classic', members: [{ memberId: old }] })
  })
})

describe('a consumer group without members', () => {
  it('becomes a classic one with the first classic member', () => {
    const scene = createScene()
    scene.topic('orders', 1)
    scene.enter('a')
    scene.beat('a', -1)
    const { fence, epoch, nextMemberNumber } = scene.consumer
    const { memberId, generation } = joined(scene)
    expect(scene.group).toMatchObject({ kind: 'classic', nextMemberNumber: nextMemberNumber + 1 })
    expect(generation).toBe(epoch + 1)
    expect(scene.group!.fence).toBeGreaterThan(fence)
    expect(scene.classicBeat(memberId, generation)).toEqual({ kind: 'alive' })
  })

  it('stays what it is when the join is refused', () => {
    const scene = createScene()
    scene.enter('a')
    scene.beat('a', -1)
    const before = scene.consumer
    expect(scene.join({ memberId: 'known' })).toMatchObject({ kind: 'unknownMember' })
    expect(scene.classicBeat('a', 1)).toMatchObject({ kind: 'unknownMember' })
    expect(scene.sync('a', 1)).toMatchObject({ kind: 'unknownMember' })
    expect(scene.leave({ memberId: 'a' })).toMatchObject({ refusals: [{ kind: 'unknownMember' }] })
    expect(scene.consumer).toStrictEqual(before)
  })
})
