// What surrounds a group under test: its topics, a background producer that remembers what was acknowledged at which offset,
// and an observer that reads the group's committed offsets as an outsider. KafkaJS does the work, in the suite's process.
import kafkajs, { type Kafka as KafkaType } from 'kafkajs'
import type { Place, PlacedOffset } from './events.ts'
import type { Observation } from './verify.ts'

const { Kafka, logLevel, CompressionTypes } = kafkajs

export const kafkaFor = (bootstrap: string): KafkaType =>
  new Kafka({
    brokers: bootstrap.split(','),
    clientId: 'suite',
    logLevel: logLevel.NOTHING,
    retry: { retries: 60, initialRetryTime: 100, maxRetryTime: 1000 },
  })

const TICK_MS = 50
const LOOK_MS = 200

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Resolves when all partitions have a leader. */
export async function createTopic(kafka: KafkaType, topic: string, partitions: number): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }],
    waitForLeaders: false,
  })
  for (let tries = 0; tries < 100; tries += 1) {
    const known = (await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => ({ topics: [] }))).topics[0]
    if (known?.partitions.length === partitions && known.partitions.every(({ leader }) => leader >= 0)) break
    await sleep(50)
  }
  await admin.disconnect()
}

export const placesOf = (topic: string, partitions: number): Place[] =>
  Array.from({ length: partitions }, (_, partition) => [topic, partition] as const)

export interface Traffic {
  readonly produced: Map<string, { readonly key: string; readonly value: string }>
  /** How many sends failed for good. */
  readonly failures: () => number
  /** Partitions that were added are written to from now on; so is a topic that is new. */
  widen(topic: string, partitions: number): Promise<void>
  /** Stops writing; resolves with the end of each partition. */
  stop(): Promise<Map<string, number>>
}

/**
 * Writes `perTick` records each tick, spread over the partitions by key. So many sends may be under way at once; with one,
 * a send that waits for a broker holds up those to the others.
 */
export async function startTraffic(
  kafka: KafkaType,
  topics: Readonly<Record<string, number>>,
  perTick: number,
  sendsMax = 1,
  tickMs = TICK_MS,
): Promise<Traffic> {
  let producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  const widths = new Map(Object.entries(topics))
  const produced: Traffic['produced'] = new Map()
  let stopped = false
  let failures = 0
  let count = 0
  const tick = async (): Promise<void> => {
    const byTopic = new Map<string, { partition: number; key: string; value: string }[]>()
    const names = [...widths.keys()]
    for (let index = 0; index < perTick; index += 1) {
      count += 1
      const topic = names[count % names.length] ?? ''
      const partition = Math.floor(count / names.length) % (widths.get(topic) ?? 1)
      const key = `key ${partition} ${count % 7}`
      byTopic.set(topic, [...(byTopic.get(topic) ?? []), { partition, key, value: `value ${count}` }])
    }
    const topicMessages = [...byTopic].map(([topic, messages]) => ({ topic, messages }))
    try {
      const acks = await producer.sendBatch({ topicMessages, acks: -1, compression: CompressionTypes.None })
      for (const { topicName, partition, baseOffset } of acks) {
        const records = (byTopic.get(topicName) ?? []).filter((record) => record.partition === partition)
        for (const [index, { key, value }] of records.entries()) {
          produced.set(`${topicName}/${partition}/${Number(baseOffset) + index}`, { key, value })
        }
      }
    } catch {
      failures += 1
    }
  }
  const running = (async () => {
    const sends = new Set<Promise<void>>()
    while (!stopped) {
      const startedAt = performance.now()
      const send = tick().finally(() => sends.delete(send))
      sends.add(send)
      if (sends.size >= sendsMax) await Promise.race(sends)
      await sleep(Math.max(0, tickMs - (performance.now() - startedAt)))
    }
    await Promise.all(sends)
  })()
  return {
    produced,
    failures: () => failures,
    widen: async (topic, partitions) => {
      // A new client, since the old one looks for new partitions only every five minutes.
      const [old, wider] = [producer, kafka.producer({ allowAutoTopicCreation: false })]
      await wider.connect()
      producer = wider
      widths.set(topic, partitions)
      await sleep(500)
      await old.disconnect()
    },
    stop: async () => {
      stopped = true
      await running
      await producer.disconnect()
      return endsOf(kafka, [...widths.keys()])
    },
  }
}

/** KafkaJS gives up at once where a server says that it cannot look just then. */
async function offsetsOf<T>(ask: () => Promise<T>, triesMax = 10): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask()
    } catch (error) {
      if (tries === triesMax) throw error
      await sleep(200)
    }
  }
}

export async function endsOf(kafka: KafkaType, topics: readonly string[]): Promise<Map<string, number>> {
  const admin = kafka.admin()
  await admin.connect()
  const ends = new Map<string, number>()
  for (const topic of topics) {
    for (const { partition, high } of await offsetsOf(() => admin.fetchTopicOffsets(topic))) {
      ends.set(`${topic}/${partition}`, Number(high))
    }
  }
  await admin.disconnect()
  return ends
}

export interface Observer {
  readonly observations: Observation[]
  stop(): Promise<void>
}

/** Reads what the group has committed, again and again. What cannot be read just then is not an observation. */
export async function startObserver(
  kafka: KafkaType,
  groups: readonly { group: string; topic: string }[],
  lookMs = LOOK_MS,
): Promise<Observer> {
  const admin = kafka.admin()
  await admin.connect()
  const observations: Observation[] = []
  let stopped = false
  const look = async (group: string, topic: string): Promise<void> => {
    const askedAt = Date.now()
    const found = await admin.fetchOffsets({ groupId: group, topics: [topic] }).catch(() => [])
    const offsets = found.flatMap(({ topic: name, partitions }) =>
      partitions.map(({ partition, offset }): PlacedOffset => [name, partition, Number(offset)]),
    )
    if (offsets.length > 0) observations.push({ askedAt, at: Date.now(), offsets })
  }
  const running = (async () => {
    while (!stopped) {
      for (const { group, topic } of groups) await look(group, topic)
      await sleep(lookMs)
    }
  })()
  return {
    observations,
    stop: async () => {
      stopped = true
      await running
      await admin.disconnect()
    },
  }
}
