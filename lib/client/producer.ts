// Writes records: gathers them per partition, sends one request per server with everything that is ready, and meanwhile
// gathers the next. One request per partition is under way at a time, so order needs no further care; with acks the
// producer is idempotent, so that a repeat after a lost answer is recognised and stored once.
import { assert } from '../base/assert.ts'
import { buildBatch, type RecordToWrite } from '../wire/build-batch.ts'
import { ErrorCode } from '../wire/errors.ts'
import { initProducerId } from '../wire/messages/init-producer-id.ts'
import { produce } from '../wire/messages/produce.ts'
import { threadedCompression } from '../wire/native-compression.ts'
import type { Codec } from '../wire/record-batch.ts'
import { type ClientTopic, type Cluster, pause } from './cluster.ts'
import { ClientError, refused } from './errors.ts'
import { partitionOf } from './partitioner.ts'

/** Records of one batch, before compression: well below Kafka's max.message.bytes of 1 MiB. */
const BATCH_BYTES = 512 * 1024
/** What one request carries at most over all partitions. */
const ROUND_BYTES = 4 * 1024 * 1024
const RECORD_OVERHEAD_BYTES = 32
const RETRY_MS = 200
const DELIVERY_MS_MAX = 120_000
const REQUEST_MS = 30_000
const SEQUENCES = 2 ** 31

const RETRIABLE: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.NETWORK_EXCEPTION,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ErrorCode.KAFKA_STORAGE_ERROR,
])

export interface ProducerOptions {
  readonly topic: ClientTopic
  /** -1 (all), 1 or 0. */
  readonly acks: number
  readonly codec: Codec
}

interface Batch {
  readonly partition: number
  readonly records: RecordToWrite[]
  sizeBytes: number
}

/** A batch on its way: the same bytes with each try. */
interface Outgoing {
  readonly partition: number
  readonly count: number
  readonly bytes: Uint8Array
}

/** Makes a producer; asks for a producer id unless acks is 0. */
export async function openProducer(cluster: Cluster, options: ProducerOptions): Promise<Producer> {
  if (options.acks === 0) return new Producer(cluster, options, -1, -1)
  const answer = await cluster.request(initProducerId, { transactionalId: null, transactionTimeoutMs: 60_000 })
  if (answer.errorCode !== ErrorCode.NONE) throw refused('Asking for a producer id', answer.errorCode)
  return new Producer(cluster, options, answer.producerId, answer.producerEpoch)
}

export class Producer {
  readonly #cluster: Cluster
  readonly #options: ProducerOptions
  readonly #producerId: number
  readonly #producerEpoch: number
  readonly #sequences = new Map<number, number>()
  #topic: ClientTopic
  #gathered = new Map<number, Batch[]>()
  #gatheredBytes = 0
  #sticky = 0
  #round: Promise<void> = Promise.resolve()
  #underWay = false
  #failure: unknown
  #acknowledged = 0

  constructor(cluster: Cluster, options: ProducerOptions, producerId: number, producerEpoch: number) {
    this.#cluster = cluster
    this.#options = options
    this.#topic = options.topic
    this.#producerId = producerId
    this.#producerEpoch = producerEpoch
  }

