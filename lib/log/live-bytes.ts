// How many bytes of batches a partition holds from its log start on, as DescribeLogDirs tells it. Extents know the length of
// what lies in them, but a page keeps only its newest ones itself, so the older ones are counted block by block: a block never
// changes, so what it holds is remembered by its hash. Work is bounded for each question: where blocks would have to be
// read beyond the bound, they count as large as what was counted of their partition, and the next question finds more of
// them remembered. The figure is for people; nothing is decided by it.
import { BLOCK_SIZES_MAX, LIVE_BYTES_BLOCK_READS_MAX, READS_IN_FLIGHT_MAX } from '../base/limits.ts'
import type { ExtentBlock, ExtentColumns } from '../journal/state/extents.ts'
import type { PartitionState } from '../journal/state/partition-page.ts'
import type { LiveBytesOutcome, Log, Topic } from './log.ts'
import type { Partitions } from './partitions.ts'

/** The bytes of the extents that reach beyond `logStartOffset`. */
function bytesFrom(columns: ExtentColumns, logStartOffset: number): number {
  let bytes = 0
  for (let i = columns.baseOffset.length - 1; i >= 0; i--) {
    if (columns.baseOffset[i]! + columns.recordCount[i]! <= logStartOffset) break
    bytes += columns.length[i]!
  }
  return bytes
}

export function createLiveBytes(
  partitions: Pick<Partitions, 'find' | 'columns'>,
  blockReadsMax = LIVE_BYTES_BLOCK_READS_MAX,
): Pick<Log, 'liveBytes'> {
  /** Bytes in whole blocks, by hash, the oldest first. */
  const sizes = new Map<string, number>()

  function remember(block: ExtentBlock, columns: ExtentColumns): number {
    const bytes = bytesFrom(columns, -1)
    sizes.set(Buffer.from(block.hash).toString('base64'), bytes)
    for (const oldest of sizes.keys()) {
      if (sizes.size <= BLOCK_SIZES_MAX) break
      sizes.delete(oldest)
    }
    return bytes
  }

  /** What a block adds; undefined if that would take one more read than allowed. */
  async function bytesIn(
    block: ExtentBlock,
    logStartOffset: number,
    reads: { left: number },
  ): Promise<number | 'unavailable' | undefined> {
    const isWhole = block.baseOffset >= logStartOffset
    const known = isWhole ? sizes.get(Buffer.from(block.hash).toString('base64')) : undefined
    if (known !== undefined) return known
    if (block.columns === undefined && --reads.left < 0) return undefined
    const columns = await partitions.columns(block)
    if (columns === undefined) return 'unavailable'
    return isWhole ? remember(block, columns) : bytesFrom(columns, logStartOffset)
  }

  async function count(
    { extents, logStartOffset }: PartitionState,
    reads: { left: number },
  ): Promise<number | 'unavailable'> {
    const { open, blocks } = extents
    let bytes = bytesFrom(open, logStartOffset)
    let offsets =
      open.baseOffset.length === 0 ? 0 : open.baseOffset.at(-1)! + open.recordCount.at(-1)! - open.baseOffset[0]!
    let uncounted = 0
    for (const block of blocks) {
      if (block.endOffset <= logStartOffset) continue
      const inBlock = block.endOffset - Math.max(block.baseOffset, logStartOffset)
      const known = await bytesIn(block, logStartOffset, reads)
      if (known === 'unavailable') return known
      if (known === undefined) uncounted += inBlock
      else {
        bytes += known
        offsets += inBlock
      }
    }
    return offsets === 0 ? bytes : bytes + Math.round((bytes / offsets) * uncounted)
  }

  async function measure(topic: Topic, partition: number, reads: { left: number }): Promise<LiveBytesOutcome> {
    const found = await partitions.find(topic, partition)
    if (found.kind !== 'found') return found
    const sizeBytes = found.state === undefined ? 0 : await count(found.state, reads)
    return sizeBytes === 'unavailable' ? { kind: 'unavailable' } : { kind: 'found', sizeBytes }
  }

  return {
    async liveBytes(wanted) {
      const outcomes: LiveBytesOutcome[] = []
      const reads = { left: blockReadsMax }
      let next = 0
      const measureNext = async (): Promise<void> => {
        while (next < wanted.length) {
          const index = next++
          const { topic, partition } = wanted[index]!
          outcomes[index] = await measure(topic, partition, reads)
        }
      }
      await Promise.all(Array.from({ length: Math.min(READS_IN_FLIGHT_MAX, wanted.length) }, measureNext))
      return outcomes
    },
  }
}
