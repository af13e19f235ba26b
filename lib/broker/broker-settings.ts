// The broker's own configuration, by Kafka's names: what stands in for topic settings, and the few things that a gateway
// itself goes by. Set once, when the process starts; every name is one that Kafka has, and DescribeConfigs shows each with
// its source. What Kafka has and we do not is left out instead of being shown with a value that means nothing.
import { assert } from '../base/assert.ts'
import { CONNECTION_IDLE_MS_MAX, CONNECTIONS_MAX, FETCH_BYTES_MAX, FRAME_BYTES_MAX } from '../base/limits.ts'
import type { GroupSettings } from '../groups/step.ts'
import {
  CONFIG_SOURCES,
  CONFIG_TYPES,
  type ConfigDefinition,
  type ConfigVerdict,
  type DescribedConfig,
  type DescribeOptions,
  nearestName,
  validateConfig,
} from '../log/settings.ts'
import { type TopicConfigVerdict, validateTopicConfigs } from '../log/topic-settings.ts'
import { TOPIC_CONFIGS } from '../log/topic-settings-table.ts'
import { GROUP_CONFIGS, groupSettings, validateGroupSettings } from './group-settings.ts'

/** The broker's settings as handlers use them. Make one with `brokerSettings`. */
export interface BrokerSettings {
  /** What was set, by Kafka's names; topic settings fall back on it. */
  readonly explicit: ReadonlyMap<string, string>
  /** num.partitions */
  readonly defaultPartitions: number
  /** default.replication.factor */
  readonly defaultReplicationFactor: number
  /** auto.create.topics.enable */
  readonly autoCreateTopics: boolean
  /** delete.topic.enable */
  readonly deleteTopics: boolean
  /** socket.request.max.bytes */
  readonly frameBytesMax: number
  /** fetch.max.bytes */
  readonly fetchBytesMax: number
  /** max.connections */
  readonly connectionsMax: number
  /** connections.max.idle.ms; -1 is for ever. */
  readonly connectionIdleMsMax: number
  /** group.*, offsets.retention.minutes */
  readonly group: GroupSettings
}

const OWN_CONFIGS: readonly ConfigDefinition[] = [
  {
    name: 'auto.create.topics.enable',
    type: 'BOOLEAN',
    default: 'true',
    documentation: 'Whether asking for the metadata of a topic that is not there makes it.',
  },
  {
    name: 'connections.max.idle.ms',
    type: 'LONG',
    default: String(CONNECTION_IDLE_MS_MAX),
    range: { kind: 'between', min: -1 },
    documentation: 'How long a connection may be silent before it is closed.',
  },
  {
    name: 'default.replication.factor',
    type: 'INT',
    default: '1',
    range: { kind: 'between', min: 1, max: 32_767 },
    documentation: 'The replication factor of topics made without one. Records are as durable with any.',
  },
  {
    name: 'delete.topic.enable',
    type: 'BOOLEAN',
    default: 'true',
    documentation: 'Whether topics can be deleted.',
  },
  {
    name: 'fetch.max.bytes',
    type: 'INT',
    default: String(FETCH_BYTES_MAX),
    range: { kind: 'between', min: 1024, max: FETCH_BYTES_MAX },
    documentation: 'The most bytes of records in one answer to a fetch.',
  },
  {
    name: 'max.connections',
    type: 'INT',
    default: String(CONNECTIONS_MAX),
    range: { kind: 'between', min: 1 },
    documentation: 'How many connections one gateway accepts.',
  },
  {
    name: 'num.partitions',
    type: 'INT',
    default: '1',
    range: { kind: 'between', min: 1 },
    documentation: 'The number of partitions of topics made without one.',
  },
  {
    name: 'offsets.retention.minutes',
    type: 'INT',
    default: '10080',
    range: { kind: 'between', min: 1 },
    documentation: 'How long the committed offsets of a group without members are kept.',
  },
  {
    name: 'socket.request.max.bytes',
    type: 'INT',
    default: String(FRAME_BYTES_MAX),
    range: { kind: 'between', min: 1, max: FRAME_BYTES_MAX },
    documentation: 'The largest request that is accepted.',
  },
]

/** The broker-level names of topic settings. */
const TOPIC_DEFAULTS: readonly ConfigDefinition[] = TOPIC_CONFIGS.flatMap((topic) =>
  topic.synonyms.map((synonym) => {
    // A range in milliseconds says nothing of hours.
    const range = synonym.range ?? (synonym.factor === undefined ? topic.range : undefined)
    return {
      name: synonym.name,
      type: synonym.type ?? topic.type,
      default: synonym.default === undefined ? topic.default : synonym.default,
      ...(range === undefined ? {} : { range }),
      documentation: `For topics without \`${topic.name}\`: ${topic.documentation}`,
    }
  }),
)

