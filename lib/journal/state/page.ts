// A page: the state of up to 64 partitions of one topic. It depends only on itself and on what it is given, so it can be
// loaded, changed and stored without any other part of the state. A partition is decoded at its first use, and one that
// was not touched since goes into the next checkpoint as the bytes it came from.
import { assert } from '../../base/assert.ts'
import { ByteReader, ByteWriter, openObject, StoredBytesError, sealObject } from '../../base/bytes.ts'
import { EXTENTS_PER_PARTITION_MAX, PAGE_PARTITIONS } from '../../base/limits.ts'
import type { ObjectKey } from '../../storage/ports.ts'
import type { FlushBatch } from '../entries/flush.ts'
import { sha256 } from '../entry.ts'
import {
  appendExtent,
  type Extents,
  extentCount,
  noExtents,
  readColumns,
  type SegmentReference,
  writeColumns,
} from './extents.ts'
import {
  judgeSequence,
  noProducers,
  type Producers,
  readProducers,
  rememberBatch,
  writeProducers,
} from './producers.ts'
import type { PageKey } from './root.ts'

export interface PartitionState {
  logStartOffset: number
  nextOffset: number
  readonly extents: Extents
  readonly producers: Producers
}

interface PartitionSlot {
  state: PartitionState | undefined
  /** The canonical bytes while they are those of the state. */
  encoded: Uint8Array | undefined
  /** Keys of the blocks, for a state that is not decoded yet. */
  blockKeys: readonly ObjectKey[]
}

/** Partition `n` of the topic is slot `n % PAGE_PARTITIONS`; an untouched one is undefined. */
export interface Page {
  readonly slots: (PartitionSlot | undefined)[]
}

export const pageKeyOf = (topicNumber: number, partition: number): PageKey =>
  `${topicNumber}/${Math.floor(partition / PAGE_PARTITIONS)}`

export const emptyPage = (): Page => ({ slots: [] })

/** The verdict of one batch, the same for every reader. */
export type BatchVerdict =
  | { readonly kind: 'appended'; readonly baseOffset: number; readonly logStartOffset: number }
  | { readonly kind: 'duplicate'; readonly baseOffset: number; readonly logStartOffset: number }
  | { readonly kind: 'outOfOrderSequence' }
  | { readonly kind: 'invalidProducerEpoch' }
  | { readonly kind: 'unknownTopic' }
  /** Too many unmerged extents. */
  | { readonly kind: 'limit' }

/** The state of a partition, decoded if need be; undefined if nothing was ever written to it. */
export function readPartition(page: Page, partition: number): PartitionState | undefined {
  const slot = page.slots[partition % PAGE_PARTITIONS]
  if (slot === undefined) return undefined
  if (slot.state === undefined) {
    assert(slot.encoded !== undefined, 'a partition is decoded or encoded')
    slot.state = decodePartition(slot.encoded, slot.blockKeys)
  }
  return slot.state
}

const emptyPartition = (): PartitionState => ({
  logStartOffset: 0,
  nextOffset: 0,
  extents: noExtents(),
  producers: noProducers(),
})

/** What the partition as it is says of a batch; undefined: it is accepted. */
function judge(state: PartitionState, batch: FlushBatch): BatchVerdict | undefined {
  if (batch.producerId >= 0) {
    const verdict = judgeSequence(state.producers, batch)
    if (verdict.kind === 'duplicate') return { ...verdict, logStartOffset: state.logStartOffset }
    if (verdict.kind !== 'accept') return verdict
  }
  return extentCount(state.extents) >= EXTENTS_PER_PARTITION_MAX ? { kind: 'limit' } : undefined
}

