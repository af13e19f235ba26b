// The same join looked at again: by the process that holds it while it waits, by another one after the answer was lost, long
// after, or beside a newer one. It is answered as it was, or as the group is now, and changes nothing a second time.
import { describe, expect, it } from 'vitest'
import { GROUP_JOINS_REMEMBERED_MAX } from '../../../../lib/base/limits.ts'
import type { JoinRequest } from '../../../../lib/groups/requests.ts'
import { createSubject, endInitial, enter, idIn, joined, joinRequest, stableGroup, syncAll } from './support/subject.ts'

describe('a join that comes again', () => {
  const newcomers: [string, Partial<JoinRequest>][] = [
    ['of a client of old', { memberIdRequired: false }],
    ['of a static member', { instanceId: 'one' }],
  ]
  for (const [what, request] of newcomers) {
    it(`${what} finds the member that it made`, () => {
      const subject = createSubject()
      const again = joinRequest(request)
      const first = subject.join(again)
      const before = subject.group
      for (let i = 0; i < 3; i++) expect(subject.join(again)).toEqual(first)
      expect(subject.group).toBe(before)
      endInitial(subject)
      const answer = joined(subject.join(again))
      expect(answer).toMatchObject({ generation: 1, memberId: idIn(first), leader: idIn(first) })
      expect(subject.join(again)).toEqual(answer)
      expect(subject.group.members).toHaveLength(1)
    })
  }

  it('of a client of old makes no second member when the first has joined again since', () => {
    const subject = createSubject()
    const again = joinRequest({ memberIdRequired: false })
    subject.join(again)
    endInitial(subject)
    const { memberId } = joined(subject.join(again))
    syncAll(subject)
    for (const generation of [2, 3, 4]) {
      expect(joined(subject.join(joinRequest({ memberId, memberIdRequired: false })))).toMatchObject({ generation })
      syncAll(subject)
      const before = subject.group
      expect(subject.join(again)).toMatchObject({ kind: 'joined', memberId, generation })
      expect(subject.group).toBe(before)
    }
    // Of one that is gone it is a new one.
    subject.leave({ memberId })
    expect(idIn(subject.join(again))).not.toBe(memberId)
  })

  it('is given the same id to come back with', () => {
    const subject = createSubject()
    const again = joinRequest()
    const first = subject.join(again)
    const before = subject.group
    expect(subject.join(again)).toEqual(first)
    expect(subject.group).toBe(before)
  })

  it('of the leader begins no other rebalance', () => {
    const { subject, ids } = stableGroup(1)
    const again = joinRequest({ memberId: ids[0]! })
    const answer = joined(subject.join(again))
    expect(subject.join(again)).toEqual(answer)
    syncAll(subject)
    const before = subject.group
    expect(joined(subject.join(again))).toMatchObject({ generation: 2 })
    expect(subject.group).toBe(before)
    expect(joined(subject.join(joinRequest({ memberId: ids[0]! })))).toMatchObject({ generation: 3 })
  })

  it('takes part in the next rebalance when that began before it was answered', () => {
    const { subject, ids } = stableGroup(2)
    const again = joinRequest({ memberId: ids[1]! })
    subject.join(joinRequest({ memberId: ids[0]! }))
    joined(subject.join(again))
    subject.join(joinRequest({ memberId: ids[0]!, protocols: [{ name: 'range', metadata: 'bmV3' }] }))
    expect(subject.group).toMatchObject({ phase: 'preparingRebalance', generation: 2 })
    expect(joined(subject.join(again))).toMatchObject({ generation: 3 })
  })

  it('of a static member that was replaced meanwhile is fenced, however many compete', () => {
    const { subject } = stableGroup(1)
    const competing = Array.from({ length: GROUP_JOINS_REMEMBERED_MAX }, () => joinRequest({ instanceId: 'one' }))
    for (const request of competing) expect(subject.join(request).kind).toBe('wait')
    const before = subject.group
    for (const request of competing.slice(0, -1)) {
      expect(subject.join(request)).toEqual({ kind: 'fencedInstance', memberId: '' })
    }
    expect(subject.join(competing.at(-1)!).kind).toBe('wait')
    expect(subject.group).toBe(before)
  })

  it('of a static member does not replace the member that it made and that went on since', () => {
    const subject = createSubject()
    const arrival = joinRequest({ instanceId: 'one' })
    const memberId = idIn(subject.join(arrival))
    endInitial(subject)
    syncAll(subject)
    joined(subject.join({ memberId, instanceId: 'one' }))
    const before = subject.group
    expect(subject.join(arrival)).toEqual({ kind: 'unknownMember', memberId: '' })
    expect(subject.group).toBe(before)
  })

  it('beside a newer one of its member waits with it and is answered with it', () => {
    const { subject, ids } = stableGroup(2)
    const left = joinRequest({ memberId: ids[0]! })
    const newer = joinRequest({ memberId: ids[0]! })
    subject.join(left)
    subject.join(newer)
    const before = subject.group
    expect(before.members[0]).toMatchObject({ joining: newer.token, overtaken: [left.token] })
    const step = subject.join(left)
    expect(step).toEqual({ kind: 'wait', memberId: ids[0] })
    expect(subject.group).toBe(before)
    joined(subject.join({ memberId: ids[1]! }))
    const answer = joined(subject.join(newer))
    syncAll(subject)
    // The process that holds the older one comes late: a new request of the leader would begin a rebalance now.
    const stable = subject.group
    expect(joined(subject.join(left)).generation).toBe(answer.generation)
    expect(subject.group).toBe(stable)
  })

  it('beside a newer one says nothing of its member, whose client went elsewhere', () => {
    const { subject, ids } = stableGroup(2)
    const left = joinRequest({ memberId: ids[0]! })
    subject.join(left)
    subject.join({ memberId: ids[0]! })
    const [member] = subject.group.members
    const heardMs = subject.seen.get(member!.number)
    subject.advance(5000)
    subject.join(left)
    expect(subject.seen.get(member!.number)).toBe(heardMs)
  })

  it('after the answer was asked for anew in the same generation changes nothing either', () => {
    const { subject, ids } = stableGroup(1)
    const first = joinRequest({ memberId: ids[0]! })
    const second = joinRequest({ memberId: ids[0]! })
    const answer = joined(subject.join(first))
    expect(joined(subject.join(second))).toEqual(answer)
    expect(joined(subject.join(first))).toEqual(answer)
    syncAll(subject)
    const before = subject.group
    subject.join(first)
    subject.join(second)
    expect(subject.group).toBe(before)
    expect(subject.group.generation).toBe(2)
  })

  it('is heard of its member while it waits', () => {
    const { subject } = stableGroup(1)
    const waiting = joinRequest({ memberIdRequired: false })
    const memberId = idIn(subject.join(waiting))
    const { number } = subject.member(memberId)!
    subject.advance(5000)
    subject.join(waiting)
    expect(subject.seen.get(number)).toBe(subject.nowMs)
  })

  it('with the token of another member is not that member', () => {
    const { subject, ids } = stableGroup(2)
    const request = joinRequest({ memberId: ids[0]! })
    subject.join(request)
    expect(subject.join({ ...request, memberId: 'who' })).toEqual({ kind: 'unknownMember', memberId: 'who' })
    expect(subject.join({ ...request, memberId: '', instanceId: 'one' }).memberId).not.toBe(ids[0])
  })

  it('finds nobody after its member was removed', () => {
    const { subject, ids } = stableGroup(2)
    const request = joinRequest({ memberId: ids[1]!, protocols: [{ name: 'range', metadata: 'bmV3' }] })
    subject.join(request)
    subject.leave({ memberId: ids[1]! })
    expect(subject.join(request)).toEqual({ kind: 'unknownMember', memberId: ids[1] })
    const newcomer = joinRequest({ memberIdRequired: false })
    const memberId = idIn(subject.join(newcomer))
    subject.leave({ memberId })
    expect(idIn(subject.join(newcomer))).not.toBe(memberId)
    expect(enter(subject)).toBeTruthy()
  })
})