/** Every configuration that a broker has here, by name. */
export const BROKER_CONFIGS: readonly ConfigDefinition[] = [...OWN_CONFIGS, ...GROUP_CONFIGS, ...TOPIC_DEFAULTS].sort(
  (a, b) => (a.name < b.name ? -1 : 1),
)
const BY_NAME: ReadonlyMap<string, ConfigDefinition> = new Map(BROKER_CONFIGS.map((config) => [config.name, config]))

/** Whether a broker can have this configuration. */
export function validateBrokerConfig(name: string, value: string): ConfigVerdict | TopicConfigVerdict {
  const definition = BY_NAME.get(name)
  if (definition !== undefined) return validateConfig(definition, value)
  return { kind: 'unknown', message: `Unknown broker config name: ${name}`, nearest: nearestName(name, BY_NAME.keys()) }
}

export type BrokerSettingsOutcome =
  | { readonly kind: 'ok'; readonly settings: BrokerSettings }
  | Exclude<TopicConfigVerdict, { kind: 'ok' }>

/**
 * The settings that follow from what was set explicitly, or the first problem with it.
 *
 * @example const outcome = brokerSettings(new Map([['num.partitions', '12']]))
 */
export function brokerSettings(explicit: ReadonlyMap<string, string>): BrokerSettingsOutcome {
  for (const [name, value] of explicit) {
    const verdict = validateBrokerConfig(name, value)
    if (verdict.kind !== 'ok') return verdict
  }
  const together = validateTopicConfigs(new Map(), { explicit })
  if (together.kind !== 'ok') return together
  const value = (name: string): string => explicit.get(name) ?? BY_NAME.get(name)?.default ?? ''
  const groups = validateGroupSettings(value)
  if (groups.kind !== 'ok') return groups
  const text = (name: string): string => value(name).trim().toLowerCase()
  return {
    kind: 'ok',
    settings: {
      explicit,
      defaultPartitions: Number(text('num.partitions')),
      defaultReplicationFactor: Number(text('default.replication.factor')),
      autoCreateTopics: text('auto.create.topics.enable') === 'true',
      deleteTopics: text('delete.topic.enable') === 'true',
      frameBytesMax: Number(text('socket.request.max.bytes')),
      fetchBytesMax: Number(text('fetch.max.bytes')),
      connectionsMax: Number(text('max.connections')),
      connectionIdleMsMax: Number(text('connections.max.idle.ms')),
      group: groupSettings(value),
    },
  }
}

/** The settings of a broker for which nothing was set. */
export const defaultBrokerSettings: BrokerSettings = (() => {
  const outcome = brokerSettings(new Map())
  assert(outcome.kind === 'ok', 'the defaults are valid')
  return outcome.settings
})()

/** What this process knows of itself and DescribeConfigs shows, although nobody can set it there. */
export interface BrokerFacts {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/** A broker's configurations for DescribeConfigs: those in `names`, or all of them. All are read-only on the wire. */
export function describeBrokerConfigs(
  settings: BrokerSettings,
  facts: BrokerFacts,
  names: readonly string[] | null = null,
  options: DescribeOptions = {},
): DescribedConfig[] {
  const wanted = names === null ? undefined : new Set(names)
  const { nodeId, host, port } = facts
  const listener = `PLAINTEXT://${host.includes(':') ? `[${host}]` : host}:${port}`
  const known = new Map([...settings.explicit, ...factValues(nodeId, listener)])
  return [...FACT_CONFIGS, ...BROKER_CONFIGS]
    .filter((definition) => wanted?.has(definition.name) ?? true)
    .map((definition) => describe(definition, known.get(definition.name), options))
}

const FACT_CONFIGS: readonly ConfigDefinition[] = [
  { name: 'advertised.listeners', type: 'LIST', default: null, documentation: 'Where clients reach this gateway.' },
  { name: 'broker.id', type: 'INT', default: '-1', documentation: 'The node id of this gateway.' },
  { name: 'node.id', type: 'INT', default: null, documentation: 'The node id of this gateway.' },
]

function factValues(nodeId: number, listener: string): [string, string][] {
  return [
    ['advertised.listeners', listener],
    ['broker.id', String(nodeId)],
    ['node.id', String(nodeId)],
  ]
}

function describe(definition: ConfigDefinition, set: string | undefined, options: DescribeOptions): DescribedConfig {
  const { name, default: byDefault } = definition
  const fromDefault = { name, value: byDefault, source: CONFIG_SOURCES.DEFAULT }
  const fromFile = set === undefined ? [] : [{ name, value: set, source: CONFIG_SOURCES.STATIC_BROKER }]
  const all = [...fromFile, ...(byDefault === null ? [] : [fromDefault])]
  const first = all[0] ?? fromDefault
  return {
    name,
    value: first.value,
    readOnly: true,
    configSource: first.source,
    isSensitive: false,
    synonyms: options.includeSynonyms ? all : [],
    configType: CONFIG_TYPES[definition.type],
    documentation: options.includeDocumentation ? definition.documentation : null,
  }
}
