// The driver of @platformatic/kafka. Its stream joins a group, so reading goes through `Consumer.fetch`, the same fetch
// that the stream uses, with partitions and offsets given by hand.
import {
  Admin,
  type CompressionAlgorithmValue,
  Consumer,
  GenericError,
  Producer,
  type ProducerOptions,
} from '@platformatic/kafka'
import type { Command, ReadRecord } from '../protocol.ts'
import { CodedError, fromBase64, serve, toBase64 } from './stdio.ts'

const TOPIC = 2
const SET = 0
const producers = new Map<string, Producer>()
let bootstrap = ''
let admin: Admin | undefined
let consumer: Consumer | undefined

const base = (): { clientId: string; bootstrapBrokers: string[]; retries: number; metadataMaxAge: number } => ({
  clientId: 'platformatic',
  bootstrapBrokers: [bootstrap],
  retries: 3,
  metadataMaxAge: 0,
})

async function produce(command: Extract<Command, { op: 'produce' }>): Promise<Record<string, unknown>> {
  const name = JSON.stringify([command.idempotent, command.acks, command.codec])
  const options: ProducerOptions<Buffer, Buffer, Buffer, Buffer> = {
    ...base(),
    idempotent: command.idempotent,
    acks: command.acks,
    compression: command.codec as CompressionAlgorithmValue,
    autocreateTopics: true,
  }
  const producer = producers.get(name) ?? new Producer(options)
  producers.set(name, producer)
  const sent = await producer.send({
    messages: command.records.map((record) => ({
      topic: command.topic,
      ...(record.key === null ? {} : { key: Buffer.from(record.key, 'base64') }),
      ...(record.value === null ? {} : { value: Buffer.from(record.value, 'base64') }),
      headers: new Map(
        record.headers.map(([key, value]) => [Buffer.from(key), fromBase64(value) ?? Buffer.alloc(0)] as const),
      ),
      ...(record.partition === null ? {} : { partition: record.partition }),
      ...(record.timestamp === null ? {} : { timestamp: BigInt(record.timestamp) }),
    })),
  })
  const next = new Map((sent.offsets ?? []).map((entry) => [entry.partition, Number(entry.offset)]))
  return {
    offsets: command.records.map(({ partition }) => {
      const offset = partition === null ? -1 : (next.get(partition) ?? -1)
      if (partition !== null && offset >= 0) next.set(partition, offset + 1)
      return offset
    }),
  }
}

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>
type FetchResponsePartition = FetchResponse['responses'][number]['partitions'][number]

function recordsOf(partition: FetchResponsePartition, from: bigint): ReadRecord[] {
  const found: ReadRecord[] = []
  for (const batch of partition.records ?? []) {
    for (const record of batch.records) {
      const offset = batch.firstOffset + BigInt(record.offsetDelta)
      if (offset < from) continue
      found.push({
        partition: partition.partitionIndex,
        offset: Number(offset),
        timestamp: Number(batch.firstTimestamp + record.timestampDelta),
        key: toBase64(record.key),
        value: toBase64(record.value),
        headers: record.headers.map(([key, value]) => [key?.toString() ?? '', toBase64(value)] as const),
      })
    }
  }
  return found
}

async function consume(topic: string, counts: Readonly<Record<string, number>>): Promise<Record<string, unknown>> {
  consumer ??= new Consumer({ ...base(), groupId: 'unused' })
  const metadata = await consumer.metadata({ topics: [topic], forceUpdate: true })
  const known = metadata.topics.get(topic)
  if (known === undefined) throw new CodedError(3, 'unknown topic')
  // The client finds topics by id only among those that it tracks.
  consumer.topics.trackAll(topic)
  const next = new Map(Object.keys(counts).map((partition) => [Number(partition), 0n]))
  const records: ReadRecord[] = []
  const deadline = Date.now() + 10_000
  const open = (): number[] =>
    [...next].filter(([partition, offset]) => offset < (counts[String(partition)] ?? 0)).map(([partition]) => partition)
  while (open().length > 0 && Date.now() < deadline) {
    const byLeader = Map.groupBy(open(), (partition) => known.partitions[partition]?.leader ?? -1)
    for (const [node, partitions] of byLeader) {
      const asked = partitions.map((partition) => ({
        partition,
        currentLeaderEpoch: -1,
        fetchOffset: next.get(partition) ?? 0n,
        lastFetchedEpoch: -1,
        partitionMaxBytes: 1 << 20,
      }))
      const topics = [{ topicId: known.id, partitions: asked }]
      const response = await consumer.fetch({ node, topics, maxWaitTime: 200, minBytes: 1, maxBytes: 10 << 20 })
      for (const partition of response.responses.flatMap((answer) => answer.partitions)) {
        const found = recordsOf(partition, next.get(partition.partitionIndex) ?? 0n)
        records.push(...found)
        const last = found.at(-1)
        if (last !== undefined) next.set(partition.partitionIndex, BigInt(last.offset) + 1n)
      }
    }
  }
  return { records }
}

