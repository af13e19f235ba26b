// ListOffsets: the first, the next or a timestamped offset of partitions, as facts about now. Negative timestamps are
// questions of their own (-1 latest, -2 earliest, …), each known from some version on. Without tiered storage the earliest
// local offset is the earliest one, and nothing was ever tiered.
import type { Topic } from '../../log/log.ts'
import { ErrorCode } from '../../wire/errors.ts'
import type { ListOffsetsRequest, ListOffsetsResponse } from '../../wire/messages/list-offsets.ts'
import type { BrokerContext, Call } from '../context.ts'
import { listOffsetFailure, unknownTopic, unserved } from '../outcomes.ts'
import { type TopicLookup, topicLookup } from '../topics/topic-lookup.ts'
import { leaderEpochProblem } from './leader-epoch.ts'

const LATEST = -1
const EARLIEST = -2
const MAX_TIMESTAMP = -3
const EARLIEST_LOCAL = -4
const LATEST_TIERED = -5
/** The version from which each special timestamp may be asked for. */
const SPECIAL_FROM = new Map([
  [LATEST, 1],
  [EARLIEST, 1],
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
])
const READ_COMMITTED = 1

type RequestPartition = ListOffsetsRequest['topics'][number]['partitions'][number]
type PartitionResponse = ListOffsetsResponse['topics'][number]['partitions'][number]
type Answer = { readonly errorCode: number; readonly offset: number; readonly timestamp: number }

export async function handleListOffsets(
  context: BrokerContext,
  request: ListOffsetsRequest,
  call: Call,
): Promise<ListOffsetsResponse> {
  const lookup = topicLookup(context.log)
  const repeated = repeatedPartitions(request)
  const topics = await Promise.all(
    request.topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(
        partitions.map(async (partition): Promise<PartitionResponse> => {
          const answer = repeated.has(`${partition.partitionIndex} ${name}`)
            ? failed(ErrorCode.INVALID_REQUEST)
            : await answerPartition(context, lookup, request, call, name, partition)
          const leaderEpoch = answer.offset >= 0 ? context.members.epoch() : -1
          return { partitionIndex: partition.partitionIndex, ...answer, leaderEpoch }
        }),
      ),
    })),
  )
  return { throttleTimeMs: 0, topics }
}

/** Partitions named more than once: Kafka answers none of them. */
function repeatedPartitions(request: ListOffsetsRequest): Set<string> {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex } of partitions) {
      const key = `${partitionIndex} ${name}`
      if (seen.has(key)) repeated.add(key)
      seen.add(key)
    }
  }
  return repeated
}

async function answerPartition(
  context: BrokerContext,
  lookup: TopicLookup,
  request: ListOffsetsRequest,
  call: Call,
  name: string,
  asked: RequestPartition,
): Promise<Answer> {
  const { timestamp } = asked
  if (timestamp < 0 && call.apiVersion < (SPECIAL_FROM.get(timestamp) ?? Number.POSITIVE_INFINITY)) {
    return failed(ErrorCode.UNSUPPORTED_VERSION)
  }
  const found = await lookup.byName(name, asked.partitionIndex)
  if (found.kind === 'absent') return failed(unknownTopic().errorCode)
  if (found.kind !== 'found') return failed(unserved(found, 'read').errorCode)
  const epochProblem = await leaderEpochProblem(context.members, asked.currentLeaderEpoch)
  if (epochProblem !== undefined) return failed(epochProblem)
  return look(context, found.topic, asked, request.isolationLevel === READ_COMMITTED)
}

async function look(
  { log }: BrokerContext,
  topic: Topic,
  { partitionIndex, timestamp }: RequestPartition,
  committedOnly: boolean,
): Promise<Answer> {
  if (timestamp === LATEST_TIERED) return NOTHING
  if (timestamp >= 0 || timestamp === MAX_TIMESTAMP) {
    const outcome =
      timestamp >= 0
        ? await log.offsetForTimestamp(topic, partitionIndex, timestamp)
        : await log.offsetOfMaxTimestamp(topic, partitionIndex)
    if (outcome.kind === 'found') return { ...outcome, errorCode: ErrorCode.NONE }
    return outcome.kind === 'none' ? NOTHING : failed(listOffsetFailure(outcome).errorCode)
  }
  const outcome = await log.offsets(topic, partitionIndex)
  if (outcome.kind !== 'found') return failed(listOffsetFailure(outcome).errorCode)
  const latest = committedOnly ? outcome.lastStableOffset : outcome.highWatermark
  return { errorCode: ErrorCode.NONE, offset: timestamp === LATEST ? latest : outcome.logStartOffset, timestamp: -1 }
}

const NOTHING: Answer = { errorCode: ErrorCode.NONE, offset: -1, timestamp: -1 }

function failed(errorCode: number): Answer {
  return { errorCode, offset: -1, timestamp: -1 }
}
