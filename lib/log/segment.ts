// An ingest segment: the batches of many partitions back to back, sorted by topic and partition, then a footer with the same
// batch table that the journal's entry holds, the names and ids of the topics, and a checksum, so that the object can be
// read without the journal. Batches are views into the received requests; nothing is copied.
import { assert } from '../base/assert.ts'
import { ByteReader, ByteWriter, openObject, StoredBytesError, sealObject } from '../base/bytes.ts'
import type { TopicId, Ulid } from '../base/ids.ts'
import type { EntryToAppend } from '../journal/appender.ts'
import { decodeFlush, encodeFlush, type FlushBatch } from '../journal/entries/flush.ts'
import { encodeEntry, encodeEntryByReference } from '../journal/entry.ts'
import type { BatchToAppend, Topic } from './log.ts'

const MAGIC = 'TLS1'
/** The last bytes of a segment: length of the footer. */
const TRAILER_BYTES = 4
const FRAME_HASH_BYTES = 32

export interface Segment {
  /** What to store, in order: the batches, then the footer. */
  readonly body: readonly Uint8Array[]
  readonly sizeBytes: number
  /** The table, in the order of the batches. */
  readonly table: readonly FlushBatch[]
  /** The table as it stands in the footer, and where that is: what an entry by reference points to. */
  readonly payload: Uint8Array
  readonly payloadStart: number
  /** `order[i]` is the index, among the batches given, of the table's batch `i`. */
  readonly order: readonly number[]
}

function placeBatches(batches: readonly BatchToAppend[], order: readonly number[]): FlushBatch[] {
  let start = 0
  return order.map((index) => {
    const { topic, partition, bytes, recordCount, maxTimestamp, producerId, producerEpoch, baseSequence } =
      batches[index]!
    const placed = {
      topicNumber: topic.number,
      partition,
      start,
      length: bytes.length,
      recordCount,
      maxTimestamp,
      producerId,
      producerEpoch,
      baseSequence,
    }
    start += bytes.length
    return placed
  })
}

/** Lays out a segment. `frameHash` marks one that was made for a single request (`append-once.ts`). */
export function buildSegment(batches: readonly BatchToAppend[], frameHash?: Uint8Array): Segment {
  assert(batches.length > 0, 'a segment holds a batch')
  const order = batches.map((_, index) => index)
  order.sort((a, b) => {
    const [x, y] = [batches[a]!, batches[b]!]
    return x.topic.number - y.topic.number || x.partition - y.partition || a - b
  })
  const table = placeBatches(batches, order)
  const last = table[table.length - 1]!
  const dataBytes = last.start + last.length
  const payload = encodeFlush(table)
  const topics = new Map<number, Topic>()
  for (const { topic } of batches) topics.set(topic.number, topic)
  const footer = new ByteWriter(payload.length + 256).bytes(payload).varint(topics.size)
  for (const { number, id, name } of topics.values()) footer.varint(number).raw(Buffer.from(id, 'hex')).string(name)
  if (frameHash !== undefined) footer.raw(frameHash)
  const sealed = sealObject(MAGIC, footer.finish())
  const trailer = new ByteWriter(TRAILER_BYTES).u32(sealed.length).finish()
  const lengthBytes = new ByteWriter(8).varint(payload.length).length
  return {
    body: [...order.map((index) => batches[index]!.bytes), sealed, trailer],
    sizeBytes: dataBytes + sealed.length + TRAILER_BYTES,
    table,
    payload,
    payloadStart: dataBytes + MAGIC.length + lengthBytes,
    order,
  }
}

/**
 * The journal's entry for a stored segment, with those batches of its table that are `kept`. Undefined when none is, or
 * when some are not and the rest does not fit an entry: the table in the footer has all of them.
 */
export function flushEntry(
  { id, origin, tiny }: { readonly id: Ulid; readonly origin: number; readonly tiny: boolean },
  { table, payload, payloadStart }: Segment,
  kept: (index: number) => boolean,
): EntryToAppend | undefined {
  const head = { kind: 'flush', id, origin, tiny } as const
  const left = table.filter((_, index) => kept(index))
  if (left.length === 0) return undefined
  const entry = encodeEntry(head, left.length === table.length ? payload : encodeFlush(left))
  if (entry !== undefined) return { entry }
  if (left.length < table.length) return undefined
  return { entry: encodeEntryByReference(head, payload, payloadStart), body: payload }
}

/** What a segment says of itself. */
export interface SegmentFooter {
  readonly table: readonly FlushBatch[]
  readonly topics: ReadonlyMap<number, { readonly id: TopicId; readonly name: string }>
  /** SHA-256 of the one request's frame that it was made for, if it was. */
  readonly frameHash: Uint8Array | undefined
}

/** Reads the footer of a whole segment. */
export function readSegmentFooter(bytes: Uint8Array): SegmentFooter {
  if (bytes.length < TRAILER_BYTES) throw new StoredBytesError('a segment is too short')
  const end = bytes.length - TRAILER_BYTES
  const length = new ByteReader(bytes, end).u32()
  if (length > end) throw new StoredBytesError('a segment is cut off')
  const reader = new ByteReader(openObject(MAGIC, bytes.subarray(end - length, end)))
  const table = decodeFlush(reader.bytes())
  const topics = new Map<number, { id: TopicId; name: string }>()
  const count = reader.count(18)
  for (let i = 0; i < count; i++) {
    const number = reader.varint()
    topics.set(number, { id: Buffer.from(reader.raw(16)).toString('hex') as TopicId, name: reader.string() })
  }
  const frameHash = reader.remaining > 0 ? reader.raw(FRAME_HASH_BYTES) : undefined
  reader.end()
  return { table, topics, frameHash }
}
