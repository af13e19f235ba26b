// OffsetFetch: how far groups have read. A group that is not there has read nothing, which is no error: clients take any for a
// failure. An error is told of the group and of each partition asked for, because version 1 has no room for the former and
// some clients look only at the latter. Offsets are kept by topic id, so those of a deleted topic are not those of a new one
// of the same name. `requireStable` holds by itself: there are no offsets of open transactions to be seen.
import type { CommittedOffset } from '../../groups/groups.ts'
import type { Committer } from '../../groups/requests.ts'
import type { Log } from '../../log/log.ts'
import { ErrorCode } from '../../wire/errors.ts'
import type { OffsetFetchRequest, OffsetFetchResponse } from '../../wire/messages/offset-fetch.ts'
import type { BrokerContext, Call } from '../context.ts'
import { groupFailure } from '../outcomes.ts'
import { eachGroup, isGroupId } from './group-requests.ts'

const FIRST_BATCHED_VERSION = 8

/** What is asked about one group, in whichever version. */
interface Asked {
  readonly groupId: string
  readonly member: Committer | undefined
  /** Null: all that there are. */
  readonly topics: readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[] | null
}
interface AnsweredPartition {
  readonly partitionIndex: number
  readonly committedOffset: number
  readonly committedLeaderEpoch: number
  readonly metadata: string
  readonly errorCode: number
}
interface Answered {
  readonly groupId: string
  readonly errorCode: number
  readonly topics: readonly { readonly name: string; readonly partitions: readonly AnsweredPartition[] }[]
}

export async function handleOffsetFetch(
  context: BrokerContext,
  request: OffsetFetchRequest,
  { apiVersion }: Call,
): Promise<OffsetFetchResponse> {
  const answers = await eachGroup(askedOf(request, apiVersion), {
    id: ({ groupId }) => groupId,
    answer: (asked) => answerGroup(context, asked),
    sizeBytes: sizeOf,
    refuse: (asked) => refuse(asked, ErrorCode.INVALID_REQUEST),
  })
  return respond(answers, apiVersion)
}

export function offsetFetchError(
  request: OffsetFetchRequest,
  errorCode: number,
  { apiVersion }: Call,
): OffsetFetchResponse {
  return respond(
    askedOf(request, apiVersion).map((asked) => refuse(asked, errorCode)),
    apiVersion,
  )
}

function askedOf(request: OffsetFetchRequest, apiVersion: number): readonly Asked[] {
  if (apiVersion < FIRST_BATCHED_VERSION) {
    return [{ groupId: request.groupId, member: undefined, topics: distinct(request.topics) }]
  }
  return request.groups.map(({ groupId, memberId, memberEpoch, topics }) => ({
    groupId,
    // Who has no epoch is no member of KIP-848. Members of classic groups are not checked, though some say who they are.
    member:
      memberEpoch < 0
        ? undefined
        : {
            groupId,
            memberId: memberId ?? '',
            instanceId: undefined,
            generationOrEpoch: memberEpoch,
            knowsEpochs: true,
          },
    topics: distinct(topics),
  }))
}

/** The same with each topic and partition once, so that the answer is not larger than what is stored and what was asked. */
function distinct(topics: Asked['topics']): Asked['topics'] {
  if (topics === null) return null
  const partitions = new Map<string, Set<number>>()
  for (const { name, partitionIndexes } of topics) {
    const known = partitions.get(name) ?? new Set()
    for (const index of partitionIndexes) known.add(index)
    partitions.set(name, known)
  }
  return [...partitions].map(([name, indexes]) => ({ name, partitionIndexes: [...indexes] }))
}

async function answerGroup({ log, groups }: BrokerContext, asked: Asked): Promise<Answered> {
  const { groupId, member } = asked
  // Clients that only keep offsets have committed without a group id.
  if (!isGroupId(groupId, 'mayBeEmpty')) return refuse(asked, ErrorCode.INVALID_GROUP_ID)
  const found = await groups.committed(groupId, member)
  const outcome = found.kind === 'groupNotFound' ? ({ kind: 'found', offsets: [] } as const) : found
  if (outcome.kind !== 'found') return refuse(asked, groupFailure(outcome, 'committed').errorCode)
  const byTopic = Map.groupBy(outcome.offsets, ({ topicId }) => topicId)
  const topics = asked.topics ?? everything(log, byTopic)
  return {
    groupId,
    errorCode: ErrorCode.NONE,
    topics: topics.map(({ name, partitionIndexes }) => {
      // The answer was fresh, so the log knows its topics, and no topic of this name means that there is none.
      const topic = log.topicByName(name)
      const offsets = topic === undefined ? [] : (byTopic.get(topic.id) ?? [])
      const byPartition = new Map(offsets.map((offset) => [offset.partition, offset]))
      return { name, partitions: partitionIndexes.map((index) => tell(index, byPartition.get(index))) }
    }),
  }
}

/** All partitions with an offset, of topics that still exist, in order. */
function everything(
  log: Log,
  byTopic: ReadonlyMap<CommittedOffset['topicId'], readonly CommittedOffset[]>,
): NonNullable<Asked['topics']> {
  return [...byTopic]
    .flatMap(([topicId, offsets]) => {
      const topic = log.topicById(topicId)
      const partitionIndexes = offsets.map(({ partition }) => partition).sort((a, b) => a - b)
      return topic === undefined ? [] : [{ name: topic.name, partitionIndexes }]
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

function tell(partitionIndex: number, offset: CommittedOffset | undefined): AnsweredPartition {
  return {
    partitionIndex,
    committedOffset: offset?.offset ?? -1,
    committedLeaderEpoch: offset?.leaderEpoch ?? -1,
    metadata: offset?.metadata ?? '',
    errorCode: ErrorCode.NONE,
  }
}

function refuse({ groupId, topics }: Asked, errorCode: number): Answered {
  return {
    groupId,
    errorCode,
    topics: (topics ?? []).map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((index) => ({ ...tell(index, undefined), errorCode })),
    })),
  }
}

const PARTITION_BYTES = 128

function sizeOf({ topics }: Answered): number {
  let bytes = 0
  for (const { partitions } of topics) {
    for (const { metadata } of partitions) bytes += PARTITION_BYTES + metadata.length
  }
  return bytes
}

function respond(answers: readonly Answered[], apiVersion: number): OffsetFetchResponse {
  if (apiVersion >= FIRST_BATCHED_VERSION) return { throttleTimeMs: 0, groups: answers }
  const { errorCode, topics } = answers[0]!
  return { throttleTimeMs: 0, topics, errorCode }
}
