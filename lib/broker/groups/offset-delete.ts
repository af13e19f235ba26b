// OffsetDelete: removes committed offsets of topics that the group's members are not subscribed to. A topic or partition that
// does not exist fails by itself; the group is asked in any case, since one that is not there is the error to tell first.
import { ErrorCode } from '../../wire/errors.ts'
import type { OffsetDeleteRequest, OffsetDeleteResponse } from '../../wire/messages/offset-delete.ts'
import type { BrokerContext } from '../context.ts'
import { groupFailure, unknownTopic, unserved } from '../outcomes.ts'
import { type Found, topicLookup } from '../topics/topic-lookup.ts'
import { isGroupId } from './group-requests.ts'

export async function handleOffsetDelete(
  { log, groups }: BrokerContext,
  { groupId, topics }: OffsetDeleteRequest,
): Promise<OffsetDeleteResponse> {
  if (!isGroupId(groupId)) return offsetDeleteError(ErrorCode.INVALID_GROUP_ID)
  const lookup = topicLookup(log)
  const found = await Promise.all(
    topics.map(({ name, partitions }) =>
      Promise.all(partitions.map(({ partitionIndex }) => lookup.byName(name, partitionIndex))),
    ),
  )
  /** Of each topic of the request with a partition that exists: its place among those that the group is asked about. */
  const places = new Map<number, number>()
  const asked = topics.flatMap(({ name, partitions }, t) => {
    const here = found[t]!.find((one) => one.kind === 'found')
    if (here?.kind !== 'found') return []
    places.set(t, places.size)
    const existing = partitions.filter((_, p) => found[t]![p]!.kind === 'found')
    return [{ topicId: here.topic.id, name, partitions: existing.map(({ partitionIndex }) => partitionIndex) }]
  })
  const outcome = await groups.deleteOffsets(groupId, asked)
  if (outcome.kind !== 'done') return offsetDeleteError(groupFailure(outcome, 'changeGroup').errorCode)
  const codeOf = (t: number, one: Found): number => {
    if (one.kind === 'absent') return unknownTopic().errorCode
    if (one.kind !== 'found') return unserved(one, 'changeGroup').errorCode
    const told = outcome.topics[places.get(t)!]!
    return told.kind === 'deleted' ? ErrorCode.NONE : groupFailure(told, 'changeGroup').errorCode
  }
  return {
    errorCode: ErrorCode.NONE,
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitions }, t) => ({
      name,
      partitions: partitions.map(({ partitionIndex }, p) => ({
        partitionIndex,
        errorCode: codeOf(t, found[t]![p]!),
      })),
    })),
  }
}

export function offsetDeleteError(errorCode: number): OffsetDeleteResponse {
  return { errorCode, throttleTimeMs: 0, topics: [] }
}
