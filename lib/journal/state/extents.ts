// Where the batches of one partition lie: its extents, in offset order and without gaps. The newest stand in columns that
// grow; each full 4,096 become an immutable block, known by the hash of its bytes, so that neither a checkpoint nor a start
// touches old ones. A block's bytes are the same for every replica; only the key of the object that a checkpoint put them
// into is not part of the state.
import { assert } from '../../base/assert.ts'
import { ByteReader, ByteWriter, openObject, StoredBytesError, sealObject } from '../../base/bytes.ts'
import { type Ulid, ulidFromBytes, ulidToBytes } from '../../base/ids.ts'
import { BLOCK_EXTENTS } from '../../base/limits.ts'
import type { ObjectKey } from '../../storage/ports.ts'
import { sha256 } from '../entry.ts'
import { objectKey, parseObjectKey } from '../object-keys.ts'

/** An ingest segment as extents name it; one object is shared by all extents of a flush. */
export interface SegmentReference {
  /** Kind (1 segment, 2 tiny), origin as a varint, ULID. */
  readonly encoded: Uint8Array
  key: ObjectKey | undefined
}

export function segmentReference(key: ObjectKey): SegmentReference {
  const parts = parseObjectKey(key)
  assert(parts !== undefined && (parts.kind === 'segment' || parts.kind === 'tiny'), 'an extent lies in a segment')
  const writer = new ByteWriter(32)
    .u8(parts.kind === 'tiny' ? 2 : 1)
    .varint(parts.origin)
    .raw(ulidToBytes(parts.id))
  return { encoded: writer.finish(), key }
}

/** The object key of a reference, computed at its first use. */
export function segmentKey(reference: SegmentReference): ObjectKey {
  if (reference.key === undefined) {
    const reader = new ByteReader(reference.encoded)
    const kind = reader.u8() === 2 ? 'tiny' : 'segment'
    reference.key = objectKey(kind, reader.varint(), ulidFromBytes(reader.raw(16)) as Ulid)
  }
  return reference.key
}

/** One batch of the log and where its bytes are. */
export interface Extent {
  readonly baseOffset: number
  readonly recordCount: number
  readonly segment: SegmentReference
  readonly start: number
  readonly length: number
  readonly maxTimestamp: number
}

export interface ExtentColumns {
  readonly baseOffset: number[]
  readonly recordCount: number[]
  readonly segment: SegmentReference[]
  readonly start: number[]
  readonly length: number[]
  readonly maxTimestamp: number[]
}

export interface ExtentBlock {
  readonly baseOffset: number
  readonly endOffset: number
  readonly maxTimestamp: number
  /** SHA-256 of the block's bytes. */
  readonly hash: Uint8Array
  /** The object that holds it, once an accepted checkpoint named it. */
  key: ObjectKey | undefined
  /** In memory at least until it has a key. */
  columns: ExtentColumns | undefined
}

export interface Extents {
  /** Another list whenever one comes or some leave. */
  blocks: readonly ExtentBlock[]
  /** They grow in place, and are others when some leave or when they became a block. */
  open: ExtentColumns
}

export const noColumns = (): ExtentColumns => ({
  baseOffset: [],
  recordCount: [],
  segment: [],
  start: [],
  length: [],
  maxTimestamp: [],
})
export const noExtents = (): Extents => ({ blocks: [], open: noColumns() })

export const extentCount = (extents: Extents): number =>
  extents.blocks.length * BLOCK_EXTENTS + extents.open.baseOffset.length

export function extentAt(columns: ExtentColumns, index: number): Extent {
  return {
    baseOffset: columns.baseOffset[index]!,
    recordCount: columns.recordCount[index]!,
    segment: columns.segment[index]!,
    start: columns.start[index]!,
    length: columns.length[index]!,
    maxTimestamp: columns.maxTimestamp[index]!,
  }
}

function pushExtent(columns: ExtentColumns, extent: Extent): void {
  columns.baseOffset.push(extent.baseOffset)
  columns.recordCount.push(extent.recordCount)
  columns.segment.push(extent.segment)
  columns.start.push(extent.start)
  columns.length.push(extent.length)
  columns.maxTimestamp.push(extent.maxTimestamp)
}

