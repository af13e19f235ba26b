// What the three APIs about configs share: the kinds of resources, which of them can be changed, and how the change of a
// topic's configs is made. Only topics have configs that are stored; those of a gateway are given when it starts, so a
// request to change them is refused with Kafka's own error for a broker config that is not dynamic. Two things are taken all
// the same and change nothing, because kafka-reassign-partitions asks for them: bounds on replication, of which there is
// none to be slowed down, and taking a dynamic config away, since none is ever set.
import { CONFIG_OPS, validateTopicConfigs } from '../../log/topic-settings.ts'
import { ErrorCode } from '../../wire/errors.ts'
import { kafkaConfigs, replacedConfigs } from '../cluster/replication.ts'
import type { BrokerContext } from '../context.ts'
import { configFailure, type Failure, unknownTopic, unserved } from '../outcomes.ts'
import { changeTopic, type Decision } from '../topics/change-topic.ts'
import { topicLookup } from '../topics/topic-lookup.ts'
import { topicNameProblem } from '../topics/topic-names.ts'

/** Kafka's numbers of the resources that have configs. */
export const ResourceType = { TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8 } as const

const SET = CONFIG_OPS.indexOf('set')
const DELETE = CONFIG_OPS.indexOf('delete')
/** Bytes a second that may be replicated, from and to a broker and between its directories. */
const REPLICATION_BOUNDS = new Set([
  'leader.replication.throttled.rate',
  'follower.replication.throttled.rate',
  'replica.alter.log.dirs.io.max.bytes.per.second',
])

/** A resource as the requests name it. */
export interface Resource {
  readonly resourceType: number
  readonly resourceName: string
}

/** One config of a resource as the requests name it; AlterConfigs has no operations. */
export interface ConfigChange {
  readonly name: string
  readonly configOperation?: number
  readonly value?: string | null
}

/** The configs that a topic shall have, or why it cannot. */
export type Configured = { readonly kind: 'configs'; readonly configs: ReadonlyMap<string, string> } | RefusedConfigs
export interface RefusedConfigs {
  readonly kind: 'refused'
  readonly failure: Failure
}

export function refusedConfigs(errorMessage: string): RefusedConfigs {
  return { kind: 'refused', failure: invalidRequest(errorMessage) }
}

/** Changes the configs of each resource, each for itself. `decide` makes a topic's new configs from its present ones. */
export async function alterResources<R extends Resource & { readonly configs: readonly ConfigChange[] }>(
  context: BrokerContext,
  resources: readonly R[],
  validateOnly: boolean,
  decide: (resource: R, present: ReadonlyMap<string, string>) => Configured,
): Promise<(Resource & { readonly errorCode: number; readonly errorMessage: string | null })[]> {
  const counts = new Map<string, number>()
  const key = ({ resourceType, resourceName }: Resource): string => `${resourceType} ${resourceName}`
  for (const resource of resources) counts.set(key(resource), (counts.get(key(resource)) ?? 0) + 1)
  return Promise.all(
    resources.map(async (resource) => {
      const repeated = counts.get(key(resource)) !== 1
      const failure = repeated
        ? invalidRequest('Each resource must appear at most once.')
        : await alterResource(context, resource, validateOnly, (present) => decide(resource, present))
      const { errorCode, errorMessage } = failure ?? { errorCode: ErrorCode.NONE, errorMessage: null }
      return { errorCode, errorMessage, resourceType: resource.resourceType, resourceName: resource.resourceName }
    }),
  )
}

async function alterResource(
  context: BrokerContext,
  resource: Resource & { readonly configs: readonly ConfigChange[] },
  validateOnly: boolean,
  decide: (present: ReadonlyMap<string, string>) => Configured,
): Promise<Failure | undefined> {
  const names = resource.configs.map(({ name }) => name)
  if (new Set(names).size !== names.length) return invalidRequest('Error due to duplicate config keys.')
  switch (resource.resourceType) {
    case ResourceType.TOPIC:
      return alterTopic(context, resource.resourceName, validateOnly, decide)
    case ResourceType.BROKER: {
      const refused = resource.configs.filter((change) => !changesNothing(change))
      if (refused.length === 0) return undefined
      return {
        errorCode: ErrorCode.INVALID_CONFIG,
        errorMessage: `Cannot update these configs dynamically: ${refused.map(({ name }) => name).join(', ')}. A gateway's settings are given when it starts.`,
      }
    }
    case ResourceType.BROKER_LOGGER:
      return {
        errorCode: ErrorCode.INVALID_CONFIG,
        errorMessage: "Log levels cannot be changed while running. A gateway's log level is given when it starts.",
      }
    default:
      return invalidRequest(`Unknown resource type ${resource.resourceType}: only topics and brokers have configs.`)
  }
}

/** Whether this change of a broker's configs can be said to be made although nothing is. */
function changesNothing({ name, configOperation, value }: ConfigChange): boolean {
  if (configOperation === DELETE) return true
  return configOperation === SET && REPLICATION_BOUNDS.has(name) && /^\d{1,18}$/.test(value ?? '')
}

async function alterTopic(
  { log, settings }: BrokerContext,
  name: string,
  validateOnly: boolean,
  decide: (present: ReadonlyMap<string, string>) => Configured,
): Promise<Failure | undefined> {
  const nameProblem = topicNameProblem(name)
  if (nameProblem !== undefined) {
    return { errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, errorMessage: nameProblem }
  }
  const found = await topicLookup(log).byName(name)
  if (found.kind === 'absent') return unknownTopic()
  if (found.kind !== 'found') return unserved(found, 'change')
  return changeTopic(log, found.topic, (topic): Decision => {
    const present = kafkaConfigs(topic)
    const wanted = decide(present)
    if (wanted.kind === 'refused') return { kind: 'answer', failure: wanted.failure }
    const failure = configFailure(validateTopicConfigs(wanted.configs, settings))
    if (failure !== undefined || validateOnly) return { kind: 'answer', failure }
    const configs = replacedConfigs(topic, wanted.configs)
    return { kind: 'change', apply: () => log.configureTopic(topic, configs) }
  })
}

function invalidRequest(errorMessage: string): Failure {
  return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage }
}
