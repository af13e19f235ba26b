// What handlers ask of groups, whichever process they run in. `coordinator.ts` implements it over documents and the journal.
import type { TopicId } from '../base/ids.ts'
import type { Unserved } from '../log/log.ts'
import type { ToldPosition } from '../wire/https.ts'
import type { Group } from './group.ts'
import type {
  Committer,
  ConsumerHeartbeatAnswer,
  ConsumerHeartbeatRequest,
  HeartbeatAnswer,
  HeartbeatRequest,
  Joined,
  JoinRequest,
  LeaveAnswer,
  LeaveRequest,
  Synced,
  SyncRequest,
} from './requests.ts'
import type { GroupRefusal, Wait } from './step.ts'

/** How a request may wait. */
export interface Patience {
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal
  /** False: nothing waits here; the answer is then `wait`, and the same request comes again. */
  readonly mayWait: boolean
}

/** One offset to commit. `metadata` is the client's own text. */
export interface OffsetToCommit {
  readonly topicId: TopicId
  readonly partition: number
  readonly offset: number
  /** -1: none. */
  readonly leaderEpoch: number
  readonly metadata: string
}
export interface CommittedOffset {
  readonly topicId: TopicId
  readonly partition: number
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
  /** Wall clock of the commit. */
  readonly committedMs: number
}

export type CommitOutcome = { readonly kind: 'committed' } | { readonly kind: 'limit' } | GroupRefusal | Unserved
export type CommittedOutcome =
  | { readonly kind: 'found'; readonly offsets: readonly CommittedOffset[] }
  | GroupRefusal
  | Unserved

/** A group as administrators see it: its state as of now, overdue members removed. */
export interface GroupListing {
  readonly id: string
  /** Empty for groups with offsets only. */
  readonly protocolType: string
  /** As Kafka spells it: `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Stable`, `Assigning`, `Reconciling`, `Dead`. */
  readonly state: string
  /** `classic` or `consumer`. */
  readonly type: 'classic' | 'consumer'
}

export interface Groups {
  join(request: JoinRequest, patience: Patience): Promise<Joined | Wait | GroupRefusal | Unserved>
  sync(request: SyncRequest, patience: Patience): Promise<Synced | Wait | GroupRefusal | Unserved>
  heartbeat(request: HeartbeatRequest): Promise<HeartbeatAnswer | Unserved>
  leave(request: LeaveRequest): Promise<LeaveAnswer | GroupRefusal | Unserved>
  consumerHeartbeat(request: ConsumerHeartbeatRequest): Promise<ConsumerHeartbeatAnswer | GroupRefusal | Unserved>

  /**
   * Commits offsets of topics that exist. All of them or none. `told`: how far in the journal the client was told to be when
   * it made the request, for a request that may arrive long after its client went on.
   */
  commit(
    committer: Committer,
    offsets: readonly OffsetToCommit[],
    told: ToldPosition | undefined,
  ): Promise<CommitOutcome>
  /** Fresh. Every committed offset of the group; none for a group that is not there. With a member: only while it is one. */
  committed(groupId: string, member: Committer | undefined): Promise<CommittedOutcome>
  /** Removes committed offsets; refused for a topic that the group's members are subscribed to. One outcome per topic. */
  deleteOffsets(
    groupId: string,
    topics: readonly { readonly topicId: TopicId; readonly name: string; readonly partitions: readonly number[] }[],
  ): Promise<
    | { readonly kind: 'done'; readonly topics: readonly ({ readonly kind: 'deleted' } | GroupRefusal)[] }
    | GroupRefusal
    | Unserved
  >

  /** Fresh. All groups, those with offsets only too. */
  list(): Promise<{ readonly kind: 'found'; readonly groups: readonly GroupListing[] } | Unserved>
  /** Fresh. `offsetsOnly`: a group that nobody ever joined but for which offsets are stored. */
  describe(
    groupId: string,
  ): Promise<
    | { readonly kind: 'found'; readonly group: Group; readonly state: string }
    | { readonly kind: 'offsetsOnly' }
    | { readonly kind: 'missing' }
    | Unserved
  >
  /** Removes the group and its offsets; refused while it has members. */
  delete(groupId: string): Promise<{ readonly kind: 'deleted' } | GroupRefusal | Unserved>
}
