// The read model: every order as it is now, kept up to date by a group of consumers that share the partitions. How many
// there are may change at any time: the group hands partitions over, and whoever gets one goes on from the offset that was
// committed for it.
import type { Consumer, Kafka } from 'kafkajs'
import { applyEvent, fromRecord, type Order, type OrderEvent } from './events.ts'

/**
 * The database of this example. A consumer commits its offset after its work, so one that loses a partition in between
 * leaves events that the next one gets again. Therefore each row says which offset it was last changed by, and what is not
 * newer changes nothing. (With SQL: `UPDATE … WHERE id = ? AND last_offset < ?`.)
 */
export class ReadModel {
  readonly #rows = new Map<string, { readonly order: Order; readonly offset: bigint }>()
  /** Events that came again. */
  repeats = 0

  apply(event: OrderEvent, offset: bigint): void {
    const row = this.#rows.get(event.orderId)
    if (row !== undefined && offset <= row.offset) this.repeats++
    else this.#rows.set(event.orderId, { order: applyEvent(row?.order, event), offset })
  }

  orders(): Map<string, Order> {
    return new Map([...this.#rows].map(([orderId, { order }]) => [orderId, order]))
  }
}

/** One consumer of the group. In real life each is a process of its own. */
export class Worker {
  readonly name: string
  /** What the group assigned to it, the last time it was asked. */
  partitions: readonly number[] = []
  /** Events since `handled` was last set to 0. */
  handled = 0
  /** Set when KafkaJS gave up. */
  failure: Error | undefined
  readonly #consumer: Consumer

  constructor(kafka: Kafka, groupId: string, name: string) {
    this.name = name
    // Heartbeats tell a consumer that the group is being shared out anew; the session timeout is how long one that died
    // without a word keeps its partitions.
    this.#consumer = kafka.consumer({ groupId, heartbeatInterval: 500, sessionTimeout: 10_000 })
  }

  async start(topic: string, model: ReadModel): Promise<void> {
    const consumer = this.#consumer
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.partitions = payload.memberAssignment[topic] ?? []
    })
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) this.failure = payload.error
    })
    await consumer.connect()
    // A group that has committed nothing yet begins at the beginning: that alone builds a new read model from all history.
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message }) => {
        model.apply(fromRecord(message.value), BigInt(message.offset))
        this.handled++
      },
    })
  }

  /** Commits, leaves the group (the others take over at once), and ends. */
  async stop(): Promise<void> {
    await this.#consumer.disconnect()
    this.partitions = []
  }
}
