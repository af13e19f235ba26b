// How large a group may become, and that thousands of joins take a time that grows with them and not with their square.
import { describe, expect, it } from 'vitest'
import {
  DYNAMODB_BODY_BYTES_MAX,
  GROUP_ASSIGNMENTS_BYTES_MAX,
  GROUP_BYTES_MAX,
  GROUP_MEMBER_BYTES_MAX,
  GROUP_NAME_BYTES_MAX,
} from '../../../../lib/base/limits.ts'
import { join } from '../../../../lib/groups/classic/join.ts'
import { tick } from '../../../../lib/groups/classic/tick.ts'
import type { ClassicGroup } from '../../../../lib/groups/group.ts'
import type { JoinRequest } from '../../../../lib/groups/requests.ts'
import type { StepContext } from '../../../../lib/groups/step.ts'
import { NO_TOPICS } from '../support/settings.ts'
import { createSubject, endInitial, idIn, joinRequest, SETTINGS, syncAll } from './support/subject.ts'

const large = (bytes: number, name = 'range') => [{ name, metadata: 'A'.repeat(bytes) }]
const documentBytes = (group: ClassicGroup): number => Buffer.byteLength(JSON.stringify(group))

const full = { kind: 'groupFull', message: expect.stringMatching(/\d+ bytes/) }

const roomIn = ({ members, pending }: ClassicGroup): number =>
  GROUP_BYTES_MAX -
  JSON.stringify(members.map((member) => ({ ...member, assignment: '' }))).length -
  JSON.stringify(pending).length

/** A group whose members have joined a generation and left some 2 KiB: four dynamic ones and a static one. */
function almostFull() {
  const subject = createSubject()
  const said = Math.floor(GROUP_BYTES_MAX / 5) - 1000
  const requests = [1, 2, 3, 4].map(() => joinRequest({ protocols: large(said), memberIdRequired: false }))
  for (const request of [...requests, joinRequest({ protocols: large(said), instanceId: 'one' })]) {
    expect(subject.join(request).kind).toBe('wait')
  }
  endInitial(subject)
  expect(roomIn(subject.group)).toBeGreaterThan(2000)
  expect(roomIn(subject.group)).toBeLessThan(5000)
  return { subject, said, ids: subject.group.members.map(({ memberId }) => memberId) }
}

