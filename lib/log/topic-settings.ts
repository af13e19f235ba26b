// A topic's settings: judged when they are set, resolved to numbers and flags where they act, described with default and
// source. A value comes from the topic, else from the first broker configuration that stands in for it, else from Kafka's
// default. Names that are not in the table are never looked at, so whatever else lies beside a topic's configs is harmless.
import { assert } from '../base/assert.ts'
import type { Codec } from '../wire/record-batch.ts'
import {
  CONFIG_SOURCES,
  CONFIG_TYPES,
  type ConfigSynonym,
  type ConfigVerdict,
  type DescribedConfig,
  type DescribeOptions,
  listElements,
  nearestName,
  validateConfig,
} from './settings.ts'
import { TOPIC_CONFIGS, type TopicConfigDefinition } from './topic-settings-table.ts'

/** What the broker's own configuration says of topics: only what was set explicitly, and already judged. */
export interface BrokerConfigs {
  readonly explicit: ReadonlyMap<string, string>
}

/** The settings of a topic as the code uses them. Sizes in bytes, durations in ms; -1 is "no limit" for retention. */
export interface TopicSettings {
  readonly maxMessageBytes: number
  /** `producer` leaves batches as they are. */
  readonly compression: Codec | 'producer'
  /** For that codec; `undefined` is the codec's own choice. */
  readonly compressionLevel: number | undefined
  readonly logAppendTime: boolean
  readonly timestampBeforeMaxMs: number
  readonly timestampAfterMaxMs: number
  /** `cleanup.policy` contains `compact`; `deletes` likewise. */
  readonly compacted: boolean
  readonly deletes: boolean
  readonly retentionMs: number
  readonly retentionBytes: number
  readonly segmentBytes: number
  readonly segmentMs: number
  readonly deleteRetentionMs: number
  readonly minCompactionLagMs: number
  readonly maxCompactionLagMs: number
  readonly minCleanableDirtyRatio: number
}

const BY_NAME: ReadonlyMap<string, TopicConfigDefinition> = new Map(
  TOPIC_CONFIGS.map((config) => [config.name, config]),
)

export type TopicConfigVerdict =
  | ConfigVerdict
  /** No such configuration; `nearest` is what may have been meant. `message` is Kafka's. */
  | { readonly kind: 'unknown'; readonly message: string; readonly nearest: string | undefined }

/** Whether a topic can have this configuration. */
export function validateTopicConfig(name: string, value: string | null): TopicConfigVerdict {
  const definition = BY_NAME.get(name)
  if (definition === undefined) {
    return {
      kind: 'unknown',
      message: `Unknown topic config name: ${name}`,
      nearest: nearestName(name, BY_NAME.keys()),
    }
  }
  if (value === null) return { kind: 'invalid', message: `Null value not supported for topic configs: ${name}` }
  return validateConfig(definition, value)
}

/** Whether a topic can have these configurations together. The first problem is returned. */
export function validateTopicConfigs(
  configs: ReadonlyMap<string, string | null>,
  broker: BrokerConfigs = NOTHING_SET,
): TopicConfigVerdict {
  const valid = new Map<string, string>()
  for (const [name, value] of configs) {
    const verdict = validateTopicConfig(name, value)
    if (verdict.kind !== 'ok') return verdict
    if (value !== null) valid.set(name, value)
  }
  const { minCompactionLagMs: min, maxCompactionLagMs: max } = resolve(valid, broker)
  if (min <= max) return { kind: 'ok' }
  const message = `conflict topic config setting min.compaction.lag.ms (${min}) > max.compaction.lag.ms (${max})`
  return { kind: 'invalid', message }
}

const NOTHING_SET: BrokerConfigs = { explicit: new Map() }

/** Resolved settings by the map they came from: topics are immutable, so a change brings a new map. */
const resolved = new WeakMap<ReadonlyMap<string, string>, { readonly broker: BrokerConfigs; settings: TopicSettings }>()

/** The settings in force for a topic with these explicit configs (`topic.configs`). Cheap when asked again. */
export function topicSettings(configs: ReadonlyMap<string, string>, broker: BrokerConfigs): TopicSettings {
  const known = resolved.get(configs)
  if (known?.broker === broker) return known.settings
  const settings = resolve(configs, broker)
  resolved.set(configs, { broker, settings })
  return settings
}

function resolve(configs: ReadonlyMap<string, string>, broker: BrokerConfigs): TopicSettings {
  const text = (name: string): string => effective(definitionOf(name), configs, broker).value.trim()
  const number = (name: string): number => Number(text(name))
  const policy = listElements(text('cleanup.policy'))
  const type = text('compression.type')
  return {
    maxMessageBytes: number('max.message.bytes'),
    compression: type === 'uncompressed' ? 'none' : (type as Codec | 'producer'),
    compressionLevel: compressionLevel(type, number),
    logAppendTime: text('message.timestamp.type') === 'LogAppendTime',
    timestampBeforeMaxMs: number('message.timestamp.before.max.ms'),
    timestampAfterMaxMs: number('message.timestamp.after.max.ms'),
    compacted: policy.includes('compact'),
    deletes: policy.includes('delete'),
    retentionMs: number('retention.ms'),
    retentionBytes: number('retention.bytes'),
    segmentBytes: number('segment.bytes'),
    segmentMs: number('segment.ms'),
    deleteRetentionMs: number('delete.retention.ms'),
    minCompactionLagMs: number('min.compaction.lag.ms'),
    maxCompactionLagMs: number('max.compaction.lag.ms'),
    minCleanableDirtyRatio: number('min.cleanable.dirty.ratio'),
  }
}

