// JoinGroup, rule by rule, as Kafka's brokers decide it: who is refused, who is given an id first, what begins a rebalance and
// what does not, and what everybody is told when the join phase is over.
import { describe, expect, it } from 'vitest'
import type { JoinRequest } from '../../../../lib/groups/requests.ts'
import {
  createSubject,
  endInitial,
  enter,
  idIn,
  joined,
  joinRequest,
  REBALANCE_MS,
  range,
  SESSION_MS,
  stableGroup,
  syncAll,
} from './support/subject.ts'

const other = [{ name: 'range', metadata: 'b3RoZXI=' }]

describe('join', () => {
  const refusals: [string, Partial<JoinRequest>, string][] = [
    ['no group id', { groupId: '' }, 'invalidGroupId'],
    ['a session that is too short', { sessionTimeoutMs: 5999 }, 'invalidSessionTimeout'],
    ['a session that is too long', { sessionTimeoutMs: 1_800_001 }, 'invalidSessionTimeout'],
    ['no protocol type', { protocolType: '' }, 'inconsistentProtocol'],
    ['no protocols', { protocols: [] }, 'inconsistentProtocol'],
    ['a member id that nobody was given', { memberId: 'who' }, 'unknownMember'],
  ]
  for (const [what, request, kind] of refusals) {
    it(`refuses ${what}, and makes no group of it`, () => {
      const subject = createSubject()
      const memberId = request.memberId ?? ''
      expect(subject.join(request)).toEqual({ kind, memberId })
      expect(subject.stored).toBeUndefined()
      const { subject: running } = stableGroup(2)
      const before = running.group
      expect(running.join(request)).toEqual({ kind, memberId })
      expect(running.group).toBe(before)
    })
  }

  it('allows the bounds of the session timeout themselves', () => {
    for (const sessionTimeoutMs of [6000, 1_800_000]) {
      expect(createSubject().join({ sessionTimeoutMs }).kind).toBe('memberIdRequired')
    }
  })

  it('gives a new member an id to come back with, for the time of its session', () => {
    const subject = createSubject({}, 41)
    const answer = subject.join({ clientId: 'app' })
    expect(answer).toEqual({ kind: 'memberIdRequired', memberId: 'app-id1' })
    expect(subject.group).toMatchObject({ phase: 'empty', generation: 0, fence: 42, members: [] })
    expect(subject.group.pending).toMatchObject([{ memberId: 'app-id1', untilMs: subject.nowMs + SESSION_MS }])
    expect(subject.join({ memberId: 'app-id1' })).toEqual({ kind: 'wait', memberId: 'app-id1' })
    expect(subject.group.pending).toEqual([])
    expect(subject.group.members).toMatchObject([{ memberId: 'app-id1', number: 0, synced: false }])
  })

  it('does not know the id any more when that time is over', () => {
    const subject = createSubject()
    const memberId = idIn(subject.join())
    subject.advance(SESSION_MS)
    expect(subject.join({ memberId })).toEqual({ kind: 'unknownMember', memberId })
  })

  it('takes in clients of old, and static members, without that', () => {
    const subject = createSubject()
    expect(subject.join({ memberIdRequired: false })).toEqual({ kind: 'wait', memberId: 'client-id1' })
    expect(subject.join({ instanceId: 'one' })).toEqual({ kind: 'wait', memberId: 'one-id2' })
    expect(subject.group.members.map(({ memberId }) => memberId)).toEqual(['client-id1', 'one-id2'])
  })

  it('does not let an instance use an id that a dynamic member was given', () => {
    const subject = createSubject()
    const memberId = idIn(subject.join())
    expect(subject.join({ memberId, instanceId: 'one' })).toEqual({ kind: 'unknownMember', memberId })
    expect(subject.group.members).toEqual([])
  })

  it('refuses another protocol type, and protocols that the group does not share', () => {
    const { subject, ids } = stableGroup(2)
    const before = subject.group
    expect(subject.join({ protocolType: 'connect' }).kind).toBe('inconsistentProtocol')
    expect(subject.join({ protocols: [{ name: 'sticky', metadata: '' }] }).kind).toBe('inconsistentProtocol')
    expect(subject.join({ memberId: ids[1]!, protocols: [{ name: 'sticky', metadata: '' }] })).toEqual({
      kind: 'inconsistentProtocol',
      memberId: ids[1],
    })
    expect(subject.group).toBe(before)
  })

  it('lets an empty group become one of another protocol type', () => {
    const { subject, ids } = stableGroup(1)
    subject.leave({ memberId: ids[0]! })
    expect(subject.group).toMatchObject({ phase: 'empty', protocolType: 'consumer' })
    enter(subject, { protocolType: 'connect', protocols: [{ name: 'default', metadata: '' }] })
    endInitial(subject)
    expect(subject.group).toMatchObject({ protocolType: 'connect', protocol: 'default', generation: 3 })
  })

  describe('the first rebalance', () => {
    it('waits for more members, then tells everybody of the generation', () => {
      const subject = createSubject()
      const requests = ['a', 'b'].map((clientId) =>
        joinRequest({ clientId, memberId: idIn(subject.join({ clientId })), protocols: range }),
      )
      for (const request of requests) expect(subject.join(request).kind).toBe('wait')
      subject.advanceAlive(5999)
      for (const request of requests) expect(subject.join(request).kind).toBe('wait')
      subject.advanceAlive(1)
      const [a, b] = requests.map((request) => joined(subject.join(request)))
      const ids = requests.map(({ memberId }) => memberId)
      expect(subject.group).toMatchObject({ phase: 'completingRebalance', generation: 1, leader: ids[0] })
      const said = { kind: 'joined', generation: 1, protocolType: 'consumer', protocol: 'range', leader: ids[0] }
      const members = ids.map((memberId) => ({ memberId, instanceId: undefined, metadata: 'cmFuZ2U=' }))
      expect(a).toEqual({ ...said, memberId: ids[0], skipAssignment: false, members })
      expect(b).toEqual({ ...said, memberId: ids[1], skipAssignment: false, members: [] })
    })

    const windows: [string, number[], number][] = [
      ['of one member lasts one window', [], 3000],
      ['lasts another window when one more came in the first', [1000], 6000],
      ['lasts no longer when two more came in the first', [1000, 2000], 6000],
      ['goes on while one more comes in each window', [2999, 5000, 6001], 12_000],
      ['ends at the longest rebalance timeout, whoever comes', [2000, 5000, 8000, 9500], 10_000],
    ]
    for (const [what, comingMs, endMs] of windows) {
      it(what, () => {
        const subject = createSubject()
        const rebalanceTimeoutMs = endMs === 10_000 ? 10_000 : REBALANCE_MS
        const sinceMs = subject.nowMs
        enter(subject, { rebalanceTimeoutMs })
        for (const ms of comingMs) {
          subject.advanceAlive(sinceMs + ms - subject.nowMs)
          enter(subject, { rebalanceTimeoutMs })
        }
        subject.advanceAlive(sinceMs + endMs - 1 - subject.nowMs)
        expect(subject.group.phase).toBe('preparingRebalance')
        subject.advanceAlive(1)
        expect(subject.group.phase).toBe('completingRebalance')
        expect(subject.group.members).toHaveLength(comingMs.length + 1)
      })
    }

    it('does not wait for those who were only given an id', () => {
      const subject = createSubject()
      enter(subject)
      subject.join()
      subject.advanceAlive(3000)
      expect(subject.group).toMatchObject({ phase: 'completingRebalance', members: [{ memberId: 'client-id1' }] })
      expect(subject.group.pending).toHaveLength(1)
    })

    it('is over at once without a delay', () => {
      const subject = createSubject({ initialRebalanceDelayMs: 0 })
      subject.join()
      expect(joined(subject.join({ memberId: 'client-id1' }))).toMatchObject({ generation: 1, leader: 'client-id1' })
    })
  })

  it('lets a new member begin a rebalance, which ends when all have come back', () => {
    const { subject, ids } = stableGroup(2)
    const newcomer = joinRequest({ memberId: idIn(subject.join()) })
    expect(subject.join(newcomer).kind).toBe('wait')
    expect(subject.group).toMatchObject({ phase: 'preparingRebalance', generation: 1 })
    expect(subject.join({ memberId: ids[1]! })).toEqual({ kind: 'wait', memberId: ids[1] })
    expect(joined(subject.join({ memberId: ids[0]! }))).toMatchObject({ generation: 2, leader: ids[0] })
    expect(joined(subject.join(newcomer))).toMatchObject({ generation: 2, members: [] })
    syncAll(subject)
    expect(subject.group).toMatchObject({ phase: 'stable', generation: 2 })
  })

  it('waits for those who were given an id while it prepares', () => {
    const { subject, ids } = stableGroup(1)
    enter(subject)
    const pending = idIn(subject.join())
    expect(subject.join({ memberId: ids[0]! }).kind).toBe('wait')
    joined(subject.join({ memberId: pending }))
    expect(subject.group.members).toHaveLength(3)
  })

  describe('of a member of a stable group', () => {
    it('is answered with the generation for a follower that says nothing new', () => {
      const { subject, ids } = stableGroup(2)
      const before = subject.group
      expect(joined(subject.join({ memberId: ids[1]! }))).toMatchObject({
        generation: 1,
        leader: ids[0],
        skipAssignment: false,
        members: [],
      })
      expect(subject.group).toBe(before)
    })

    it('begins a rebalance when the leader sends it', () => {
      const { subject, ids } = stableGroup(2)
      expect(subject.join({ memberId: ids[0]! }).kind).toBe('wait')
      expect(subject.group).toMatchObject({ phase: 'preparingRebalance', generation: 1, leader: ids[0] })
    })

    it('begins one when a follower says something new', () => {
      const { subject, ids } = stableGroup(2)
      expect(subject.join({ memberId: ids[1]!, protocols: other }).kind).toBe('wait')
      expect(subject.group.phase).toBe('preparingRebalance')
      const answer = joined(subject.join({ memberId: ids[0]! }))
      expect(answer.members.map(({ metadata }) => metadata)).toEqual(['cmFuZ2U=', 'b3RoZXI='])
    })

    it('begins and ends one when it is the only member', () => {
      const { subject, ids } = stableGroup(1)
      expect(joined(subject.join({ memberId: ids[0]! }))).toMatchObject({ generation: 2, leader: ids[0] })
      expect(subject.group.phase).toBe('completingRebalance')
    })
  })

  describe('of a member while the others synchronise', () => {
    const completing = () => {
      const { subject, ids } = stableGroup(2)
      subject.join({ memberId: ids[1]!, protocols: other })
      joined(subject.join({ memberId: ids[0]! }))
      return { subject, ids }
    }

    it('is answered once more when it says nothing new, also to the leader', () => {
      const { subject, ids } = completing()
      expect(joined(subject.join({ memberId: ids[1]!, protocols: other })).members).toEqual([])
      expect(joined(subject.join({ memberId: ids[0]! })).members).toHaveLength(2)
      expect(subject.group).toMatchObject({ phase: 'completingRebalance', generation: 2 })
    })

    it('begins another rebalance when it says something new', () => {
      const { subject, ids } = completing()
      expect(subject.join({ memberId: ids[1]! }).kind).toBe('wait')
      expect(subject.group).toMatchObject({ phase: 'preparingRebalance', generation: 2 })
    })
  })

  describe('a group that is full', () => {
    it('takes in nobody else, but lets its members come back', () => {
      const { subject, ids } = stableGroup(2, { membersMax: 2 })
      const before = subject.group
      for (const request of [{}, { memberIdRequired: false }, { instanceId: 'one' }]) {
        expect(subject.join(request)).toEqual({ kind: 'groupFull', memberId: '' })
      }
      expect(subject.group).toBe(before)
      expect(subject.join({ memberId: ids[0]! }).kind).toBe('wait')
      expect(joined(subject.join({ memberId: ids[1]! })).generation).toBe(2)
    })

    it('is so with those who were given an id', () => {
      const subject = createSubject({ membersMax: 2 })
      const first = idIn(subject.join())
      subject.join()
      expect(subject.join()).toEqual({ kind: 'groupFull', memberId: '' })
      expect(subject.join({ memberId: first }).kind).toBe('wait')
      expect(subject.join({ memberIdRequired: false })).toEqual({ kind: 'groupFull', memberId: '' })
    })

    it('gets smaller when its maximum does, by those who come back last', () => {
      const { subject, ids } = stableGroup(3)
      subject.settings = { ...subject.settings, membersMax: 2 }
      const requests = ids.map((memberId) => joinRequest({ memberId }))
      expect(subject.join(requests[0]!).kind).toBe('wait')
      expect(subject.join(requests[1]!).kind).toBe('wait')
      expect(subject.join(requests[2]!)).toEqual({ kind: 'groupFull', memberId: '' })
      expect(joined(subject.join(requests[0]!))).toMatchObject({ generation: 2 })
      expect(subject.group.members.map(({ memberId }) => memberId)).toEqual(ids.slice(0, 2))
    })

    it('does not take in who was given an id before its maximum got smaller', () => {
      const subject = createSubject({ membersMax: 2 })
      const [first, second] = [idIn(subject.join()), idIn(subject.join())]
      subject.settings = { ...subject.settings, membersMax: 1 }
      expect(subject.join({ memberId: first })).toEqual({ kind: 'groupFull', memberId: '' })
      expect(subject.join({ memberId: second }).kind).toBe('wait')
    })
  })
})
