// Looking into a partition of the replica: its offsets, and its extents from an offset on. Pages and blocks that are not in
// memory are loaded from the last checkpoint.
import { BLOCKS_IN_MEMORY_MAX } from '../base/limits.ts'
import { readObject } from '../journal/read-object.ts'
import type { JournalReplica } from '../journal/replica.ts'
import {
  decodeBlockObject,
  type Extent,
  type ExtentBlock,
  type ExtentColumns,
  extentAt,
  findExtent,
} from '../journal/state/extents.ts'
import { asPartitionPage } from '../journal/state/page.ts'
import { pageKeyOf } from '../journal/state/page-keys.ts'
import { type PartitionState, readPartition } from '../journal/state/partition-page.ts'
import type { ObjectStore } from '../storage/ports.ts'
import type { PartitionOffsets, Topic, Unserved } from './log.ts'

export type FindPartitionOutcome =
  | { readonly kind: 'found'; readonly state: PartitionState | undefined }
  | { readonly kind: 'unknownTopic' }
  | Unserved

export interface Partitions {
  /** The partition as it is in the replica; `state` undefined: nothing was ever written to it. */
  find(topic: Pick<Topic, 'number'>, partition: number): Promise<FindPartitionOutcome>
  /** The same without waiting, if its page is in memory. */
  findNow(topic: Pick<Topic, 'number'>, partition: number): FindPartitionOutcome | undefined
  /**
   * Extents from the one that holds `offset` on, until their batches exceed `bytesMax`; undefined: a store did not answer.
   * The log start may move meanwhile: if it has passed `offset`, some may be missing.
   */
  extentsFrom(state: PartitionState, offset: number, bytesMax: number): Promise<Extent[] | undefined>
  /** A block's columns, loaded if need be. */
  columns(block: ExtentBlock): Promise<ExtentColumns | undefined>
}

export function offsetsOf(state: PartitionState | undefined): PartitionOffsets {
  const end = state?.nextOffset ?? 0
  return { logStartOffset: state?.logStartOffset ?? 0, highWatermark: end, lastStableOffset: end }
}

/** The block, as the partition has it now, in which extents from this offset on begin; undefined: in its open columns. */
export const blockFrom = ({ extents }: PartitionState, offset: number): ExtentBlock | undefined =>
  extents.blocks.find((block) => block.endOffset > offset)

export function createPartitions(replica: JournalReplica, objects: ObjectStore): Partitions {
  /** Blocks that were loaded again for readers, the least recently used first. */
  const loaded = new Set<ExtentBlock>()

  async function columns(block: ExtentBlock): Promise<ExtentColumns | undefined> {
    if (block.columns === undefined) {
      if (block.key === undefined) return undefined
      const found = await readObject(objects, block.key, (bytes) => decodeBlockObject(bytes, block.hash))
      if (found.kind !== 'found') return undefined
      block.columns = found.value
    }
    if (block.key !== undefined) {
      loaded.delete(block)
      loaded.add(block)
      for (const oldest of loaded) {
        if (loaded.size <= BLOCKS_IN_MEMORY_MAX) break
        loaded.delete(oldest)
        oldest.columns = undefined
      }
    }
    return block.columns
  }

  /** Adds extents of `from` to `found`; returns the bytes left. */
  function take(found: Extent[], from: ExtentColumns, offset: number, bytesMax: number): number {
    let left = bytesMax
    for (let i = Math.max(0, findExtent(from, offset)); i < from.baseOffset.length; i++) {
      const extent = extentAt(from, i)
      if (extent.baseOffset + extent.recordCount <= offset) continue
      if (found.length > 0 && extent.length > left) return 0
      found.push(extent)
      left -= extent.length
      if (left <= 0) return 0
    }
    return left
  }

  function known(topicNumber: number, partition: number): FindPartitionOutcome | undefined {
    if (replica.haltedBecause !== undefined) return { kind: 'halted' }
    const topic = replica.root.topics.get(topicNumber)
    if (topic === undefined || partition < 0 || partition >= topic.partitions) return { kind: 'unknownTopic' }
    return undefined
  }

  function findNow(topic: Pick<Topic, 'number'>, partition: number): FindPartitionOutcome | undefined {
    const answer = known(topic.number, partition)
    if (answer !== undefined) return answer
    const page = replica.pages.loaded(pageKeyOf(topic.number, partition))
    return page && { kind: 'found', state: readPartition(asPartitionPage(page), partition) }
  }

  return {
    findNow,
    async find(topic, partition) {
      const now = findNow(topic, partition)
      if (now !== undefined) return now
      const page = await replica.pages.load(pageKeyOf(topic.number, partition))
      if (page !== undefined) return { kind: 'found', state: readPartition(asPartitionPage(page), partition) }
      return known(topic.number, partition) ?? { kind: 'unavailable' }
    },
    async extentsFrom(state, offset, bytesMax) {
      const found: Extent[] = []
      let left = bytesMax
      let next = offset
      // While a block is loaded the partition may grow and its start may move: the next one is looked for when it is wanted.
      for (let block = blockFrom(state, next); block !== undefined; block = blockFrom(state, next)) {
        const loadedColumns = await columns(block)
        if (loadedColumns === undefined) return undefined
        left = take(found, loadedColumns, next, left)
        if (left <= 0) return found
        next = block.endOffset
      }
      take(found, state.extents.open, next, left)
      return found
    },
    columns,
  }
}
