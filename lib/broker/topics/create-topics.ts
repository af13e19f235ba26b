// CreateTopics: checks name, partitions, replication factor, assignments and configs of each topic, and appends its creation
// to the journal. Whether a name is free is decided by the fold; what is checked here only answers earlier, and is all that
// happens with `validateOnly`. Each topic succeeds or fails by itself.
import { ZERO_TOPIC_ID } from '../../base/ids.ts'
import { DESCRIBED_PER_REQUEST_MAX, PARTITIONS_PER_TOPIC_MAX } from '../../base/limits.ts'
import { describeTopicConfigs, validateTopicConfigs } from '../../log/topic-settings.ts'
import { ErrorCode } from '../../wire/errors.ts'
import type { CreateTopicsRequest, CreateTopicsResponse } from '../../wire/messages/create-topics.ts'
import { REPLICATION_FACTOR_FREE, storedConfigs } from '../cluster/replication.ts'
import type { BrokerContext } from '../context.ts'
import { configFailure, createTopicFailure, type Failure, unserved } from '../outcomes.ts'
import { assignmentProblem } from './assignments.ts'
import { topicNameProblem } from './topic-names.ts'

type RequestTopic = CreateTopicsRequest['topics'][number]
type TopicResponse = CreateTopicsResponse['topics'][number]

/** A topic that may be created. */
interface Plan {
  readonly partitions: number
  readonly replicationFactor: number
  readonly configs: ReadonlyMap<string, string>
}

export async function handleCreateTopics(
  context: BrokerContext,
  request: CreateTopicsRequest,
): Promise<CreateTopicsResponse> {
  const counts = new Map<string, number>()
  for (const { name } of request.topics) counts.set(name, (counts.get(name) ?? 0) + 1)
  const fresh = await context.log.refresh()
  const topics = await Promise.all(
    // Kafka answers a name that is there twice once.
    [...new Map(request.topics.map((topic) => [topic.name, topic])).values()].map((topic) => {
      if (counts.get(topic.name) !== 1) {
        const errorMessage = 'Duplicate topic name.'
        return failed(topic.name, { errorCode: ErrorCode.INVALID_REQUEST, errorMessage })
      }
      if (counts.size > DESCRIBED_PER_REQUEST_MAX) {
        const errorMessage = `At most ${DESCRIBED_PER_REQUEST_MAX} topics can be created by one request.`
        return failed(topic.name, { errorCode: ErrorCode.POLICY_VIOLATION, errorMessage })
      }
      if (fresh.kind !== 'fresh') return failed(topic.name, unserved(fresh, 'change'))
      return createTopic(context, topic, request.validateOnly)
    }),
  )
  return { throttleTimeMs: 0, topics }
}

async function createTopic(context: BrokerContext, topic: RequestTopic, validateOnly: boolean): Promise<TopicResponse> {
  const { name } = topic
  const nameProblem = topicNameProblem(name)
  if (nameProblem !== undefined) {
    return failed(name, { errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, errorMessage: nameProblem })
  }
  if (context.log.topicByName(name) !== undefined) return failed(name, createTopicFailure({ kind: 'exists' }, name))
  const plan = planTopic(context, topic)
  if ('errorCode' in plan) return failed(name, plan)
  if (validateOnly) return created(context, name, ZERO_TOPIC_ID, plan)
  const outcome = await context.log.createTopic({
    name,
    partitions: plan.partitions,
    configs: storedConfigs(plan.configs, plan.replicationFactor),
  })
  if (outcome.kind !== 'created') return failed(name, createTopicFailure(outcome, name))
  return created(context, name, outcome.topic.id, plan)
}

function planTopic(context: BrokerContext, topic: RequestTopic): Plan | Failure {
  const counts = topic.assignments.length > 0 ? countsOfAssignments(context, topic) : countsOfRequest(context, topic)
  if ('errorCode' in counts) return counts
  const asked = new Map(topic.configs.map(({ name, value }) => [name, value]))
  const failure = configFailure(validateTopicConfigs(asked, context.settings))
  if (failure !== undefined) return failure
  // A null is refused above.
  return { ...counts, configs: new Map([...asked].map(([name, value]) => [name, value ?? ''])) }
}

function countsOfRequest({ settings, members }: BrokerContext, topic: RequestTopic): Omit<Plan, 'configs'> | Failure {
  const partitions = topic.numPartitions === -1 ? settings.defaultPartitions : topic.numPartitions
  const replicationFactor = topic.replicationFactor === -1 ? settings.defaultReplicationFactor : topic.replicationFactor
  if (partitions <= 0) {
    const errorMessage = 'Number of partitions was set to an invalid non-positive value.'
    return { errorCode: ErrorCode.INVALID_PARTITIONS, errorMessage }
  }
  if (partitions > PARTITIONS_PER_TOPIC_MAX) return tooManyPartitions()
  if (replicationFactor <= 0) {
    const errorMessage = 'Replication factor must be larger than 0, or -1 to use the default value.'
    return { errorCode: ErrorCode.INVALID_REPLICATION_FACTOR, errorMessage }
  }
  const most = Math.max(REPLICATION_FACTOR_FREE, members.nodes().length)
  if (replicationFactor > most) {
    const errorMessage = `Unable to replicate the partition ${replicationFactor} time(s): at most ${most} are accepted, and the store keeps every record safe with any.`
    return { errorCode: ErrorCode.INVALID_REPLICATION_FACTOR, errorMessage }
  }
  return { partitions, replicationFactor }
}

function countsOfAssignments({ members }: BrokerContext, topic: RequestTopic): Omit<Plan, 'configs'> | Failure {
  if (topic.numPartitions !== -1 || topic.replicationFactor !== -1) {
    const errorMessage =
      'A manual partition assignment was specified, but number of partitions or replication factor was not set to -1.'
    return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage }
  }
  const partitions = topic.assignments.length
  if (partitions > PARTITIONS_PER_TOPIC_MAX) return tooManyPartitions()
  const indexes = new Set(topic.assignments.map((assignment) => assignment.partitionIndex))
  const consecutive = indexes.size === partitions && [...indexes].every((index) => index >= 0 && index < partitions)
  const problem = consecutive
    ? assignmentProblem(topic.assignments, members)
    : 'Partitions should be a consecutive 0-based integer sequence.'
  if (problem !== undefined) return { errorCode: ErrorCode.INVALID_REPLICA_ASSIGNMENT, errorMessage: problem }
  return { partitions, replicationFactor: topic.assignments[0]!.brokerIds.length }
}

export function tooManyPartitions(): Failure {
  const errorMessage = `A topic may have at most ${PARTITIONS_PER_TOPIC_MAX} partitions.`
  return { errorCode: ErrorCode.INVALID_PARTITIONS, errorMessage }
}

function created(context: BrokerContext, name: string, topicId: TopicResponse['topicId'], plan: Plan): TopicResponse {
  return {
    name,
    topicId,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    numPartitions: plan.partitions,
    replicationFactor: plan.replicationFactor,
    configs: describeTopicConfigs(plan.configs, context.settings),
  }
}

function failed(name: string, failure: Failure): TopicResponse {
  return {
    name,
    topicId: ZERO_TOPIC_ID,
    ...failure,
    numPartitions: -1,
    replicationFactor: -1,
    configs: null,
  }
}
