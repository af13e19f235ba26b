// What time alone does, and that `nextDeadlineMs` names exactly those times (`support/subject.ts` checks after every change
// that ticking a moment earlier changes nothing and ticking then does).
import { describe, expect, it } from 'vitest'
import { nextDeadlineMs } from '../../../../lib/groups/classic/deadlines.ts'
import {
  createSubject,
  endInitial,
  enter,
  idIn,
  joined,
  joinRequest,
  REBALANCE_MS,
  SESSION_MS,
  type Subject,
  stableGroup,
  syncAll,
} from './support/subject.ts'

const dueInMs = (subject: Subject): number => nextDeadlineMs(subject.group, subject.context()) - subject.nowMs

describe('tick', () => {
  it('has nothing to do for an empty group', () => {
    const { subject, ids } = stableGroup(1)
    subject.leave({ memberId: ids[0]! })
    expect(dueInMs(subject)).toBe(Number.POSITIVE_INFINITY)
    const before = subject.group
    subject.advance(1e12)
    subject.tick()
    expect(subject.group).toBe(before)
  })

  it('forgets ids that nobody came back with, each at its time', () => {
    const subject = createSubject()
    subject.join({ sessionTimeoutMs: 7000 })
    subject.advance(1000)
    const second = idIn(subject.join({ sessionTimeoutMs: 8000 }))
    expect(dueInMs(subject)).toBe(6000)
    subject.advance(6000)
    subject.tick()
    expect(subject.group.pending).toMatchObject([{ memberId: second }])
    expect(dueInMs(subject)).toBe(2000)
    subject.advance(2000)
    subject.tick()
    expect(subject.group).toMatchObject({ pending: [], phase: 'empty', generation: 0 })
  })

  it('removes a member whose session has ended, which begins a rebalance', () => {
    const { subject, ids } = stableGroup(2)
    subject.advance(4000)
    subject.heartbeat({ memberId: ids[1]! })
    expect(dueInMs(subject)).toBe(SESSION_MS - 4000)
    subject.advance(SESSION_MS - 4001)
    subject.tick()
    expect(subject.group.members).toHaveLength(2)
    subject.advance(1)
    subject.tick()
    expect(subject.group).toMatchObject({ phase: 'preparingRebalance', generation: 1, leader: ids[1] })
    expect(dueInMs(subject)).toBe(4000)
  })

  it('removes static members in the same way', () => {
    const subject = createSubject()
    enter(subject, { instanceId: 'one' })
    enter(subject)
    endInitial(subject)
    syncAll(subject)
    subject.advance(SESSION_MS - 1)
    subject.heartbeat({ memberId: subject.group.members[1]!.memberId })
    subject.advance(1)
    subject.tick()
    expect(subject.group.members.map(({ instanceId }) => instanceId)).toEqual([undefined])
  })

  it('empties a group that nobody looked at for long in one step', () => {
    const { subject } = stableGroup(3)
    subject.advance(86_400_000)
    subject.tick()
    expect(subject.group).toMatchObject({ phase: 'empty', generation: 2, emptySinceMs: subject.nowMs })
  })

  it('takes the times by which members were heard of, by whomever', () => {
    const { subject } = stableGroup(1)
    subject.advance(SESSION_MS)
    subject.seen.set(subject.group.members[0]!.number, subject.nowMs - 1)
    subject.tick()
    expect(subject.group.phase).toBe('stable')
    expect(dueInMs(subject)).toBe(SESSION_MS - 1)
  })

  it('ends a rebalance at its deadline without those who are missing', () => {
    const { subject, ids } = stableGroup(3)
    const request = joinRequest({ memberId: ids[2]! })
    subject.join({ memberId: ids[0]! })
    subject.join(request)
    subject.advanceAlive(REBALANCE_MS - 1)
    expect(subject.group).toMatchObject({ phase: 'preparingRebalance', generation: 1 })
    expect(dueInMs(subject)).toBe(1)
    subject.advanceAlive(1)
    expect(subject.group).toMatchObject({ phase: 'completingRebalance', generation: 2, leader: ids[0] })
    expect(subject.group.members.map(({ memberId }) => memberId)).toEqual([ids[0], ids[2]])
    expect(joined(subject.join(request)).generation).toBe(2)
    expect(subject.join({ memberId: ids[1]! }).kind).toBe('unknownMember')
  })

  it('ends it without a missing leader, and with one that leads now', () => {
    const { subject, ids } = stableGroup(3)
    subject.join({ memberId: ids[1]!, protocols: [{ name: 'range', metadata: 'bmV3' }] })
    subject.join({ memberId: ids[2]! })
    subject.advanceAlive(REBALANCE_MS)
    expect(subject.group).toMatchObject({ phase: 'completingRebalance', leader: ids[1] })
  })

  it('leaves a group empty when nobody came back', () => {
    const { subject, ids } = stableGroup(2)
    subject.leave({ memberId: ids[0]! })
    subject.advanceAlive(REBALANCE_MS)
    expect(subject.group).toMatchObject({ phase: 'empty', generation: 2, members: [] })
  })

  it('takes the longest rebalance timeout of the members, and never less than a second', () => {
    const subject = createSubject()
    const ids = [0, 5000, -1].map((rebalanceTimeoutMs) => enter(subject, { rebalanceTimeoutMs }))
    endInitial(subject)
    expect(dueInMs(subject)).toBe(5000)
    syncAll(subject)
    subject.leave({ memberId: ids[1]! })
    expect(subject.group.rebalance).toMatchObject({ sinceMs: subject.nowMs, deadlineMs: subject.nowMs + 1000 })
  })

  it('does not wait any longer for an id that nobody came back with', () => {
    const { subject, ids } = stableGroup(1)
    enter(subject)
    subject.join()
    const request = joinRequest({ memberId: ids[0]! })
    expect(subject.join(request).kind).toBe('wait')
    subject.advanceAlive(SESSION_MS)
    expect(joined(subject.join(request))).toMatchObject({ generation: 2 })
  })

  it('does all that was due at the same time', () => {
    const { subject, ids } = stableGroup(3)
    const request = joinRequest({ memberId: ids[0]! })
    subject.join(request)
    subject.join()
    subject.advance(REBALANCE_MS)
    subject.seen.set(0, subject.nowMs)
    subject.tick()
    expect(subject.group).toMatchObject({ phase: 'completingRebalance', generation: 2, members: [{ number: 0 }] })
    expect(subject.group.pending).toEqual([])
  })
})
