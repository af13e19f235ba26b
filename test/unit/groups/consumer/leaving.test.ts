// Members that leave, are removed by time, or come back: what they had is free, or waits for them, and the fence covers it.
import { describe, expect, it } from 'vitest'
import { nextDeadlineMs } from '../../../../lib/groups/consumer/deadlines.ts'
import { stateName } from '../../../../lib/groups/consumer/state-name.ts'
import { createScene } from './support/scene.ts'

const STATIC = { instanceId: 'one' }

describe('a member that leaves', () => {
  it('frees what it had, and the others get it with their next heartbeat', () => {
    const scene = createScene()
    scene.topic('orders', 2)
    scene.enter('a')
    scene.enter('b')
    const { fence } = scene.consumer
    expect(scene.beat('a', -1)).toEqual({
      kind: 'beat',
      memberId: 'a',
      memberEpoch: -1,
      heartbeatIntervalMs: 0,
      assignment: undefined,
    })
    expect(scene.consumer).toMatchObject({ epoch: 3, targetEpoch: 2, fence: fence + 1 })
    expect(stateName(scene.consumer)).toBe('Assigning')
    expect(scene.beat('b', 2)).toMatchObject({ memberEpoch: 3, assignment: scene.assignment({ orders: [0, 1] }) })
    expect(scene.beat('a', 1)).toMatchObject({ kind: 'unknownMember' })
  })

  it('that had nothing leaves the fence as it is', () => {
    const scene = createScene()
    scene.topic('orders', 1)
    scene.enter('a')
    scene.enter('b')
    const { fence } = scene.consumer
    scene.beat('b', -1)
    expect(scene.consumer.fence).toBe(fence)
  })

  it('as the last one leaves an empty group, which goes on where it was', () => {
    const scene = createScene()
    scene.topic('orders', 1)
    scene.enter('a')
    scene.beat('a', -1)
    expect(scene.consumer).toMatchObject({ members: [], topics: [], emptySinceMs: scene.nowMs, epoch: 2, fence: 2 })
    expect(stateName(scene.consumer)).toBe('Empty')
    expect(scene.enter('b')).toMatchObject({ memberEpoch: 3, assignment: scene.assignment({ orders: [0] }) })
    expect(scene.consumer.fence).toBe(3)
    expect(scene.consumer.emptySinceMs).toBeUndefined()
  })

  it('takes its topics and patterns with it, with one new epoch', () => {
    const scene = createScene()
    scene.topic('orders', 1)
    scene.topic('invoices', 1)
    scene.enter('a')
    scene.enter('b', { subscribedTopics: [], subscribedPattern: 'inv.*' })
    const { epoch } = scene.consumer
    scene.beat('b', -1)
    expect(scene.consumer).toMatchObject({ patterns: [], topics: [{ name: 'orders' }], epoch: epoch + 1 })
    scene.beat('a', 1)
    expect(scene.consumer.epoch).toBe(epoch + 1)
  })
})

describe('a session', () => {
  it('ends when nothing was heard for its time, by whoever looks', () => {
    const scene = createScene()
    scene.topic('orders', 2)
    scene.enter('a')
    scene.pass(10_000)
    scene.enter('b')
    const untilMs = nextDeadlineMs(scene.consumer, scene.context())
    expect(untilMs).toBe(scene.nowMs + 35_000)
    const before = scene.consumer
    scene.pass(34_999)
    expect(scene.look()).toStrictEqual(before)
    scene.pass(1)
    scene.look()
    expect(scene.consumer.members.map(({ memberId }) => memberId)).toEqual(['b'])
    expect(scene.beat('a', 1)).toMatchObject({ kind: 'unknownMember' })
    expect(scene.beat('b', 2)).toMatchObject({ assignment: scene.assignment({ orders: [0, 1] }) })
  })

  it('of all members may end at once', () => {
    const scene = createScene()
    scene.topic('orders', 2)
    scene.enter('a')
    scene.enter('b')
    scene.pass(45_000)
    scene.look()
    expect(scene.consumer).toMatchObject({ members: [], epoch: 3, emptySinceMs: scene.nowMs })
    expect(nextDeadlineMs(scene.consumer, scene.context())).toBe(Number.POSITIVE_INFINITY)
  })

  it('is that of the settings when the member joined', () => {
    const scene = createScene({ consumerSessionTimeoutMs: 50_000 })
    scene.enter('a')
    expect(scene.member('a').sessionTimeoutMs).toBe(50_000)
  })
})

