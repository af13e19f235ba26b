// The records inside a batch, decompressed where necessary. Only what must look inside uses this: timestamps to the exact
// record, recompression, compaction, the command line, tests. Bytes come from strangers, so every length is checked against what is left before it is used, and records are handed out one by one as
// views: neither a lying count nor a lying length allocates anything.
import { DECOMPRESSED_BYTES_MAX } from '../base/limits.ts'
import type { Compression } from './compression.ts'
import {
  assembleBatch,
  attributesWithCodec,
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchCodec,
  type Codec,
  type InvalidBatch,
  isLogAppendTime,
  readBatchHeader,
} from './record-batch.ts'

export interface RecordHeader {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
}
/** A record as read; the byte arrays are views into the batch. */
export interface RecordView {
  /** The record's offset less the batch's base offset. */
  readonly offsetDelta: number
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
}
/** Thrown while iterating over records that are not what their batch says. Bad bytes from outside, not a bug of ours. */
export class RecordsError extends Error {
  override name = 'RecordsError'
}

export type OpenedBatch =
  | { readonly kind: 'ok'; readonly header: BatchHeader; readonly records: Uint8Array }
  | UnreadableBatch
/** The batch cannot be decompressed, would be too large, or its records do not add up. */
export interface UnreadableBatch {
  readonly kind: 'unreadable'
  readonly cause: string
}

/** The header of a whole batch and its records, decompressed; iterate over them with `readRecords`. */
export async function openBatch(batch: Uint8Array, compression: Compression): Promise<OpenedBatch> {
  const header = readBatchHeader(batch)
  const codec = batchCodec(header)
  if (codec === undefined) return { kind: 'unreadable', cause: 'unknown compression type' }
  const body = batch.subarray(BATCH_HEADER_BYTES)
  if (codec === 'none') return { kind: 'ok', header, records: body }
  const out = await compression.decompress(codec, body, DECOMPRESSED_BYTES_MAX)
  if (out.kind === 'ok') return { kind: 'ok', header, records: out.bytes }
  if (out.kind === 'tooLarge') return { kind: 'unreadable', cause: `more than ${DECOMPRESSED_BYTES_MAX} bytes` }
  return { kind: 'unreadable', cause: out.cause }
}

/**
 * The records of an opened batch, one after the other. Throws `RecordsError` where they do not fit the header: a length
 * past the end, a count too high or too low, offset deltas that do not rise.
 *
 * @example for (const record of readRecords(opened.header, opened.records)) print(record.value)
 */
export function* readRecords(header: BatchHeader, records: Uint8Array): Generator<RecordView, void, void> {
  const cursor = new Cursor(records)
  const appendTime = isLogAppendTime(header) ? header.maxTimestamp : undefined
  let previousDelta = -1
  for (let index = 0; index < header.recordCount; index++) {
    const length = cursor.varint()
    if (length < 0 || length > cursor.end - cursor.at) throw new RecordsError(`record ${index} has ${length} bytes`)
    const inner = cursor.within(length)
    inner.skip(1) // attributes, unused
    const timestampDelta = inner.varlong()
    const offsetDelta = inner.varint()
    // Compaction leaves gaps, so that deltas rise by one or more.
    if (offsetDelta <= previousDelta || offsetDelta > header.lastOffsetDelta) {
      throw new RecordsError(`record ${index} has offset delta ${offsetDelta}`)
    }
    previousDelta = offsetDelta
    const key = inner.nullableBytes()
    const value = inner.nullableBytes()
    const headers = readHeaders(inner)
    if (inner.at !== inner.end) throw new RecordsError(`record ${index} has ${inner.end - inner.at} bytes too many`)
    yield { offsetDelta, timestamp: appendTime ?? header.baseTimestamp + timestampDelta, key, value, headers }
  }
  if (cursor.at !== cursor.end) throw new RecordsError(`${cursor.end - cursor.at} bytes behind the last record`)
}

const NO_HEADERS: readonly RecordHeader[] = []

function readHeaders(cursor: Cursor): readonly RecordHeader[] {
  const count = cursor.varint()
  if (count === 0) return NO_HEADERS
  // A header takes at least two bytes.
  if (count < 0 || count > (cursor.end - cursor.at) / 2) throw new RecordsError(`a record with ${count} headers`)
  const headers: RecordHeader[] = []
  for (let i = 0; i < count; i++) {
    const key = cursor.nullableBytes()
    if (key === null) throw new RecordsError('a header without a key')
    headers.push({ key, value: cursor.nullableBytes() })
  }
  return headers
}

