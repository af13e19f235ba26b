// DescribeLogDirs: the store, as the one log directory of this gateway. It names the partitions of which this gateway is a
// replica, so that a tool which adds up all brokers finds each partition as often as it has replicas, as with Apache Kafka.
// A size is that of the batches from the log start on; what else the store holds is nobody's.
import { LOG_DIR_PARTITIONS_MAX } from '../../base/limits.ts'
import type { Topic } from '../../log/log.ts'
import { ErrorCode } from '../../wire/errors.ts'
import type { DescribeLogDirsRequest, DescribeLogDirsResponse } from '../../wire/messages/describe-log-dirs.ts'
import type { BrokerContext } from '../context.ts'
import { unserved } from '../outcomes.ts'
import { replicasOf } from './leaders.ts'

type DirResponse = DescribeLogDirsResponse['results'][number]
type TopicResponse = DirResponse['topics'][number]

/** A partition to be measured. */
interface Wanted {
  readonly topic: Topic
  readonly partition: number
}

export async function handleDescribeLogDirs(
  context: BrokerContext,
  request: DescribeLogDirsRequest,
): Promise<DescribeLogDirsResponse> {
  const { log, members, logDir = 'tidelog' } = context
  const [fresh] = await Promise.all([log.refresh(), members.refresh()])
  if (fresh.kind !== 'fresh') return failedLogDirs(unserved(fresh, 'describe').errorCode)
  const wanted = wantedPartitions(context, request)
  const result = (errorCode: number, topics: readonly TopicResponse[]): DescribeLogDirsResponse => ({
    errorCode: ErrorCode.NONE,
    results: [{ errorCode, logDir, topics }],
  })
  if (wanted === undefined) return result(ErrorCode.POLICY_VIOLATION, [])
  const sizes = await log.liveBytes(wanted)
  const topics = new Map<Topic, TopicResponse['partitions'][number][]>()
  for (const [i, { topic, partition }] of wanted.entries()) {
    const size = sizes[i]!
    // Deleted meanwhile.
    if (size.kind === 'unknownTopic') continue
    if (size.kind !== 'found') return result(ErrorCode.KAFKA_STORAGE_ERROR, [])
    const partitions = topics.get(topic) ?? []
    partitions.push({ partitionIndex: partition, partitionSize: size.sizeBytes, offsetLag: 0, isFutureKey: false })
    topics.set(topic, partitions)
  }
  return result(
    ErrorCode.NONE,
    [...topics].map(([{ name }, partitions]) => ({ name, partitions })),
  )
}

/** Those of the partitions asked about that exist and are this gateway's, each once; undefined: too many for one answer. */
function wantedPartitions({ log, members }: BrokerContext, request: DescribeLogDirsRequest): Wanted[] | undefined {
  const nodes = members.nodes()
  const wanted: Wanted[] = []
  const add = (topic: Topic, indexes: Iterable<number>): boolean => {
    const replicas = replicasOf(topic, nodes)
    for (const partition of indexes) {
      if (partition < 0 || partition >= topic.partitions || !replicas(partition).includes(members.self)) continue
      if (wanted.push({ topic, partition }) > LOG_DIR_PARTITIONS_MAX) return false
    }
    return true
  }
  if (request.topics === null) {
    for (const topic of log.topics()) if (!add(topic, Array(topic.partitions).keys())) return undefined
    return wanted
  }
  const asked = new Map<Topic, Set<number>>()
  for (const { topic: name, partitions } of request.topics) {
    const topic = log.topicByName(name)
    if (topic === undefined) continue
    const indexes = asked.get(topic) ?? new Set()
    for (const partition of partitions) indexes.add(partition)
    asked.set(topic, indexes)
  }
  for (const [topic, indexes] of asked) if (!add(topic, indexes)) return undefined
  return wanted
}

/** The answer to a request that failed as a whole. Before version 3 there is room for an error of a directory only. */
export function failedLogDirs(errorCode: number): DescribeLogDirsResponse {
  return { errorCode, results: [{ errorCode, logDir: '', topics: [] }] }
}