describe('partitions to give up', () => {
  it('have to be within the rebalance timeout of the member', () => {
    const scene = createScene()
    scene.topic('orders', 2)
    scene.enter('a', { rebalanceTimeoutMs: 20_000 })
    scene.enter('b')
    scene.beat('a', 1)
    scene.pass(15_000)
    scene.beat('a', 1)
    scene.pass(4999)
    scene.beat('b', 2)
    expect(scene.consumer.members).toHaveLength(2)
    scene.pass(1)
    scene.look()
    expect(scene.consumer.members.map(({ memberId }) => memberId)).toEqual(['b'])
    expect(scene.beat('b', 2)).toMatchObject({ assignment: scene.assignment({ orders: [0, 1] }) })
  })
})

describe('a static member', () => {
  it('that leaves for a while keeps what it has, and who comes back as its instance gets all of it', () => {
    const scene = createScene()
    scene.topic('orders', 4)
    scene.enter('a', STATIC)
    scene.enter('b')
    scene.beat('a', 1, { owned: scene.assignment({ orders: [0, 1, 2, 3] }), ...STATIC })
    scene.beat('a', 1, { owned: scene.member('a').assigned, ...STATIC })
    scene.beat('b', 2)
    const { assigned, number } = scene.member('a')
    const { fence, epoch } = scene.consumer

    expect(scene.beat('a', -2, STATIC)).toMatchObject({ memberId: 'a', memberEpoch: -2, assignment: undefined })
    expect(scene.member('a')).toMatchObject({ memberEpoch: -2, assigned })
    expect(scene.beat('b', 2)).toMatchObject({ memberEpoch: 2 })
    expect(stateName(scene.consumer)).toBe('Reconciling')

    expect(scene.enter('a2', STATIC)).toMatchObject({ memberId: 'a2', memberEpoch: 2, assignment: assigned })
    expect(scene.consumer).toMatchObject({ epoch, fence: fence + 1 })
    expect(scene.consumer.members.map(({ memberId }) => memberId)).toEqual(['a2', 'b'])
    expect(scene.member('a2').number).toBeGreaterThan(number)
    expect(scene.beat('a', 2, STATIC)).toMatchObject({ kind: 'fencedInstance' })
    expect(scene.beat('a', -1, STATIC)).toMatchObject({ kind: 'fencedInstance' })
  })

  it('may come back under the same member id, and leave twice', () => {
    const scene = createScene()
    scene.topic('orders', 1)
    scene.enter('a', STATIC)
    scene.beat('a', -2, STATIC)
    const before = scene.consumer
    scene.beat('a', -2, STATIC)
    expect(scene.consumer).toStrictEqual(before)
    expect(scene.beat('a', 1, STATIC)).toMatchObject({ kind: 'fencedMemberEpoch' })
    expect(scene.enter('a', STATIC)).toMatchObject({ memberEpoch: 1, assignment: scene.assignment({ orders: [0] }) })
  })

  it('that is here is not replaced, but may join again itself', () => {
    const scene = createScene()
    scene.topic('orders', 1)
    scene.enter('a', STATIC)
    expect(scene.enter('a2', STATIC)).toMatchObject({ kind: 'unreleasedInstance' })
    const before = scene.consumer
    expect(scene.enter('a', STATIC)).toMatchObject({ memberEpoch: 1, assignment: scene.assignment({ orders: [0] }) })
    expect(scene.consumer).toStrictEqual(before)
  })

  it('does not take the id of another member', () => {
    const scene = createScene()
    scene.topic('orders', 2)
    scene.enter('a', STATIC)
    scene.enter('b')
    scene.beat('a', -2, STATIC)
    expect(scene.enter('b', STATIC)).toMatchObject({ kind: 'invalidRequest' })
  })

  it('may come back to a full group', () => {
    const scene = createScene({ consumerMembersMax: 1 })
    scene.enter('a', STATIC)
    scene.beat('a', -2, STATIC)
    expect(scene.enter('a2', STATIC)).toMatchObject({ kind: 'beat' })
  })

  it('that comes back wanting something else gets that', () => {
    const scene = createScene()
    scene.topic('orders', 2)
    scene.topic('invoices', 1)
    scene.enter('a', STATIC)
    scene.beat('a', -2, STATIC)
    expect(scene.enter('a2', { ...STATIC, subscribedTopics: ['invoices'] })).toMatchObject({
      memberEpoch: 2,
      assignment: scene.assignment({ invoices: [0] }),
    })
  })

  it('gives up at once what it was asked to when it leaves for a while', () => {
    const scene = createScene()
    scene.topic('orders', 2)
    scene.enter('a', STATIC)
    scene.enter('b')
    scene.beat('a', 1, STATIC)
    scene.beat('a', -2, STATIC)
    expect(scene.member('a')).toMatchObject({ pendingRevocation: [], state: 'unrevokedPartitions' })
    expect(scene.member('a').revokeDeadlineMs).toBeUndefined()
    expect(scene.beat('b', 2)).toMatchObject({ assignment: scene.member('b').target })
    expect(scene.enter('a2', STATIC)).toMatchObject({ memberEpoch: 2, assignment: scene.member('a2').target })
  })

  it('that does not come back is removed when its session ends', () => {
    const scene = createScene()
    scene.topic('orders', 1)
    scene.enter('a', STATIC)
    scene.pass(5000)
    scene.beat('a', -2, STATIC)
    scene.pass(39_999)
    scene.look()
    expect(scene.consumer.members).toHaveLength(1)
    scene.pass(1)
    scene.look()
    expect(scene.consumer).toMatchObject({ members: [], fence: 2 })
  })

  it('leaves for good with -1', () => {
    const scene = createScene()
    scene.topic('orders', 1)
    scene.enter('a', STATIC)
    expect(scene.beat('a', -1, STATIC)).toMatchObject({ memberEpoch: -1 })
    expect(scene.consumer.members).toEqual([])
  })
})

