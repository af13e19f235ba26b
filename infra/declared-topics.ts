// Topics as `cdk.json` declares them: plain JSON with the same names as the properties in code. What they mean to Kafka
// is judged where topics from code are judged too (`constructs/topic-configs.ts`); here only the JSON is.
//
//   "topics": { "orders": { "partitions": 12, "retention": "7d", "cleanupPolicy": "delete" } }
import { RemovalPolicy } from 'aws-cdk-lib'
import type { DeclaredTopics } from './constructs/log-topics.ts'
import {
  CleanupPolicy,
  Compression,
  type TopicOptions,
  TopicProblem,
  topicConfigs,
} from './constructs/topic-configs.ts'
import { durationOf, sizeOf } from './quantities.ts'

/** Reads one property, or says what it must be. */
type Reader = (value: unknown) => { readonly value: unknown } | { readonly wanted: string }

const READERS: Readonly<Record<keyof TopicOptions, Reader>> = {
  partitions: (value) => {
    const count = typeof value === 'number' ? value : Number.NaN
    return Number.isInteger(count) ? { value: count } : { wanted: 'a whole number' }
  },
  retention: (value) =>
    found(value === 'forever' ? 'forever' : durationOf(value), 'a duration such as "7d" or "12h", or "forever"'),
  retentionBytes: (value) => found(sizeOf(value), 'a size such as "10GiB"'),
  cleanupPolicy: (value) => oneOf(Object.values(CleanupPolicy), value),
  compression: (value) => oneOf(Object.values(Compression), value),
  maxMessageBytes: (value) => found(sizeOf(value), 'a size such as "1MiB"'),
  configs: (value) => found(textsIn(value), 'an object of Kafka configurations and their values'),
  removalPolicy: (value) =>
    found(
      value === 'retain' ? RemovalPolicy.RETAIN : value === 'destroy' ? RemovalPolicy.DESTROY : undefined,
      '"retain" or "destroy"',
    ),
}

/** The topics in a context value, which may be JSON text. Throws `TopicProblem` with a sentence. */
export function declaredTopics(value: unknown): DeclaredTopics {
  if (value === undefined) return {}
  const topics = typeof value === 'string' ? parsed(value) : value
  if (!isObject(topics)) throw new TopicProblem('The context value "topics" must be an object of topics by name.')
  return Object.fromEntries(Object.entries(topics).map(([name, options]) => [name, declaredTopic(name, options)]))
}

function declaredTopic(name: string, declared: unknown): TopicOptions {
  if (!isObject(declared)) throw new TopicProblem(`Topic ${name}: its properties must be an object, such as {}.`)
  const options: Record<string, unknown> = {}
  for (const [property, value] of Object.entries(declared)) {
    if (!isProperty(property)) {
      const known = Object.keys(READERS).join(', ')
      throw new TopicProblem(`Topic ${name}: there is no property ${property}; there are ${known}.`)
    }
    const read = READERS[property](value)
    if ('wanted' in read) {
      throw new TopicProblem(`Topic ${name}: ${property} must be ${read.wanted}, not ${JSON.stringify(value)}.`)
    }
    options[property] = read.value
  }
  // Judged again where the topic is made; here it fails before any code was bundled.
  topicConfigs(name, options)
  return options
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new TopicProblem('The context value "topics" is not JSON.')
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isProperty(name: string): name is keyof TopicOptions {
  return Object.hasOwn(READERS, name)
}

function found(value: unknown, wanted: string): ReturnType<Reader> {
  return value === undefined ? { wanted } : { value }
}

function oneOf(allowed: readonly string[], value: unknown): ReturnType<Reader> {
  return found(
    allowed.find((one) => one === value),
    `one of ${allowed.map((one) => JSON.stringify(one)).join(', ')}`,
  )
}

/** Kafka's values are texts; numbers and truth values are taken as their text. */
function textsIn(value: unknown): Record<string, string> | undefined {
  if (!isObject(value)) return undefined
  const entries = Object.entries(value)
  if (!entries.every(([, one]) => ['string', 'number', 'boolean'].includes(typeof one))) return undefined
  return Object.fromEntries(entries.map(([name, one]) => [name, String(one)]))
}
