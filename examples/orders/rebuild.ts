// Rebuilds one order from the log. No database is asked: the order's number says which partition its events are in, and
// applying them one after the other makes the order as it is now, or as it was after any of them.
import { parseArgs } from 'node:util'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { applyEvent, type Order, type OrderEvent } from './events.ts'
import { replay } from './replay.ts'

export interface Rebuilt {
  readonly partition: number
  readonly events: readonly OrderEvent[]
  /** Undefined: nothing is known of such an order. */
  readonly order: Order | undefined
}

export async function rebuildOrder(kafka: Kafka, topic: string, orderId: string): Promise<Rebuilt> {
  const partition = await partitionOf(kafka, topic, orderId)
  // Orders share partitions, so the events of others are skipped.
  const events = (await replay(kafka, topic, [partition])).filter((event) => event.orderId === orderId)
  let order: Order | undefined
  for (const event of events) order = applyEvent(order, event)
  return { partition, events, order }
}

/** Where the producer of `shop.ts` puts records with this key: the same partitioner is asked. */
async function partitionOf(kafka: Kafka, topic: string, key: string): Promise<number> {
  const admin = kafka.admin()
  await admin.connect()
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  await admin.disconnect()
  const partitionMetadata = topics[0]?.partitions ?? []
  return Partitioners.DefaultPartitioner()({ topic, partitionMetadata, message: { key, value: null } })
}

// node examples/orders/rebuild.ts ORDER --kafka 127.0.0.1:9092
if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      kafka: { type: 'string', default: '127.0.0.1:9092' },
      topic: { type: 'string', default: 'example-orders' },
    },
  })
  const kafka = new Kafka({ brokers: [values.kafka], logLevel: logLevel.ERROR })
  const { partition, events, order } = await rebuildOrder(kafka, values.topic, positionals[0] ?? '')
  console.log(`partition ${partition}`)
  for (const event of events) console.log(event)
  console.log('=', order ?? 'no such order')
}
