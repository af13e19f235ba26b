// OffsetForLeaderEpoch: where the records of a leader epoch end, asked by consumers that suspect a truncation. The log is
// never truncated here and epochs are only versions of the membership document, so every epoch up to the current one ends
// at the end of the log: no position that a client can hold is ever told to be gone.
import { ErrorCode } from '../../wire/errors.ts'
import type {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
} from '../../wire/messages/offset-for-leader-epoch.ts'
import type { BrokerContext } from '../context.ts'
import { listOffsetFailure, unknownTopic, unserved } from '../outcomes.ts'
import { type TopicLookup, topicLookup } from '../topics/topic-lookup.ts'
import { leaderEpochProblem } from './leader-epoch.ts'

type RequestPartition = OffsetForLeaderEpochRequest['topics'][number]['partitions'][number]
type Answer = { readonly errorCode: number; readonly leaderEpoch: number; readonly endOffset: number }

export async function handleOffsetForLeaderEpoch(
  context: BrokerContext,
  request: OffsetForLeaderEpochRequest,
): Promise<OffsetForLeaderEpochResponse> {
  const lookup = topicLookup(context.log)
  const topics = await Promise.all(
    request.topics.map(async ({ topic, partitions }) => ({
      topic,
      partitions: await Promise.all(
        partitions.map(async (asked) => ({
          partition: asked.partition,
          ...(await answerPartition(context, lookup, topic, asked)),
        })),
      ),
    })),
  )
  return { throttleTimeMs: 0, topics }
}

async function answerPartition(
  context: BrokerContext,
  lookup: TopicLookup,
  name: string,
  asked: RequestPartition,
): Promise<Answer> {
  const { members } = context
  const found = await lookup.byName(name, asked.partition)
  if (found.kind === 'absent') return undefinedOffset(unknownTopic().errorCode)
  if (found.kind !== 'found') return undefinedOffset(unserved(found, 'read').errorCode)
  const epochProblem = await leaderEpochProblem(members, asked.currentLeaderEpoch)
  if (epochProblem !== undefined) return undefinedOffset(epochProblem)
  if (asked.leaderEpoch < 0) return undefinedOffset(ErrorCode.NONE)
  if (asked.leaderEpoch > members.epoch()) await members.refresh()
  if (asked.leaderEpoch > members.epoch()) return undefinedOffset(ErrorCode.NONE)
  const outcome = await context.log.offsets(found.topic, asked.partition)
  if (outcome.kind !== 'found') return undefinedOffset(listOffsetFailure(outcome).errorCode)
  return { errorCode: ErrorCode.NONE, leaderEpoch: asked.leaderEpoch, endOffset: outcome.highWatermark }
}

function undefinedOffset(errorCode: number): Answer {
  return { errorCode, leaderEpoch: -1, endOffset: -1 }
}