/** A place in bytes of which nothing is believed. */
class Cursor {
  readonly bytes: Uint8Array
  readonly end: number
  at: number

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  /** A cursor over the next `length` bytes; this one moves behind them. */
  within(length: number): Cursor {
    const inner = new Cursor(this.bytes, this.at, this.at + length)
    this.at += length
    return inner
  }

  skip(length: number): void {
    if (length > this.end - this.at) throw new RecordsError('a record ends too early')
    this.at += length
  }

  /** A zig-zag varint of 32 bits, in at most five bytes. */
  varint(): number {
    let raw = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#next()
      raw |= (byte & 0x7f) << shift
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1)
    }
    throw new RecordsError('a number of more than five bytes')
  }

  /** A zig-zag varint of 64 bits, in at most ten bytes; inexact beyond 2^53. */
  varlong(): number {
    let raw = 0
    for (let i = 0; i < 10; i++) {
      const byte = this.#next()
      raw += (byte & 0x7f) * 2 ** (7 * i)
      if (byte < 0x80) return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
    }
    throw new RecordsError('a number of more than ten bytes')
  }

  nullableBytes(): Uint8Array | null {
    const length = this.varint()
    if (length === -1) return null
    if (length < 0 || length > this.end - this.at) throw new RecordsError(`${length} bytes in a record`)
    const from = this.at
    this.at += length
    return this.bytes.subarray(from, this.at)
  }

  #next(): number {
    if (this.at >= this.end) throw new RecordsError('a record ends too early')
    return this.bytes[this.at++]!
  }
}

export type FoundRecord =
  | { readonly kind: 'found'; readonly offsetDelta: number; readonly timestamp: number }
  | { readonly kind: 'none' }
  | UnreadableBatch

/** The first record of the batch, from offset delta `fromDelta` on, whose timestamp is at least `timestamp`. */
export function firstRecordAtOrAfter(
  batch: Uint8Array,
  timestamp: number,
  compression: Compression,
  fromDelta = 0,
): Promise<FoundRecord> {
  return findRecord(batch, compression, fromDelta, (_best, record) => record.timestamp >= timestamp, true)
}

/** The first record of the batch, from offset delta `fromDelta` on, that has the largest timestamp. */
export function recordOfMaxTimestamp(batch: Uint8Array, compression: Compression, fromDelta = 0): Promise<FoundRecord> {
  return findRecord(
    batch,
    compression,
    fromDelta,
    (best, record) => best === undefined || record.timestamp > best.timestamp,
    false,
  )
}

async function findRecord(
  batch: Uint8Array,
  compression: Compression,
  fromDelta: number,
  better: (best: RecordView | undefined, record: RecordView) => boolean,
  stopAtFirst: boolean,
): Promise<FoundRecord> {
  const opened = await openBatch(batch, compression)
  if (opened.kind !== 'ok') return opened
  let best: RecordView | undefined
  try {
    for (const record of readRecords(opened.header, opened.records)) {
      if (record.offsetDelta < fromDelta || !better(best, record)) continue
      best = record
      if (stopAtFirst) break
    }
  } catch (error) {
    return unreadable(error)
  }
  if (best === undefined) return { kind: 'none' }
  return { kind: 'found', offsetDelta: best.offsetDelta, timestamp: best.timestamp }
}

export type RecompressedBatch = { readonly kind: 'ok'; readonly batch: Uint8Array } | InvalidBatch

/**
 * The batch with another codec, all else unchanged; the batch itself when it has that codec already (Kafka does not
 * compress again for the sake of a level). Looks at every record on the way, as Kafka does. The result may be longer than
 * what came in: `max.message.bytes` applies to it once more.
 */
export async function recompress(
  batch: Uint8Array,
  codec: Codec,
  compression: Compression,
  level?: number,
): Promise<RecompressedBatch> {
  if (batchCodec(readBatchHeader(batch)) === codec) return { kind: 'ok', batch }
  const opened = await openBatch(batch, compression)
  if (opened.kind !== 'ok') return { kind: 'invalid', reason: 'corrupt', message: `Unreadable batch: ${opened.cause}.` }
  const { header, records } = opened
  try {
    let index = 0
    for (const record of readRecords(header, records)) {
      if (record.offsetDelta !== index) throw new RecordsError(`record ${index} has offset delta ${record.offsetDelta}`)
      index += 1
    }
  } catch (error) {
    return { kind: 'invalid', reason: 'invalidRecord', message: `Invalid batch: ${unreadable(error).cause}.` }
  }
  const body = await compression.compress(codec, records, level)
  return {
    kind: 'ok',
    batch: assembleBatch({ ...header, attributes: attributesWithCodec(header.attributes, codec) }, body),
  }
}

function unreadable(error: unknown): UnreadableBatch {
  if (error instanceof RecordsError) return { kind: 'unreadable', cause: error.message }
  throw error
}
