// A consumer group as one after another process serves it: each request goes through the group's JSON, as if another process had
// loaded it, and after each step everything that must hold of a group whatever happened is asserted. Time and topics are the
// test's. What is asserted here holds in every test of this folder.
import { isDeepStrictEqual } from 'node:util'
import type { TopicId } from '../../../../../lib/base/ids.ts'
import { heartbeat as heartbeatClassic } from '../../../../../lib/groups/classic/heartbeat.ts'
import { join as joinClassic } from '../../../../../lib/groups/classic/join.ts'
import { leave as leaveClassic } from '../../../../../lib/groups/classic/leave.ts'
import { sync as syncClassic } from '../../../../../lib/groups/classic/sync.ts'
import { tick as tickClassic } from '../../../../../lib/groups/classic/tick.ts'
import { join } from '../../../../../lib/groups/consumer/classic-join.ts'
import { heartbeat, leave, sync } from '../../../../../lib/groups/consumer/classic-members.ts'
import { checkCommit } from '../../../../../lib/groups/consumer/commit-check.ts'
import { nextDeadlineMs } from '../../../../../lib/groups/consumer/deadlines.ts'
import { consumerHeartbeat } from '../../../../../lib/groups/consumer/heartbeat.ts'
import { tick } from '../../../../../lib/groups/consumer/tick.ts'
import type { Assignment, ConsumerGroup, ConsumerMember, Group } from '../../../../../lib/groups/group.ts'
import type {
  CommitCheck,
  Committer,
  ConsumerHeartbeatAnswer,
  ConsumerHeartbeatRequest,
  HeartbeatAnswer,
  HeartbeatRequest,
  JoinAnswer,
  JoinRequest,
  LeaveAnswer,
  SyncAnswer,
  SyncRequest,
} from '../../../../../lib/groups/requests.ts'
import type { GroupRefusal, GroupSettings, Step, StepContext, TopicsView } from '../../../../../lib/groups/step.ts'
import { encodeSubscription } from '../../../../../lib/wire/consumer-protocol.ts'
import { QUIET_HEARTBEAT } from '../../support/requests.ts'
import { SETTINGS } from '../../support/settings.ts'

export const GROUP_ID = 'readers'

/** A topic id that is easy to read. */
export const topicId = (number: number): TopicId => number.toString(16).padStart(32, '0') as TopicId

/** `owned({ orders: [0, 1] })` */
type ByName = Readonly<Record<string, readonly number[]>>

interface Topic {
  readonly id: TopicId
  readonly name: string
  readonly partitions: number
}

/** A view of these topics, as of this many changes. */
export function viewOf(topics: ReadonlyMap<string, Topic>, changes: number, version: string): TopicsView {
  const byId = new Map([...topics.values()].map((topic) => [topic.id, topic]))
  return {
    byName: (name) => topics.get(name),
    byId: (id) => byId.get(id),
    names: () => topics.keys(),
    namesVersion: () => version,
    asOf: () => ({ generation: 1, index: changes }),
  }
}

export type Scene = ReturnType<typeof createScene>

