// KafkaJS on a log behind HTTPS: its own producer and admin client, unmodified, over `tidelog/kafkajs`.
import kafkajs, { type Kafka as KafkaClient } from 'kafkajs'
import { httpSocketFactory } from '../../lib/client/kafkajs.ts'
import type { Keys } from './aws-query.ts'

// A CommonJS module whose names Node cannot see.
const { ConfigResourceTypes, Kafka, logLevel } = kafkajs

/** KafkaJS whose sockets lead to this URL. The broker's name is only a name. */
export function kafkaOver(url: string, keys: Keys): KafkaClient {
  return new Kafka({
    brokers: ['tidelog:9092'],
    clientId: 'serverless',
    logLevel: logLevel.NOTHING,
    retry: { retries: 5 },
    socketFactory: httpSocketFactory({ url, region: process.env['AWS_REGION'] ?? 'us-east-1', credentials: keys }),
  })
}

/** Partition count and configs of a topic, undefined where there is none. */
export async function describeTopic(
  kafka: KafkaClient,
  topic: string,
): Promise<{ readonly partitions: number; readonly configs: Readonly<Record<string, string>> } | undefined> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    if (!(await admin.listTopics()).includes(topic)) return undefined
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic }]
    const described = await admin.describeConfigs({ resources, includeSynonyms: false })
    const entries = described.resources[0]?.configEntries ?? []
    const configs = Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]))
    return { partitions: topics[0]?.partitions.length ?? 0, configs }
  } finally {
    await admin.disconnect()
  }
}
