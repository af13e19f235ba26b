// DescribeConfigs: every config of a topic or gateway with its value, where that comes from, its type and what it does.
// All gateways are alike, so any of them answers for any live node id, and for the empty name, which stands for all of them.
import { DESCRIBED_PER_REQUEST_MAX } from '../../base/limits.ts'
import { CONFIG_TYPES, type DescribedConfig, type DescribeOptions } from '../../log/settings.ts'
import { describeTopicConfigs } from '../../log/topic-settings.ts'
import { ErrorCode } from '../../wire/errors.ts'
import type { DescribeConfigsRequest, DescribeConfigsResponse } from '../../wire/messages/describe-configs.ts'
import type { Node } from '../broker.ts'
import { describeBrokerConfigs } from '../broker-settings.ts'
import { kafkaConfigs } from '../cluster/replication.ts'
import type { BrokerContext } from '../context.ts'
import { type Failure, unknownTopic, unserved } from '../outcomes.ts'
import { topicLookup } from '../topics/topic-lookup.ts'
import { topicNameProblem } from '../topics/topic-names.ts'
import { ResourceType } from './config-resources.ts'

type RequestResource = DescribeConfigsRequest['resources'][number]
type Result = DescribeConfigsResponse['results'][number]

const tooMany: Failure = {
  errorCode: ErrorCode.INVALID_REQUEST,
  errorMessage: `At most ${DESCRIBED_PER_REQUEST_MAX} resources can be described by one request.`,
}
/** Kafka's number of the source of a log level. */
const SOURCE_BROKER_LOGGER = 6

export async function handleDescribeConfigs(
  context: BrokerContext,
  request: DescribeConfigsRequest,
): Promise<DescribeConfigsResponse> {
  const results = await Promise.all(
    request.resources.map(async (resource): Promise<Result> => {
      const { resourceType, resourceName } = resource
      const described =
        request.resources.length > DESCRIBED_PER_REQUEST_MAX ? tooMany : await describe(context, resource, request)
      if ('errorCode' in described) return { resourceType, resourceName, ...described, configs: [] }
      return { errorCode: ErrorCode.NONE, errorMessage: null, resourceType, resourceName, configs: described }
    }),
  )
  return { throttleTimeMs: 0, results }
}

async function describe(
  context: BrokerContext,
  { resourceType, resourceName, configurationKeys }: RequestResource,
  options: DescribeOptions,
): Promise<readonly DescribedConfig[] | Failure> {
  switch (resourceType) {
    case ResourceType.TOPIC:
      return describeTopic(context, resourceName, configurationKeys, options)
    case ResourceType.BROKER: {
      // The empty name asks for the dynamic defaults of all brokers, and there are no dynamic broker configs.
      if (resourceName === '') return []
      const node = await liveNode(context, resourceName)
      return 'errorCode' in node ? node : describeBrokerConfigs(context.settings, node, configurationKeys, options)
    }
    case ResourceType.BROKER_LOGGER: {
      const node = await liveNode(context, resourceName)
      return 'errorCode' in node ? node : describeLoggers(configurationKeys)
    }
    default: {
      const errorMessage = `Unsupported resource type ${resourceType}: only topics and brokers have configs.`
      return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage }
    }
  }
}

async function describeTopic(
  context: BrokerContext,
  name: string,
  names: readonly string[] | null,
  options: DescribeOptions,
): Promise<readonly DescribedConfig[] | Failure> {
  const nameProblem = topicNameProblem(name)
  if (nameProblem !== undefined) {
    return { errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, errorMessage: nameProblem }
  }
  // Configs are a fact about now: another gateway may have changed them.
  const lookup = topicLookup(context.log)
  const fresh = await lookup.refresh()
  if (fresh.kind !== 'fresh') return unserved(fresh, 'describe')
  const found = await lookup.byName(name)
  if (found.kind === 'absent') return unknownTopic()
  if (found.kind !== 'found') return unserved(found, 'describe')
  return describeTopicConfigs(kafkaConfigs(found.topic), context.settings, names, options)
}

async function liveNode({ members }: BrokerContext, name: string): Promise<Node | Failure> {
  const find = (): Node | undefined => members.nodes().find((node) => String(node.nodeId) === name)
  let node = find()
  if (node === undefined) {
    await members.refresh()
    node = find()
  }
  if (node !== undefined) return node
  const ids = members.nodes().map(({ nodeId }) => nodeId)
  const errorMessage = `Unexpected broker id '${name}': the live brokers are ${ids.join(', ')}.`
  return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage }
}

/** There is one logger, whose level is given at the start. */
function describeLoggers(names: readonly string[] | null): DescribedConfig[] {
  if (names !== null && !names.includes('root')) return []
  return [
    {
      name: 'root',
      value: 'INFO',
      readOnly: true,
      configSource: SOURCE_BROKER_LOGGER,
      isSensitive: false,
      synonyms: [],
      configType: CONFIG_TYPES.STRING,
      documentation: null,
    },
  ]
}
