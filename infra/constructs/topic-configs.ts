// From the properties of a topic as one writes them in CDK to Kafka's configuration names, judged by the same table that
// judges them in the running system: what would fail in the middle of a deployment fails before it, with a sentence.
import { type Duration, type RemovalPolicy, type Size, SizeRoundingBehavior, Token } from 'aws-cdk-lib'
import { PARTITIONS_PER_TOPIC_MAX } from '../../lib/base/limits.ts'
import { topicNameProblem } from '../../lib/broker/topics/topic-names.ts'
import { validateTopicConfigs } from '../../lib/log/topic-settings.ts'

/** Kafka's `cleanup.policy`: what becomes of old records. */
export const CleanupPolicy = {
  /** Records are deleted when they are older than `retention` or the topic is larger than `retentionBytes`. */
  DELETE: 'delete',
  /** The last record of each key is kept. */
  COMPACT: 'compact',
  /** Both. */
  COMPACT_AND_DELETE: 'compact,delete',
} as const
export type CleanupPolicy = (typeof CleanupPolicy)[keyof typeof CleanupPolicy]

/** Kafka's `compression.type`: how batches are stored. */
export const Compression = {
  /** As they were sent. */
  PRODUCER: 'producer',
  UNCOMPRESSED: 'uncompressed',
  GZIP: 'gzip',
  SNAPPY: 'snappy',
  LZ4: 'lz4',
  ZSTD: 'zstd',
} as const
export type Compression = (typeof Compression)[keyof typeof Compression]

/** What a topic is made with. What is not given has Kafka's default. */
export interface TopicOptions {
  /**
   * How many partitions the topic has. They can become more later, never fewer.
   *
   * @default 1
   */
  readonly partitions?: number | undefined
  /**
   * How long records are kept (`retention.ms`).
   *
   * @default Duration.days(7)
   */
  readonly retention?: Duration | 'forever' | undefined
  /**
   * How much of a partition is kept (`retention.bytes`).
   *
   * @default - no limit
   */
  readonly retentionBytes?: Size | undefined
  /** @default CleanupPolicy.DELETE */
  readonly cleanupPolicy?: CleanupPolicy | undefined
  /** @default Compression.PRODUCER */
  readonly compression?: Compression | undefined
  /**
   * The longest batch that is taken (`max.message.bytes`).
   *
   * @default Size.bytes(1048588)
   */
  readonly maxMessageBytes?: Size | undefined
  /** Any other topic configuration of Kafka, by its name there. */
  readonly configs?: Readonly<Record<string, string>> | undefined
  /**
   * What becomes of the topic and its records when it is taken out of the stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy.RETAIN | RemovalPolicy.DESTROY | undefined
}

/** Thrown while an app is put together; the message is a sentence for whoever wrote the app. */
export class TopicProblem extends Error {
  override name = 'TopicProblem'
}

/** The topic's configurations by Kafka's names. Throws `TopicProblem` for what the log would refuse. */
export function topicConfigs(topicName: string, options: TopicOptions): Record<string, string> {
  checkName(topicName)
  checkPartitions(topicName, options.partitions)
  const typed = typedConfigs(options)
  const given = options.configs ?? {}
  for (const name of Object.keys(given)) {
    if (name in typed)
      throw new TopicProblem(`Topic ${topicName}: ${name} is given twice, by its property and in configs.`)
  }
  const configs = { ...typed, ...given }
  const known = new Map(Object.entries(configs).filter(([, value]) => !Token.isUnresolved(value)))
  const verdict = validateTopicConfigs(known)
  if (verdict.kind === 'unknown') {
    const meant = verdict.nearest === undefined ? '' : ` Did you mean ${verdict.nearest}?`
    throw new TopicProblem(`Topic ${topicName}: ${verdict.message}.${meant}`)
  }
  if (verdict.kind !== 'ok') throw new TopicProblem(`Topic ${topicName}: ${verdict.message}`)
  return configs
}

function checkName(topicName: string): void {
  if (Token.isUnresolved(topicName)) return
  const problem = topicNameProblem(topicName)
  if (problem !== undefined) throw new TopicProblem(problem)
}

function checkPartitions(topicName: string, partitions: number | undefined): void {
  if (partitions === undefined || Token.isUnresolved(partitions)) return
  if (Number.isInteger(partitions) && partitions >= 1 && partitions <= PARTITIONS_PER_TOPIC_MAX) return
  throw new TopicProblem(
    `Topic ${topicName}: partitions must be a whole number from 1 to ${PARTITIONS_PER_TOPIC_MAX}, not ${partitions}.`,
  )
}

function typedConfigs(options: TopicOptions): Record<string, string> {
  const { retention, retentionBytes, cleanupPolicy, compression, maxMessageBytes } = options
  const bytes = (size: Size) => String(size.toBytes({ rounding: SizeRoundingBehavior.NONE }))
  return {
    ...(retention === undefined
      ? {}
      : { 'retention.ms': retention === 'forever' ? '-1' : String(retention.toMilliseconds()) }),
    ...(retentionBytes === undefined ? {} : { 'retention.bytes': bytes(retentionBytes) }),
    ...(cleanupPolicy === undefined ? {} : { 'cleanup.policy': cleanupPolicy }),
    ...(compression === undefined ? {} : { 'compression.type': compression }),
    ...(maxMessageBytes === undefined ? {} : { 'max.message.bytes': bytes(maxMessageBytes) }),
  }
}