async function listOffsets(topic: string, partition: number, at: string | number): Promise<Record<string, unknown>> {
  const timestamp = at === 'earliest' ? -2n : at === 'latest' ? -1n : at === 'max' ? -3n : BigInt(at)
  const listed = await admin?.listOffsets({
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }],
  })
  return { offset: Number(listed?.[0]?.partitions[0]?.offset) }
}

async function administer(client: Admin, command: Command): Promise<Record<string, unknown>> {
  switch (command.op) {
    case 'createTopic': {
      const configs = Object.entries(command.configs).map(([name, value]) => ({ name, value }))
      const { topic, partitions, replicationFactor: replicas } = command
      await client.createTopics({ topics: [topic], partitions, replicas, configs })
      return {}
    }
    case 'deleteTopic':
      await client.deleteTopics({ topics: [command.topic] })
      return {}
    case 'createPartitions':
      await client.createPartitions({ topics: [{ name: command.topic, count: command.total }] })
      return {}
    case 'describeTopic': {
      const metadata = await client.metadata({ topics: [command.topic], forceUpdate: true, autocreateTopics: false })
      const topic = metadata.topics.get(command.topic)
      if (topic === undefined) throw new CodedError(3, 'unknown topic')
      return { id: topic.id, partitions: topic.partitions.map((state, partition) => ({ partition, ...state })) }
    }
    case 'listTopics':
      return { topics: await client.listTopics() }
    case 'describeCluster': {
      const metadata = await client.metadata({ topics: [], forceUpdate: true })
      return { clusterId: metadata.id, controller: metadata.controllerId, nodes: [...metadata.brokers.keys()] }
    }
    case 'describeConfigs': {
      const described = await client.describeConfigs({
        resources: [{ resourceType: TOPIC, resourceName: command.topic }],
      })
      return { configs: Object.fromEntries((described[0]?.configs ?? []).map(({ name, value }) => [name, value])) }
    }
    case 'alterConfigs': {
      const configs = Object.entries(command.configs).map(([name, value]) => ({ name, value }))
      await client.alterConfigs({ resources: [{ resourceType: TOPIC, resourceName: command.topic, configs }] })
      return {}
    }
    case 'incrementalAlterConfigs': {
      const entries = Object.entries(command.configs)
      const configs = entries.map(([name, value]) => ({ name, value, configOperation: SET }) as const)
      await client.incrementalAlterConfigs({
        resources: [{ resourceType: TOPIC, resourceName: command.topic, configs }],
      })
      return {}
    }
    case 'listOffsets':
      return listOffsets(command.topic, command.partition, command.at)
    default:
      throw new CodedError(-1, `@platformatic/kafka cannot ${command.op}`)
  }
}

async function answer(command: Command): Promise<Record<string, unknown>> {
  if (command.op === 'produce') return produce(command)
  if (command.op === 'consume') return consume(command.topic, command.counts)
  if (admin !== undefined) return administer(admin, command)
  if (command.op !== 'hello') throw new CodedError(-1, 'say hello first')
  bootstrap = command.bootstrap
  admin = new Admin(base())
  await admin.metadata({ topics: [] })
  return {
    can: {
      name: '@platformatic/kafka 2.12.1',
      codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
      ...{ writes: true, reads: true, idempotent: true, setsTimestamps: true, nullValues: true, nullHeaders: false },
      admin: [
        ...['createTopic', 'deleteTopic', 'createPartitions', 'describeTopic', 'listTopics', 'describeCluster'],
        ...['describeConfigs', 'alterConfigs', 'incrementalAlterConfigs', 'listOffsets'],
      ],
    },
  }
}

/** Kafka's code: the first one found among nested errors. */
function codeOf(error: unknown): number {
  if (error instanceof CodedError) return error.code
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  if (error instanceof GenericError) {
    const code: unknown = error['apiCode']
    if (typeof code === 'number') return code
  }
  return error instanceof Error && error.cause !== undefined ? codeOf(error.cause) : -1
}

await serve(answer, codeOf, async () => {
  await Promise.all([...producers.values()].map((producer) => producer.close()))
  await consumer?.close(true)
  await admin?.close()
})