export function createScene(settings: Partial<GroupSettings> = {}, foldedFence = 0) {
  let group: Group | undefined
  let nowMs = 1_000_000
  let ids = 0
  let tokens = 0
  let topics = new Map<string, Topic>()
  let topicNumbers = 0
  const views: TopicsView[] = [viewOf(topics, 0, '0.0')]
  const seen = new Map<number, number>()
  /** Who had each partition last, and the highest fence under which it could have committed. */
  const lastOwners = new Map<string, { readonly number: number; readonly fence: number }>()

  const context = (viewsBehind = 0): StepContext => ({
    nowMs,
    seenMs: (number) => seen.get(number) ?? nowMs,
    newId: () => `id-${++ids}`,
    settings: { ...SETTINGS, ...settings },
    topics: views[Math.max(0, views.length - 1 - viewsBehind)]!,
    foldedFence,
  })

  function changeTopics(change: (topics: Map<string, Topic>) => void): void {
    topics = new Map(topics)
    change(topics)
    views.push(viewOf(topics, views.length, `${topicNumbers}.${topics.size}`))
  }

  /** The group as another process reads it. */
  function loaded(): Group | undefined {
    return group === undefined ? undefined : (JSON.parse(JSON.stringify(group)) as Group)
  }

  function apply<Answer>(decide: (group: Group | undefined, context: StepContext) => Step<Answer>, behind = 0): Answer {
    // A group that is to change its protocol is looked at with the topics of now (`decide.ts`).
    const at = context(group?.kind === 'consumer' ? behind : 0)
    const before = loaded()
    const ticked = before === undefined ? undefined : tickAny(before, at)
    checkStep(before, ticked, at)
    const step = decide(ticked, at)
    checkStep(ticked, step.group, at)
    group = step.group
    if (step.seen !== undefined) seen.set(step.seen, nowMs)
    return step.answer
  }

  function checkStep(before: Group | undefined, after: Group | undefined, at: StepContext): void {
    if (after === undefined) return
    must(isDeepStrictEqual(JSON.parse(JSON.stringify(after)), after), 'a group survives JSON')
    if (before !== undefined && before !== after) {
      must(!isDeepStrictEqual(after, before), 'an unchanged group is the same object')
      must(after.fence >= before.fence, 'the fence never goes down')
      must(after.nextMemberNumber >= before.nextMemberNumber, 'no number is given twice')
      must(epochOf(after) >= epochOf(before), 'the epoch never goes down')
    }
    must((after.emptySinceMs === undefined) === after.members.length > 0, 'a group knows since when it is empty')
    must(isEachOnce(after.members.map(({ memberId }) => memberId)), 'member ids are unique')
    must(isEachOnce(after.members.map(({ number }) => number)), 'member numbers are unique')
    if (after.kind === 'consumer') checkConsumer(after, at)
  }

  function checkConsumer(after: ConsumerGroup, at: StepContext): void {
    must(after.targetEpoch <= after.epoch, 'targets are not of an epoch to come')
    const deadlines = after.members.map((member) => deadlineOf(member, at))
    must(nextDeadlineMs(after, at) === Math.min(...deadlines), 'the next deadline is the earliest of a member')
    const owners = new Map<string, string>()
    for (const member of after.members) {
      must(member.memberEpoch <= after.epoch, 'no member is at an epoch to come')
      for (const place of placesOf([...member.assigned, ...member.pendingRevocation])) {
        must(!owners.has(place), `${place} belongs to one member`)
        owners.set(place, member.memberId)
        const last = lastOwners.get(place)
        const isPassed = last !== undefined && last.number !== member.number
        must(!isPassed || after.fence > last.fence, `the fence rises when ${place} passes on`)
        lastOwners.set(place, { number: member.number, fence: after.fence })
      }
    }
    must(isEachOnce(after.members.flatMap(({ target }) => placesOf(target))), 'a partition is in one target')
  }

  return {
    get group(): Group | undefined {
      return group
    },
    get consumer(): ConsumerGroup {
      if (group?.kind !== 'consumer') throw new Error(`the group is ${group?.kind}`)
      return group
    },
    /** Puts a group in place, as another process left it. */
    set(state: Group | undefined): void {
      group = state
    },
    get nowMs(): number {
      return nowMs
    },
    context,
    member(memberId: string): ConsumerMember {
      const found = group?.kind === 'consumer' ? group.members.find((one) => one.memberId === memberId) : undefined
      if (found === undefined) throw new Error(`${memberId} is no member`)
      return found
    },
    topic(name: string, partitions: number): void {
      topicNumbers += topics.has(name) ? 0 : 1
      changeTopics((all) => all.set(name, { id: all.get(name)?.id ?? topicId(topicNumbers), name, partitions }))
    },
    deleteTopic(name: string): void {
      changeTopics((all) => all.delete(name))
    },
    topics: (): ReadonlyMap<string, Topic> => topics,
    assignment: (named: ByName): Assignment =>
      Object.entries(named)
        .map(([name, partitions]) => ({ topicId: topics.get(name)!.id, partitions }))
        .sort((a, b) => (a.topicId < b.topicId ? -1 : 1)),
    pass(ms: number): void {
      nowMs += ms
    },
    /** Looks at the group as the sweeper does. */
    look(): Group | undefined {
      apply((current) => ({ group: current, answer: undefined }))
      return group
    },
    beat(
      memberId: string,
      memberEpoch: number,
      said: Partial<ConsumerHeartbeatRequest> = {},
      behind = 0,
    ): ConsumerHeartbeatAnswer | GroupRefusal {
      const request = { ...QUIET, memberId, memberEpoch, ...said }
      return apply((current, at) => consumerHeartbeat(current, request, at), behind)
    },
    /** A KIP-848 member joins. */
    enter(memberId: string, said: Partial<ConsumerHeartbeatRequest> = {}): ConsumerHeartbeatAnswer | GroupRefusal {
      return this.beat(memberId, 0, { rebalanceTimeoutMs: 60_000, owned: [], subscribedTopics: ['orders'], ...said })
    },
    /** A classic member joins. The same token is the same request. */
    join(
      said: Partial<JoinRequest> & { readonly topics?: readonly string[]; readonly owned?: ByName } = {},
      behind = 0,
    ): JoinAnswer {
      const { topics: wanted = ['orders'], owned = {}, ...rest } = said
      const request: JoinRequest = {
        groupId: GROUP_ID,
        memberId: '',
        instanceId: undefined,
        clientId: 'old',
        clientHost: '/127.0.0.1',
        protocolType: 'consumer',
        protocols: [{ name: 'cooperative-sticky', metadata: metadataOf(wanted, owned) }],
        sessionTimeoutMs: 30_000,
        rebalanceTimeoutMs: 60_000,
        memberIdRequired: false,
        knowsSkipAssignment: true,
        token: `token-${++tokens}`,
        ...rest,
      }
      return apply(
        (current, at): Step<JoinAnswer> =>
          current?.kind === 'consumer' ? join(current, request, at) : joinClassic(current, request, at),
        behind,
      )
    },
    sync(memberId: string, generation: number, said: Partial<SyncRequest> = {}, behind = 0): SyncAnswer {
      const request: SyncRequest = {
        groupId: GROUP_ID,
        memberId,
        instanceId: undefined,
        generation,
        protocolType: 'consumer',
        protocol: 'cooperative-sticky',
        assignments: [],
        ...said,
      }
      return apply(
        (current, at): Step<SyncAnswer> =>
          current?.kind === 'consumer' ? sync(current, request, at) : syncClassic(current, request),
        behind,
      )
    },
    classicBeat(
      memberId: string,
      generation: number,
      said: Partial<HeartbeatRequest> = {},
      behind = 0,
    ): HeartbeatAnswer {
      const request = { groupId: GROUP_ID, memberId, instanceId: undefined, generation, ...said }
      return apply(
        (current, at): Step<HeartbeatAnswer> =>
          current?.kind === 'consumer' ? heartbeat(current, request, at) : heartbeatClassic(current, request),
        behind,
      )
    },
    leave(
      ...members: readonly { readonly memberId: string; readonly instanceId?: string }[]
    ): LeaveAnswer | GroupRefusal {
      const named = members.map(({ memberId, instanceId }) => ({ memberId, instanceId }))
      return apply((current, at): Step<LeaveAnswer | GroupRefusal> => {
        const request = { groupId: GROUP_ID, members: named }
        return current?.kind === 'consumer' ? leave(current, request, at) : leaveClassic(current, request, at)
      })
    },
    commit(memberId: string, generationOrEpoch: number, said: Partial<Committer> = {}): CommitCheck {
      const committer = {
        groupId: GROUP_ID,
        memberId,
        instanceId: undefined,
        generationOrEpoch,
        knowsEpochs: true,
        ...said,
      }
      return apply((current) => {
        if (current?.kind !== 'consumer') throw new Error('a consumer group is looked at')
        return checkCommit(current, committer)
      })
    },
  }
}

