// DescribeTopicPartitions: what Metadata says of topics, in pages. Topics come in the order of their names, a page has a
// bounded number of partitions, and the cursor names the partition that the next page begins with. Each page is a fact
// about now by itself: what is created, grown or deleted between two of them shows or not, as in Kafka.
import { ZERO_TOPIC_ID } from '../../base/ids.ts'
import { DESCRIBED_PARTITIONS_MAX } from '../../base/limits.ts'
import type { Topic } from '../../log/log.ts'
import { ErrorCode } from '../../wire/errors.ts'
import type {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
} from '../../wire/messages/describe-topic-partitions.ts'
import { OPERATIONS_OMITTED, TOPIC_OPERATIONS } from '../authorized-operations.ts'
import { replicasOf } from '../cluster/leaders.ts'
import type { BrokerContext } from '../context.ts'
import { unknownTopic, unserved } from '../outcomes.ts'
import { topicNameProblem } from './topic-names.ts'

type TopicResponse = DescribeTopicPartitionsResponse['topics'][number]

/** Undefined when not even the list of topics can be told now: the connection is closed and the client asks again. */
export async function handleDescribeTopicPartitions(
  context: BrokerContext,
  request: DescribeTopicPartitionsRequest,
): Promise<DescribeTopicPartitionsResponse | undefined> {
  const { log, members } = context
  const { cursor } = request
  const asked = new Set(request.topics.map(({ name }) => name))
  const all = asked.size === 0
  const refuse = (errorCode: number): DescribeTopicPartitionsResponse => ({
    topics: [...asked].sort().map((name) => failed(name, errorCode, OPERATIONS_OMITTED)),
  })
  const cursorIsOff = cursor !== null && (cursor.partitionIndex < 0 || (!all && !asked.has(cursor.topicName)))
  if (cursorIsOff) return refuse(ErrorCode.INVALID_REQUEST)
  const [fresh] = await Promise.all([log.refresh(), members.refresh()])
  if (fresh.kind !== 'fresh') return all ? undefined : refuse(unserved(fresh, 'metadata').errorCode)
  const known = all ? [...log.topics()].map(({ name }) => name) : asked
  const names = [...known].filter((name) => cursor === null || name >= cursor.topicName).sort()
  return page(context, names, request)
}

/** As many partitions of these topics as one answer may have. */
function page(
  { log, members }: BrokerContext,
  names: readonly string[],
  { cursor, responsePartitionLimit }: DescribeTopicPartitionsRequest,
): DescribeTopicPartitionsResponse {
  let left = Math.max(1, Math.min(responsePartitionLimit, DESCRIBED_PARTITIONS_MAX))
  const topics: TopicResponse[] = []
  const describe = topicDescriber(members)
  for (const name of names) {
    if (left === 0) return { topics, nextCursor: { topicName: name, partitionIndex: 0 } }
    const topic = log.topicByName(name)
    if (topic === undefined) {
      const errorCode =
        topicNameProblem(name) === undefined ? unknownTopic().errorCode : ErrorCode.INVALID_TOPIC_EXCEPTION
      topics.push(failed(name, errorCode, TOPIC_OPERATIONS))
      continue
    }
    const from = name === cursor?.topicName ? cursor.partitionIndex : 0
    const until = Math.min(topic.partitions, from + left)
    topics.push(describe(topic, from, until))
    if (until < topic.partitions) return { topics, nextCursor: { topicName: name, partitionIndex: until } }
    left -= Math.max(0, until - from)
  }
  return { topics }
}

/** One view of the members for the whole answer. */
function topicDescriber(
  members: BrokerContext['members'],
): (topic: Topic, from: number, until: number) => TopicResponse {
  const nodes = members.nodes()
  const leaderEpoch = members.epoch()
  return (topic, from, until) => {
    const replicas = replicasOf(topic, nodes)
    return {
      errorCode: ErrorCode.NONE,
      name: topic.name,
      topicId: topic.id,
      partitions: Array.from({ length: Math.max(0, until - from) }, (_, i) => {
        const replicaNodes = replicas(from + i)
        return {
          errorCode: ErrorCode.NONE,
          partitionIndex: from + i,
          leaderId: replicaNodes[0]!,
          leaderEpoch,
          replicaNodes,
          isrNodes: replicaNodes,
          eligibleLeaderReplicas: [],
          lastKnownElr: [],
          offlineReplicas: [],
        }
      }),
      topicAuthorizedOperations: TOPIC_OPERATIONS,
    }
  }
}

function failed(name: string, errorCode: number, topicAuthorizedOperations: number): TopicResponse {
  return { errorCode, name, topicId: ZERO_TOPIC_ID, partitions: [], topicAuthorizedOperations }
}