/** Applies one batch of a flush: judges it, gives it its offset, notes where it lies. A rejected one changes nothing. */
export function applyBatch(page: Page, batch: FlushBatch, segment: SegmentReference): BatchVerdict {
  const state = readPartition(page, batch.partition) ?? emptyPartition()
  const rejected = judge(state, batch)
  if (rejected !== undefined) return rejected
  const { logStartOffset, nextOffset: baseOffset } = state
  const { recordCount, start, length, maxTimestamp } = batch
  appendExtent(state.extents, { baseOffset, recordCount, segment, start, length, maxTimestamp })
  state.nextOffset = baseOffset + recordCount
  if (batch.producerId >= 0) rememberBatch(state.producers, batch, baseOffset)
  page.slots[batch.partition % PAGE_PARTITIONS] = { state, encoded: undefined, blockKeys: [] }
  return { kind: 'appended', baseOffset, logStartOffset }
}

function encodePartition(state: PartitionState): Uint8Array {
  const writer = new ByteWriter(256).varint(state.logStartOffset).varint(state.nextOffset)
  writer.varint(state.extents.blocks.length)
  for (const { baseOffset, endOffset, maxTimestamp, hash } of state.extents.blocks) {
    writer.varint(baseOffset).varint(endOffset).signed(maxTimestamp).raw(hash)
  }
  writeColumns(writer, state.extents.open)
  writeProducers(writer, state.producers)
  return writer.finish()
}

function decodePartition(bytes: Uint8Array, blockKeys: readonly ObjectKey[]): PartitionState {
  const reader = new ByteReader(bytes)
  const logStartOffset = reader.varint()
  const nextOffset = reader.varint()
  const blockCount = reader.count(35)
  if (blockCount !== blockKeys.length) throw new StoredBytesError('a page does not name an object for each block')
  const blocks = Array.from({ length: blockCount }, (_, i) => ({
    baseOffset: reader.varint(),
    endOffset: reader.varint(),
    maxTimestamp: reader.signed(),
    hash: reader.raw(32),
    key: blockKeys[i],
    columns: undefined,
  }))
  const extents = { blocks, open: readColumns(reader) }
  const producers = readProducers(reader)
  reader.end()
  return { logStartOffset, nextOffset, extents, producers }
}

/** The page's content without block keys: the same bytes for the same state. */
export function encodePage(page: Page): Uint8Array {
  const writer = new ByteWriter(4096)
  const used = page.slots.flatMap((slot, index) => (slot === undefined ? [] : [{ slot, index }]))
  writer.varint(used.length)
  for (const { slot, index } of used) {
    slot.encoded ??= encodePartition(slot.state!)
    writer.varint(index).bytes(slot.encoded)
  }
  return writer.finish()
}

export const pageHash = (content: Uint8Array): Uint8Array => sha256(content)

/** The keys of a partition's blocks, in order; undefined where a block has none yet. */
export function blockKeys(slot: PartitionSlot): readonly (ObjectKey | undefined)[] {
  return slot.state === undefined ? slot.blockKeys : slot.state.extents.blocks.map((block) => block.key)
}

const MAGIC = 'TLP1'

/** A stored page: its content, and the object of each block, partition by partition. */
export function encodePageObject(content: Uint8Array, keys: ReadonlyMap<number, readonly ObjectKey[]>): Uint8Array {
  const writer = new ByteWriter(content.length + 64).bytes(content).varint(keys.size)
  for (const [index, list] of keys) {
    writer.varint(index).varint(list.length)
    for (const key of list) writer.string(key)
  }
  return sealObject(MAGIC, writer.finish())
}

export function decodePageObject(bytes: Uint8Array): Page {
  const reader = new ByteReader(openObject(MAGIC, bytes))
  const content = new ByteReader(reader.bytes())
  const page = emptyPage()
  const used = content.count(2)
  for (let i = 0; i < used; i++) {
    const index = content.varint()
    if (index >= PAGE_PARTITIONS) throw new StoredBytesError('a page holds a partition that is not one of its own')
    page.slots[index] = { state: undefined, encoded: content.bytes(), blockKeys: [] }
  }
  content.end()
  const lists = reader.count(2)
  for (let i = 0; i < lists; i++) {
    const index = reader.varint()
    const keys = Array.from({ length: reader.count() }, () => reader.string())
    const slot = page.slots[index]
    if (slot === undefined) throw new StoredBytesError('a page names blocks of a partition that it does not hold')
    slot.blockKeys = keys
  }
  reader.end()
  return page
}
