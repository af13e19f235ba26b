// AlterPartitionReassignments: an administrator says which brokers shall hold a partition. There are no copies to move, so a
// reassignment changes only whom Metadata names for the partition, and is complete when it is answered; nothing is ever
// under way that could be cancelled. Nothing but routing may rest on it: the leader epoch does not rise, since the former
// leader still serves every request it gets.
import { CHOSEN_REPLICAS_LENGTH_MAX } from '../../base/limits.ts'
import type { Topic } from '../../log/log.ts'
import { ErrorCode } from '../../wire/errors.ts'
import type {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '../../wire/messages/alter-partition-reassignments.ts'
import { REPLICAS_CONFIG, withChosenReplicas } from '../cluster/chosen-replicas.ts'
import { replicasOf } from '../cluster/leaders.ts'
import type { BrokerContext, Call } from '../context.ts'
import { type Failure, unserved } from '../outcomes.ts'
import { assignmentProblem } from './assignments.ts'
import { changeTopic, type Decision } from './change-topic.ts'

type RequestTopic = AlterPartitionReassignmentsRequest['topics'][number]
type RequestPartition = RequestTopic['partitions'][number]
type Changes = Map<number, readonly number[]>

export async function handleAlterPartitionReassignments(
  context: BrokerContext,
  request: AlterPartitionReassignmentsRequest,
  call: Call,
): Promise<AlterPartitionReassignmentsResponse> {
  const { log, members } = context
  const [fresh] = await Promise.all([log.refresh(), members.refresh()])
  if (fresh.kind !== 'fresh') return failedReassignments(request, unserved(fresh, 'change'))
  /** What is accepted, by topic: one change for each, however often it is named. The last word on a partition counts. */
  const wanted = new Map<Topic, Changes>()
  const judged = request.topics.map((asked) => {
    const topic = log.topicByName(asked.name)
    const failures = asked.partitions.map((partition) => problem(context, request, asked.name, topic, partition))
    if (topic !== undefined) {
      const changes = wanted.get(topic) ?? new Map()
      asked.partitions.forEach(({ partitionIndex, replicas }, i) => {
        if (failures[i] === undefined && replicas !== null) changes.set(partitionIndex, replicas)
      })
      wanted.set(topic, changes)
    }
    return { asked, topic, failures }
  })
  // To who comes through a door behind which all gateways are one there is nothing to choose, and its one node is nobody's.
  const chooses = call.connection.exchange === undefined || members.nodes().length > 1
  const applied = new Map<Topic, Failure | undefined>(
    await Promise.all(
      [...wanted].map(
        async ([topic, changes]) => [topic, chooses ? await choose(context, topic, changes) : undefined] as const,
      ),
    ),
  )
  return {
    allowReplicationFactorChange: request.allowReplicationFactorChange,
    ...NO_FAILURE,
    responses: judged.map(({ asked, topic, failures }) => ({
      name: asked.name,
      partitions: asked.partitions.map(({ partitionIndex }, i) => {
        const failure = failures[i] ?? (topic && applied.get(topic))
        return { partitionIndex, ...(failure ?? NO_FAILURE) }
      }),
    })),
  }
}

const NO_FAILURE = { errorCode: ErrorCode.NONE, errorMessage: null }

function problem(
  { members }: BrokerContext,
  { allowReplicationFactorChange }: AlterPartitionReassignmentsRequest,
  name: string,
  topic: Topic | undefined,
  { partitionIndex, replicas }: RequestPartition,
): Failure | undefined {
  const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  if (topic === undefined) return { errorCode, errorMessage: `Unable to find a topic named ${name}.` }
  if (partitionIndex < 0 || partitionIndex >= topic.partitions) {
    return { errorCode, errorMessage: `Unable to find partition ${name}:${partitionIndex}.` }
  }
  if (replicas === null) {
    const errorMessage = 'No partition reassignment is in progress: each is complete at once.'
    return { errorCode: ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, errorMessage }
  }
  const wrong = assignmentProblem([{ brokerIds: replicas }], members)
  if (wrong !== undefined) return { errorCode: ErrorCode.INVALID_REPLICA_ASSIGNMENT, errorMessage: wrong }
  const present = replicasOf(topic, members.nodes())(partitionIndex).length
  if (!allowReplicationFactorChange && replicas.length !== present) {
    const errorMessage = `The replication factor of ${name}-${partitionIndex} would change from ${present} to ${replicas.length}.`
    return { errorCode: ErrorCode.INVALID_REPLICATION_FACTOR, errorMessage }
  }
  return undefined
}

function choose({ log }: BrokerContext, topic: Topic, changes: Changes): Promise<Failure | undefined> {
  return changeTopic(log, topic, (current): Decision => {
    const configs = withChosenReplicas(current, changes)
    const text = configs.get(REPLICAS_CONFIG) ?? ''
    if (changes.size === 0 || text === current.configs.get(REPLICAS_CONFIG))
      return { kind: 'answer', failure: undefined }
    if (text.length > CHOSEN_REPLICAS_LENGTH_MAX) {
      const errorMessage = `The replicas of too many partitions of ${topic.name} are chosen by hand.`
      return { kind: 'answer', failure: { errorCode: ErrorCode.POLICY_VIOLATION, errorMessage } }
    }
    return { kind: 'change', apply: () => log.configureTopic(current, configs) }
  })
}

/** The answer to a request that could not be judged at all. */
export function failedReassignments(
  request: AlterPartitionReassignmentsRequest,
  failure: Failure,
): AlterPartitionReassignmentsResponse {
  return {
    allowReplicationFactorChange: request.allowReplicationFactorChange,
    ...failure,
    responses: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, ...failure })),
    })),
  }
}
