// ElectLeaders: whom Metadata names as the leader of a partition is always the first of its live replicas, which is the
// preferred one; so no election is ever needed, of either kind. Only what does not exist is told apart, as a fact about now.
import type { Topic } from '../../log/log.ts'
import { ErrorCode } from '../../wire/errors.ts'
import type { ElectLeadersRequest, ElectLeadersResponse } from '../../wire/messages/elect-leaders.ts'
import type { BrokerContext } from '../context.ts'
import { type Failure, unserved } from '../outcomes.ts'

/** Kafka's numbers: 0 the preferred replica, 1 any live one if none is in sync. */
const ELECTION_TYPES = [0, 1]

export async function handleElectLeaders(
  { log }: BrokerContext,
  request: ElectLeadersRequest,
): Promise<ElectLeadersResponse> {
  if (!ELECTION_TYPES.includes(request.electionType)) {
    const errorMessage = `Unknown election type ${request.electionType}`
    return failedElections(request, { errorCode: ErrorCode.INVALID_REQUEST, errorMessage })
  }
  const fresh = await log.refresh()
  if (fresh.kind !== 'fresh') return failedElections(request, unserved(fresh, 'change'))
  const { topicPartitions } = request
  if (topicPartitions === null) {
    // Asked for all of them, Kafka names every topic and leaves out the partitions that need no election.
    return { replicaElectionResults: [...log.topics()].map(({ name }) => ({ topic: name, partitionResult: [] })) }
  }
  return {
    replicaElectionResults: topicPartitions.map(({ topic: name, partitions }) => {
      const topic = log.topicByName(name)
      const partitionResult = partitions.map((partitionId) => ({ partitionId, ...result(name, topic, partitionId) }))
      return { topic: name, partitionResult }
    }),
  }
}

function result(name: string, topic: Topic | undefined, partition: number): Failure {
  const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  if (topic === undefined) return { errorCode, errorMessage: `No such topic as ${name}` }
  if (partition < 0 || partition >= topic.partitions) {
    return { errorCode, errorMessage: `No such partition as ${name}-${partition}` }
  }
  const errorMessage = 'Leader election not needed for topic partition.'
  return { errorCode: ErrorCode.ELECTION_NOT_NEEDED, errorMessage }
}

/** The answer to a request that failed as a whole; version 0 has room for that in the partitions only. */
export function failedElections(request: ElectLeadersRequest, failure: Failure): ElectLeadersResponse {
  return {
    errorCode: failure.errorCode,
    replicaElectionResults: (request.topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({ partitionId, ...failure })),
    })),
  }
}
