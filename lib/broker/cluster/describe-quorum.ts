// DescribeQuorum: what KRaft tells of the replicas of its metadata log. Here the journal takes the place of that log and the
// store keeps it, so every live gateway is a voter and none lags behind: each reads the journal before it states a fact.
// Leader is the gateway that DescribeCluster calls the controller, in the epoch of the membership document; the high
// watermark is the journal's generation, which only grows.
import { ErrorCode } from '../../wire/errors.ts'
import type { DescribeQuorumRequest, DescribeQuorumResponse } from '../../wire/messages/describe-quorum.ts'
import type { BrokerContext } from '../context.ts'
import { unknownTopic, unserved } from '../outcomes.ts'
import { controllerOf } from './leaders.ts'

const METADATA_TOPIC = '__cluster_metadata'
/** The name of the listener that `advertised.listeners` shows. */
const LISTENER = 'PLAINTEXT'

export async function handleDescribeQuorum(
  { log, members, clock }: BrokerContext,
  { topics }: DescribeQuorumRequest,
): Promise<DescribeQuorumResponse> {
  const [first] = topics
  const isMetadata =
    topics.length === 1 &&
    first?.topicName === METADATA_TOPIC &&
    first.partitions.length === 1 &&
    first.partitions[0]?.partitionIndex === 0
  if (!isMetadata) return { errorCode: ErrorCode.NONE, topics: topics.map(unknown) }
  const [fresh] = await Promise.all([log.refresh(), members.refresh()])
  if (fresh.kind !== 'fresh') return { ...unserved(fresh, 'describe'), topics: [] }
  const nodes = members.nodes()
  const highWatermark = log.status().generation
  const now = clock.now()
  const partition = {
    partitionIndex: 0,
    errorCode: ErrorCode.NONE,
    leaderId: controllerOf(nodes).nodeId,
    leaderEpoch: members.epoch(),
    highWatermark,
    currentVoters: nodes.map(({ nodeId }) => ({
      replicaId: nodeId,
      logEndOffset: highWatermark,
      lastFetchTimestamp: now,
      lastCaughtUpTimestamp: now,
    })),
    observers: [],
  }
  return {
    errorCode: ErrorCode.NONE,
    topics: [{ topicName: METADATA_TOPIC, partitions: [partition] }],
    nodes: nodes.map(({ nodeId, host, port }) => ({ nodeId, listeners: [{ name: LISTENER, host, port }] })),
  }
}

function unknown({
  topicName,
  partitions,
}: DescribeQuorumRequest['topics'][number]): DescribeQuorumResponse['topics'][number] {
  return {
    topicName,
    partitions: partitions.map(({ partitionIndex }) => ({
      partitionIndex,
      ...unknownTopic(),
      leaderId: 0,
      leaderEpoch: 0,
      highWatermark: 0,
      currentVoters: [],
      observers: [],
    })),
  }
}
