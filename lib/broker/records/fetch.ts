// Fetch: reads records, and waits for them as the client asks. No fetch sessions are ever made: every answer says session 0
// and tells about every partition asked for, in the order of the request, which all clients take for a full fetch. The
// record bytes in the response are the log's own buffers; nothing is copied here.
import type { FetchPartition, FetchPartitionOutcome } from '../../log/log.ts'
import { ErrorCode } from '../../wire/errors.ts'
import type { FetchRequest, FetchResponse } from '../../wire/messages/fetch.ts'
import type { Exchange } from '../broker.ts'
import type { BrokerContext, Call } from '../context.ts'
import { fetchFailure, type NamedBy, unknownTopic, unserved } from '../outcomes.ts'
import { type TopicLookup, topicLookup } from '../topics/topic-lookup.ts'
import { leaderEpochProblem } from './leader-epoch.ts'

/** From this version on topics are named by id. */
const TOPIC_IDS_FROM = 13
const READ_COMMITTED = 1

type RequestTopic = FetchRequest['topics'][number]
type RequestPartition = RequestTopic['partitions'][number]
type PartitionResponse = FetchResponse['responses'][number]['partitions'][number]

/** A partition of the request: what to read, or why not. */
type Planned =
  | { readonly kind: 'read'; readonly read: FetchPartition }
  | { readonly kind: 'failed'; readonly errorCode: number }

/** `later`: the door does not wait, and the client's own wait is not over. */
export async function handleFetch(
  context: BrokerContext,
  request: FetchRequest,
  call: Call,
): Promise<FetchResponse | 'later'> {
  // An epoch above 0 continues a session, and none was ever made here. 0 asks for one, -1 for none: both are full fetches.
  if (call.apiVersion >= 7 && request.sessionEpoch > 0) return fetchError(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
  const by: NamedBy = call.apiVersion >= TOPIC_IDS_FROM ? 'id' : 'name'
  const committedOnly = request.isolationLevel === READ_COMMITTED
  const lookup = topicLookup(context.log)
  const plans = await Promise.all(
    request.topics.map((topic) =>
      Promise.all(topic.partitions.map((partition) => plan(context, lookup, by, topic, partition))),
    ),
  )
  const planned = plans.flat()
  const reads = planned.flatMap((p) => (p.kind === 'read' ? [p.read] : []))
  // An error is told at once, as Kafka does: the client has something to do about it.
  const waitMsMax = reads.length < planned.length ? 0 : Math.max(0, request.maxWaitMs)
  const { exchange } = call.connection
  const bytesMax = recordBytesMax(context.settings.fetchBytesMax, exchange, planned.length)
  const outcomes =
    reads.length === 0
      ? []
      : await context.log.fetch({
          partitions: reads,
          bytesMin: Math.max(0, request.minBytes),
          bytesMax: Math.min(Math.max(0, request.maxBytes), bytesMax),
          waitMsMax: exchange === undefined ? waitMsMax : 0,
          committedOnly,
          leaderEpoch: context.members.epoch(),
          signal: call.connection.signal,
          proven: call.proven,
          ...(call.takeOver === undefined ? {} : { takeOver: call.takeOver }),
        })
  if (exchange !== undefined && exchange.waitedMs < waitMsMax && isTooLittle(request, bytesMax, outcomes))
    return 'later'
  let next = 0
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    sessionId: 0,
    responses: request.topics.map((topic, t) => ({
      topic: topic.topic,
      topicId: topic.topicId,
      partitions: topic.partitions.map((partition, p) => {
        const step = plans[t]![p]!
        return step.kind === 'failed'
          ? partitionError(partition.partition, step.errorCode, committedOnly)
          : partitionResponse(partition.partition, outcomes[next++]!, by, committedOnly, exchange && bytesMax)
      }),
    })),
  }
}

/** What a partition's answer takes beside its records, and what a response does, generously: names are not repeated. */
const PARTITION_OVERHEAD_BYTES = 128
const RESPONSE_OVERHEAD_BYTES = 16 * 1024