describe('the size of a group', () => {
  it('bounds what one member says of itself', () => {
    const subject = createSubject()
    expect(subject.join({ protocols: large(GROUP_MEMBER_BYTES_MAX) })).toMatchObject(full)
    expect(subject.stored).toBeUndefined()
    expect(subject.join({ protocols: large(GROUP_MEMBER_BYTES_MAX - 100) }).kind).toBe('memberIdRequired')
  })

  const names: [string, (name: string) => Partial<JoinRequest>][] = [
    ['group', (groupId) => ({ groupId })],
    ['client id', (clientId) => ({ clientId })],
    ['client host', (clientHost) => ({ clientHost })],
    ['instance id', (instanceId) => ({ instanceId })],
    ['protocol type', (protocolType) => ({ protocolType })],
    ['protocol', (name) => ({ protocols: [{ name, metadata: '' }] })],
  ]
  for (const [what, request] of names) {
    it(`bounds the name of its ${what}, in bytes of JSON`, () => {
      const subject = createSubject()
      expect(subject.join(request('n'.repeat(GROUP_NAME_BYTES_MAX - 1))).kind).toBe('invalidRequest')
      expect(subject.join(request('\u0000'.repeat(200))).kind).toBe('invalidRequest')
      const memberId = idIn(subject.join(request('n'.repeat(GROUP_NAME_BYTES_MAX - 2))))
      // The id that it was given is longer, and good all the same.
      const { instanceId } = request('x')
      if (instanceId === undefined) {
        const again = subject.join({ ...request('n'.repeat(GROUP_NAME_BYTES_MAX - 2)), memberId })
        expect(again.kind).toBe('wait')
      }
    })
  }

  it('bounds all members together, whichever way they come', () => {
    const { subject } = almostFull()
    const before = subject.group
    const protocols = large(60_000)
    for (const request of [{ memberIdRequired: false }, { instanceId: 'new' }]) {
      expect(subject.join({ ...request, protocols })).toMatchObject(full)
    }
    expect(subject.group).toBe(before)
    // An id alone has room, but not what comes with it.
    const memberId = idIn(subject.join({ protocols }))
    const pending = subject.group
    expect(subject.join({ memberId, protocols })).toMatchObject(full)
    expect(subject.group).toBe(pending)
  })

  it('bounds what members say when they come back, to the byte', () => {
    const { subject, ids, said } = almostFull()
    syncAll(subject)
    const before = subject.group
    const { joined: token } = before.members[1]!
    const room = roomIn(before) + 'joined'.length - 'joining'.length
    const grown = (by: number) => ({
      memberId: ids[1]!,
      token: token!.replace('t', 'u'),
      protocols: large(said + by),
    })
    expect(subject.join(grown(room + 1))).toMatchObject(full)
    expect(subject.group).toBe(before)
    expect(subject.join(grown(room)).kind).toBe('wait')
    expect(roomIn(subject.group)).toBe(0)
  })

  it('bounds what static members say when they start anew, to the byte', () => {
    const { subject, said } = almostFull()
    const before = subject.group
    const { joined: token } = before.members.find(({ instanceId }) => instanceId === 'one')!
    // It waits now, and the group remembers a token more.
    const room = roomIn(before) + 'joined'.length - 'joining'.length - `,"${token}"`.length
    const anew = (by: number) => ({
      instanceId: 'one',
      token: token!.replace('t', 'u'),
      protocols: large(said + by),
    })
    expect(subject.join(anew(room + 1))).toMatchObject(full)
    expect(subject.group).toBe(before)
    expect(subject.join(anew(room)).kind).toBe('wait')
    expect(roomIn(subject.group)).toBe(0)
  })

  it('leaves the document room for assignments, also of the generation before', () => {
    const { subject, ids, said } = almostFull()
    const assignment = 'A'.repeat(GROUP_ASSIGNMENTS_BYTES_MAX / ids.length)
    const assignments = ids.map((memberId) => ({ memberId, assignment }))
    expect(subject.sync({ memberId: ids[0]!, assignments }).kind).toBe('synced')
    expect(subject.join({ memberId: ids[1]!, protocols: large(said + 900) }).kind).toBe('wait')
    expect(subject.group).toMatchObject({ phase: 'preparingRebalance' })
    expect(subject.group.members.map((member) => member.assignment)).toEqual(ids.map(() => assignment))
    expect(documentBytes(subject.group)).toBeGreaterThan(GROUP_BYTES_MAX + GROUP_ASSIGNMENTS_BYTES_MAX - 4096)
    expect(documentBytes(subject.group)).toBeLessThan(DYNAMODB_BODY_BYTES_MAX - 4096)
  })

  it('bounds the names that a group keeps beside its members', () => {
    const subject = createSubject()
    const clientId = 'n'.repeat(GROUP_NAME_BYTES_MAX - 2)
    let pending = 0
    while (subject.join({ clientId }).kind === 'memberIdRequired') pending++
    expect(pending).toBeGreaterThan(100)
    expect(documentBytes(subject.group)).toBeLessThan(GROUP_BYTES_MAX + 1024)
  })

  it('lets 1,000 of 5,000 clients in and refuses the rest, in a time that grows with their number', () => {
    const settings = { ...SETTINGS, membersMax: 1000, initialRebalanceDelayMs: 0 }
    let nowMs = 1_700_000_000_000
    let ids = 0
    let decided = 0
    const context: StepContext = {
      get nowMs() {
        return nowMs
      },
      seenMs: () => nowMs,
      newId: () => `${++ids}`,
      settings,
      topics: NO_TOPICS,
      foldedFence: 0,
    }
    let group: ClassicGroup | undefined
    const ask = (request: JoinRequest) => {
      nowMs += 1
      decided++
      const step = join(group && tick(group, context), request, context)
      group = step.group
      return step.answer
    }
    const startedAt = process.cpuUsage()
    const kinds = new Map<string, number>()
    for (let i = 0; i < 5000; i++) {
      const request = joinRequest({ clientId: 'c', clientHost: '', memberIdRequired: false, token: `${i}` })
      const { kind } = ask(request)
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    }
    expect(Object.fromEntries(kinds)).toEqual({ joined: 1, wait: 999, groupFull: 4000 })
    expect(group!.members).toHaveLength(1000)
    expect(group).toMatchObject({ phase: 'preparingRebalance', generation: 1 })
    const [first] = group!.members
    expect(ask(joinRequest({ memberId: first!.memberId })).kind).toBe('joined')
    expect(group).toMatchObject({ phase: 'completingRebalance', generation: 2 })
    expect(decided).toBe(5001)
    // Some 2 s; a hundred times that if a join were to look at all pairs of members.
    expect(process.cpuUsage(startedAt).user).toBeLessThan(20e6)
  }, 60_000)
})
