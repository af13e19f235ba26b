// KafkaJS by its socket factory, through API Gateway and Lambda: topics made, grown, altered and deleted by its admin client;
// records written by its producer, idempotent, compressed and not, and found byte for byte in every partition.
import { randomBytes } from 'node:crypto'
import kafkajs from 'kafkajs'
import { describe, expect, inject, it } from 'vitest'
import { threadedCompression } from '../../lib/wire/native-compression.ts'
import { batchSizeBytes } from '../../lib/wire/record-batch.ts'
import { openBatch, readRecords } from '../../lib/wire/records.ts'
import { fetchFrame, readFetched } from '../clients/raw.ts'
import { ask } from './frames.ts'
import { describeTopic, kafkaOver } from './kafkajs.ts'

const { CompressionTypes, ConfigResourceTypes } = kafkajs
const { caller } = inject('deployed')
const url = inject('url')
const door = { url, keys: caller }

interface Sent {
  readonly key: Buffer
  readonly value: Buffer
}

/** Keys and values of a partition in order, whatever their compression. */
async function recordsIn(topic: string, partition: number, count: number): Promise<Sent[]> {
  const found: Sent[] = []
  while (found.length < count) {
    const fetched = readFetched(await ask(door, 'fetch', fetchFrame(topic, partition, found.length, 0)))
    expect(fetched.error).toBe(0)
    for (let at = 0; at < fetched.records.length; ) {
      const batch = fetched.records.subarray(at, at + batchSizeBytes(fetched.records, at))
      at += batch.length
      const opened = await openBatch(batch, threadedCompression)
      if (opened.kind !== 'ok') throw new Error(opened.cause)
      for (const { key, value } of readRecords(opened.header, opened.records)) {
        found.push({ key: Buffer.from(key!), value: Buffer.from(value!) })
      }
    }
  }
  return found
}

describe('KafkaJS over HTTPS', () => {
  it('creates, grows, alters and deletes topics', async () => {
    const kafka = kafkaOver(url, caller)
    const admin = kafka.admin()
    await admin.connect()
    try {
      const configEntries = [{ name: 'retention.ms', value: '86400000' }]
      const topics = [{ topic: 'kafkajs-admin', numPartitions: 2, replicationFactor: 1, configEntries }]
      expect(await admin.createTopics({ topics })).toBe(true)
      expect(await admin.createTopics({ topics })).toBe(false)
      await admin.createPartitions({ topicPartitions: [{ topic: 'kafkajs-admin', count: 5 }] })
      const described = await describeTopic(kafka, 'kafkajs-admin')
      expect(described?.partitions).toBe(5)
      expect(described?.configs['retention.ms']).toBe('86400000')
      const altered = [{ name: 'retention.ms', value: '3600000' }]
      const resources = [{ type: ConfigResourceTypes.TOPIC, name: 'kafkajs-admin', configEntries: altered }]
      await admin.alterConfigs({ validateOnly: false, resources })
      expect((await describeTopic(kafka, 'kafkajs-admin'))?.configs['retention.ms']).toBe('3600000')
      await admin.deleteTopics({ topics: ['kafkajs-admin'] })
      expect(await describeTopic(kafka, 'kafkajs-admin')).toBeUndefined()
    } finally {
      await admin.disconnect()
    }
  })

  it.each([
    { name: 'plain', idempotent: false, compression: CompressionTypes.None },
    { name: 'gzip', idempotent: false, compression: CompressionTypes.GZIP },
    { name: 'idempotent', idempotent: true, compression: CompressionTypes.None },
  ])('writes what is read back: $name', async ({ name, idempotent, compression }) => {
    const topic = `kafkajs-${name}`
    const kafka = kafkaOver(url, caller)
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic, numPartitions: 3, replicationFactor: 1 }] })
    const producer = kafka.producer({ idempotent })
    await producer.connect()
    const partitions: Sent[][] = [[], [], []]
    try {
      for (let round = 0; round < 4; round++) {
        const messages = [0, 1, 2].flatMap((partition) =>
          Array.from({ length: 20 }, (_, index) => {
            const sent = {
              key: Buffer.from(`${round}/${index}`),
              value: randomBytes(index === 0 ? 60_000 : 50 + index),
            }
            partitions[partition]!.push(sent)
            return { ...sent, partition }
          }),
        )
        const answers = await producer.send({ topic, messages, compression, acks: -1 })
        const bases = Object.fromEntries(answers.map((answer) => [answer.partition, Number(answer.baseOffset)]))
        expect(bases).toEqual({ 0: round * 20, 1: round * 20, 2: round * 20 })
      }
      const ends = await admin.fetchTopicOffsets(topic)
      expect(ends.map(({ high }) => Number(high))).toEqual([80, 80, 80])
    } finally {
      await producer.disconnect()
      await admin.disconnect()
    }
    for (const [partition, sent] of partitions.entries()) {
      expect(await recordsIn(topic, partition, sent.length)).toEqual(sent)
    }
  })
})
