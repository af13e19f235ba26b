// OffsetCommit: stores how far a group has read. Partitions that do not exist and metadata that is too long fail by
// themselves; the other partitions are committed together, or the group refuses all of them. How long the client wants its
// offsets kept (versions 2 to 4) is not heard: offsets.retention.minutes decides, as in Kafka since 2.1 for later versions.
import { OFFSET_METADATA_LENGTH_MAX } from '../../base/limits.ts'
import type { OffsetToCommit } from '../../groups/groups.ts'
import { ErrorCode } from '../../wire/errors.ts'
import type { OffsetCommitRequest, OffsetCommitResponse } from '../../wire/messages/offset-commit.ts'
import type { BrokerContext, Call } from '../context.ts'
import { commitFailure, unknownTopic, unserved } from '../outcomes.ts'
import { type Found, type TopicLookup, topicLookup } from '../topics/topic-lookup.ts'
import { isGroupId } from './group-requests.ts'

/** From this version on clients know the errors of KIP-848. */
const EPOCHS_FROM = 9

type RequestPartition = OffsetCommitRequest['topics'][number]['partitions'][number]

/** A partition of the request. */
type Planned =
  | { readonly kind: 'commit'; readonly offset: OffsetToCommit }
  /** Told unless the group refuses everything. */
  | { readonly kind: 'invalid'; readonly errorCode: number }
  /** Not asked of the group. */
  | { readonly kind: 'failed'; readonly errorCode: number }

export async function handleOffsetCommit(
  context: BrokerContext,
  request: OffsetCommitRequest,
  call: Call,
): Promise<OffsetCommitResponse> {
  // Clients that only keep offsets have committed without a group id.
  if (!isGroupId(request.groupId, 'mayBeEmpty')) return offsetCommitError(request, ErrorCode.INVALID_GROUP_ID)
  const lookup = topicLookup(context.log)
  const plans = await Promise.all(
    request.topics.map(async ({ name, partitions }) => {
      const found = await findTopic(lookup, name, partitions)
      return partitions.map((partition) => plan(found, partition))
    }),
  )
  const planned = plans.flat()
  const groupCode = planned.some(({ kind }) => kind !== 'failed')
    ? await commit(context, request, call, planned)
    : ErrorCode.NONE
  const codeOf = (step: Planned): number => {
    if (step.kind === 'failed') return step.errorCode
    return groupCode === ErrorCode.NONE && step.kind === 'invalid' ? step.errorCode : groupCode
  }
  return answer(request, (t, p) => codeOf(plans[t]![p]!))
}

/** The topic, known well enough to say of each of these partitions whether it exists: one look for all of them. */
async function findTopic(lookup: TopicLookup, name: string, partitions: readonly RequestPartition[]): Promise<Found> {
  const last = partitions.reduce((largest, { partitionIndex }) => Math.max(largest, partitionIndex), 0)
  const found = await lookup.byName(name, last)
  return found.kind === 'absent' ? lookup.byName(name) : found
}

function plan(
  found: Found,
  { partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }: RequestPartition,
): Planned {
  const isThere = found.kind === 'found' && partitionIndex >= 0 && partitionIndex < found.topic.partitions
  if (found.kind === 'absent' || (found.kind === 'found' && !isThere)) {
    return { kind: 'failed', errorCode: unknownTopic().errorCode }
  }
  if (found.kind !== 'found') return { kind: 'failed', errorCode: unserved(found, 'commit').errorCode }
  const metadata = committedMetadata ?? ''
  if (metadata.length > OFFSET_METADATA_LENGTH_MAX) {
    return { kind: 'invalid', errorCode: ErrorCode.OFFSET_METADATA_TOO_LARGE }
  }
  // Kafka stores it, and every client reads it as "nothing committed". Clients send none of their own accord.
  if (committedOffset < 0) return { kind: 'invalid', errorCode: ErrorCode.INVALID_COMMIT_OFFSET_SIZE }
  const leaderEpoch = Math.max(-1, committedLeaderEpoch)
  return {
    kind: 'commit',
    offset: { topicId: found.topic.id, partition: partitionIndex, offset: committedOffset, leaderEpoch, metadata },
  }
}

/** The error of all partitions together. Without any offset that is fit to be stored the group is still asked. */
async function commit(
  { groups }: BrokerContext,
  request: OffsetCommitRequest,
  { apiVersion, connection }: Call,
  planned: readonly Planned[],
): Promise<number> {
  const outcome = await groups.commit(
    {
      groupId: request.groupId,
      memberId: request.memberId,
      instanceId: request.groupInstanceId ?? undefined,
      generationOrEpoch: request.generationIdOrMemberEpoch,
      knowsEpochs: apiVersion >= EPOCHS_FROM,
    },
    planned.flatMap((step) => (step.kind === 'commit' ? [step.offset] : [])),
    connection.exchange?.told,
  )
  return outcome.kind === 'committed' ? ErrorCode.NONE : commitFailure(outcome).errorCode
}

export function offsetCommitError(request: OffsetCommitRequest, errorCode: number): OffsetCommitResponse {
  return answer(request, () => errorCode)
}

function answer(request: OffsetCommitRequest, codeOf: (t: number, p: number) => number): OffsetCommitResponse {
  return {
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitions }, t) => ({
      name,
      partitions: partitions.map(({ partitionIndex }, p) => ({ partitionIndex, errorCode: codeOf(t, p) })),
    })),
  }
}
