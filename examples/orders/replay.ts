// Reads what is in the log, from the beginning to the end of now, and ends: the whole topic or one partition of it. The log
// does not forget what was read, so anybody can do this at any time, without disturbing anybody.
import { randomUUID } from 'node:crypto'
import type { Kafka } from 'kafkajs'
import { fromRecord, type OrderEvent } from './events.ts'

/** All events of some partitions (default: all of them); those of one partition in their order. */
export async function replay(kafka: Kafka, topic: string, only?: readonly number[]): Promise<OrderEvent[]> {
  const admin = kafka.admin()
  await admin.connect()
  // `high` is the end: the offset that the next record of the partition will have.
  const offsets = await admin.fetchTopicOffsets(topic)
  const wanted = offsets.filter(({ partition }) => only === undefined || only.includes(partition))
  const left = new Map(wanted.filter(({ low, high }) => low !== high).map((p) => [p.partition, BigInt(p.high)]))
  const events: OrderEvent[] = []
  if (left.size > 0) {
    // KafkaJS reads through consumer groups only. This one has a name of its own, commits nothing, and is deleted below.
    const groupId = `replay-${randomUUID()}`
    const consumer = kafka.consumer({ groupId })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
      consumer
        .run({
          autoCommit: false,
          eachBatch: async ({ batch }) => {
            const end = left.get(batch.partition)
            if (end === undefined) return
            for (const { offset, value } of batch.messages) if (BigInt(offset) < end) events.push(fromRecord(value))
            if (BigInt(batch.lastOffset()) + 1n >= end) left.delete(batch.partition)
            if (left.size === 0) resolve()
          },
        })
        .catch(reject)
      const others = offsets.map(({ partition }) => partition).filter((partition) => !left.has(partition))
      if (others.length > 0) consumer.pause([{ topic, partitions: others }])
    })
    await consumer.disconnect()
    await admin.deleteGroups([groupId])
  }
  await admin.disconnect()
  return events
}