  /** Records that the server has confirmed (with acks=0: taken by the system). */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** Takes a record; waits while too much is on its way. Rejects once anything could not be delivered. */
  async write(record: RecordToWrite, partition?: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    this.#gather(record, this.#choose(record, partition))
    if (!this.#underWay) this.#startRound()
    else if (this.#gatheredBytes >= ROUND_BYTES) {
      await this.#round
      if (this.#failure !== undefined) throw this.#failure
    }
  }

  /** Resolves when everything written is acknowledged. */
  async flush(): Promise<void> {
    while (this.#underWay || this.#gatheredBytes > 0) {
      if (!this.#underWay) this.#startRound()
      await this.#round
      if (this.#failure !== undefined) throw this.#failure
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  #choose(record: RecordToWrite, partition: number | undefined): number {
    const count = this.#topic.partitions.length
    if (partition === undefined) return record.key ? partitionOf(record.key, count) : this.#sticky % count
    if (partition >= 0 && partition < count) return partition
    const text = `Topic ${this.#topic.name} has the partitions 0 to ${count - 1}; there is no partition ${partition}.`
    throw new ClientError('invalid', text)
  }

  #gather(record: RecordToWrite, partition: number): void {
    const sizeBytes = RECORD_OVERHEAD_BYTES + sizeOf(record)
    const batches = this.#gathered.get(partition) ?? []
    this.#gathered.set(partition, batches)
    const last = batches.at(-1)
    if (last !== undefined && last.sizeBytes + sizeBytes <= BATCH_BYTES) {
      last.records.push(record)
      last.sizeBytes += sizeBytes
    } else {
      batches.push({ partition, records: [record], sizeBytes })
      // A full batch: keyless records move on to the next partition.
      if (last !== undefined) this.#sticky++
    }
    this.#gatheredBytes += sizeBytes
  }

  #startRound(): void {
    this.#underWay = true
    // After this turn of the event loop, so that records written in one go travel together.
    this.#round = new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => this.#deliver(this.#take()))
      .catch((error: unknown) => {
        this.#failure ??= error
      })
      .finally(() => {
        this.#underWay = false
        if (this.#gatheredBytes > 0 && this.#failure === undefined) this.#startRound()
      })
  }

  /** The first batch of each partition. */
  #take(): Batch[] {
    const taken: Batch[] = []
    for (const [partition, batches] of this.#gathered) {
      const batch = batches.shift()
      assert(batch !== undefined, 'a partition with nothing gathered is not in the map')
      if (batches.length === 0) this.#gathered.delete(partition)
      this.#gatheredBytes -= batch.sizeBytes
      taken.push(batch)
    }
    this.#sticky++
    return taken
  }

  async #deliver(batches: readonly Batch[]): Promise<void> {
    let left = await Promise.all(batches.map((batch) => this.#build(batch)))
    const deadline = performance.now() + DELIVERY_MS_MAX
    for (let tries = 0; left.length > 0; tries++) {
      if (tries > 0) {
        if (performance.now() > deadline)
          throw new ClientError('timeout', 'The records could not be delivered in time.')
        await pause(RETRY_MS)
        this.#topic = await this.#relocate()
      }
      left = await this.#try(left)
    }
  }

  async #build({ partition, records }: Batch): Promise<Outgoing> {
    const idempotent = this.#producerId >= 0
    const baseSequence = idempotent ? (this.#sequences.get(partition) ?? 0) : -1
    if (idempotent) this.#sequences.set(partition, (baseSequence + records.length) % SEQUENCES)
    const { codec } = this.#options
    const producer = { producerId: this.#producerId, producerEpoch: this.#producerEpoch, baseSequence }
    return {
      partition,
      count: records.length,
      bytes: await buildBatch({ records, ...producer }, codec, threadedCompression),
    }
  }

  /** Sends each batch to its leader; returns those that have to be tried again. */
  async #try(batches: readonly Outgoing[]): Promise<Outgoing[]> {
    const byLeader = new Map<number, Outgoing[]>()
    for (const batch of batches) {
      const leader = this.#topic.partitions[batch.partition]?.leader ?? -1
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), batch])
    }
    const again = await Promise.all(
      [...byLeader].map(async ([leader, group]) => {
        try {
          return await this.#send(leader, group)
        } catch (error) {
          // With acks=0 nobody promised anything, but a repeat could store records twice.
          const lost = error instanceof ClientError && ['disconnected', 'timeout', 'unreachable'].includes(error.kind)
          if (!lost || this.#options.acks === 0) throw error
          return group
        }
      }),
    )
    return again.flat()
  }

  async #send(leader: number, batches: readonly Outgoing[]): Promise<Outgoing[]> {
    const connection = await this.#cluster.connectionTo(leader)
    const partitionData = batches.map(({ partition, bytes }) => ({ index: partition, records: bytes }))
    const topicData = [{ name: this.#topic.name, partitionData }]
    const request = { acks: this.#options.acks, timeoutMs: REQUEST_MS, topicData }
    if (this.#options.acks === 0) {
      await connection.send(produce, request)
      for (const { count } of batches) this.#acknowledged += count
      return []
    }
    const answer = await connection.request(produce, request)
    const results = new Map(answer.responses.flatMap((t) => t.partitionResponses.map((p) => [p.index, p] as const)))
    return batches.filter(({ partition, count }) => {
      const result = results.get(partition)
      const code = result?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR
      if (RETRIABLE.has(code)) return true
      if (code !== ErrorCode.NONE && code !== ErrorCode.DUPLICATE_SEQUENCE_NUMBER) {
        throw refused(`Writing to partition ${partition} of ${this.#topic.name}`, code, result?.errorMessage)
      }
      this.#acknowledged += count
      return false
    })
  }

  /** Who leads now; the servers themselves may be gone for a while. */
  async #relocate(): Promise<ClientTopic> {
    try {
      return (await this.#cluster.topic(this.#topic.name)) ?? this.#topic
    } catch (error) {
      if (error instanceof ClientError) return this.#topic
      throw error
    }
  }
}

function sizeOf({ key, value, headers }: RecordToWrite): number {
  let sizeBytes = (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers ?? []) sizeBytes += header.key.length + (header.value?.length ?? 0) + 4
  return sizeBytes
}
