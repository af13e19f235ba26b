// CreatePartitions: raises the number of a topic's partitions to a total. Every topic asked for is echoed with its result.
import { PARTITIONS_PER_TOPIC_MAX } from '../../base/limits.ts'
import type { Topic } from '../../log/log.ts'
import { ErrorCode } from '../../wire/errors.ts'
import type { CreatePartitionsRequest, CreatePartitionsResponse } from '../../wire/messages/create-partitions.ts'
import type { BrokerContext } from '../context.ts'
import { type Failure, unknownTopic, unserved } from '../outcomes.ts'
import { assignmentProblem } from './assignments.ts'
import { changeTopic, type Decision } from './change-topic.ts'
import { tooManyPartitions } from './create-topics.ts'
import { topicLookup } from './topic-lookup.ts'

type RequestTopic = CreatePartitionsRequest['topics'][number]

export async function handleCreatePartitions(
  context: BrokerContext,
  request: CreatePartitionsRequest,
): Promise<CreatePartitionsResponse> {
  const counts = new Map<string, number>()
  for (const { name } of request.topics) counts.set(name, (counts.get(name) ?? 0) + 1)
  const topics = [...new Map(request.topics.map((topic) => [topic.name, topic])).values()]
  const results = await Promise.all(
    topics.map(async (topic) => {
      const failure: Failure | undefined =
        counts.get(topic.name) === 1
          ? await raisePartitions(context, topic, request.validateOnly)
          : { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: 'Duplicate topic in the request.' }
      return { name: topic.name, ...(failure ?? { errorCode: ErrorCode.NONE, errorMessage: null }) }
    }),
  )
  return { throttleTimeMs: 0, results }
}

async function raisePartitions(
  context: BrokerContext,
  asked: RequestTopic,
  validateOnly: boolean,
): Promise<Failure | undefined> {
  const { log } = context
  // The present number decides between an error and a change: a fact about now.
  const lookup = topicLookup(log)
  const fresh = await lookup.refresh()
  if (fresh.kind !== 'fresh') return unserved(fresh, 'change')
  const found = await lookup.byName(asked.name)
  if (found.kind === 'absent') return unknownTopic()
  if (found.kind !== 'found') return unserved(found, 'change')
  return changeTopic(log, found.topic, (topic): Decision => {
    const failure = problem(context, asked, topic)
    if (failure !== undefined || validateOnly) return { kind: 'answer', failure }
    return { kind: 'change', apply: () => log.addPartitions(topic, asked.count) }
  })
}

function problem({ members }: BrokerContext, asked: RequestTopic, topic: Topic): Failure | undefined {
  const { count, assignments } = asked
  if (count <= topic.partitions) {
    const errorMessage =
      count === topic.partitions
        ? `Topic already has ${count} partition(s).`
        : `The topic ${asked.name} currently has ${topic.partitions} partition(s); ${count} would not be an increase.`
    return { errorCode: ErrorCode.INVALID_PARTITIONS, errorMessage }
  }
  if (count > PARTITIONS_PER_TOPIC_MAX) return tooManyPartitions()
  if (assignments === null) return undefined
  const added = count - topic.partitions
  const errorMessage =
    assignments.length === added
      ? assignmentProblem(assignments, members)
      : `Attempted to add ${added} additional partition(s), but only ${assignments.length} assignment(s) were specified.`
  return errorMessage === undefined ? undefined : { errorCode: ErrorCode.INVALID_REPLICA_ASSIGNMENT, errorMessage }
}
