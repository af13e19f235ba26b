// The driver of KafkaJS. It writes and administers only: its consumer cannot do without a group. Of the codecs it has
// gzip; the others are packages of third parties.
import kafkajs, { type Producer } from 'kafkajs'
import type { Command } from '../protocol.ts'
import { CodedError, fromBase64, serve } from './stdio.ts'

// A CommonJS module whose names Node cannot see.
const { CompressionTypes, ConfigResourceTypes, Kafka, KafkaJSAggregateError, KafkaJSProtocolError, logLevel } = kafkajs

const producers = new Map<string, Producer>()
let kafka = new Kafka({ brokers: [], logLevel: logLevel.NOTHING })
let admin = kafka.admin()

async function producerFor(idempotent: boolean): Promise<Producer> {
  const found = producers.get(String(idempotent))
  if (found !== undefined) return found
  const producer = kafka.producer({ idempotent, allowAutoTopicCreation: true })
  await producer.connect()
  producers.set(String(idempotent), producer)
  return producer
}

async function produce(command: Extract<Command, { op: 'produce' }>): Promise<Record<string, unknown>> {
  const producer = await producerFor(command.idempotent)
  const sent = await producer.send({
    topic: command.topic,
    acks: command.acks,
    compression: command.codec === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None,
    messages: command.records.map((record) => ({
      key: fromBase64(record.key),
      value: fromBase64(record.value),
      headers: Object.fromEntries(record.headers.map(([name, value]) => [name, fromBase64(value) ?? undefined])),
      ...(record.partition === null ? {} : { partition: record.partition }),
      ...(record.timestamp === null ? {} : { timestamp: String(record.timestamp) }),
    })),
  })
  const next = new Map(sent.map((answer) => [answer.partition, Number(answer.baseOffset ?? -1)]))
  return {
    offsets: command.records.map(({ partition }) => {
      const offset = partition === null ? -1 : (next.get(partition) ?? -1)
      if (partition !== null && offset >= 0) next.set(partition, offset + 1)
      return offset
    }),
  }
}

async function listOffsets(topic: string, partition: number, at: string | number): Promise<Record<string, unknown>> {
  if (typeof at === 'number') {
    // KafkaJS turns "no such record" into the end of the partition.
    const found = (await admin.fetchTopicOffsetsByTimestamp(topic, at)).find((entry) => entry.partition === partition)
    const end = (await admin.fetchTopicOffsets(topic)).find((entry) => entry.partition === partition)
    return { offset: found?.offset === end?.high ? -1 : Number(found?.offset) }
  }
  const offsets = (await admin.fetchTopicOffsets(topic)).find((entry) => entry.partition === partition)
  return { offset: Number(at === 'earliest' ? offsets?.low : offsets?.high) }
}

async function administer(command: Command): Promise<Record<string, unknown>> {
  switch (command.op) {
    case 'createTopic': {
      const { topic, partitions: numPartitions, replicationFactor } = command
      const configEntries = Object.entries(command.configs).map(([name, value]) => ({ name, value }))
      const topics = [{ topic, numPartitions, replicationFactor, configEntries }]
      if (!(await admin.createTopics({ topics }))) throw new CodedError(36, 'the topic exists')
      return {}
    }
    case 'deleteTopic':
      await admin.deleteTopics({ topics: [command.topic] })
      return {}
    case 'createPartitions':
      await admin.createPartitions({ topicPartitions: [{ topic: command.topic, count: command.total }] })
      return {}
    case 'describeTopic': {
      const topic = (await admin.fetchTopicMetadata({ topics: [command.topic] })).topics[0]
      const partitions = [...(topic?.partitions ?? [])].sort((a, b) => a.partitionId - b.partitionId)
      return { id: '', partitions: partitions.map(({ partitionId, ...rest }) => ({ partition: partitionId, ...rest })) }
    }
    case 'listTopics':
      return { topics: await admin.listTopics() }
    case 'describeCluster': {
      const cluster = await admin.describeCluster()
      return { ...cluster, nodes: cluster.brokers.map(({ nodeId }) => nodeId) }
    }
    case 'describeConfigs': {
      const resources = [{ type: ConfigResourceTypes.TOPIC, name: command.topic }]
      const described = await admin.describeConfigs({ resources, includeSynonyms: false })
      const entries = described.resources[0]?.configEntries ?? []
      return { configs: Object.fromEntries(entries.map((entry) => [entry.configName, entry.configValue])) }
    }
    case 'alterConfigs': {
      const configEntries = Object.entries(command.configs).map(([name, value]) => ({ name, value }))
      const resources = [{ type: ConfigResourceTypes.TOPIC, name: command.topic, configEntries }]
      await admin.alterConfigs({ validateOnly: false, resources })
      return {}
    }
    case 'listOffsets':
      return listOffsets(command.topic, command.partition, command.at)
    default:
      throw new CodedError(-1, `KafkaJS cannot ${command.op}`)
  }
}

async function answer(command: Command): Promise<Record<string, unknown>> {
  if (command.op === 'produce') return produce(command)
  if (command.op !== 'hello') return administer(command)
  const retry = { retries: 3 }
  kafka = new Kafka({ brokers: [command.bootstrap], logLevel: logLevel.NOTHING, clientId: 'kafkajs', retry })
  admin = kafka.admin()
  await admin.connect()
  return {
    can: {
      name: 'kafkajs 2.2.4',
      codecs: ['none', 'gzip'],
      ...{ writes: true, reads: false, idempotent: true, setsTimestamps: true, nullValues: true, nullHeaders: false },
      admin: [
        ...['createTopic', 'deleteTopic', 'createPartitions', 'describeTopic', 'listTopics', 'describeCluster'],
        ...['describeConfigs', 'alterConfigs', 'listOffsets'],
      ],
    },
  }
}

/** Kafka's code, wherever KafkaJS put it. */
function codeOf(error: unknown): number {
  if (error instanceof KafkaJSProtocolError) return error.code
  if (error instanceof CodedError) return error.code
  if (error instanceof KafkaJSAggregateError) return codeOf(error.errors[0])
  return error instanceof Error && error.cause !== undefined ? codeOf(error.cause) : -1
}

await serve(answer, codeOf, async () => {
  await Promise.all([...producers.values()].map((producer) => producer.disconnect()))
  await admin.disconnect()
})
