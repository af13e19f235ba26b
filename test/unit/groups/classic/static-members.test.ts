// Static members (KIP-345): an instance that starts anew takes the place of the member it was, whoever speaks with the old
// member id is fenced, and a stable group goes on without a rebalance unless its protocol would change.
import { describe, expect, it } from 'vitest'
import {
  assignmentOf,
  createSubject,
  endInitial,
  enter,
  idIn,
  joined,
  joinRequest,
  range,
  syncAll,
} from './support/subject.ts'

const both = [...range, { name: 'sticky', metadata: 'c3Q=' }]
const otherFirst = [both[1]!, both[0]!]

/** A stable group of static members, the first one leading. */
function staticGroup(instanceIds: readonly string[], protocols = range) {
  const subject = createSubject()
  const ids = instanceIds.map((instanceId) => enter(subject, { instanceId, protocols }))
  endInitial(subject)
  syncAll(subject)
  return { subject, ids }
}

describe('a static member', () => {
  it('goes on in a stable group where it was before it started anew', () => {
    const { subject, ids } = staticGroup(['one', 'two'])
    const before = subject.group
    const answer = joined(subject.join({ instanceId: 'two' }))
    expect(answer).toMatchObject({ generation: 1, leader: ids[0], skipAssignment: false, members: [] })
    expect(answer.memberId).not.toBe(ids[1])
    expect(subject.group).toMatchObject({ phase: 'stable', generation: 1, fence: before.fence + 1 })
    const member = subject.member(answer.memberId)!
    expect(member).toMatchObject({ instanceId: 'two', assignment: assignmentOf(ids[1]!), synced: true })
    expect(member.number).toBe(before.nextMemberNumber)
    expect(subject.sync({ memberId: answer.memberId, instanceId: 'two' })).toMatchObject({
      kind: 'synced',
      assignment: assignmentOf(ids[1]!),
    })
  })

  it('that leads goes on leading and is told that there is nothing to assign', () => {
    const { subject, ids } = staticGroup(['one', 'two'])
    const answer = joined(subject.join({ instanceId: 'one' }))
    expect(answer).toMatchObject({ generation: 1, leader: answer.memberId, skipAssignment: true })
    expect(answer.members.map(({ memberId }) => memberId)).toEqual([answer.memberId, ids[1]])
    expect(subject.group).toMatchObject({ phase: 'stable', leader: answer.memberId })
  })

  it('that leads is told that somebody else does when it does not know what to skip', () => {
    const { subject } = staticGroup(['one', 'two'])
    const request = joinRequest({ instanceId: 'one', knowsSkipAssignment: false })
    const answer = joined(subject.join(request))
    expect(answer).toMatchObject({ generation: 1, skipAssignment: false, members: [] })
    expect(answer.leader).not.toBe(answer.memberId)
    expect(subject.group.leader).toBe(answer.memberId)
    expect(subject.join(request)).toEqual(answer)
  })

  it('begins a rebalance when the protocol of the group would change with it', () => {
    const { subject, ids } = staticGroup(['one'], both)
    expect(subject.group.protocol).toBe('range')
    const answer = joined(subject.join({ instanceId: 'one', protocols: otherFirst }))
    expect(answer).toMatchObject({ generation: 2, protocol: 'sticky', skipAssignment: false })
    expect(answer.memberId).not.toBe(ids[0])
  })

  it('begins none when it only says something else for the same protocol', () => {
    const { subject } = staticGroup(['one', 'two'])
    joined(subject.join({ instanceId: 'two', protocols: [{ name: 'range', metadata: 'bmV3' }] }))
    expect(subject.group).toMatchObject({ phase: 'stable', generation: 1 })
    expect(subject.group.members[1]!.protocols).toEqual([{ name: 'range', metadata: 'bmV3' }])
  })

  it('begins a rebalance while the others synchronise: the leader may have assigned to the old one', () => {
    const { subject, ids } = staticGroup(['one', 'two'])
    subject.join({ memberId: ids[0]!, instanceId: 'one' })
    joined(subject.join({ memberId: ids[1]!, instanceId: 'two' }))
    expect(subject.group.phase).toBe('completingRebalance')
    expect(subject.join({ instanceId: 'two' }).kind).toBe('wait')
    expect(subject.group).toMatchObject({ phase: 'preparingRebalance', generation: 2 })
  })

  it('counts as back when it starts anew while the group prepares', () => {
    const { subject, ids } = staticGroup(['one', 'two'])
    const { fence } = subject.group
    expect(subject.join({ memberId: ids[0]!, instanceId: 'one' }).kind).toBe('wait')
    const answer = joined(subject.join({ instanceId: 'two' }))
    expect(answer).toMatchObject({ generation: 2, leader: ids[0] })
    expect(subject.group.fence).toBe(fence + 2)
  })

  it('may start anew in a full group', () => {
    const { subject } = staticGroup(['one', 'two'])
    subject.settings = { ...subject.settings, membersMax: 2 }
    expect(subject.join({ instanceId: 'two' }).kind).toBe('joined')
    expect(subject.join({ instanceId: 'three' }).kind).toBe('groupFull')
  })

  it('fences whoever had its instance before', () => {
    const { subject, ids } = staticGroup(['one', 'two'])
    const old = { memberId: ids[1]!, instanceId: 'two' }
    subject.join({ instanceId: 'two' })
    expect(subject.join(old)).toEqual({ kind: 'fencedInstance', memberId: old.memberId })
    expect(subject.sync(old)).toEqual({ kind: 'fencedInstance' })
    expect(subject.heartbeat(old)).toEqual({ kind: 'fencedInstance' })
    expect(subject.commit({ ...old, generationOrEpoch: 1 })).toEqual({ kind: 'fencedInstance' })
    expect(subject.leave(old)).toEqual({ kind: 'left', refusals: [{ kind: 'fencedInstance' }] })
    // Also one that says its member id alone is nobody any more.
    expect(subject.heartbeat({ memberId: old.memberId })).toEqual({ kind: 'unknownMember' })
    expect(subject.group.members).toHaveLength(2)
  })

  it('is not known by an instance that nobody has, whatever the member id', () => {
    const { subject, ids } = staticGroup(['one'])
    const wrong = { memberId: ids[0]!, instanceId: 'none' }
    expect(subject.join(wrong).kind).toBe('unknownMember')
    expect(subject.sync(wrong).kind).toBe('unknownMember')
    expect(subject.heartbeat(wrong).kind).toBe('unknownMember')
    expect(subject.commit({ ...wrong, generationOrEpoch: 1 }).kind).toBe('unknownMember')
  })

  it('stays without coming back until its session ends, but somebody else leads', () => {
    const { subject, ids } = staticGroup(['one', 'two'])
    const newcomer = joinRequest({ memberId: idIn(subject.join()) })
    subject.join(newcomer)
    subject.join({ memberId: ids[1]!, instanceId: 'two' })
    subject.advanceAlive(60_000)
    expect(subject.group).toMatchObject({ phase: 'completingRebalance', generation: 2, leader: ids[1] })
    expect(subject.group.members.map(({ memberId }) => memberId)).toEqual([ids[0], ids[1], newcomer.memberId])
    expect(subject.member(ids[0]!)).not.toHaveProperty('joined')
    syncAll(subject)
    expect(subject.group.phase).toBe('stable')
    // Who leads goes on leading when the other one comes back, although that was here first.
    subject.join({ memberId: ids[1]!, instanceId: 'two' })
    subject.join({ memberId: newcomer.memberId })
    expect(joined(subject.join({ memberId: ids[0]!, instanceId: 'one' }))).toMatchObject({
      generation: 3,
      leader: ids[1],
    })
  })

  it('is waited for again as long as none of the others comes back either', () => {
    const { subject, ids } = staticGroup(['one', 'two'])
    const dynamic = enter(subject)
    subject.leave({ memberId: dynamic })
    const { rebalance } = subject.group
    subject.advanceAlive(60_000)
    expect(subject.group).toMatchObject({ phase: 'preparingRebalance', generation: 1 })
    expect(subject.group.rebalance!.deadlineMs).toBe(rebalance!.deadlineMs + 60_000)
    subject.join({ memberId: ids[0]!, instanceId: 'one' })
    subject.advanceAlive(60_000)
    expect(subject.group).toMatchObject({ phase: 'completingRebalance', generation: 2, leader: ids[0] })
    expect(subject.group.members).toHaveLength(2)
  })
})
