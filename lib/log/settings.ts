// What a configuration is, for topics and brokers alike: a name, a type, a range and a default, all as data, and the rules
// by which a text is a value of it. Messages are worded as Kafka words them, because tools and people search for them.

/** Kafka's numbers for types in DescribeConfigs. */
export const CONFIG_TYPES = { BOOLEAN: 1, STRING: 2, INT: 3, SHORT: 4, LONG: 5, DOUBLE: 6, LIST: 7 } as const
export type ConfigType = keyof typeof CONFIG_TYPES

/** Kafka's numbers for where a value comes from. */
export const CONFIG_SOURCES = { TOPIC: 1, STATIC_BROKER: 4, DEFAULT: 5 } as const

/** What a value must satisfy beyond its type. */
export type ConfigRange =
  /** `or`: one more value that is allowed. */
  | { readonly kind: 'between'; readonly min?: number; readonly max?: number; readonly or?: number }
  /** For a list: each of its elements. `ignoreCase`: for a text, in any case; `values` are lower case then. */
  | { readonly kind: 'oneOf'; readonly values: readonly string[]; readonly ignoreCase?: true }
  /** Replicas as `partition:broker,…`, or `*`. */
  | { readonly kind: 'replicas' }

/** Whether a setting does something in Tidelog. */
export type Effect = 'acts' | 'acts later' | 'no meaning here'

export interface ConfigDefinition {
  readonly name: string
  readonly type: ConfigType
  /** As text; `null` where there is none. */
  readonly default: string | null
  readonly range?: ConfigRange
  readonly documentation: string
}

/** One configuration as DescribeConfigs returns it. */
export interface DescribedConfig {
  readonly name: string
  readonly value: string | null
  readonly readOnly: boolean
  readonly configSource: number
  readonly isSensitive: boolean
  /** Where else the value could come from, the one that counts first. */
  readonly synonyms: readonly ConfigSynonym[]
  readonly configType: number
  readonly documentation: string | null
}
export interface ConfigSynonym {
  readonly name: string
  readonly value: string | null
  readonly source: number
}
/** What DescribeConfigs asks for besides the values. */
export interface DescribeOptions {
  readonly includeSynonyms?: boolean
  readonly includeDocumentation?: boolean
}

export type ConfigVerdict = { readonly kind: 'ok' } | { readonly kind: 'invalid'; readonly message: string }

const INTEGER_LIMITS = {
  SHORT: [-(2n ** 15n), 2n ** 15n - 1n],
  INT: [-(2n ** 31n), 2n ** 31n - 1n],
  LONG: [-(2n ** 63n), 2n ** 63n - 1n],
} as const
const INTEGER = /^[+-]?\d{1,40}$/
const DOUBLE = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i
const REPLICA = /^\d{1,10}:\d{1,10}$/

/** Whether `value` is a value of this configuration. */
export function validateConfig(definition: ConfigDefinition, value: string): ConfigVerdict {
  const { name, type, range } = definition
  const text = value.trim()
  switch (type) {
    case 'BOOLEAN':
      if (/^(true|false)$/i.test(text)) return { kind: 'ok' }
      return invalid(name, value, 'Expected value to be either true or false')
    case 'SHORT':
    case 'INT':
    case 'LONG': {
      const [min, max] = INTEGER_LIMITS[type]
      const isNumber =
        INTEGER.test(text) && BigInt(text.replace('+', '')) >= min && BigInt(text.replace('+', '')) <= max
      if (!isNumber) return invalid(name, value, `Not a number of type ${type}`)
      return inRange(definition, String(BigInt(text.replace('+', ''))), Number(text))
    }
    case 'DOUBLE':
      if (!DOUBLE.test(text)) return invalid(name, value, 'Not a number of type DOUBLE')
      return inRange(definition, value, Number(text))
    case 'LIST':
      if (range?.kind === 'replicas') return replicas(name, value)
      return elements(definition, value)
    case 'STRING':
      if (range?.kind !== 'oneOf' || range.values.includes(text)) return { kind: 'ok' }
      if (range.ignoreCase && range.values.includes(text.toLowerCase())) return { kind: 'ok' }
      return invalid(name, text, `String must be one of: ${range.values.join(', ')}`)
  }
}

function inRange({ name, range }: ConfigDefinition, value: string, number: number): ConfigVerdict {
  if (range?.kind !== 'between') return { kind: 'ok' }
  const { min = -Infinity, max = Infinity, or } = range
  if ((number >= min && number <= max) || number === or) return { kind: 'ok' }
  if (or !== undefined) return invalid(name, value, `Value must be between ${min} and ${max} or equal to ${or}`)
  if (number < min) return invalid(name, value, `Value must be at least ${min}`)
  return invalid(name, value, `Value must be no more than ${max}`)
}

function elements({ name, range }: ConfigDefinition, value: string): ConfigVerdict {
  const parts = listElements(value)
  if (parts.includes('')) return { kind: 'invalid', message: `Configuration '${name}' values must not be empty.` }
  if (range?.kind !== 'oneOf') return { kind: 'ok' }
  const foreign = parts.find((part) => !range.values.includes(part))
  if (foreign === undefined) return { kind: 'ok' }
  return invalid(name, foreign, `String must be one of: ${range.values.join(', ')}`)
}

function replicas(name: string, value: string): ConfigVerdict {
  const parts = listElements(value)
  if (value.trim() === '*' || parts.every((part) => part === '' || REPLICA.test(part))) return { kind: 'ok' }
  return invalid(
    name,
    value,
    "must be '*' or a list of replicas: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
  )
}

/** The elements of a value of type LIST; none for an empty text. */
export function listElements(value: string): string[] {
  return value.trim() === '' ? [] : value.split(',').map((part) => part.trim())
}

function invalid(name: string, value: string, reason: string): ConfigVerdict {
  return { kind: 'invalid', message: `Invalid value ${value} for configuration ${name}: ${reason}` }
}

/** The known name that `name` was probably meant to be, if one is not more than so many letters away. */
export function nearestName(name: string, known: Iterable<string>, distanceMax = 3): string | undefined {
  // Names come from clients; nothing near the longest known name is longer than this.
  if (name.length > 64) return undefined
  let nearest: string | undefined
  let distanceMin = distanceMax + 1
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase().replaceAll('_', '.'), candidate)
    if (distance < distanceMin) [nearest, distanceMin] = [candidate, distance]
  }
  return nearest
}

/** How many letters must be inserted, removed or replaced to make `a` into `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
