// DeleteTopics: by name, and from version 6 on by id too. A topic that is not there is a fact about now. What a name means is
// decided when the request is read, and the journal entry names the id: a topic that was made anew under the same name in
// the meantime stays.
import { type TopicId, ZERO_TOPIC_ID } from '../../base/ids.ts'
import { ErrorCode } from '../../wire/errors.ts'
import type { DeleteTopicsRequest, DeleteTopicsResponse } from '../../wire/messages/delete-topics.ts'
import type { BrokerContext } from '../context.ts'
import { deleteTopicFailure, type Failure, type NamedBy, unknownTopic, unserved } from '../outcomes.ts'
import { type TopicLookup, topicLookup } from './topic-lookup.ts'

type TopicResponse = DeleteTopicsResponse['responses'][number]

interface Wanted {
  readonly name: string | null
  readonly topicId: TopicId
}

export async function handleDeleteTopics(
  context: BrokerContext,
  request: DeleteTopicsRequest,
): Promise<DeleteTopicsResponse> {
  // Up to version 5 one of these lists is empty, from 6 on the other.
  const wanted: Wanted[] = [
    ...request.topicNames.map((name) => ({ name, topicId: ZERO_TOPIC_ID })),
    ...request.topics.map(({ name, topicId }) => ({ name, topicId })),
  ]
  const lookup = topicLookup(context.log)
  const fresh = await lookup.refresh()
  const repeated = repeatedTopics(context, wanted)
  const responses = await Promise.all(
    wanted.map((topic) => {
      if (fresh.kind !== 'fresh') return failed(topic, unserved(fresh, 'change'))
      if (!repeated.has(topic)) return deleteTopic(context, lookup, topic)
      return failed(topic, { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: 'Duplicate topic in the request.' })
    }),
  )
  return { throttleTimeMs: 0, responses }
}

/** Those that name a topic which another one names too, be it by name or by id. */
function repeatedTopics({ log }: BrokerContext, wanted: readonly Wanted[]): Set<Wanted> {
  const byKey = new Map<string, Wanted[]>()
  for (const topic of wanted) {
    const id = topic.name === null ? topic.topicId : (log.topicByName(topic.name)?.id ?? `name ${topic.name}`)
    byKey.set(id, [...(byKey.get(id) ?? []), topic])
  }
  return new Set([...byKey.values()].filter((topics) => topics.length > 1).flat())
}

async function deleteTopic(
  { log, settings }: BrokerContext,
  lookup: TopicLookup,
  wanted: Wanted,
): Promise<TopicResponse> {
  const { name, topicId } = wanted
  if (!settings.deleteTopics) {
    return failed(wanted, { errorCode: ErrorCode.TOPIC_DELETION_DISABLED, errorMessage: 'Topic deletion is disabled.' })
  }
  const by: NamedBy = name === null ? 'id' : 'name'
  if (name !== null && topicId !== ZERO_TOPIC_ID) {
    const errorMessage = 'You may not specify both topic name and topic id.'
    return failed(wanted, { errorCode: ErrorCode.INVALID_REQUEST, errorMessage })
  }
  if (name === null && topicId === ZERO_TOPIC_ID) {
    const errorMessage = 'Neither topic name nor id were specified.'
    return failed(wanted, { errorCode: ErrorCode.INVALID_REQUEST, errorMessage })
  }
  const found = name === null ? await lookup.byId(topicId) : await lookup.byName(name)
  if (found.kind === 'absent') return failed(wanted, unknownTopic(by))
  if (found.kind !== 'found') return failed(wanted, unserved(found, 'change'))
  const outcome = await log.deleteTopic(found.topic)
  if (outcome.kind !== 'deleted') return failed(wanted, deleteTopicFailure(outcome, by))
  return { name: found.topic.name, topicId: found.topic.id, errorCode: ErrorCode.NONE, errorMessage: null }
}

function failed(wanted: Wanted, failure: Failure): TopicResponse {
  return { name: wanted.name, topicId: wanted.topicId, ...failure }
}
