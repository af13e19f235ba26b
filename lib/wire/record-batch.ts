// The 61-byte header of Kafka's record batch, version 2: reading it, judging a batch that a producer sent, and the three
// ways in which it may be changed. The records behind it stay opaque here (records.ts looks inside). Base offset and
// leader epoch lie outside the CRC, so a fetch answers with a patched copy of the first 16 bytes and the stored rest;
// whatever else changes costs a copy and a new CRC. Numbers of 64 bits are JavaScript numbers: offsets, timestamps and
// the producer ids we allot stay below 2^53.
import { assert } from '../base/assert.ts'
import { crc32c } from '../base/crc32c.ts'
import { DECOMPRESSED_BYTES_MAX } from '../base/limits.ts'

/** Bytes before the first record. */
export const BATCH_HEADER_BYTES = 61
/** Base offset and batch length: the length field counts what follows them. */
export const BATCH_LENGTH_OVERHEAD = 12
/** Base offset, length and leader epoch: the part that is patched. */
export const PATCHED_HEADER_BYTES = 16
/** The CRC covers everything from here on. */
const CRC_FROM = 21
/** A record without key, value and headers whose deltas are one byte each. */
export const RECORD_BYTES_MIN = 7
/** Timestamps beyond this (some 35,000 years from 1970) are refused: the journal stores differences of them in 53 bits. */
const TIMESTAMP_MS_MAX = 2 ** 50
/** Produce requests before this version may not carry zstd. */
const ZSTD_PRODUCE_VERSION_MIN = 7

export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
/** A compression codec by Kafka's name; its index in `CODECS` is its number in the attributes. */
export type Codec = (typeof CODECS)[number]

const ATTRIBUTE_CODEC = 0x07
const ATTRIBUTE_LOG_APPEND_TIME = 0x08
const ATTRIBUTE_TRANSACTIONAL = 0x10
const ATTRIBUTE_CONTROL = 0x20

/** The header of a batch. Offsets, timestamps (ms) and ids are plain numbers; -1 means "none" as on the wire. */
export interface BatchHeader {
  readonly baseOffset: number
  /** Bytes after the length field; the whole batch is `batchLength + BATCH_LENGTH_OVERHEAD` long. */
  readonly batchLength: number
  readonly partitionLeaderEpoch: number
  readonly magic: number
  /** Unsigned. */
  readonly crc: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** Reads the header of the batch at `offset`. The caller has made sure that 61 bytes are there. */
export function readBatchHeader(bytes: Uint8Array, offset = 0): BatchHeader {
  assert(bytes.length - offset >= BATCH_HEADER_BYTES, 'a batch header is 61 bytes long')
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, BATCH_HEADER_BYTES)
  return {
    baseOffset: int64(view, 0),
    batchLength: view.getInt32(8),
    partitionLeaderEpoch: view.getInt32(12),
    magic: view.getInt8(16),
    crc: view.getUint32(17),
    attributes: view.getInt16(21),
    lastOffsetDelta: view.getInt32(23),
    baseTimestamp: int64(view, 27),
    maxTimestamp: int64(view, 35),
    producerId: int64(view, 43),
    producerEpoch: view.getInt16(51),
    baseSequence: view.getInt32(53),
    recordCount: view.getInt32(57),
  }
}

/** Length in bytes of the whole batch at `offset`, from its length field alone (12 bytes must be there). */
export function batchSizeBytes(bytes: Uint8Array, offset = 0): number {
  return (
    new DataView(bytes.buffer, bytes.byteOffset + offset, BATCH_LENGTH_OVERHEAD).getInt32(8) + BATCH_LENGTH_OVERHEAD
  )
}

/** The codec of a batch, or `undefined` for the three numbers that stand for none. */
export function batchCodec(header: BatchHeader): Codec | undefined {
  return CODECS[header.attributes & ATTRIBUTE_CODEC]
}
export function isLogAppendTime(header: BatchHeader): boolean {
  return (header.attributes & ATTRIBUTE_LOG_APPEND_TIME) !== 0
}
export function isTransactional(header: BatchHeader): boolean {
  return (header.attributes & ATTRIBUTE_TRANSACTIONAL) !== 0
}
export function isControlBatch(header: BatchHeader): boolean {
  return (header.attributes & ATTRIBUTE_CONTROL) !== 0
}
/** Why a produced batch is refused. One Kafka error code each: 2, 87, 76, 32. */
export type InvalidBatchReason = 'corrupt' | 'invalidRecord' | 'unsupportedCompression' | 'invalidTimestamp'
export interface InvalidBatch {
  readonly kind: 'invalid'
  readonly reason: InvalidBatchReason
  /** For the client's log. */
  readonly message: string
}
export type ValidatedBatch = { readonly kind: 'ok'; readonly header: BatchHeader } | InvalidBatch

/**
 * Judges the records of one partition in a produce request of version `apiVersion` by Kafka's rules: exactly one intact
 * batch of magic 2, with as many records as it says. In an uncompressed batch the records are counted; in a compressed
 * one the count is only bounded, since looking would mean to decompress.
 */