describe('commits', () => {
  const scene = createScene()
  scene.topic('orders', 2)
  scene.enter('a')
  scene.enter('b', STATIC)

  it('are for members at their very epoch, under the fence of the group', () => {
    const { fence } = scene.consumer
    expect(scene.commit('a', 1)).toEqual({ kind: 'allowed', fence })
    expect(scene.commit('b', 2)).toEqual({ kind: 'allowed', fence })
    expect(scene.commit('b', 1)).toMatchObject({ kind: 'staleMemberEpoch' })
    expect(scene.commit('b', 3)).toMatchObject({ kind: 'staleMemberEpoch' })
    expect(scene.commit('b', 1, { knowsEpochs: false })).toMatchObject({ kind: 'illegalGeneration' })
    expect(scene.commit('c', 1)).toMatchObject({ kind: 'unknownMember' })
    expect(scene.commit('', -1)).toMatchObject({ kind: 'unknownMember' })
  })

  it('are not for a static member that has left for a while', () => {
    scene.beat('b', -2, STATIC)
    expect(scene.commit('b', 2)).toMatchObject({ kind: 'staleMemberEpoch' })
    expect(scene.commit('b', -2)).toMatchObject({ kind: 'staleMemberEpoch' })
  })

  it('are for anybody in an empty group who claims no membership', () => {
    scene.beat('b', -1, STATIC)
    scene.beat('a', -1)
    expect(scene.commit('', -1)).toEqual({ kind: 'allowed', fence: scene.consumer.fence })
    expect(scene.commit('a', 1)).toMatchObject({ kind: 'unknownMember' })
  })
})
