// DeleteRecords: moves the log start of partitions forward. It never moves back, so a repeat, early or late, changes nothing
// that a later request has done. As in Kafka only topics that delete by themselves take it, and what is asked for beyond the
// high watermark is out of range; -1 stands for the high watermark as it is when the journal entry is written.
import { CHANGES_AT_ONCE_MAX } from '../../base/limits.ts'
import { topicSettings } from '../../log/topic-settings.ts'
import { ErrorCode } from '../../wire/errors.ts'
import type { DeleteRecordsRequest, DeleteRecordsResponse } from '../../wire/messages/delete-records.ts'
import type { BrokerContext } from '../context.ts'
import { trimFailure, unknownTopic, unserved } from '../outcomes.ts'
import { type TopicLookup, topicLookup } from '../topics/topic-lookup.ts'

type PartitionResponse = DeleteRecordsResponse['topics'][number]['partitions'][number]

interface Wanted {
  readonly name: string
  readonly partition: number
  readonly offset: number
}

export async function handleDeleteRecords(
  context: BrokerContext,
  request: DeleteRecordsRequest,
): Promise<DeleteRecordsResponse> {
  const startedAt = context.clock.monotonic()
  const lookup = topicLookup(context.log)
  const topics = new Map<string, PartitionResponse[]>()
  const wanted = wantedPartitions(request)
  for (let at = 0; at < wanted.length; at += CHANGES_AT_ONCE_MAX) {
    const part = wanted.slice(at, at + CHANGES_AT_ONCE_MAX)
    const isLate = at > 0 && context.clock.monotonic() - startedAt >= request.timeoutMs
    const responses = await Promise.all(
      part.map((one) => (isLate ? failed(one, ErrorCode.REQUEST_TIMED_OUT) : deleteBefore(context, lookup, one))),
    )
    for (const [i, response] of responses.entries()) {
      const { name } = part[i]!
      const partitions = topics.get(name) ?? []
      partitions.push(response)
      topics.set(name, partitions)
    }
  }
  return { topics: [...topics].map(([name, partitions]) => ({ name, partitions })) }
}

/** Each partition once: of one that is named again the last offset counts, as in Kafka. */
function wantedPartitions(request: DeleteRecordsRequest): Wanted[] {
  const wanted = new Map<string, Wanted>()
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex: partition, offset } of partitions) {
      wanted.set(`${partition} ${name}`, { name, partition, offset })
    }
  }
  return [...wanted.values()]
}

async function deleteBefore(
  { log, settings }: BrokerContext,
  lookup: TopicLookup,
  wanted: Wanted,
): Promise<PartitionResponse> {
  const found = await lookup.byName(wanted.name, wanted.partition)
  if (found.kind === 'absent') return failed(wanted, unknownTopic().errorCode)
  if (found.kind !== 'found') return failed(wanted, unserved(found, 'read').errorCode)
  if (!topicSettings(found.topic.configs, settings).deletes) return failed(wanted, ErrorCode.POLICY_VIOLATION)
  const outcome = await log.trim(found.topic, wanted.partition, wanted.offset)
  if (outcome.kind !== 'trimmed') return failed(wanted, trimFailure(outcome).errorCode)
  const lowWatermark = outcome.logStartOffset
  return { partitionIndex: wanted.partition, lowWatermark, errorCode: ErrorCode.NONE }
}

function failed({ partition }: Wanted, errorCode: number): PartitionResponse {
  return { partitionIndex: partition, lowWatermark: -1, errorCode }
}