export function validateProducedBatch(records: Uint8Array, apiVersion: number): ValidatedBatch {
  const framing = validateFraming(records)
  if (framing !== undefined) return framing
  const header = readBatchHeader(records)
  const codec = batchCodec(header)
  if (codec === undefined) return invalid('unsupportedCompression', 'Unknown compression type id in the batch.')
  if (codec === 'zstd' && apiVersion < ZSTD_PRODUCE_VERSION_MIN) {
    return invalid(
      'unsupportedCompression',
      `Produce requests with version ${apiVersion} are not allowed to use ZStandard compression.`,
    )
  }
  const crc = crc32c(records.subarray(CRC_FROM))
  if (crc !== header.crc) {
    return invalid('corrupt', `Record is corrupt (stored crc = ${header.crc}, computed crc = ${crc}).`)
  }
  return validateHeader(header) ?? validateCount(records, header, codec) ?? { kind: 'ok', header }
}

function validateFraming(records: Uint8Array): InvalidBatch | undefined {
  // Kafka looks at length and magic first; a batch that is cut short counts as none at all.
  if (records.length < PATCHED_HEADER_BYTES + 1) {
    return invalid('invalidRecord', 'A produce request must have exactly one record batch per partition.')
  }
  const size = batchSizeBytes(records)
  const magic = records[PATCHED_HEADER_BYTES]!
  if (magic > 2) return invalid('corrupt', `Invalid magic found in record: ${magic}.`)
  if (magic < 2) return invalid('invalidRecord', `Record batches must have magic version 2, this one has ${magic}.`)
  if (size < BATCH_HEADER_BYTES) {
    return invalid('corrupt', `Record size ${size} is less than the minimum record overhead (${BATCH_HEADER_BYTES}).`)
  }
  if (size > records.length) {
    return invalid('invalidRecord', `The batch says it has ${size} bytes, but only ${records.length} were sent.`)
  }
  if (size < records.length) {
    return invalid('invalidRecord', 'A produce request must have exactly one record batch per partition.')
  }
  return undefined
}

function validateHeader(header: BatchHeader): InvalidBatch | undefined {
  const { recordCount, lastOffsetDelta, producerId, baseSequence, baseOffset } = header
  if (baseOffset !== 0)
    return invalid('invalidRecord', `The base offset of a batch should be 0, but it is ${baseOffset}.`)
  if (recordCount <= 0) return invalid('invalidRecord', `Invalid record count ${recordCount} in the batch.`)
  if (lastOffsetDelta !== recordCount - 1) {
    return invalid(
      'invalidRecord',
      `Inconsistent batch: last offset delta ${lastOffsetDelta} with ${recordCount} records.`,
    )
  }
  if (isControlBatch(header)) return invalid('invalidRecord', 'Clients are not allowed to write control records.')
  if (producerId >= 0 && (baseSequence < 0 || header.producerEpoch < 0)) {
    return invalid(
      'invalidRecord',
      `Invalid sequence ${baseSequence} or epoch ${header.producerEpoch} in a batch with producer id ${producerId}.`,
    )
  }
  if (producerId > Number.MAX_SAFE_INTEGER) {
    return invalid('invalidRecord', `Producer id ${producerId} is none that was ever given out.`)
  }
  if (Math.abs(header.maxTimestamp) > TIMESTAMP_MS_MAX) {
    return invalid('invalidTimestamp', `Timestamp ${header.maxTimestamp} is out of range.`)
  }
  if (isLogAppendTime(header)) {
    return invalid('invalidTimestamp', 'Producers may not set the timestamp type to LogAppendTime.')
  }
  return undefined
}

/** A record count that the bytes cannot hold would use up offsets at no cost: a compressed batch is bounded, too. */
function validateCount(records: Uint8Array, header: BatchHeader, codec: Codec): InvalidBatch | undefined {
  const count = header.recordCount
  if (codec !== 'none') {
    if (count <= DECOMPRESSED_BYTES_MAX / RECORD_BYTES_MIN) return undefined
    return invalid('invalidRecord', `A batch cannot hold ${count} records.`)
  }
  let at = BATCH_HEADER_BYTES
  for (let index = 0; index < count; index++) {
    const sized = countedRecord(records, at, index)
    if (sized === undefined) {
      return invalid('invalidRecord', `Record ${index} of ${count} is not where the batch says, or out of order.`)
    }
    at = sized
  }
  if (at === records.length) return undefined
  return invalid('invalidRecord', `The batch has bytes left behind its ${count} records.`)
}

