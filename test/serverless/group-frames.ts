// What a member of a group says, by hand: request frames of the group APIs in the versions of today's clients, and their answers
// taken apart. No client's cleverness comes between: a test decides which process gets a request, how often and when.
import { encodeAssignment, encodeSubscription } from '../../lib/wire/consumer-protocol.ts'
import { decodeResponseHeader } from '../../lib/wire/frame.ts'
import { consumerGroupHeartbeat } from '../../lib/wire/messages/consumer-group-heartbeat.ts'
import { describeGroups } from '../../lib/wire/messages/describe-groups.ts'
import { findCoordinator } from '../../lib/wire/messages/find-coordinator.ts'
import { heartbeat } from '../../lib/wire/messages/heartbeat.ts'
import { joinGroup } from '../../lib/wire/messages/join-group.ts'
import { listGroups } from '../../lib/wire/messages/list-groups.ts'
import { offsetCommit } from '../../lib/wire/messages/offset-commit.ts'
import { offsetFetch } from '../../lib/wire/messages/offset-fetch.ts'
import { syncGroup } from '../../lib/wire/messages/sync-group.ts'
import { decodeResponse } from '../../lib/wire/reader.ts'
import type { Api, RequestInput, ResponseOf } from '../../lib/wire/schema.ts'
import { frameOf } from '../functions/support/frames.ts'

/** A request that is ready to be sent, and how its answer is read. */
export interface Question<Answer> {
  readonly frame: Buffer
  /** Of a response frame with its length prefix. */
  read(response: Uint8Array): Answer
}

function question<A extends Api>(api: A, version: number, request: RequestInput<A>): Question<ResponseOf<A>> {
  return {
    frame: frameOf(api, version, request),
    read: (response) => {
      const frame = response.subarray(4)
      const { bodyOffset } = decodeResponseHeader(api, version, frame)
      return decodeResponse(api, version, frame.subarray(bodyOffset))
    },
  }
}

/** A member of a classic group in a generation. */
export interface Membership {
  readonly groupId: string
  readonly memberId: string
  readonly generationId: number
}

const PROTOCOL = { protocolType: 'consumer', protocolName: 'range' } as const

export const find = (groupId: string) => question(findCoordinator, 4, { keyType: 0, coordinatorKeys: [groupId] })

export function join(groupId: string, memberId: string, topic: string, sessionTimeoutMs = 45_000) {
  const metadata = encodeSubscription(1, {
    topics: [topic],
    userData: null,
    ownedPartitions: [],
    generationId: -1,
    rackId: null,
  })
  const protocols = [{ name: PROTOCOL.protocolName, metadata }]
  const { protocolType } = PROTOCOL
  const timeouts = { sessionTimeoutMs, rebalanceTimeoutMs: 60_000 }
  return question(joinGroup, 9, { groupId, memberId, protocolType, protocols, ...timeouts })
}

/** Of the leader with what each member gets of the topic, of the others without. */
export function sync(
  { groupId, memberId, generationId }: Membership,
  topic: string,
  shares: ReadonlyMap<string, readonly number[]> = new Map(),
) {
  const assignments = [...shares].map(([memberId, partitions]) => {
    const assignedPartitions = [{ topic, partitions: [...partitions] }]
    return { memberId, assignment: encodeAssignment(1, { assignedPartitions, userData: null }) }
  })
  return question(syncGroup, 5, { groupId, memberId, generationId, ...PROTOCOL, assignments })
}

export const beat = (membership: Membership) => question(heartbeat, 4, membership)

/** KIP-848: epoch 0 joins; later heartbeats say nothing new. */
export function consumerBeat(groupId: string, memberId: string, memberEpoch: number, topic: string) {
  const joining = { rebalanceTimeoutMs: 300_000, subscribedTopicNames: [topic], topicPartitions: [] }
  const request = { groupId, memberId, memberEpoch, ...(memberEpoch === 0 ? joining : {}) }
  return question(consumerGroupHeartbeat, 1, request)
}

/** Commits one offset for partition 0. */
export function commit({ groupId, memberId, generationId }: Membership, topic: string, committedOffset: number) {
  const partitions = [{ partitionIndex: 0, committedOffset, committedLeaderEpoch: -1, committedMetadata: '' }]
  const member = { groupId, memberId, generationIdOrMemberEpoch: generationId }
  return question(offsetCommit, 9, { ...member, topics: [{ name: topic, partitions }] })
}

/** What is committed of partition 0. */
export function committed(groupId: string, topic: string) {
  const topics = [{ name: topic, partitionIndexes: [0] }]
  return question(offsetFetch, 9, { groups: [{ groupId, topics }], requireStable: true })
}

export const list = () => question(listGroups, 5, {})
export const describeGroup = (groupId: string) =>
  question(describeGroups, 5, { groups: [groupId], includeAuthorizedOperations: false })
