// Offsets by time, exact to the record: extents and blocks know the largest timestamp of what they hold, so only the batch
// that can contain the answer is read and, if it is compressed, opened.
import type { JournalReplica } from '../journal/replica.ts'
import { type Extent, type ExtentColumns, extentAt, findExtent } from '../journal/state/extents.ts'
import type { PartitionState } from '../journal/state/partition-page.ts'
import type { Compression } from '../wire/compression.ts'
import { type FoundRecord, firstRecordAtOrAfter, recordOfMaxTimestamp } from '../wire/records.ts'
import type { ListOffsetOutcome, Log, Topic } from './log.ts'
import { blockFrom, offsetsOf, type Partitions } from './partitions.ts'
import type { BatchReader } from './read-batches.ts'

/** Finds a record in a batch, from an offset delta on. */
type Look = (batch: Uint8Array, fromDelta: number) => Promise<FoundRecord>

type OffsetLookups = Pick<Log, 'offsets' | 'offsetForTimestamp' | 'offsetOfMaxTimestamp'>

export function createOffsetLookups(args: {
  readonly replica: JournalReplica
  readonly partitions: Partitions
  readonly reader: BatchReader
  readonly compression: Compression
}): OffsetLookups {
  const { replica, partitions, reader, compression } = args

  async function findFresh(topic: Topic, partition: number) {
    const refreshed = await replica.refresh()
    return refreshed.kind === 'fresh' ? partitions.find(topic, partition) : refreshed
  }

  /** The extents from `offset` on whose largest timestamp is at least `timestamp`, in offset order. */
  async function* candidates(
    state: PartitionState,
    offset: number,
    timestamp: number,
  ): AsyncGenerator<Extent | undefined> {
    let next = offset
    for (let block = blockFrom(state, next); block !== undefined; block = blockFrom(state, next)) {
      next = block.endOffset
      if (block.maxTimestamp < timestamp) continue
      const columns = await partitions.columns(block)
      if (columns === undefined) {
        yield undefined
        return
      }
      yield* youngEnough(columns, offset, timestamp)
    }
    yield* youngEnough(state.extents.open, offset, timestamp)
  }

  /** What `look` finds in a batch, from the log start on. */
  async function lookInto(extent: Extent, logStartOffset: number, look: Look): Promise<ListOffsetOutcome> {
    const read = await reader.read([extent])
    if (read.kind !== 'found') return { kind: 'unavailable' }
    const { baseOffset, maxTimestamp } = extent
    const found = await look(read.batches[0]!, Math.max(0, logStartOffset - baseOffset))
    if (found.kind === 'none') return { kind: 'none' }
    if (found.kind === 'found') {
      return { kind: 'found', offset: baseOffset + found.offsetDelta, timestamp: found.timestamp }
    }
    // A batch that nobody can open still has a place: its first offset is the best that can be told.
    return { kind: 'found', offset: Math.max(baseOffset, logStartOffset), timestamp: maxTimestamp }
  }

  /** The record that `look` finds in the first extent from `offset` on that can have one. */
  async function search(
    state: PartitionState,
    offset: number,
    timestamp: number,
    look: Look,
  ): Promise<ListOffsetOutcome> {
    for await (const extent of candidates(state, offset, timestamp)) {
      if (extent === undefined) return { kind: 'unavailable' }
      const found = await lookInto(extent, offset, look)
      if (found.kind !== 'none') return found
    }
    return { kind: 'none' }
  }

  /** The largest timestamp of the extents that begin at `offset` or later; undefined: a store did not answer. */
  async function maxTimestampFrom(state: PartitionState, offset: number): Promise<number | undefined> {
    let max = Number.NEGATIVE_INFINITY
    let next = offset
    for (let block = blockFrom(state, next); block !== undefined; block = blockFrom(state, next)) {
      next = block.endOffset
      if (block.baseOffset >= offset) max = Math.max(max, block.maxTimestamp)
      else {
        const columns = await partitions.columns(block)
        if (columns === undefined) return undefined
        max = Math.max(max, largestFrom(columns, offset))
      }
    }
    return Math.max(max, largestFrom(state.extents.open, offset))
  }

  return {
    async offsets(topic, partition) {
      const found = await findFresh(topic, partition)
      return found.kind === 'found' ? { kind: 'found', ...offsetsOf(found.state) } : found
    },
    async offsetForTimestamp(topic, partition, timestamp) {
      const found = await findFresh(topic, partition)
      if (found.kind !== 'found') return found
      const { state } = found
      if (state === undefined) return { kind: 'none' }
      const look: Look = (batch, from) => firstRecordAtOrAfter(batch, timestamp, compression, from)
      return search(state, state.logStartOffset, timestamp, look)
    },
    async offsetOfMaxTimestamp(topic, partition) {
      const found = await findFresh(topic, partition)
      if (found.kind !== 'found') return found
      const { state } = found
      if (state === undefined) return { kind: 'none' }
      const { logStartOffset } = state
      const look: Look = (batch, from) => recordOfMaxTimestamp(batch, compression, from)
      const extents = logStartOffset === 0 ? [] : await partitions.extentsFrom(state, logStartOffset, 0)
      if (extents === undefined) return { kind: 'unavailable' }
      const [first] = extents
      // Of a batch in which the log start lies nobody knows the largest timestamp from there on before it is read.
      const isCut = first !== undefined && first.baseOffset < logStartOffset
      const cut: ListOffsetOutcome = isCut ? await lookInto(first, logStartOffset, look) : { kind: 'none' }
      if (cut.kind === 'unavailable') return cut
      const from = isCut ? first.baseOffset + first.recordCount : logStartOffset
      const max = await maxTimestampFrom(state, from)
      if (max === undefined) return { kind: 'unavailable' }
      return cut.kind === 'found' && cut.timestamp >= max ? cut : search(state, from, max, look)
    },
  }
}

function* youngEnough(columns: ExtentColumns, offset: number, timestamp: number): Generator<Extent> {
  for (let i = Math.max(0, findExtent(columns, offset)); i < columns.baseOffset.length; i++) {
    if (columns.baseOffset[i]! + columns.recordCount[i]! <= offset) continue
    if (columns.maxTimestamp[i]! >= timestamp) yield extentAt(columns, i)
  }
}

function largestFrom(columns: ExtentColumns, offset: number): number {
  let max = Number.NEGATIVE_INFINITY
  for (let i = 0; i < columns.baseOffset.length; i++) {
    if (columns.baseOffset[i]! >= offset) max = Math.max(max, columns.maxTimestamp[i]!)
  }
  return max
}