function compressionLevel(type: string, number: (name: string) => number): number | undefined {
  if (type === 'zstd') return number('compression.zstd.level')
  const level = type === 'gzip' ? number('compression.gzip.level') : -1
  return level === -1 ? undefined : level
}

function definitionOf(name: string): TopicConfigDefinition {
  const definition = BY_NAME.get(name)
  assert(definition !== undefined, `${name} is in the table`)
  return definition
}

/** The value in force, in the topic setting's unit, and where it comes from. */
function effective(
  definition: TopicConfigDefinition,
  configs: ReadonlyMap<string, string>,
  broker: BrokerConfigs,
): { readonly value: string; readonly source: number } {
  const own = configs.get(definition.name)
  if (own !== undefined) return { value: own, source: CONFIG_SOURCES.TOPIC }
  for (const synonym of definition.synonyms) {
    const value = broker.explicit.get(synonym.name)
    if (value === undefined) continue
    // Kafka: a negative number of hours or minutes is "no limit", which is -1 in every unit.
    const number = Number(value)
    const scaled = synonym.factor === undefined ? value : String(number < 0 ? -1 : number * synonym.factor)
    return { value: scaled, source: CONFIG_SOURCES.STATIC_BROKER }
  }
  return { value: definition.default, source: CONFIG_SOURCES.DEFAULT }
}

/** A topic's configurations for DescribeConfigs: those in `names`, or all of them. Unknown names are left out, as in Kafka. */
export function describeTopicConfigs(
  configs: ReadonlyMap<string, string>,
  broker: BrokerConfigs,
  names: readonly string[] | null = null,
  options: DescribeOptions = {},
): DescribedConfig[] {
  const wanted = names === null ? undefined : new Set(names)
  return TOPIC_CONFIGS.filter((definition) => wanted?.has(definition.name) ?? true).map((definition) => {
    const { value, source } = effective(definition, configs, broker)
    return {
      name: definition.name,
      value,
      readOnly: false,
      configSource: source,
      isSensitive: false,
      synonyms: options.includeSynonyms ? synonymsOf(definition, configs, broker) : [],
      configType: CONFIG_TYPES[definition.type],
      documentation: options.includeDocumentation ? definition.documentation : null,
    }
  })
}

/** The topic's own value, then what is set in the broker's configuration, then the defaults; each in its own unit. */
function synonymsOf(
  definition: TopicConfigDefinition,
  configs: ReadonlyMap<string, string>,
  broker: BrokerConfigs,
): ConfigSynonym[] {
  const list: ConfigSynonym[] = []
  const add = (name: string, value: string | null | undefined, source: number): void => {
    if (value !== undefined && value !== null) list.push({ name, value, source })
  }
  add(definition.name, configs.get(definition.name), CONFIG_SOURCES.TOPIC)
  for (const { name } of definition.synonyms) add(name, broker.explicit.get(name), CONFIG_SOURCES.STATIC_BROKER)
  for (const synonym of definition.synonyms) {
    const byDefault = synonym.default === undefined ? definition.default : synonym.default
    add(synonym.name, byDefault, CONFIG_SOURCES.DEFAULT)
  }
  return list
}

/** Operations of IncrementalAlterConfigs, by their number on the wire. */
export const CONFIG_OPS = ['set', 'delete', 'append', 'subtract'] as const
export type ConfigOp = (typeof CONFIG_OPS)[number]
export type ConfigOpOutcome =
  /** The new explicit value; `undefined`: none, the default holds. Not judged yet: see `validateTopicConfigs`. */
  { readonly kind: 'ok'; readonly value: string | undefined } | Exclude<TopicConfigVerdict, { kind: 'ok' }>

/**
 * What becomes of a topic's explicit value `current` by one operation. Appending and subtracting are for lists, and start
 * from the default where nothing is set.
 */
export function applyConfigOp(
  name: string,
  current: string | undefined,
  op: ConfigOp,
  value: string | null,
): ConfigOpOutcome {
  const definition = BY_NAME.get(name)
  if (definition === undefined) {
    return {
      kind: 'unknown',
      message: `Unknown topic config name: ${name}`,
      nearest: nearestName(name, BY_NAME.keys()),
    }
  }
  if (op === 'delete') return { kind: 'ok', value: undefined }
  if (value === null) return { kind: 'invalid', message: `Null value not supported for topic configs: ${name}` }
  if (op === 'set') return { kind: 'ok', value }
  if (definition.type !== 'LIST') {
    return { kind: 'invalid', message: `Can't ${op.toUpperCase()} to key ${name} because its type is not a list.` }
  }
  const before = listElements(current ?? definition.default)
  const operands = new Set(listElements(value))
  const after =
    op === 'subtract'
      ? before.filter((element) => !operands.has(element))
      : [...before, ...[...operands].filter((element) => !before.includes(element))]
  return { kind: 'ok', value: after.join(',') }
}
