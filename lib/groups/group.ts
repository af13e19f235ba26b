// The state of one consumer group, as the group's document holds it: plain data that survives JSON. Everything that decides
// about a group is a pure function from a state, an event and the time to a new state and an answer (`classic/`,
// `consumer/`); it changes nothing in place and returns the very same object when nothing changed, which is how the
// coordinator knows that there is nothing to write. When its members were last heard of is kept apart (`seen-document.ts`),
// since that changes with every heartbeat.
import type { TopicId } from '../base/ids.ts'
import type { Position } from '../journal/position.ts'

export type Group = ClassicGroup | ConsumerGroup

interface GroupBase {
  readonly id: string
  /**
   * Raised with each new classic generation, whenever a partition passes from one member to another, when a static member is
   * replaced, and when the group is deleted (DESIGN.md section 9). Never goes down.
   */
  readonly fence: number
  /** The number of the next member: names it in the `seen` document. Never used again. */
  readonly nextMemberNumber: number
  /** Wall clock: since when there has been no member. Undefined while there are some. */
  readonly emptySinceMs?: number
}

// --- classic -----------------------------------------------------------------------------------------------------------

export type ClassicPhase = 'empty' | 'preparingRebalance' | 'completingRebalance' | 'stable'

export interface ClassicGroup extends GroupBase {
  readonly kind: 'classic'
  readonly phase: ClassicPhase
  readonly generation: number
  /** `consumer`, `connect`, …; undefined until the first member came. */
  readonly protocolType?: string
  /** Chosen for this generation. */
  readonly protocol?: string
  readonly leader?: string
  /** In the order of their joining. */
  readonly members: readonly ClassicMember[]
  /** Members that were told MEMBER_ID_REQUIRED and have not come back yet. */
  readonly pending: readonly {
    readonly memberId: string
    readonly untilMs: number
    /** Of the join that was told so: a repeat of it is told the same id. */
    readonly token: string
  }[]
  /**
   * Of `preparingRebalance`: when it began, when it ends whoever is missing, and when it may end at the earliest. Only the
   * first rebalance of a group without members has to wait: `notBeforeMs` is `sinceMs` in any other.
   */
  readonly rebalance?: { readonly sinceMs: number; readonly deadlineMs: number; readonly notBeforeMs: number }
  /** Until when members must have sent SyncGroup: of `completingRebalance`, and of `stable` until the last one has. */
  readonly syncDeadlineMs?: number
}

export interface ClassicMember {
  readonly memberId: string
  readonly number: number
  readonly instanceId?: string
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** In the member's order of preference; `metadata` is base64. */
  readonly protocols: readonly { readonly name: string; readonly metadata: string }[]
  /** Base64; empty until the leader assigned something. */
  readonly assignment: string
  /** The join that this member waits to be answered, by the token of its request. */
  readonly joining?: string
  /** The last join that was answered for the current generation: a repeat of that request gets the same answer. */
  readonly joined?: string
  /** It has sent SyncGroup in this generation. */
  readonly synced: boolean
  /**
   * The join without a member id that made this member, by token: a repeat of it must not make another one. Of a static member
   * the newest of them that named its instance, oldest first; a repeat of an older one would replace whoever came after it.
   */
  readonly arrivals?: readonly string[]
  /** Joins that a newer one of this member overtook while they waited, by token: a repeat of one is no new request. */
  readonly overtaken?: readonly string[]
}

// --- consumer (KIP-848) ------------------------------------------------------------------------------------------------

/** Partitions by topic id, both ascending. */
export type Assignment = readonly { readonly topicId: TopicId; readonly partitions: readonly number[] }[]

export interface ConsumerGroup extends GroupBase {
  readonly kind: 'consumer'
  readonly epoch: number
  /** The epoch that the members' targets were computed for. */
  readonly targetEpoch: number
  /** The subscribed topics and their partitions, ascending by id: what targets are computed from. */
  readonly topics: readonly { readonly id: TopicId; readonly name: string; readonly partitions: number }[]
  /** How far in the journal the view was that they were last taken from; an older view does not change them back. */
  readonly topicsAsOf: Position
  /** What each pattern of a member matched (ascending), when that was looked up, and among which topics (`namesVersion`). */
  readonly patterns: readonly {
    readonly pattern: string
    readonly names: readonly string[]
    readonly atMs: number
    readonly version: string
  }[]
  /** Ascending by `memberId`. */
  readonly members: readonly ConsumerMember[]
}

/** As Kafka's: `unrevokedPartitions` must give up some first, `unreleasedPartitions` waits for others to give up some. */
export type ConsumerMemberState = 'stable' | 'unrevokedPartitions' | 'unreleasedPartitions'

export interface ConsumerMember {
  readonly memberId: string
  readonly number: number
  readonly instanceId?: string
  readonly rackId?: string
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly subscribedTopics: readonly string[]
  readonly subscribedPattern?: string
  readonly serverAssignor?: string
  /** -2 for a static member that left for a while. */
  readonly memberEpoch: number
  readonly previousEpoch: number
  readonly state: ConsumerMemberState
  readonly assigned: Assignment
  readonly pendingRevocation: Assignment
  readonly target: Assignment
  /** When `assigned` changed last: for some time it is told so again and again. */
  readonly assignedMs?: number
  /** Until when it must have revoked what it was asked to. */
  readonly revokeDeadlineMs?: number
  /** Set for a member that speaks the classic protocol in this group (upgrade and downgrade of a running group). */
  readonly classic?: {
    readonly protocols: readonly { readonly name: string; readonly metadata: string }[]
    /** The join that waited for an answer when the group became a consumer group. */
    readonly joining?: string
    /** The last join that was answered: a repeat of that request gets the same answer. */
    readonly joined?: string
    /** As of a classic member; `overtaken` are the joins that were answered before the last one. */
    readonly arrivals?: readonly string[]
    readonly overtaken?: readonly string[]
    /** It has sent SyncGroup since it joined. */
    readonly synced: boolean
    /** Until when it must join again, since it was told to. */
    readonly joinDeadlineMs?: number
    /** Until when it must have sent SyncGroup. */
    readonly syncDeadlineMs?: number
  }
}
