// SyncGroup: who is refused, who waits, what the leader's assignments become, and that nobody is ever told an assignment of
// another generation.
import { describe, expect, it } from 'vitest'
import { GROUP_ASSIGNMENTS_BYTES_MAX } from '../../../../lib/base/limits.ts'
import { assignmentOf, createSubject, joined, REBALANCE_MS, stableGroup, syncAll } from './support/subject.ts'

/** A group of so many members that have all joined generation 2. */
function completingGroup(count: number) {
  const { subject, ids } = stableGroup(count)
  for (const memberId of ids) subject.join({ memberId })
  expect(subject.group).toMatchObject({ phase: 'completingRebalance', generation: 2, leader: ids[0] })
  return { subject, ids }
}

describe('sync', () => {
  it('refuses no group id, no group, and a group without members', () => {
    const subject = createSubject()
    expect(subject.sync({ groupId: '', memberId: 'a' })).toEqual({ kind: 'invalidGroupId' })
    expect(subject.sync({ memberId: 'a' })).toEqual({ kind: 'unknownMember' })
    const memberId = subject.join().memberId!
    expect(subject.sync({ memberId })).toEqual({ kind: 'unknownMember' })
  })

  const refusals: [string, object, string][] = [
    ['a stranger', { memberId: 'who' }, 'unknownMember'],
    ['an older generation', { generation: 1 }, 'illegalGeneration'],
    ['a newer generation', { generation: 3 }, 'illegalGeneration'],
    ['another protocol type', { protocolType: 'connect' }, 'inconsistentProtocol'],
    ['another protocol', { protocol: 'sticky' }, 'inconsistentProtocol'],
  ]
  for (const [what, request, kind] of refusals) {
    it(`refuses ${what}`, () => {
      const { subject, ids } = completingGroup(2)
      const before = subject.group
      const heardMs = subject.seen.get(0)
      subject.advance(1000)
      expect(subject.sync({ memberId: ids[0]!, ...request })).toEqual({ kind })
      expect(subject.group).toBe(before)
      expect(subject.seen.get(0)).toBe(heardMs)
    })
  }

  it('takes the group as it is from versions that do not say, and what it is from those that do', () => {
    const { subject, ids } = completingGroup(1)
    expect(subject.sync({ memberId: ids[0]!, protocolType: 'consumer', protocol: 'range' })).toEqual({
      kind: 'synced',
      protocolType: 'consumer',
      protocol: 'range',
      assignment: '',
    })
  })

  it('sends members back to join while the group prepares', () => {
    const { subject, ids } = stableGroup(2)
    subject.join({ memberId: ids[0]! })
    const before = subject.group
    expect(subject.sync({ memberId: ids[1]! })).toEqual({ kind: 'rebalanceInProgress' })
    expect(subject.group).toBe(before)
  })

  it('lets followers wait for the leader, and gives everybody its own', () => {
    const { subject, ids } = completingGroup(3)
    expect(subject.sync({ memberId: ids[1]! })).toEqual({ kind: 'wait', memberId: ids[1] })
    const waiting = subject.group
    expect(subject.sync({ memberId: ids[1]! })).toEqual({ kind: 'wait', memberId: ids[1] })
    expect(subject.group).toBe(waiting)
    const assignments = ids.slice(0, 2).map((memberId) => ({ memberId, assignment: assignmentOf(memberId) }))
    const said = { kind: 'synced', protocolType: 'consumer', protocol: 'range' }
    const stranger = { memberId: 'who', assignment: 'AAAA' }
    expect(subject.sync({ memberId: ids[0]!, assignments: [...assignments, stranger] })).toEqual({
      ...said,
      assignment: assignmentOf(ids[0]!),
    })
    expect(subject.group.phase).toBe('stable')
    expect(subject.sync({ memberId: ids[1]! })).toEqual({ ...said, assignment: assignmentOf(ids[1]!) })
    // Whom the leader did not name has nothing.
    expect(subject.group.syncDeadlineMs).toBeDefined()
    expect(subject.sync({ memberId: ids[2]! })).toEqual({ ...said, assignment: '' })
    expect(subject.group).not.toHaveProperty('syncDeadlineMs')
  })

  it('takes assignments from the leader alone, and only the first time', () => {
    const { subject, ids } = completingGroup(2)
    const mine = [{ memberId: ids[1]!, assignment: 'bWluZQ==' }]
    expect(subject.sync({ memberId: ids[1]!, assignments: mine }).kind).toBe('wait')
    syncAll(subject)
    const before = subject.group
    expect(subject.sync({ memberId: ids[0]!, assignments: mine })).toMatchObject({ assignment: assignmentOf(ids[0]!) })
    expect(subject.sync({ memberId: ids[1]!, assignments: mine })).toMatchObject({ assignment: assignmentOf(ids[1]!) })
    expect(subject.group).toBe(before)
  })

  it('forgets assignments with their generation', () => {
    const { subject, ids } = stableGroup(2)
    subject.join({ memberId: ids[0]! })
    joined(subject.join({ memberId: ids[1]! }))
    expect(subject.group.members.map(({ assignment, synced }) => [assignment, synced])).toEqual([
      ['', false],
      ['', false],
    ])
  })

  it('removes those who let the others wait for too long', () => {
    const { subject, ids } = completingGroup(3)
    subject.sync({ memberId: ids[1]! })
    subject.advanceAlive(REBALANCE_MS - 1)
    expect(subject.group).toMatchObject({ phase: 'completingRebalance', generation: 2 })
    subject.advanceAlive(1)
    expect(subject.group).toMatchObject({ phase: 'preparingRebalance', generation: 2, leader: ids[1] })
    expect(subject.group.members.map(({ memberId }) => memberId)).toEqual([ids[1]])
    expect(subject.sync({ memberId: ids[0]! })).toEqual({ kind: 'unknownMember' })
    expect(joined(subject.join({ memberId: ids[1]! })).generation).toBe(3)
  })

  it('removes a follower that never asks for its assignment', () => {
    const { subject, ids } = completingGroup(2)
    subject.sync({ memberId: ids[0]! })
    expect(subject.group.phase).toBe('stable')
    subject.advanceAlive(REBALANCE_MS)
    expect(subject.group).toMatchObject({ phase: 'preparingRebalance', members: [{ memberId: ids[0] }] })
  })

  it('refuses assignments that there is no room for, which changes nothing', () => {
    const { subject, ids } = completingGroup(2)
    const before = subject.group
    const assignment = 'A'.repeat(GROUP_ASSIGNMENTS_BYTES_MAX / 2 + 1)
    const answer = subject.sync({
      memberId: ids[0]!,
      assignments: ids.map((memberId) => ({ memberId, assignment })),
    })
    expect(answer).toMatchObject({ kind: 'groupFull', message: expect.stringMatching(/\d+ bytes/) })
    expect(subject.group).toBe(before)
    const fitting = [{ memberId: ids[0]!, assignment: assignment.slice(2) }]
    expect(subject.sync({ memberId: ids[0]!, assignments: fitting }).kind).toBe('synced')
  })
})
