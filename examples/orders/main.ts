// `npm run example:orders`: a shop writes events, a group of one, three and again one consumer keeps a read model of them,
// and at the end the read model is compared with a fold of the whole log. Ends with 0 if they are equal.
//
//   npm run example:orders                             starts Tidelog in this process
//   npm run example:orders -- --kafka 127.0.0.1:9092   uses what listens there, Tidelog or Kafka
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
// In a project of your own: import { Tidelog } from 'tidelog'
import { type RunningTidelog, Tidelog } from '../../lib/index.ts'
import { fold } from './events.ts'
import { ReadModel, Worker } from './read-model.ts'
import { rebuildOrder } from './rebuild.ts'
import { replay } from './replay.ts'
import { openShop } from './shop.ts'

const TOPIC = 'example-orders'
const PARTITIONS = 6
const STAGE_MS = 4000
const WAIT_MS_MAX = 30_000

const { values } = parseArgs({ options: { kafka: { type: 'string' } } })
const log: RunningTidelog | undefined =
  values.kafka === undefined ? await Tidelog.start({ store: 'memory' }) : undefined
const bootstrap = log?.bootstrap ?? values.kafka!
try {
  await run(new Kafka({ clientId: 'orders', brokers: [bootstrap], logLevel: logLevel.NOTHING }))
} catch (error) {
  console.error(error)
  // Clients that are still connected would keep the process alive.
  process.exit(1)
}
await log?.close()

async function run(kafka: Kafka): Promise<void> {
  const started = performance.now()
  // A run has order numbers and a group of its own, so that it can be repeated on a log that stays.
  const runId = new Date().toISOString().replaceAll(/\D/g, '').slice(2, 14)
  const groupId = `order-book-${runId}`
  console.log(log === undefined ? `Using the log at ${bootstrap}.` : `Tidelog runs in this process, at ${bootstrap}.`)
  await makeTopic(kafka)

  const shop = await openShop(kafka, TOPIC, runId)
  const model = new ReadModel()
  const workers: Worker[] = []

  /** Starts or stops consumers until there are `count`, and lets them work for a while. */
  async function scaleTo(count: number): Promise<void> {
    console.log(`\nScaling to ${count === 1 ? 'one consumer' : `${count} consumers`} while the shop goes on selling.`)
    for (let n = workers.length; n < count; n++) {
      const worker = new Worker(kafka, groupId, `consumer ${n + 1}`)
      workers.push(worker)
      await worker.start(TOPIC, model)
    }
    for (const worker of workers.splice(count)) await worker.stop()
    await until('the group has shared out the partitions', () => isShared(workers))
    for (const worker of workers) worker.handled = 0
    await new Promise((resolve) => setTimeout(resolve, STAGE_MS))
    for (const { name, partitions, handled } of workers) {
      console.log(`  ${name}: ${String(handled).padStart(4)} events from partitions ${partitions.join(' ')}`)
      if (handled === 0) throw new Error(`${name} had nothing to do: the partitions were not shared.`)
    }
  }

  await scaleTo(1)
  await scaleTo(3)
  await scaleTo(1)
  await shop.close()

  console.log('\nThe shop is closed. What does the log say?')
  const events = await replay(kafka, TOPIC)
  const expected = fold(events)
  // The consumer may still be a moment behind.
  const equal = (): boolean => isDeepStrictEqual(model.orders(), expected)
  await until('the read model is equal to a fold of the whole log', equal, workers)
  const { partition, order } = await rebuildOrder(kafka, TOPIC, shop.lastOrderId)
  if (!isDeepStrictEqual(order, expected.get(shop.lastOrderId))) throw new Error('The rebuilt order is another one.')
  for (const worker of workers) await worker.stop()

  console.log(`  ${events.length} events of ${expected.size} orders, ${shop.written} of them written by this run`)
  console.log(
    `  the read model is equal to a fold of the whole log (${model.repeats} events came twice, and were noticed)`,
  )
  console.log(`  order ${order?.orderId}, rebuilt from partition ${partition}: ${order?.item}, ${order?.status}`)
  console.log(`Done in ${((performance.now() - started) / 1000).toFixed(0)} seconds: all is well.`)
}

async function makeTopic(kafka: Kafka): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  const made = await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }], waitForLeaders: true })
  console.log(`Topic ${TOPIC} ${made ? `was made with ${PARTITIONS} partitions` : 'is there already'}.`)
  await admin.disconnect()
}

/** Whether each partition belongs to exactly one of them, and each of them has one. */
function isShared(workers: readonly Worker[]): boolean {
  const all = workers.flatMap(({ partitions }) => partitions)
  const each = workers.every(({ partitions }) => partitions.length > 0)
  return each && all.length === PARTITIONS && new Set(all).size === PARTITIONS
}

async function until(what: string, holds: () => boolean, workers: readonly Worker[] = []): Promise<void> {
  const deadline = performance.now() + WAIT_MS_MAX
  while (!holds()) {
    for (const { failure } of workers) if (failure !== undefined) throw failure
    if (performance.now() > deadline)
      throw new Error(`After ${WAIT_MS_MAX / 1000} seconds it was still not true that ${what}.`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
