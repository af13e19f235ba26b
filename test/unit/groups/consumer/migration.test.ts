// A running group changes from the classic protocol to KIP-848 and back, member by member, without a partition that two of them
// have.
import { describe, expect, it } from 'vitest'
import { stateName } from '../../../../lib/groups/consumer/state-name.ts'
import type { ClassicGroup } from '../../../../lib/groups/group.ts'
import { assignmentIn, classicGroup, embeddedAssignment, joined, mixedGroup } from './support/migration.ts'
import { createScene, placesOf } from './support/scene.ts'

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
