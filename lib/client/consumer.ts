// Reads records of one topic, partition by partition, without a group: where to begin, up to where, and whether to wait for
// more is the caller's choice. Records of one partition come in order; those of different partitions come as they arrive.
import { ErrorCode } from '../wire/errors.ts'
import { fetch } from '../wire/messages/fetch.ts'
import { listOffsets } from '../wire/messages/list-offsets.ts'
import { threadedCompression } from '../wire/native-compression.ts'
import { BATCH_LENGTH_OVERHEAD, batchSizeBytes, isControlBatch } from '../wire/record-batch.ts'
import { openBatch, type RecordHeader, readRecords } from '../wire/records.ts'
import type { RequestInput } from '../wire/schema.ts'
import { type ClientTopic, type Cluster, pause } from './cluster.ts'
import { ClientError, refused } from './errors.ts'

/** Instead of a timestamp: the end of a partition. */
export const LATEST = -1
/** Instead of a timestamp: the first record of a partition. */
export const EARLIEST = -2
const RETRY_MS = 200
const TRIES_MAX = 50
const FETCH_BYTES_MAX = 16 * 1024 * 1024
const PARTITION_BYTES_MAX = 1024 * 1024
const WAIT_MS = 500
/** With several leaders one must not wait long while another has records. */
const WAIT_MS_SEVERAL = 100

const RETRIABLE: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.OFFSET_NOT_AVAILABLE,
])

/** Where reading begins. A timestamp is in milliseconds since the epoch. */
export type StartAt =
  | { readonly kind: 'beginning' }
  | { readonly kind: 'end' }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'timestamp'; readonly timestamp: number }

export interface ConsumeOptions {
  readonly topic: ClientTopic
  /** All of them where left out. */
  readonly partitions?: readonly number[]
  readonly from: StartAt
  /** Waits for more when everything is read; otherwise ends at what was there at the start. */
  readonly follow: boolean
  readonly signal?: AbortSignal
}

export interface ConsumedRecord {
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
}

/** What is to be read of a partition: from `next` to before `end`. */
interface Range {
  readonly partition: number
  next: number
  readonly end: number
}

/** Where reading begins and ends, known before the first record is read. */
export interface Plan {
  readonly ranges: readonly Range[]
  /** Offsets between begin and end of all partitions; what is appended later is not in it. */
  readonly total: number
}

/** Looks up where to begin and to end. */
export async function planConsume(cluster: Cluster, options: ConsumeOptions): Promise<Plan> {
  const { topic, from, follow } = options
  const partitions = options.partitions ?? topic.partitions.map(({ partition }) => partition)
  for (const partition of partitions) {
    if (topic.partitions.some((known) => known.partition === partition)) continue
    const text = `Topic ${topic.name} has the partitions 0 to ${topic.partitions.length - 1}; there is no partition ${partition}.`
    throw new ClientError('invalid', text)
  }
  const ends = await offsetsAt(cluster, topic, partitions, LATEST)
  const begins = await beginsOf(cluster, topic, partitions, from, ends)
  const ranges: Range[] = []
  let total = 0
  for (const partition of partitions) {
    const end = ends.get(partition) ?? 0
    const next = begins.get(partition) ?? end
    total += Math.max(0, end - next)
    if (follow || next < end) ranges.push({ partition, next, end: follow ? Number.POSITIVE_INFINITY : end })
  }
  return { ranges, total }
}

async function beginsOf(
  cluster: Cluster,
  topic: ClientTopic,
  partitions: readonly number[],
  from: StartAt,
  ends: ReadonlyMap<number, number>,
): Promise<ReadonlyMap<number, number>> {
  if (from.kind === 'end') return ends
  const earliest = await offsetsAt(cluster, topic, partitions, EARLIEST)
  if (from.kind === 'beginning') return earliest
  if (from.kind === 'timestamp') {
    const found = await offsetsAt(cluster, topic, partitions, from.timestamp)
    // No record is that young: -1, so begin at the end.
    return new Map(partitions.map((p) => [p, (found.get(p) ?? -1) >= 0 ? found.get(p)! : (ends.get(p) ?? 0)]))
  }
  for (const partition of partitions) {
    const [first, end] = [earliest.get(partition) ?? 0, ends.get(partition) ?? 0]
    if (from.offset >= first && from.offset <= end) continue
    const text = `Partition ${partition} of ${topic.name} has the offsets ${first} to ${end - 1}; ${from.offset} is not among them.`
    throw new ClientError('invalid', end === first ? `Partition ${partition} of ${topic.name} is empty.` : text)
  }
  return new Map(partitions.map((partition) => [partition, from.offset]))
}

/** First and end offset of each partition now. */
export async function partitionOffsets(
  cluster: Cluster,
  topic: ClientTopic,
): Promise<ReadonlyMap<number, { readonly first: number; readonly end: number }>> {
  const partitions = topic.partitions.map(({ partition }) => partition)
  const first = await offsetsAt(cluster, topic, partitions, EARLIEST)
  const end = await offsetsAt(cluster, topic, partitions, LATEST)
  return new Map(partitions.map((p) => [p, { first: first.get(p) ?? 0, end: end.get(p) ?? 0 }]))
}