/** The end of the record at `at`, if its length stays within the batch and its offset delta is `index`. */
function countedRecord(records: Uint8Array, at: number, index: number): number | undefined {
  const end = records.length
  // Zig-zag varints, read without allocation: this loop sees every record of every uncompressed batch.
  let raw = 0
  let shift = 0
  let byte = 0x80
  while (byte & 0x80) {
    if (at >= end || shift > 28) return undefined
    byte = records[at++]!
    raw |= (byte & 0x7f) << shift
    shift += 7
  }
  const length = (raw >>> 1) ^ -(raw & 1)
  if (length < RECORD_BYTES_MIN - 1 || length > end - at) return undefined
  const next = at + length
  at += 1 // the record's own attributes, unused
  for (shift = 0, byte = 0x80; byte & 0x80; shift += 7) {
    if (at >= next || shift > 63) return undefined
    byte = records[at++]!
  }
  raw = 0
  for (shift = 0, byte = 0x80; byte & 0x80; shift += 7) {
    if (at >= next || shift > 28) return undefined
    byte = records[at++]!
    raw |= (byte & 0x7f) << shift
  }
  return ((raw >>> 1) ^ -(raw & 1)) === index ? next : undefined
}

/**
 * Checks the timestamps that the header shows (the first record's and the largest) against
 * `message.timestamp.before.max.ms` and `message.timestamp.after.max.ms`. Records between them stay unseen.
 */
export function validateTimestamps(
  header: BatchHeader,
  limits: { readonly nowMs: number; readonly beforeMaxMs: number; readonly afterMaxMs: number },
): InvalidBatch | undefined {
  for (const timestamp of [header.baseTimestamp, header.maxTimestamp]) {
    if (timestamp === -1) continue
    const early = limits.nowMs - timestamp > limits.beforeMaxMs
    const late = timestamp - limits.nowMs > limits.afterMaxMs
    if (!early && !late) continue
    const earliest = limits.nowMs - limits.beforeMaxMs
    const latest = limits.nowMs + limits.afterMaxMs
    return invalid(
      'invalidTimestamp',
      `Timestamp ${timestamp} is out of range: it should be in [${earliest}, ${latest}].`,
    )
  }
  return undefined
}

/**
 * The first 16 bytes of `batch` with this base offset and leader epoch, as a fresh array. What follows them
 * (`batch.subarray(PATCHED_HEADER_BYTES)`) is sent as it is.
 */
export function patchedHeader(batch: Uint8Array, baseOffset: number, leaderEpoch: number): Uint8Array {
  // Not `batch.slice`: a Buffer's slice is a view, and stored bytes are never written to.
  const head = new Uint8Array(PATCHED_HEADER_BYTES)
  head.set(batch.subarray(0, PATCHED_HEADER_BYTES))
  const view = new DataView(head.buffer)
  setInt64(view, 0, baseOffset)
  view.setInt32(12, leaderEpoch)
  return head
}

/** A copy of `batch` whose records all have the time at which it was appended. */
export function withLogAppendTime(batch: Uint8Array, timestampMs: number): Uint8Array {
  const copy = new Uint8Array(batch)
  const view = new DataView(copy.buffer)
  view.setInt16(21, view.getInt16(21) | ATTRIBUTE_LOG_APPEND_TIME)
  setInt64(view, 35, timestampMs)
  view.setUint32(17, crc32c(copy.subarray(CRC_FROM)))
  return copy
}

/** Header and records as one batch; length and CRC are computed here, whatever `header` says. */
export function assembleBatch(header: BatchHeader, records: Uint8Array): Uint8Array {
  const batch = new Uint8Array(BATCH_HEADER_BYTES + records.length)
  batch.set(records, BATCH_HEADER_BYTES)
  const view = new DataView(batch.buffer)
  setInt64(view, 0, header.baseOffset)
  view.setInt32(8, batch.length - BATCH_LENGTH_OVERHEAD)
  view.setInt32(12, header.partitionLeaderEpoch)
  view.setInt8(16, header.magic)
  view.setInt16(21, header.attributes)
  view.setInt32(23, header.lastOffsetDelta)
  setInt64(view, 27, header.baseTimestamp)
  setInt64(view, 35, header.maxTimestamp)
  setInt64(view, 43, header.producerId)
  view.setInt16(51, header.producerEpoch)
  view.setInt32(53, header.baseSequence)
  view.setInt32(57, header.recordCount)
  view.setUint32(17, crc32c(batch.subarray(CRC_FROM)))
  return batch
}

/** `attributes` with another codec in them. */
export function attributesWithCodec(attributes: number, codec: Codec): number {
  return (attributes & ~ATTRIBUTE_CODEC) | CODECS.indexOf(codec)
}

/** Attributes of a batch to be built. */
export function batchAttributes(codec: Codec, flags: { readonly transactional: boolean }): number {
  return CODECS.indexOf(codec) | (flags.transactional ? ATTRIBUTE_TRANSACTIONAL : 0)
}

function invalid(reason: InvalidBatchReason, message: string): InvalidBatch {
  return { kind: 'invalid', reason, message }
}

function int64(view: DataView, at: number): number {
  return view.getInt32(at) * 0x1_0000_0000 + view.getUint32(at + 4)
}

function setInt64(view: DataView, at: number, value: number): void {
  view.setInt32(at, Math.floor(value / 0x1_0000_0000))
  view.setUint32(at + 4, value >>> 0)
}
