// What every decision about a group is given and what it gives back. Time, ids and topics come with the event, so that any
// process at any time decides alike.
import type { TopicId } from '../base/ids.ts'
import type { Position } from '../journal/position.ts'
import type { Group } from './group.ts'

/** What a decision may know besides the group and the event. */
export interface StepContext {
  /** Wall clock of the process that decides; other processes' differ a little, which costs punctuality only. */
  readonly nowMs: number
  /** When a member was last heard of by anybody, by its number. */
  seenMs(memberNumber: number): number
  /** A fresh random text for a member id (a UUID's worth). */
  newId(): string
  readonly settings: GroupSettings
  readonly topics: TopicsView
  /** The fence that the journal knows of this group: a state made anew starts above it. */
  readonly foldedFence: number
}

/** The topics as they are now. */
export interface TopicsView {
  byName(name: string): { readonly id: TopicId; readonly name: string; readonly partitions: number } | undefined
  byId(id: TopicId): { readonly id: TopicId; readonly name: string; readonly partitions: number } | undefined
  names(): Iterable<string>
  /** Another text after each topic that was created or deleted, and the same one in every process that knows the same. */
  namesVersion(): string
  /** How far in the journal this view has come: another process may be ahead of it, or behind. */
  asOf(): Position
}

/** Broker settings by Kafka's names; see docs of each there. */
export interface GroupSettings {
  /** group.min.session.timeout.ms, group.max.session.timeout.ms: 6 s and 30 min. */
  readonly sessionTimeoutMsMin: number
  readonly sessionTimeoutMsMax: number
  /** group.initial.rebalance.delay.ms: 3 s. */
  readonly initialRebalanceDelayMs: number
  /** group.max.size: members of one group. */
  readonly membersMax: number
  /** group.consumer.session.timeout.ms (45 s), .heartbeat.interval.ms (3 s), .max.size, .assignors. */
  readonly consumerSessionTimeoutMs: number
  readonly consumerHeartbeatIntervalMs: number
  readonly consumerMembersMax: number
  readonly consumerAssignors: readonly string[]
  /** group.consumer.migration.policy: whether a running group may change its protocol online. */
  readonly migration: 'disabled' | 'upgrade' | 'downgrade' | 'bidirectional'
  /** offsets.retention.minutes: how long what a group without members committed is kept. */
  readonly offsetsRetentionMs: number
}

/** Why a request of a member was refused. Each kind is one of Kafka's error codes (`broker/outcomes.ts`). */
export interface GroupRefusal {
  readonly kind: GroupRefusalKind
  /** For people, in the versions that have room for it. */
  readonly message?: string
  /** The member id that the answer repeats or gives out. */
  readonly memberId?: string
}
export type GroupRefusalKind =
  | 'unknownMember'
  | 'memberIdRequired'
  | 'illegalGeneration'
  | 'rebalanceInProgress'
  | 'inconsistentProtocol'
  | 'invalidSessionTimeout'
  | 'invalidGroupId'
  | 'groupFull'
  | 'fencedInstance'
  | 'unreleasedInstance'
  | 'fencedMemberEpoch'
  | 'staleMemberEpoch'
  | 'unsupportedAssignor'
  | 'invalidPattern'
  | 'invalidRequest'
  | 'groupNotFound'
  | 'groupNotEmpty'
  | 'groupSubscribedToTopic'

/** What became of an event. */
export interface Step<Answer> {
  /** The very object that was given when nothing changed; undefined: there is no such group (any more). */
  readonly group: Group | undefined
  readonly answer: Answer
  /** The number of the member that was heard of by this event. */
  readonly seen?: number
}

/** Something to decide about the group. */
export interface GroupEvent<Answer extends { readonly kind: string }> {
  decide(group: Group | undefined, context: StepContext): Step<Answer>
  /** Whether this answer may rest on a view of the last second when it changed nothing. */
  mayBeOld(answer: Answer): boolean
  /** Whether what becomes of this group rests on topics as they are now, not a second ago. */
  needsTopicsOfNow?(group: Group): boolean
}

/** Nothing to answer yet: ask again when the group changed, or at its next deadline (`nextDeadlineMs`). */
export interface Wait {
  readonly kind: 'wait'
  /** The client keeps this id whatever becomes of its wait. */
  readonly memberId: string
}
