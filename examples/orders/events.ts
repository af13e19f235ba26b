// What happens to orders, and what an order is: nothing but the sum of its events. The log holds the events; everything else
// in this example (the read model, a rebuilt order) comes from `applyEvent` and can be thrown away and made again.

/** Something that happened. Events are facts: they are appended, and never changed. */
export type OrderEvent =
  | { readonly type: 'created'; readonly orderId: string; readonly item: string; readonly priceCents: number }
  | { readonly type: 'paid'; readonly orderId: string; readonly paidCents: number }
  | { readonly type: 'shipped'; readonly orderId: string; readonly parcel: string }

/** An order as it is now. */
export interface Order {
  readonly orderId: string
  readonly status: OrderEvent['type']
  readonly item: string
  readonly priceCents: number
  /** Grows with each payment, as `events` does with each event: one that is applied twice makes a wrong order. */
  readonly paidCents: number
  readonly parcel: string | undefined
  readonly events: number
}

/** The order after one more event. Undefined is an order of which nothing has happened yet. */
export function applyEvent(order: Order | undefined, event: OrderEvent): Order {
  const events = (order?.events ?? 0) + 1
  if (event.type === 'created') {
    const { orderId, item, priceCents } = event
    return { orderId, status: 'created', item, priceCents, paidCents: 0, parcel: undefined, events }
  }
  if (order === undefined) throw new Error(`Order ${event.orderId} was ${event.type} before it was created.`)
  if (event.type === 'paid') return { ...order, status: 'paid', paidCents: order.paidCents + event.paidCents, events }
  return { ...order, status: 'shipped', parcel: event.parcel, events }
}

/** All orders after all these events: what a read model has to be equal to. */
export function fold(events: Iterable<OrderEvent>): Map<string, Order> {
  const orders = new Map<string, Order>()
  for (const event of events) orders.set(event.orderId, applyEvent(orders.get(event.orderId), event))
  return orders
}

/**
 * An event as a record. The key is the order: records with the same key go to the same partition, and a partition keeps its
 * order. So the events of one order are read as they were written, while different orders spread over all partitions.
 */
export function toRecord(event: OrderEvent): { key: string; value: string } {
  return { key: event.orderId, value: JSON.stringify(event) }
}

export function fromRecord(value: Buffer | null): OrderEvent {
  if (value === null) throw new Error('An event has a value.')
  return JSON.parse(value.toString()) as OrderEvent
}
