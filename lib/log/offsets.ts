// Offsets by time, exact to the record: extents and blocks know the largest timestamp of what they hold, so only the batch
// that can contain the answer is read and, if it is compressed, opened.
import type { JournalReplica } from '../journal/replica.ts'
import { type Extent, extentAt } from '../journal/state/extents.ts'
import type { PartitionState } from '../journal/state/partition-page.ts'
import type { Compression } from '../wire/compression.ts'
import { type FoundRecord, firstRecordAtOrAfter, recordOfMaxTimestamp } from '../wire/records.ts'
import type { ListOffsetOutcome, Log, Topic } from './log.ts'
import { offsetsOf, type Partitions } from './partitions.ts'
import type { BatchReader } from './read-batches.ts'

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

  /** The extents whose largest timestamp is at least `timestamp`, in offset order. */
  async function* candidates(state: PartitionState, timestamp: number): AsyncGenerator<Extent | undefined> {
    for (const block of state.extents.blocks) {
      if (block.maxTimestamp < timestamp) continue
      const columns = await partitions.columns(block)
      if (columns === undefined) {
        yield undefined
        return
      }
      for (let i = 0; i < columns.baseOffset.length; i++) {
        if (columns.maxTimestamp[i]! >= timestamp) yield extentAt(columns, i)
      }
    }
    const columns = state.extents.open
    for (let i = 0; i < columns.baseOffset.length; i++) {
      if (columns.maxTimestamp[i]! >= timestamp) yield extentAt(columns, i)
    }
  }

  /** The record that `look` finds in the first candidate that has one. */
  async function search(
    state: PartitionState,
    timestamp: number,
    look: (batch: Uint8Array, fromDelta: number) => Promise<FoundRecord>,
  ): Promise<ListOffsetOutcome> {
    for await (const extent of candidates(state, timestamp)) {
      if (extent === undefined) return { kind: 'unavailable' }
      if (extent.baseOffset + extent.recordCount <= state.logStartOffset) continue
      const read = await reader.read([extent])
      if (read.kind !== 'found') return { kind: 'unavailable' }
      const found = await look(read.batches[0]!, Math.max(0, state.logStartOffset - extent.baseOffset))
      if (found.kind === 'found') {
        return { kind: 'found', offset: extent.baseOffset + found.offsetDelta, timestamp: found.timestamp }
      }
      // A batch that nobody can open still has a place: its first offset is the best that can be told.
      if (found.kind === 'unreadable')
        return { kind: 'found', offset: extent.baseOffset, timestamp: extent.maxTimestamp }
    }
    return { kind: 'none' }
  }

  return {
    async offsets(topic, partition) {
      const found = await findFresh(topic, partition)
      return found.kind === 'found' ? { kind: 'found', ...offsetsOf(found.state) } : found
    },
    async offsetForTimestamp(topic, partition, timestamp) {
      const found = await findFresh(topic, partition)
      if (found.kind !== 'found') return found
      if (found.state === undefined) return { kind: 'none' }
      return search(found.state, timestamp, (batch, from) => firstRecordAtOrAfter(batch, timestamp, compression, from))
    },
    async offsetOfMaxTimestamp(topic, partition) {
      const found = await findFresh(topic, partition)
      if (found.kind !== 'found') return found
      const { state } = found
      if (state === undefined) return { kind: 'none' }
      let max = Number.NEGATIVE_INFINITY
      for (const block of state.extents.blocks) max = Math.max(max, block.maxTimestamp)
      for (const timestamp of state.extents.open.maxTimestamp) max = Math.max(max, timestamp)
      return search(state, max, (batch, from) => recordOfMaxTimestamp(batch, compression, from))
    },
  }
}
