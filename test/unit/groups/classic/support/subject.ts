// A classic group under test, as its document holds it: every event is decided on a copy that went through JSON, as if by a
// process that has just loaded it, and what comes back is checked against everything that holds of any group and of any step.
// Time stands still until a test moves it.
import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import { checkCommit } from '../../../../../lib/groups/classic/commit-check.ts'
import { nextDeadlineMs } from '../../../../../lib/groups/classic/deadlines.ts'
import { heartbeat } from '../../../../../lib/groups/classic/heartbeat.ts'
import { join } from '../../../../../lib/groups/classic/join.ts'
import { leave } from '../../../../../lib/groups/classic/leave.ts'
import { commonProtocols } from '../../../../../lib/groups/classic/members.ts'
import type { ClassicStep } from '../../../../../lib/groups/classic/step.ts'
import { sync } from '../../../../../lib/groups/classic/sync.ts'
import { tick } from '../../../../../lib/groups/classic/tick.ts'
import type { ClassicGroup, ClassicMember } from '../../../../../lib/groups/group.ts'
import type {
  CommitCheck,
  Committer,
  HeartbeatAnswer,
  HeartbeatRequest,
  JoinAnswer,
  Joined,
  JoinRequest,
  LeaveAnswer,
  SyncAnswer,
  SyncRequest,
} from '../../../../../lib/groups/requests.ts'
import type { GroupRefusal, GroupSettings, StepContext } from '../../../../../lib/groups/step.ts'
import { SETTINGS as DEFAULTS, NO_TOPICS } from '../../support/settings.ts'

export const SETTINGS: GroupSettings = { ...DEFAULTS, initialRebalanceDelayMs: 3000, migration: 'disabled' }

export const SESSION_MS = 10_000
export const REBALANCE_MS = 60_000
const START_MS = 1_700_000_000_000

export interface Subject {
  nowMs: number
  settings: GroupSettings
  foldedFence: number
  /** As stored; `expect` it to be there. */
  readonly group: ClassicGroup
  readonly stored: ClassicGroup | undefined
  readonly seen: Map<number, number>
  context(): StepContext
  advance(ms: number): void
  /** Moves time on while all members are heard of now and then. */
  advanceAlive(ms: number): void
  /** Decides an event and stores what became of it. */
  decide<A>(event: (group: ClassicGroup | undefined, context: StepContext) => ClassicStep<A>): ClassicStep<A>
  tick(): ClassicGroup | undefined
  join(request?: Partial<JoinRequest>): JoinAnswer
  sync(request: Partial<SyncRequest> & { readonly memberId: string }): SyncAnswer
  heartbeat(request: Partial<HeartbeatRequest> & { readonly memberId: string }): HeartbeatAnswer
  leave(...members: { memberId: string; instanceId?: string }[]): LeaveAnswer | GroupRefusal
  commit(committer: Partial<Committer>): CommitCheck
  member(memberId: string): ClassicMember | undefined
}

let tokens = 0
export const freshToken = (): string => `t${++tokens}`

export const range = [{ name: 'range', metadata: 'cmFuZ2U=' }]

/** A join of a new client of today. */
export const joinRequest = (request: Partial<JoinRequest> = {}): JoinRequest => ({
  groupId: 'g',
  memberId: '',
  instanceId: undefined,
  clientId: 'client',
  clientHost: '/127.0.0.1',
  protocolType: 'consumer',
  protocols: range,
  sessionTimeoutMs: SESSION_MS,
  rebalanceTimeoutMs: REBALANCE_MS,
  memberIdRequired: true,
  knowsSkipAssignment: true,
  token: freshToken(),
  ...request,
})

