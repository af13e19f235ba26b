// Changes to topics, each one request to any server of the log; an error in its answer becomes a `ClientError`.
import { ErrorCode } from '../wire/errors.ts'
import { createPartitions } from '../wire/messages/create-partitions.ts'
import { createTopics } from '../wire/messages/create-topics.ts'
import { deleteTopics } from '../wire/messages/delete-topics.ts'
import { describeConfigs } from '../wire/messages/describe-configs.ts'
import { incrementalAlterConfigs } from '../wire/messages/incremental-alter-configs.ts'
import type { Cluster } from './cluster.ts'
import { refused } from './errors.ts'

const TIMEOUT_MS = 30_000
const TOPIC_RESOURCE = 2
const OPERATION_SET = 0
const OPERATION_DELETE = 1
/** DescribeConfigs: the value was set on the topic itself. */
const SOURCE_TOPIC = 1

/** Makes a topic. Without `partitions` the server decides. */
export async function createTopic(
  cluster: Cluster,
  name: string,
  partitions: number | undefined,
  configs: ReadonlyMap<string, string>,
): Promise<void> {
  const pairs = [...configs].map(([config, value]) => ({ name: config, value }))
  const topic = { name, numPartitions: partitions ?? -1, replicationFactor: -1, configs: pairs }
  const answer = await cluster.request(createTopics, { topics: [topic], timeoutMs: TIMEOUT_MS })
  for (const { errorCode, errorMessage } of answer.topics) check(`Making topic ${name}`, errorCode, errorMessage)
}

/** Deletes a topic and its records. */
export async function deleteTopic(cluster: Cluster, name: string): Promise<void> {
  const request = { topics: [{ name }], topicNames: [name], timeoutMs: TIMEOUT_MS }
  const answer = await cluster.request(deleteTopics, request)
  for (const { errorCode, errorMessage } of answer.responses) check(`Deleting topic ${name}`, errorCode, errorMessage)
}

/** Raises the number of partitions to `count`. */
export async function addPartitions(cluster: Cluster, name: string, count: number): Promise<void> {
  const answer = await cluster.request(createPartitions, { topics: [{ name, count }], timeoutMs: TIMEOUT_MS })
  for (const { errorCode, errorMessage } of answer.results) {
    check(`Adding partitions to ${name}`, errorCode, errorMessage)
  }
}

/** Sets configs of a topic, and gives others their default back. */
export async function alterTopicConfigs(
  cluster: Cluster,
  name: string,
  set: ReadonlyMap<string, string>,
  reset: readonly string[],
): Promise<void> {
  const configs = [
    ...[...set].map(([config, value]) => ({ name: config, configOperation: OPERATION_SET, value })),
    ...reset.map((config) => ({ name: config, configOperation: OPERATION_DELETE, value: null })),
  ]
  const resources = [{ resourceType: TOPIC_RESOURCE, resourceName: name, configs }]
  const answer = await cluster.request(incrementalAlterConfigs, { resources })
  for (const { errorCode, errorMessage } of answer.responses) check(`Changing topic ${name}`, errorCode, errorMessage)
}

export interface TopicConfig {
  readonly name: string
  readonly value: string | null
  /** Set on the topic itself, not a default. */
  readonly explicit: boolean
}

/** All configs of a topic. */
export async function describeTopicConfigs(cluster: Cluster, name: string): Promise<TopicConfig[]> {
  const resources = [{ resourceType: TOPIC_RESOURCE, resourceName: name, configurationKeys: null }]
  const answer = await cluster.request(describeConfigs, { resources })
  return answer.results.flatMap(({ errorCode, errorMessage, configs }) => {
    check(`Reading the settings of ${name}`, errorCode, errorMessage)
    return configs.map((config) => {
      return { name: config.name, value: config.value, explicit: config.configSource === SOURCE_TOPIC }
    })
  })
}

function check(what: string, errorCode: number, errorMessage: string | null): void {
  if (errorCode !== ErrorCode.NONE) throw refused(what, errorCode, errorMessage)
}