/** Bytes of records that fit the answer. */
function recordBytesMax(fetchBytesMax: number, exchange: Exchange | undefined, partitions: number): number {
  if (exchange === undefined) return fetchBytesMax
  const overhead = RESPONSE_OVERHEAD_BYTES + partitions * PARTITION_OVERHEAD_BYTES
  return Math.max(0, Math.min(fetchBytesMax, exchange.responseBytesMax - overhead))
}

/**
 * True if all went well and it is less than the client wants to wait for. An answer that is half full may have no room for
 * the next batch.
 */
function isTooLittle(
  { minBytes }: FetchRequest,
  bytesMax: number,
  outcomes: readonly FetchPartitionOutcome[],
): boolean {
  let bytes = 0
  for (const outcome of outcomes) {
    if (outcome.kind !== 'records') return false
    bytes += outcome.sizeBytes
  }
  return bytes < Math.min(minBytes, bytesMax / 2)
}

/** A response that is an error as a whole. */
export function fetchError(errorCode: number): FetchResponse {
  return { throttleTimeMs: 0, errorCode, sessionId: 0, responses: [] }
}

async function plan(
  context: BrokerContext,
  lookup: TopicLookup,
  by: NamedBy,
  topic: RequestTopic,
  partition: RequestPartition,
): Promise<Planned> {
  const found =
    by === 'id'
      ? await lookup.byId(topic.topicId, partition.partition)
      : await lookup.byName(topic.topic, partition.partition)
  if (found.kind !== 'found') {
    if (found.kind !== 'absent') return { kind: 'failed', errorCode: unserved(found, 'read').errorCode }
    // An id that is known, but without this partition, is not an unknown id.
    const idIsKnown = by === 'id' && context.log.topicById(topic.topicId) !== undefined
    return { kind: 'failed', errorCode: unknownTopic(idIsKnown ? 'name' : by).errorCode }
  }
  const epochProblem = await leaderEpochProblem(context.members, partition.currentLeaderEpoch)
  if (epochProblem !== undefined) return { kind: 'failed', errorCode: epochProblem }
  if (partition.fetchOffset < 0) return { kind: 'failed', errorCode: ErrorCode.OFFSET_OUT_OF_RANGE }
  return {
    kind: 'read',
    read: {
      topic: found.topic,
      partition: partition.partition,
      offset: partition.fetchOffset,
      bytesMax: Math.max(0, partition.partitionMaxBytes),
    },
  }
}

function partitionResponse(
  partitionIndex: number,
  outcome: FetchPartitionOutcome,
  by: NamedBy,
  committedOnly: boolean,
  sizeBytesMax = Number.POSITIVE_INFINITY,
): PartitionResponse {
  // The first batch is returned whole however long it is, and this one is longer than a response can be.
  if (outcome.kind === 'records' && outcome.sizeBytes > sizeBytesMax) {
    return partitionError(partitionIndex, ErrorCode.MESSAGE_TOO_LARGE, committedOnly)
  }
  if (outcome.kind === 'records') {
    return {
      ...partitionError(partitionIndex, ErrorCode.NONE, committedOnly),
      highWatermark: outcome.highWatermark,
      lastStableOffset: outcome.lastStableOffset,
      logStartOffset: outcome.logStartOffset,
      records: outcome.records,
    }
  }
  return partitionError(partitionIndex, fetchFailure(outcome, by).errorCode, committedOnly)
}

/** A partition without records. `records` is empty, never null: librdkafka rejects a negative size. */
function partitionError(partitionIndex: number, errorCode: number, committedOnly: boolean): PartitionResponse {
  return {
    partitionIndex,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    // There are no transactions, so none was aborted. Null means "not asked for".
    abortedTransactions: committedOnly ? [] : null,
    // -1: read from the leader. 0 would be the id of a broker.
    preferredReadReplica: -1,
    records: [],
  }
}
