// What members ask of a group and what they are told, in the terms of the group rather than of the wire.
import type { TopicId } from '../base/ids.ts'
import type { Assignment } from './group.ts'
import type { GroupRefusal, Wait } from './step.ts'

/** JoinGroup. */
export interface JoinRequest {
  readonly groupId: string
  /** Empty: the client has none yet. */
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly clientId: string
  readonly clientHost: string
  readonly protocolType: string
  /** `metadata` is base64. */
  readonly protocols: readonly { readonly name: string; readonly metadata: string }[]
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** Version 4 and later: a dynamic member without an id is given one and sent back. */
  readonly memberIdRequired: boolean
  /** Version 9 and later: the leader is told when there is nothing to assign. */
  readonly knowsSkipAssignment: boolean
  /** The request's own name: the same when the same request is looked at again, by whatever process. */
  readonly token: string
}
export interface Joined {
  readonly kind: 'joined'
  readonly generation: number
  readonly protocolType: string
  readonly protocol: string
  readonly leader: string
  readonly memberId: string
  readonly skipAssignment: boolean
  /** Of the leader only; else empty. `metadata` (base64) is that of the chosen protocol. */
  readonly members: readonly { memberId: string; instanceId: string | undefined; metadata: string }[]
}
export type JoinAnswer = Joined | Wait | GroupRefusal

/** SyncGroup. */
export interface SyncRequest {
  readonly groupId: string
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly generation: number
  /** Undefined in versions that do not say. */
  readonly protocolType: string | undefined
  readonly protocol: string | undefined
  /** Of the leader; `assignment` is base64. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: string }[]
}
export interface Synced {
  readonly kind: 'synced'
  readonly protocolType: string
  readonly protocol: string
  /** Base64. */
  readonly assignment: string
}
export type SyncAnswer = Synced | Wait | GroupRefusal

/** Heartbeat. */
export interface HeartbeatRequest {
  readonly groupId: string
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly generation: number
}
export type HeartbeatAnswer = { readonly kind: 'alive' } | GroupRefusal

/** LeaveGroup: version 3 and later name several. */
export interface LeaveRequest {
  readonly groupId: string
  readonly members: readonly { readonly memberId: string; readonly instanceId: string | undefined }[]
}
export interface LeaveAnswer {
  readonly kind: 'left'
  /** One for each member of the request, in order; undefined: it left. */
  readonly refusals: readonly (GroupRefusal | undefined)[]
}

/** ConsumerGroupHeartbeat (KIP-848). Undefined where the client said nothing new. */
export interface ConsumerHeartbeatRequest {
  readonly groupId: string
  readonly memberId: string
  /** 0 joins, -1 leaves, -2 a static member leaves for a while. */
  readonly memberEpoch: number
  readonly instanceId: string | undefined
  readonly rackId: string | undefined
  readonly clientId: string
  readonly clientHost: string
  /** -1: unchanged. */
  readonly rebalanceTimeoutMs: number
  readonly subscribedTopics: readonly string[] | undefined
  readonly subscribedPattern: string | undefined
  readonly serverAssignor: string | undefined
  /** What it owns now; undefined: as before. */
  readonly owned: readonly { readonly topicId: TopicId; readonly partitions: readonly number[] }[] | undefined
}
export interface ConsumerHeartbeatAnswer {
  readonly kind: 'beat'
  readonly memberId: string
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  /** Undefined: unchanged. */
  readonly assignment: Assignment | undefined
}

/** Who wants to commit offsets or to read them as a member. */
export interface Committer {
  readonly groupId: string
  /** Empty for a client that manages its offsets without being a member; generation -1 then. */
  readonly memberId: string
  readonly instanceId: string | undefined
  /** The classic generation or the KIP-848 member epoch. */
  readonly generationOrEpoch: number
  /** OffsetCommit version 9 and later, OffsetFetch version 9 and later: knows the errors of KIP-848. */
  readonly knowsEpochs: boolean
}
export type CommitCheck = { readonly kind: 'allowed'; readonly fence: number } | GroupRefusal
