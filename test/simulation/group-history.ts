// What the clients of groups asked for and were told, as a part of the history (`history.ts`): commits, answers that show
// committed offsets, answers that tell a generation or an assignment, what members gave up, and removals by administrators.
// A commit is known by its metadata, which no other commit of a partition has. `invoked` and `completed` are numbers in the
// order of happening; generations are KIP-848's member epochs where the group speaks that protocol.
import type { PartitionName } from './history.ts'

interface GroupOp {
  readonly group: string
  /** One life of one client; a member that starts anew has another name. */
  readonly client: string
  readonly invoked: number
}

/** Who the client said it was: an empty id is nobody. */
export interface Claim {
  readonly protocol: 'classic' | 'consumer'
  readonly memberId: string
  /** -1: none. */
  readonly generation: number
  /** How often its client has begun anew: a group that is made anew comes to the same generations again. */
  readonly term?: number
}

export interface OffsetOf {
  readonly partition: PartitionName
  /** -1: none. */
  readonly offset: number
  readonly metadata: string
}

/** One try to commit. */
export interface GroupCommit extends GroupOp, Claim {
  readonly kind: 'groupCommit'
  readonly offsets: readonly OffsetOf[]
  completed: number | undefined
  /** `fail`: refused, and nobody else carried the request: it definitely did not happen. */
  outcome: 'ok' | 'fail' | 'info'
}

/** An answer that shows committed offsets. */
export interface GroupFetch extends GroupOp, Claim {
  readonly kind: 'groupFetch'
  readonly process: string
  readonly completed: number
  readonly offsets: readonly OffsetOf[]
  /** Partitions that the client had been given, and had not given up, when it asked. */
  readonly owned: readonly PartitionName[]
}

/** An answer that tells a member its place: of JoinGroup, of SyncGroup, or of ConsumerGroupHeartbeat. */
export interface GroupTold extends GroupOp, Claim {
  readonly kind: 'groupTold'
  readonly what: 'joined' | 'synced' | 'beat'
  readonly completed: number
  readonly instanceId: string | undefined
  /** Of `joined`; empty: nobody is told to lead. */
  readonly leader: string
  readonly chosen: string
  /** Of `joined`, to the leader: the members, each with the name that its join gave itself. */
  readonly members: readonly { readonly memberId: string; readonly joinName: string }[]
  /** Of `synced` and of a `beat` that says it; undefined: unchanged. */
  readonly assignment: readonly PartitionName[] | undefined
}

/** A member of KIP-848 says what it still owns: what it was told before and is not in it may be somebody else's now. */
export interface GroupOwns extends GroupOp {
  readonly kind: 'groupOwns'
  readonly memberId: string
  readonly owned: readonly PartitionName[]
}

/**
 * An administrator removes offsets, or the group with all of them; or the sweep, of a group without members, what says which
 * generation it had come to.
 */
export interface GroupRemoval extends GroupOp {
  readonly kind: 'groupRemoval'
  readonly what: 'offsets' | 'group' | 'state'
  /** Undefined: nobody knows when it happens, if it does. */
  completed: number | undefined
  /** `fail`: it definitely did not happen. */
  outcome: 'ok' | 'fail' | 'info'
}

/** What the journal did with offsets, in its order. */
export interface GroupEffect {
  readonly kind: 'groupEffect'
  readonly group: string
  /** Empty offsets of `removed`: all of them. */
  readonly what: 'committed' | 'removed'
  readonly offsets: readonly OffsetOf[]
}

export type GroupHistoryOp = GroupCommit | GroupFetch | GroupTold | GroupOwns | GroupRemoval | GroupEffect
