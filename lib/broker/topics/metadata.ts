// Metadata: the live gateways, and for each topic its partitions with the gateway that clients should talk to. Every answer
// about topics is a fact about now, so the head and the membership document are read first. A topic that does not exist is
// created on the way when the broker's settings and the request both allow it.

import { type TopicId, ZERO_TOPIC_ID } from '../../base/ids.ts'
import { randomInt } from '../../base/random.ts'
import type { Topic } from '../../log/log.ts'
import { ErrorCode } from '../../wire/errors.ts'
import type { MetadataRequest, MetadataResponse } from '../../wire/messages/metadata.ts'
import { CLUSTER_OPERATIONS, OPERATIONS_OMITTED, TOPIC_OPERATIONS } from '../authorized-operations.ts'
import type { Node } from '../broker.ts'
import { replicasOf } from '../cluster/leaders.ts'
import { storedConfigs } from '../cluster/replication.ts'
import type { BrokerContext, Call } from '../context.ts'
import { createTopicFailure, type Failure, unknownTopic, unserved } from '../outcomes.ts'
import { topicNameProblem } from './topic-names.ts'

type TopicResponse = MetadataResponse['topics'][number]

/** What a request asks about one topic. */
interface Wanted {
  readonly name: string | null
  readonly id: TopicId
}

/** Undefined when not even the list of topics can be told now: the connection is closed and the client asks again. */
export async function handleMetadata(
  context: BrokerContext,
  request: MetadataRequest,
  call: Call,
): Promise<MetadataResponse | undefined> {
  const wanted = wantedTopics(request, call.apiVersion)
  const needsLog = wanted === undefined || wanted.length > 0
  const [fresh] = await Promise.all([
    needsLog ? context.log.refresh() : ({ kind: 'fresh' } as const),
    context.members.refresh(),
  ])
  const view = topicView(context, request, call.apiVersion)
  if (wanted === undefined) {
    if (fresh.kind !== 'fresh') return undefined
    return view.response([...context.log.topics()].map(view.found))
  }
  if (fresh.kind !== 'fresh') {
    const failure = unserved(fresh, 'metadata')
    return view.response(wanted.map((topic) => view.failed(topic, failure)))
  }
  return view.response(await Promise.all(wanted.map((topic) => describeWanted(context, request, call, view, topic))))
}

/** The topics asked about, each once; undefined for all of them. */
function wantedTopics(request: MetadataRequest, apiVersion: number): Wanted[] | undefined {
  const { topics } = request
  if (topics === null || (apiVersion === 0 && topics.length === 0)) return undefined
  const seen = new Map<string, Wanted>()
  for (const { name, topicId } of topics) {
    const id = topicId ?? ZERO_TOPIC_ID
    const key = id === ZERO_TOPIC_ID ? `name ${name}` : `id ${id}`
    seen.set(key, { name, id })
  }
  return [...seen.values()]
}

async function describeWanted(
  context: BrokerContext,
  request: MetadataRequest,
  call: Call,
  view: TopicView,
  wanted: Wanted,
): Promise<TopicResponse> {
  const { log } = context
  if (wanted.id !== ZERO_TOPIC_ID || wanted.name === null) {
    if (call.apiVersion < 12) {
      const errorMessage = 'Topic ids are looked up from version 12 on.'
      return view.failed(wanted, { errorCode: ErrorCode.INVALID_REQUEST, errorMessage })
    }
    const topic = log.topicById(wanted.id)
    return topic === undefined ? view.failed({ ...wanted, name: null }, unknownTopic('id')) : view.found(topic)
  }
  const { name } = wanted
  const known = log.topicByName(name)
  if (known !== undefined) return view.found(known)
  const problem = topicNameProblem(name)
  if (problem !== undefined) {
    return view.failed(wanted, { errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, errorMessage: problem })
  }
  const mayCreate = context.settings.autoCreateTopics && (call.apiVersion < 4 || request.allowAutoTopicCreation)
  if (!mayCreate) return view.failed(wanted, unknownTopic())
  return autoCreate(context, view, wanted, name)
}

async function autoCreate(
  context: BrokerContext,
  view: TopicView,
  wanted: Wanted,
  name: string,
): Promise<TopicResponse> {
  const { log, settings } = context
  const outcome = await log.createTopic({
    name,
    partitions: settings.defaultPartitions,
    configs: storedConfigs(new Map(), settings.defaultReplicationFactor),
  })
  if (outcome.kind === 'created') return view.found(outcome.topic)
  if (outcome.kind === 'exists') {
    // Somebody else was faster, and the replica has folded that entry.
    const topic = log.topicByName(name)
    return topic === undefined ? view.failed(wanted, unserved({ kind: 'unavailable' }, 'metadata')) : view.found(topic)
  }
  return view.failed(wanted, createTopicFailure(outcome, name, 'metadata'))
}

interface TopicView {
  found(topic: Topic): TopicResponse
  failed(wanted: Wanted, failure: Failure): TopicResponse
  response(topics: TopicResponse[]): MetadataResponse
}

/** One consistent view of the members for the whole response: never a leader that the broker list lacks. */
function topicView(context: BrokerContext, request: MetadataRequest, apiVersion: number): TopicView {
  const { members, random } = context
  const nodes = members.nodes()
  const leaderEpoch = members.epoch()
  const topicAuthorizedOperations = request.includeTopicAuthorizedOperations ? TOPIC_OPERATIONS : OPERATIONS_OMITTED
  return {
    found: (topic) => {
      const replicas = replicasOf(topic, nodes)
      return {
        errorCode: ErrorCode.NONE,
        name: topic.name,
        topicId: topic.id,
        isInternal: false,
        partitions: Array.from({ length: topic.partitions }, (_, partitionIndex) => {
          const replicaNodes = replicas(partitionIndex)
          return {
            errorCode: ErrorCode.NONE,
            partitionIndex,
            leaderId: replicaNodes[0]!,
            leaderEpoch,
            replicaNodes,
            isrNodes: replicaNodes,
            offlineReplicas: [],
          }
        }),
        topicAuthorizedOperations,
      }
    },
    failed: (wanted, failure) => ({
      errorCode: failure.errorCode,
      name: wanted.name ?? (apiVersion >= 12 ? null : ''),
      topicId: wanted.id,
      isInternal: false,
      partitions: [],
      topicAuthorizedOperations: OPERATIONS_OMITTED,
    }),
    response: (topics) => ({
      throttleTimeMs: 0,
      brokers: nodes.map((node: Node) => ({ nodeId: node.nodeId, host: node.host, port: node.port, rack: null })),
      clusterId: members.clusterId,
      // Any gateway serves as controller; as in KRaft, clients are spread over the live ones.
      controllerId: nodes[randomInt(random, 0, nodes.length)]!.nodeId,
      topics,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? CLUSTER_OPERATIONS : OPERATIONS_OMITTED,
      errorCode: ErrorCode.NONE,
    }),
  }
}