/** The offset at a timestamp (-1: no record is that young) or at one of Kafka's special ones, asked of the leaders. */
export async function offsetsAt(
  cluster: Cluster,
  topic: ClientTopic,
  partitions: readonly number[],
  timestamp: number,
): Promise<ReadonlyMap<number, number>> {
  const offsets = new Map<number, number>()
  let current = topic
  for (let tries = 1; offsets.size < partitions.length; tries++) {
    if (tries > 1) {
      await pause(RETRY_MS)
      current = (await cluster.topic(topic.name)) ?? current
    }
    const left = partitions.filter((partition) => !offsets.has(partition))
    for (const [leader, group] of groupByLeader(current, left)) {
      const connection = await cluster.connectionTo(leader)
      const asked = group.map((partitionIndex) => ({ partitionIndex, timestamp }))
      const answer = await connection.request(listOffsets, { topics: [{ name: topic.name, partitions: asked }] })
      for (const { partitionIndex, errorCode, offset } of answer.topics.flatMap((t) => t.partitions)) {
        if (errorCode === ErrorCode.NONE) offsets.set(partitionIndex, offset)
        else if (!RETRIABLE.has(errorCode) || tries >= TRIES_MAX) throw refused(`Reading ${topic.name}`, errorCode)
      }
    }
  }
  return offsets
}

/** The records of a plan, in arrays as they arrive. */
export async function* consume(
  cluster: Cluster,
  options: ConsumeOptions,
  plan: Plan,
): AsyncGenerator<ConsumedRecord[]> {
  let { topic } = options
  let left = [...plan.ranges]
  let failures = 0
  while (left.length > 0 && options.signal?.aborted !== true) {
    const byLeader = groupByLeader(
      topic,
      left.map(({ partition }) => partition),
    )
    const waitMs = byLeader.size > 1 ? WAIT_MS_SEVERAL : WAIT_MS
    const ranges = new Map(left.map((range) => [range.partition, range]))
    const fetched = await Promise.all(
      [...byLeader].map(([leader, group]) => {
        const wanted = group.map((partition) => ranges.get(partition)!)
        return fetchFrom(cluster, topic, leader, wanted, waitMs)
      }),
    )
    if (fetched.some(({ moved }) => moved)) {
      if (++failures > TRIES_MAX) throw new ClientError('timeout', `${topic.name} cannot be read at the moment.`)
      await pause(RETRY_MS)
      topic = (await cluster.topic(topic.name).catch(() => undefined)) ?? topic
    } else failures = 0
    for (const { records } of fetched) if (records.length > 0) yield records
    left = left.filter((range) => range.next < range.end)
  }
}

interface Fetched {
  readonly records: ConsumedRecord[]
  /** Somebody else leads a partition now, or the server did not answer: look again. */
  readonly moved: boolean
}

async function fetchFrom(
  cluster: Cluster,
  topic: ClientTopic,
  leader: number,
  ranges: readonly Range[],
  waitMs: number,
): Promise<Fetched> {
  const partitions = ranges.map(({ partition, next }) => {
    return { partition, fetchOffset: next, partitionMaxBytes: PARTITION_BYTES_MAX }
  })
  const wanted = [{ topic: topic.name, topicId: topic.id, partitions }]
  const request = { maxWaitMs: waitMs, minBytes: 1, maxBytes: FETCH_BYTES_MAX, topics: wanted }
  let answer: Awaited<ReturnType<typeof ask>>
  try {
    answer = await ask(cluster, leader, request)
  } catch (error) {
    if (error instanceof ClientError && error.kind !== 'unsupported') return { records: [], moved: true }
    throw error
  }
  if (answer.errorCode !== ErrorCode.NONE) throw refused(`Reading ${topic.name}`, answer.errorCode)
  const records: ConsumedRecord[] = []
  let moved = false
  for (const result of answer.responses.flatMap((t) => t.partitions)) {
    const range = ranges.find(({ partition }) => partition === result.partitionIndex)
    if (range === undefined) continue
    if (result.errorCode === ErrorCode.NONE) await unpack(range, result.records ?? new Uint8Array(0), records)
    // Retention was faster: go on where the log begins now.
    else if (result.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE && range.next < result.logStartOffset) {
      range.next = result.logStartOffset
    } else if (RETRIABLE.has(result.errorCode)) moved = true
    else throw refused(`Reading partition ${range.partition} of ${topic.name}`, result.errorCode)
  }
  return { records, moved }
}

async function ask(cluster: Cluster, leader: number, request: RequestInput<typeof fetch>) {
  return (await cluster.connectionTo(leader)).request(fetch, request)
}

/** Adds the records of the batches in `bytes`, from `range.next` on and before its end, and moves the range on. */
async function unpack(range: Range, bytes: Uint8Array, into: ConsumedRecord[]): Promise<void> {
  let at = 0
  while (bytes.length - at > BATCH_LENGTH_OVERHEAD) {
    const sizeBytes = batchSizeBytes(bytes, at)
    // A server may cut the last batch off; it comes again.
    if (sizeBytes > bytes.length - at) return
    const opened = await openBatch(bytes.subarray(at, at + sizeBytes), threadedCompression)
    if (opened.kind === 'unreadable') {
      throw new ClientError('refused', `A batch of partition ${range.partition} cannot be read: ${opened.cause}.`)
    }
    const { header } = opened
    if (!isControlBatch(header)) {
      for (const record of readRecords(header, opened.records)) {
        const offset = header.baseOffset + record.offsetDelta
        if (offset < range.next || offset >= range.end) continue
        const { timestamp, key, value, headers } = record
        into.push({ partition: range.partition, offset, timestamp, key, value, headers })
      }
    }
    range.next = Math.max(range.next, header.baseOffset + header.lastOffsetDelta + 1)
    at += sizeBytes
  }
}

function groupByLeader(topic: ClientTopic, partitions: readonly number[]): Map<number, number[]> {
  const leaders = new Map(topic.partitions.map(({ partition, leader }) => [partition, leader]))
  const groups = new Map<number, number[]>()
  for (const partition of partitions) {
    const leader = leaders.get(partition) ?? -1
    groups.set(leader, [...(groups.get(leader) ?? []), partition])
  }
  return groups
}
