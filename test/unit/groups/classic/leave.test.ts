// LeaveGroup: one outcome for each member named, one rebalance for all of them, and what becomes of a group that nobody is
// left in.
import { describe, expect, it } from 'vitest'
import { leave } from '../../../../lib/groups/classic/leave.ts'
import { createSubject, endInitial, enter, idIn, joined, joinRequest, stableGroup, syncAll } from './support/subject.ts'

describe('leave', () => {
  it('refuses no group id, and everybody where there is no group', () => {
    const subject = createSubject()
    const left = subject.leave({ memberId: 'a' }, { memberId: 'b' })
    expect(left).toEqual({ kind: 'left', refusals: [{ kind: 'unknownMember' }, { kind: 'unknownMember' }] })
    expect(subject.stored).toBeUndefined()
    const { subject: running } = stableGroup(1)
    const nameless = running.decide((group, context) => leave(group, { groupId: '', members: [] }, context))
    expect(nameless.answer).toEqual({ kind: 'invalidGroupId' })
  })

  it('begins a rebalance for those who stay, and chooses another leader', () => {
    const { subject, ids } = stableGroup(3)
    expect(subject.leave({ memberId: ids[0]! })).toEqual({ kind: 'left', refusals: [undefined] })
    expect(subject.group).toMatchObject({ phase: 'preparingRebalance', generation: 1, leader: ids[1] })
    subject.join({ memberId: ids[2]! })
    expect(joined(subject.join({ memberId: ids[1]! }))).toMatchObject({ generation: 2, leader: ids[1] })
  })

  it('may be the last that a rebalance waits for', () => {
    const { subject, ids } = stableGroup(2)
    const request = joinRequest({ memberId: ids[0]! })
    subject.join(request)
    subject.leave({ memberId: ids[1]! })
    expect(joined(subject.join(request))).toMatchObject({ generation: 2 })
  })

  it('does not end the windows of a first rebalance', () => {
    const subject = createSubject()
    enter(subject)
    const second = enter(subject)
    subject.leave({ memberId: second })
    expect(subject.group).toMatchObject({ phase: 'preparingRebalance', generation: 0, members: [{ number: 0 }] })
    endInitial(subject)
    expect(subject.group.generation).toBe(1)
  })

  for (const phase of ['preparingRebalance', 'completingRebalance', 'stable'] as const) {
    it(`of the last one leaves a generation without members (${phase})`, () => {
      const subject = createSubject()
      const memberId = enter(subject)
      if (phase !== 'preparingRebalance') endInitial(subject)
      if (phase === 'stable') syncAll(subject)
      subject.advance(1000)
      const before = subject.group
      subject.leave({ memberId })
      expect(subject.group).toEqual({
        kind: 'classic',
        id: 'g',
        phase: 'empty',
        generation: before.generation + 1,
        fence: before.fence + 1,
        nextMemberNumber: 1,
        protocolType: 'consumer',
        emptySinceMs: subject.nowMs,
        members: [],
        pending: [],
      })
    })
  }

  it('answers for each member that is named', () => {
    const subject = createSubject()
    const [one, two] = ['one', 'two'].map((instanceId) => enter(subject, { instanceId }))
    const ids = [enter(subject), enter(subject)]
    endInitial(subject)
    syncAll(subject)
    const pending = idIn(subject.join())
    const unknown = { kind: 'unknownMember' }
    expect(
      subject.leave(
        { memberId: ids[0]! },
        { memberId: ids[0]! },
        { memberId: 'who' },
        { memberId: '' },
        { memberId: '', instanceId: 'one' },
        { memberId: one!, instanceId: 'one' },
        { memberId: 'wrong', instanceId: 'two' },
        { memberId: two!, instanceId: 'none' },
        { memberId: pending },
        { memberId: pending },
      ),
    ).toEqual({
      kind: 'left',
      refusals: [
        undefined,
        unknown,
        unknown,
        unknown,
        undefined,
        unknown,
        { kind: 'fencedInstance' },
        unknown,
        undefined,
        unknown,
      ],
    })
    expect(subject.group.members.map(({ memberId }) => memberId)).toEqual([two, ids[1]])
    expect(subject.group).toMatchObject({ pending: [], phase: 'preparingRebalance', generation: 1 })
  })

  it('changes nothing when nobody leaves', () => {
    const { subject } = stableGroup(1)
    const before = subject.group
    expect(subject.leave({ memberId: 'who' }, { memberId: '', instanceId: 'none' })).toMatchObject({ kind: 'left' })
    expect(subject.leave()).toEqual({ kind: 'left', refusals: [] })
    expect(subject.group).toBe(before)
  })

  it('of one that was only given an id begins no rebalance, but may end one', () => {
    const { subject, ids } = stableGroup(1)
    subject.leave({ memberId: idIn(subject.join()) })
    expect(subject.group).toMatchObject({ phase: 'stable', pending: [] })
    enter(subject)
    const pending = idIn(subject.join())
    const request = joinRequest({ memberId: ids[0]! })
    expect(subject.join(request).kind).toBe('wait')
    subject.leave({ memberId: pending })
    expect(joined(subject.join(request))).toMatchObject({ generation: 2 })
  })
})