/** Appends an extent; the columns become a block when they are full. */
export function appendExtent(extents: Extents, extent: Extent): void {
  pushExtent(extents.open, extent)
  if (extents.open.baseOffset.length < BLOCK_EXTENTS) return
  const columns = extents.open
  const block: ExtentBlock = {
    baseOffset: columns.baseOffset[0]!,
    endOffset: extent.baseOffset + extent.recordCount,
    maxTimestamp: columns.maxTimestamp.reduce((a, b) => Math.max(a, b)),
    hash: sha256(encodeColumns(columns)),
    key: undefined,
    columns,
  }
  extents.blocks = [...extents.blocks, block]
  extents.open = noColumns()
}

/** Drops what ends at or before `offset`: whole blocks, and extents of the open columns. A block is dropped whole or not at all. */
export function dropExtentsBefore(extents: Extents, offset: number): void {
  extents.blocks = extents.blocks.filter((block) => block.endOffset > offset)
  const { open } = extents
  const last = findExtent(open, offset)
  if (last < 0) return
  const first = open.baseOffset[last]! + open.recordCount[last]! <= offset ? last + 1 : last
  if (first === 0) return
  extents.open = {
    baseOffset: open.baseOffset.slice(first),
    recordCount: open.recordCount.slice(first),
    segment: open.segment.slice(first),
    start: open.start.slice(first),
    length: open.length.slice(first),
    maxTimestamp: open.maxTimestamp.slice(first),
  }
}

/** Index of the extent that holds `offset`, or -1 if it lies before the first. */
export function findExtent(columns: ExtentColumns, offset: number): number {
  let low = 0
  let high = columns.baseOffset.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (columns.baseOffset[middle]! <= offset) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** Extents are dense, so only the first base offset is stored. */
export function writeColumns(writer: ByteWriter, columns: ExtentColumns): void {
  const count = columns.baseOffset.length
  writer.varint(count)
  if (count === 0) return
  writer.varint(columns.baseOffset[0]!)
  let segment: SegmentReference | undefined
  let timestamp = 0
  for (let i = 0; i < count; i++) {
    const next = columns.segment[i]!
    if (next === segment) writer.u8(0)
    else writer.raw(next.encoded)
    segment = next
    writer.varint(columns.start[i]!).varint(columns.length[i]!).varint(columns.recordCount[i]!)
    writer.signed(columns.maxTimestamp[i]! - timestamp)
    timestamp = columns.maxTimestamp[i]!
  }
}

export function readColumns(reader: ByteReader): ExtentColumns {
  const columns = noColumns()
  const count = reader.count(5)
  if (count === 0) return columns
  let baseOffset = reader.varint()
  let segment: SegmentReference | undefined
  let maxTimestamp = 0
  for (let i = 0; i < count; i++) {
    const kind = reader.u8()
    if (kind > 2) throw new StoredBytesError('an extent lies in an unknown kind of segment')
    if (kind !== 0) {
      const encoded = new ByteWriter(32).u8(kind).varint(reader.varint()).raw(reader.raw(16)).finish()
      segment = { encoded, key: undefined }
    }
    if (segment === undefined) throw new StoredBytesError('the first extent of a page names no segment')
    const start = reader.varint()
    const length = reader.varint()
    const recordCount = reader.varint()
    maxTimestamp += reader.signed()
    pushExtent(columns, { baseOffset, recordCount, segment, start, length, maxTimestamp })
    baseOffset += recordCount
  }
  return columns
}

const encodeColumns = (columns: ExtentColumns): Uint8Array => {
  const writer = new ByteWriter(columns.baseOffset.length * 32 + 16)
  writeColumns(writer, columns)
  return writer.finish()
}

const MAGIC = 'TLB1'

export function encodeBlockObject(columns: ExtentColumns): Uint8Array {
  return sealObject(MAGIC, encodeColumns(columns))
}

/** The columns of a stored block, verified against the hash that the state holds. */
export function decodeBlockObject(bytes: Uint8Array, hash: Uint8Array): ExtentColumns {
  const content = openObject(MAGIC, bytes)
  if (Buffer.compare(sha256(content), hash) !== 0) throw new StoredBytesError('a block is not the one its page names')
  const reader = new ByteReader(content)
  const columns = readColumns(reader)
  reader.end()
  return columns
}
