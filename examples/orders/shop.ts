// The shop: the only one who writes. It takes orders, cashes in and ships, and each of these is one event appended to the
// log. It keeps no database of orders; the open ones that it remembers are only its own to-do list.
import { type Kafka, Partitioners } from 'kafkajs'
import { type OrderEvent, toRecord } from './events.ts'

const ITEMS = [
  { item: 'a kettle', priceCents: 3900 },
  { item: 'two cups', priceCents: 1800 },
  { item: 'a pound of tea', priceCents: 1250 },
]
const PAUSE_MS = 50

export interface Shop {
  /** Events that the log has acknowledged. */
  readonly written: number
  readonly lastOrderId: string
  /** Takes no more orders, and finishes the open ones. */
  close(): Promise<void>
}

/** Opens a shop that is busy until it is closed. Order numbers begin with `prefix`. */
export async function openShop(kafka: Kafka, topic: string, prefix: string): Promise<Shop> {
  const producer = kafka.producer({
    // A record whose acknowledgement was lost is sent again. An idempotent producer's repeat is recognised by the log, so
    // that the customer pays once.
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  await producer.connect()

  const unpaid: { orderId: string; priceCents: number }[] = []
  const unshipped: string[] = []
  let [orders, written, open] = [0, 0, true]
  const orderId = (): string => `${prefix}-${orders}`

  /** What happens in the shop in one moment: with open doors two new orders; of what waits, some is paid, some is shipped. */
  function nextEvents(): OrderEvent[] {
    const events: OrderEvent[] = []
    for (const id of unshipped.splice(0, 2)) events.push({ type: 'shipped', orderId: id, parcel: `parcel of ${id}` })
    for (const { orderId: id, priceCents } of unpaid.splice(0, 2)) {
      events.push({ type: 'paid', orderId: id, paidCents: priceCents })
      unshipped.push(id)
    }
    for (let i = 0; open && i < 2; i++) {
      const { item, priceCents } = ITEMS[orders % ITEMS.length]!
      orders++
      events.push({ type: 'created', orderId: orderId(), item, priceCents })
      unpaid.push({ orderId: orderId(), priceCents })
    }
    return events
  }

  async function work(): Promise<void> {
    for (let events = nextEvents(); events.length > 0; events = nextEvents()) {
      // acks: -1 (all): when this resolves the events are durable.
      await producer.send({ topic, acks: -1, messages: events.map(toRecord) })
      written += events.length
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }

  const working = work()
  // Whoever closes the shop is told; until then a failure must not end the process by itself.
  working.catch(() => {})
  return {
    get written() {
      return written
    },
    get lastOrderId() {
      return orderId()
    },
    async close() {
      open = false
      await working
      await producer.disconnect()
    },
  }
}