/** Plain, since it is asked very often. */
function must(condition: boolean, message: string): void {
  if (!condition) throw new Error(`it must hold that ${message}`)
}

const isEachOnce = (values: readonly unknown[]): boolean => new Set(values).size === values.length

export const QUIET: ConsumerHeartbeatRequest = { ...QUIET_HEARTBEAT, groupId: GROUP_ID, clientId: 'reader' }

/** What a classic consumer says of itself in JoinGroup, as base64. */
export function metadataOf(topics: readonly string[], owned: ByName = {}, version = 3): string {
  const ownedPartitions = Object.entries(owned).map(([topic, partitions]) => ({ topic, partitions }))
  const bytes = encodeSubscription(version, { topics, userData: null, ownedPartitions, generationId: -1, rackId: null })
  return Buffer.from(bytes).toString('base64')
}

const tickAny = (group: Group, at: StepContext): Group =>
  group.kind === 'consumer' ? tick(group, at) : tickClassic(group, at)

export const epochOf = (group: Group): number => (group.kind === 'consumer' ? group.epoch : group.generation)

export const placesOf = (assignment: Assignment): string[] =>
  assignment.flatMap(({ topicId: id, partitions }) => partitions.map((partition) => `${id}/${partition}`))

function deadlineOf(member: ConsumerMember, at: StepContext): number {
  const { revokeDeadlineMs, classic } = member
  const others = [revokeDeadlineMs, classic?.joinDeadlineMs, classic?.syncDeadlineMs].filter((one) => one !== undefined)
  return Math.min(at.seenMs(member.number) + member.sessionTimeoutMs, ...others)
}
