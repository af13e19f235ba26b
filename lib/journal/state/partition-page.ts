// The page of up to 64 partitions of one topic: what each of them is given, and what becomes of it. It depends only on itself
// and on what it is given, so it can be loaded, changed and stored without any other part of the state.
import { ByteReader, ByteWriter, StoredBytesError } from '../../base/bytes.ts'
import { EXTENTS_PER_PARTITION_MAX, PAGE_PARTITIONS } from '../../base/limits.ts'
import type { ObjectKey } from '../../storage/ports.ts'
import type { FlushBatch } from '../entries/flush.ts'
import {
  appendExtent,
  dropExtentsBefore,
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
import { type EncodedSlot, readSlot, type Slot, type Slots, writeSlot } from './slots.ts'

export interface PartitionState {
  logStartOffset: number
  nextOffset: number
  readonly extents: Extents
  readonly producers: Producers
}

/** Partition `n` of the topic is slot `n % PAGE_PARTITIONS`; an untouched one is undefined. */
export interface PartitionPage {
  readonly kind: 'partitions'
  readonly slots: Slots<PartitionState>
}

/** What a page of partitions has to apply of one entry. */
export type PartitionWork =
  | {
      /** The batches [from, to) of a flush's table. */
      readonly kind: 'batches'
      readonly pageKey: PageKey
      readonly from: number
      readonly segment: SegmentReference
      readonly batches: readonly FlushBatch[]
      readonly to: number
    }
  | {
      readonly kind: 'trim'
      readonly pageKey: PageKey
      readonly from: 0
      readonly topicNumber: number
      readonly partition: number
      readonly offset: number
    }

/** The verdict of one batch, the same for every reader. */
export type BatchVerdict =
  | { readonly kind: 'appended'; readonly baseOffset: number; readonly logStartOffset: number }
  | { readonly kind: 'duplicate'; readonly baseOffset: number; readonly logStartOffset: number }
  | { readonly kind: 'outOfOrderSequence' }
  | { readonly kind: 'invalidProducerEpoch' }
  | { readonly kind: 'unknownTopic' }
  /** Too many unmerged extents. */
  | { readonly kind: 'limit' }

/** The verdict on a new log start, the same for every reader. */
export type TrimVerdict =
  /** The log start from here on; what was asked for may lie before it, or beyond what may be trimmed. */
  { readonly kind: 'trimmed'; readonly logStartOffset: number } | { readonly kind: 'unknownTopic' }

const slotOf = (partition: number): number => partition % PAGE_PARTITIONS

/** The state of a partition, decoded if need be; undefined if nothing was ever written to it. */
export const readPartition = (page: PartitionPage, partition: number): PartitionState | undefined =>
  readSlot(page.slots, slotOf(partition), decodePartition)

/** The keys of a partition's blocks, in order; undefined where a block has none yet. */
export function blockKeys(slot: Slot<PartitionState>): readonly (ObjectKey | undefined)[] {
  return slot.state === undefined ? slot.blockKeys : slot.state.extents.blocks.map((block) => block.key)
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
export function applyBatch(page: PartitionPage, batch: FlushBatch, segment: SegmentReference): BatchVerdict {
  const state = readPartition(page, batch.partition) ?? emptyPartition()
  const rejected = judge(state, batch)
  if (rejected !== undefined) return rejected
  const { logStartOffset, nextOffset: baseOffset } = state
  const { recordCount, start, length, maxTimestamp } = batch
  appendExtent(state.extents, { baseOffset, recordCount, segment, start, length, maxTimestamp })
  state.nextOffset = baseOffset + recordCount
  if (batch.producerId >= 0) rememberBatch(state.producers, batch, baseOffset)
  writeSlot(page.slots, slotOf(batch.partition), state)
  return { kind: 'appended', baseOffset, logStartOffset }
}

/** The last stable offset is the end of the log: there are no transactions yet. */
const lastStableOffset = (state: PartitionState): number => state.nextOffset

/** Moves the log start forward, at most to the last stable offset. Extents that lie wholly before it leave the page. */
function applyTrim(page: PartitionPage, partition: number, offset: number): TrimVerdict {
  const state = readPartition(page, partition)
  if (state === undefined) return { kind: 'trimmed', logStartOffset: 0 }
  const logStartOffset = Math.min(offset, lastStableOffset(state))
  if (logStartOffset > state.logStartOffset) {
    state.logStartOffset = logStartOffset
    dropExtentsBefore(state.extents, logStartOffset)
    writeSlot(page.slots, slotOf(partition), state)
  }
  return { kind: 'trimmed', logStartOffset: state.logStartOffset }
}

/** Applies what the page is given of an entry. */
export function applyToPartitions(page: PartitionPage, work: PartitionWork): (BatchVerdict | TrimVerdict)[] {
  if (work.kind === 'trim') return [applyTrim(page, work.partition, work.offset)]
  const verdicts: BatchVerdict[] = []
  for (let i = work.from; i < work.to; i++) verdicts.push(applyBatch(page, work.batches[i]!, work.segment))
  return verdicts
}

export function encodePartition(state: PartitionState): Uint8Array {
  const writer = new ByteWriter(256).varint(state.logStartOffset).varint(state.nextOffset)
  writer.varint(state.extents.blocks.length)
  for (const { baseOffset, endOffset, maxTimestamp, hash } of state.extents.blocks) {
    writer.varint(baseOffset).varint(endOffset).signed(maxTimestamp).raw(hash)
  }
  writeColumns(writer, state.extents.open)
  writeProducers(writer, state.producers)
  return writer.finish()
}

function decodePartition({ encoded, blockKeys }: EncodedSlot): PartitionState {
  const reader = new ByteReader(encoded)
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
