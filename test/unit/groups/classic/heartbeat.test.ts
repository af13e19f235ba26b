// Heartbeats: what a member is told in each state of its group, who is refused, and that only those who belong to the current
// generation are kept in the group by them.
import { describe, expect, it } from 'vitest'
import { stateName } from '../../../../lib/groups/classic/state-name.ts'
import { createSubject, joined, SESSION_MS, stableGroup } from './support/subject.ts'

describe('heartbeat', () => {
  it('says in each state what the member has to do', () => {
    const { subject, ids } = stableGroup(2)
    const beat = () => {
      const before = subject.group
      const answer = subject.heartbeat({ memberId: ids[1]! })
      expect(subject.group).toBe(before)
      return `${stateName(subject.group)}: ${answer.kind}`
    }
    expect(beat()).toBe('Stable: alive')
    subject.join({ memberId: ids[0]! })
    expect(beat()).toBe('PreparingRebalance: rebalanceInProgress')
    joined(subject.join({ memberId: ids[1]! }))
    expect(beat()).toBe('CompletingRebalance: alive')
    subject.leave({ memberId: ids[0]! }, { memberId: ids[1]! })
    expect(beat()).toBe('Empty: unknownMember')
  })

  it('refuses no group id, no group, strangers and other generations', () => {
    const subject = createSubject()
    expect(subject.heartbeat({ groupId: '', memberId: 'a' })).toEqual({ kind: 'invalidGroupId' })
    expect(subject.heartbeat({ memberId: 'a' })).toEqual({ kind: 'unknownMember' })
    const pending = subject.join().memberId!
    expect(subject.heartbeat({ memberId: pending })).toEqual({ kind: 'unknownMember' })
    const { subject: running, ids } = stableGroup(1)
    expect(running.heartbeat({ memberId: 'who' })).toEqual({ kind: 'unknownMember' })
    expect(running.heartbeat({ memberId: ids[0]!, generation: 0 })).toEqual({ kind: 'illegalGeneration' })
    expect(running.heartbeat({ memberId: ids[0]!, generation: 2 })).toEqual({ kind: 'illegalGeneration' })
  })

  it('keeps a member in its group', () => {
    const { subject, ids } = stableGroup(1)
    for (let i = 0; i < 5; i++) {
      subject.advance(SESSION_MS - 1)
      expect(subject.heartbeat({ memberId: ids[0]! })).toEqual({ kind: 'alive' })
    }
    subject.advance(SESSION_MS)
    expect(subject.heartbeat({ memberId: ids[0]! })).toEqual({ kind: 'unknownMember' })
    expect(stateName(subject.group)).toBe('Empty')
  })

  it('of another generation does not', () => {
    const { subject, ids } = stableGroup(1)
    subject.advance(SESSION_MS - 1)
    subject.heartbeat({ memberId: ids[0]!, generation: 0 })
    subject.advance(1)
    expect(subject.heartbeat({ memberId: ids[0]! })).toEqual({ kind: 'unknownMember' })
  })
})