export function createSubject(settings: Partial<GroupSettings> = {}, foldedFence = 0): Subject {
  const seen = new Map<number, number>()
  let stored: ClassicGroup | undefined
  let ids = 0
  const subject: Subject = {
    nowMs: START_MS,
    settings: { ...SETTINGS, ...settings },
    foldedFence,
    seen,
    get stored() {
      return stored
    },
    get group() {
      expect(stored).toBeDefined()
      return stored!
    },
    context: () => ({
      nowMs: subject.nowMs,
      seenMs: (number) => seen.get(number) ?? subject.nowMs,
      newId: () => `id${++ids}`,
      settings: subject.settings,
      // Classic groups know nothing of topics.
      topics: NO_TOPICS,
      foldedFence: subject.foldedFence,
    }),
    advance(ms) {
      subject.nowMs += ms
    },
    advanceAlive(ms) {
      for (let left = ms; left > 0; left -= 1000) {
        subject.nowMs += Math.min(1000, left)
        for (const { number } of stored?.members ?? []) seen.set(number, subject.nowMs)
        subject.tick()
      }
    },
    decide(event) {
      subject.tick()
      const before = stored === undefined ? undefined : frozen(structuredClone(stored))
      const step = event(before, subject.context())
      if (step.seen !== undefined) seen.set(step.seen, subject.nowMs)
      store(before, step.group)
      return step
    },
    tick() {
      if (stored === undefined) return undefined
      const before = frozen(structuredClone(stored))
      store(before, tick(before, subject.context()))
      return stored
    },
    join: (request) => subject.decide((group, context) => join(group, joinRequest(request), context)).answer,
    sync: (request) =>
      subject.decide((group) =>
        sync(group, {
          groupId: 'g',
          instanceId: undefined,
          generation: stored?.generation ?? -1,
          protocolType: undefined,
          protocol: undefined,
          assignments: [],
          ...request,
        }),
      ).answer,
    heartbeat: (request) =>
      subject.decide((group) =>
        heartbeat(group, { groupId: 'g', instanceId: undefined, generation: stored?.generation ?? -1, ...request }),
      ).answer,
    leave: (...members) =>
      subject.decide((group, context) =>
        leave(group, { groupId: 'g', members: members.map((m) => ({ instanceId: undefined, ...m })) }, context),
      ).answer,
    commit: (committer) =>
      subject.decide((group, context) =>
        checkCommit(
          group,
          {
            groupId: 'g',
            memberId: '',
            instanceId: undefined,
            generationOrEpoch: -1,
            knowsEpochs: true,
            ...committer,
          },
          context,
        ),
      ).answer,
    member: (memberId) => stored?.members.find((member) => member.memberId === memberId),
  }

  function store(before: ClassicGroup | undefined, after: ClassicGroup | undefined): void {
    if (after === before) return
    must(after !== undefined, 'a decision never removes a group')
    const text = JSON.stringify(after)
    must(text !== JSON.stringify(before), 'an unchanged group is the same object')
    const copy = JSON.parse(text) as ClassicGroup
    must(isDeepStrictEqual(copy, after), 'a group survives JSON')
    checkGroup(copy)
    if (before !== undefined) checkChange(before, copy)
    else must(copy.fence === subject.foldedFence + 1 + copy.generation, 'a new group begins above the known fence')
    stored = copy
    checkDeadline(copy, subject.context())
  }
  return subject
}

/** A stable group of so many dynamic members. */
export function stableGroup(
  count: number,
  settings: Partial<GroupSettings> = {},
): {
  readonly subject: Subject
  readonly ids: readonly string[]
} {
  const subject = createSubject(settings)
  const ids = Array.from({ length: count }, () => enter(subject))
  endInitial(subject)
  syncAll(subject)
  expect(subject.group).toMatchObject({ phase: 'stable', generation: 1 })
  return { subject, ids }
}

/** Joins as a client of today does, and answers its member id. It waits then, or has been answered. */
export function enter(subject: Subject, request: Partial<JoinRequest> = {}): string {
  const first = subject.join(request)
  if (first.kind !== 'memberIdRequired') return idIn(first)
  return idIn(subject.join({ ...request, memberId: idIn(first) }))
}

export function idIn(answer: JoinAnswer): string {
  expect(answer.memberId).toBeTruthy()
  return answer.memberId!
}

/** Waits until the windows of a group's first rebalance are over. */
export function endInitial(subject: Subject): void {
  for (let i = 0; i < 100 && subject.group.phase === 'preparingRebalance'; i++) subject.advanceAlive(3000)
  expect(subject.group.phase).toBe('completingRebalance')
}

/** All members send SyncGroup, the leader first; everybody is assigned its own member id. */
export function syncAll(subject: Subject): void {
  const { leader, members } = subject.group
  const assignments = members.map(({ memberId }) => ({ memberId, assignment: assignmentOf(memberId) }))
  const ordered = [...members].sort((a) => (a.memberId === leader ? -1 : 1))
  for (const { memberId, instanceId } of ordered) {
    expect(subject.sync({ memberId, instanceId, assignments })).toMatchObject({
      kind: 'synced',
      assignment: assignmentOf(memberId),
    })
  }
}

export const assignmentOf = (text: string): string => Buffer.from(text).toString('base64')

export function joined(answer: JoinAnswer): Joined {
  expect(answer.kind).toBe('joined')
  return answer as Joined
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) frozen(part)
  }
  return value
}

/** Cheaper than `expect`, for what is checked after every step of a model. */
function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`it must hold that ${what}`)
}

const areDistinct = (values: readonly unknown[]): boolean => new Set(values).size === values.length

/** What holds of any group, whatever happened to it. */
function checkGroup(group: ClassicGroup): void {
  const { phase, members, pending, leader, protocol, rebalance, syncDeadlineMs } = group
  const isEmpty = members.length === 0
  must(isEmpty === (phase === 'empty'), 'only a group without members is empty')
  must(isEmpty === (group.emptySinceMs !== undefined), 'an empty group says since when')
  must((rebalance !== undefined) === (phase === 'preparingRebalance'), 'a group that prepares says until when')
  must(areDistinct([...members, ...pending].map(({ memberId }) => memberId)), 'member ids are distinct')
  must(areDistinct(members.flatMap(({ instanceId }) => instanceId ?? [])), 'instance ids are distinct')
  must(areDistinct(members.map(({ number }) => number)), 'numbers are distinct')
  must(
    members.every(({ number }) => number < group.nextMemberNumber),
    'the next number is new',
  )
  const lead = members.find(({ memberId }) => memberId === leader)
  must(isEmpty ? leader === undefined : lead !== undefined, 'one of the members leads')
  if (phase === 'empty') {
    must(protocol === undefined && syncDeadlineMs === undefined, 'an empty group has no generation to complete')
    return
  }
  const common = commonProtocols(members)
  if (phase === 'preparingRebalance') {
    must(syncDeadlineMs === undefined && common.size > 0, 'a group that prepares has a protocol to choose')
    const isInitial = rebalance!.notBeforeMs > rebalance!.sinceMs
    const isMissing = pending.length > 0 || members.some(({ joining }) => joining === undefined)
    must(isInitial || isMissing, 'a group prepares while somebody is missing')
    return
  }
  must(
    members.every(({ joining }) => joining === undefined),
    'nobody waits to join a generation that has begun',
  )
  must(common.has(protocol ?? ''), 'all members support the protocol')
  const unsynced = members.filter(({ synced }) => !synced)
  must((syncDeadlineMs !== undefined) === unsynced.length > 0, 'a group waits for who has not synchronised')
  must(unsynced.includes(lead!) === (phase === 'completingRebalance'), 'a group is stable once its leader said so')
  const isUnassigned = members.every(({ assignment }) => assignment === '')
  must(phase === 'stable' || isUnassigned, 'nothing is assigned before the leader said what')
}

/** What holds of any change of a group. */
function checkChange(before: ClassicGroup, after: ClassicGroup): void {
  must(after.generation >= before.generation && after.fence >= before.fence, 'generation and fence never go down')
  must(after.nextMemberNumber >= before.nextMemberNumber, 'numbers are never used again')
  const isHigher = after.fence > before.fence
  must(after.generation === before.generation || isHigher, 'the fence rises with each generation')
  const known = new Map(before.members.map(({ instanceId, memberId }) => [instanceId, memberId]))
  const isReplaced = after.members.some(
    ({ instanceId, memberId }) =>
      instanceId !== undefined && known.has(instanceId) && known.get(instanceId) !== memberId,
  )
  must(!isReplaced || isHigher, 'the fence rises when a static member is replaced')
}

/** The next deadline is when time alone next changes the group: not earlier, and really then. */
function checkDeadline(group: ClassicGroup, context: StepContext): void {
  const ticked = tick(group, context)
  must(tick(ticked, context) === ticked, 'ticking twice changes nothing')
  const deadlineMs = nextDeadlineMs(ticked, context)
  must(deadlineMs > context.nowMs, 'the next deadline of a ticked group lies ahead')
  const at = (nowMs: number): ClassicGroup => tick(ticked, { ...context, nowMs })
  const isNever = deadlineMs === Number.POSITIVE_INFINITY
  must(at(isNever ? 1e15 : deadlineMs - 1) === ticked, 'nothing happens before the next deadline')
  const isChanged = isNever || JSON.stringify(at(deadlineMs)) !== JSON.stringify(ticked)
  must(isChanged, 'something happens at the next deadline')
}
