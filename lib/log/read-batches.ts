// From extents to the bytes of their batches: the cache first, then one ranged GET per object for what lies close together,
// shared by everybody who wants the same range at the same time. What comes from a store is checked against its length and
// CRC before anybody sees it, and read once more if it fails.

import { crc32c } from '../base/crc32c.ts'
import { BLOCK_CACHE_BYTES_MAX, FETCH_BATCH_OVERHEAD_BYTES, READS_IN_FLIGHT_MAX } from '../base/limits.ts'
import type { Logger } from '../base/logger.ts'
import { type Extent, segmentKey } from '../journal/state/extents.ts'
import type { ObjectKey, ObjectStore } from '../storage/ports.ts'
import { batchSizeBytes, readBatchHeader } from '../wire/record-batch.ts'
import { type BatchCache, createBatchCache } from './batch-cache.ts'

export type ReadBatchesOutcome =
  | { readonly kind: 'found'; readonly batches: readonly Uint8Array[] }
  /** The object is gone: refresh and look again. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'unavailable' }

export interface BatchReader {
  readonly cache: BatchCache
  /** The bytes of each extent's batch, in order, as stored. */
  read(extents: readonly Extent[]): Promise<ReadBatchesOutcome>
}

interface Range {
  readonly key: ObjectKey
  start: number
  end: number
  readonly extents: Extent[]
}

/** Two batches of one object that are this close are read together: a GET costs more than the bytes between. */
const GAP_BYTES_MAX = 1024 * 1024

/** Length and checksum of a batch as stored are those of its header. */
function isWhole(batch: Uint8Array, extent: Extent): boolean {
  if (batch.length !== extent.length || batch.length < 61) return false
  return batchSizeBytes(batch) === batch.length && readBatchHeader(batch).crc === crc32c(batch.subarray(21))
}

/** Groups what is not cached into ranges, one object after the other. */
export function planRanges(extents: readonly Extent[], gapBytesMax = GAP_BYTES_MAX): Range[] {
  const byKey = new Map<ObjectKey, Extent[]>()
  for (const extent of extents) {
    const key = segmentKey(extent.segment)
    const list = byKey.get(key)
    if (list === undefined) byKey.set(key, [extent])
    else list.push(extent)
  }
  const ranges: Range[] = []
  for (const [key, list] of byKey) {
    let range: Range | undefined
    for (const extent of list.sort((a, b) => a.start - b.start)) {
      const end = extent.start + extent.length
      if (range === undefined || extent.start - range.end > gapBytesMax) {
        range = { key, start: extent.start, end, extents: [] }
        ranges.push(range)
      }
      range.end = Math.max(range.end, end)
      range.extents.push(extent)
    }
  }
  return ranges
}

/** Tells of one batch after the other what it adds to the memory that reading all of them takes, what lies between included. */
export function createReadCost(): (extent: Extent) => number {
  const ranges = new Map<ObjectKey, { start: number; end: number }>()
  return (extent) => {
    const key = segmentKey(extent.segment)
    const end = extent.start + extent.length
    const range = ranges.get(key)
    if (range === undefined || extent.start - range.end > GAP_BYTES_MAX || range.start - end > GAP_BYTES_MAX) {
      ranges.set(key, { start: extent.start, end })
      return extent.length + FETCH_BATCH_OVERHEAD_BYTES
    }
    const before = range.end - range.start
    range.start = Math.min(range.start, extent.start)
    range.end = Math.max(range.end, end)
    return range.end - range.start - before + FETCH_BATCH_OVERHEAD_BYTES
  }
}

/**
 * A view keeps all of its buffer in memory: a whole request or a whole range. Where that is more than twice what is wanted
 * of it, the batches become copies, so that an answer holds about what it counts.
 */
export function detached(batches: readonly Uint8Array[]): Uint8Array[] {
  const wantedBytes = new Map<ArrayBufferLike, number>()
  for (const { buffer, length } of batches) wantedBytes.set(buffer, (wantedBytes.get(buffer) ?? 0) + length)
  return batches.map((batch) =>
    batch.buffer.byteLength > 2 * wantedBytes.get(batch.buffer)! ? new Uint8Array(batch) : batch,
  )
}

export function createBatchReader(
  objects: ObjectStore,
  logger: Logger,
  cacheBytesMax = BLOCK_CACHE_BYTES_MAX,
): BatchReader {
  const cache = createBatchCache(cacheBytesMax)
  interface Reading {
    readonly start: number
    readonly end: number
    readonly bytes: Promise<Uint8Array | 'missing' | 'unavailable'>
  }
  const underWay = new Map<ObjectKey, Set<Reading>>()

  function getRange(key: ObjectKey, start: number, end: number): Promise<Reading> {
    for (const reading of underWay.get(key) ?? []) {
      if (reading.start <= start && reading.end >= end) return Promise.resolve(reading)
    }
    const bytes = objects.get(key, { start, end }).then((outcome) => {
      readings.delete(reading)
      if (readings.size === 0) underWay.delete(key)
      return outcome.kind === 'found' ? outcome.bytes : outcome.kind
    })
    const reading = { start, end, bytes }
    const readings = underWay.get(key) ?? new Set()
    underWay.set(key, readings.add(reading))
    return Promise.resolve(reading)
  }

  /** Reads one range into `found`; the second try is for bytes that were not what was written. */
  async function readRange(range: Range, found: Map<Extent, Uint8Array>): Promise<'found' | 'missing' | 'unavailable'> {
    for (let tries = 0; tries < 2; tries++) {
      const reading = await getRange(range.key, range.start, range.end)
      const bytes = await reading.bytes
      if (bytes === 'missing' || bytes === 'unavailable') return bytes
      let whole = true
      // A cached view keeps the whole answer in memory: where little of it was asked for, the cache gets a copy.
      let wantedBytes = 0
      for (const extent of range.extents) wantedBytes += extent.length
      const sparse = wantedBytes < bytes.length / 2
      for (const extent of range.extents) {
        const batch = bytes.subarray(extent.start - reading.start, extent.start - reading.start + extent.length)
        if (isWhole(batch, extent)) {
          cache.put(range.key, extent.start, sparse ? new Uint8Array(batch) : batch)
          found.set(extent, batch)
        } else whole = false
      }
      if (whole) return 'found'
      logger.error({ key: range.key, start: range.start, end: range.end }, 'a stored batch fails its checksum')
    }
    return 'unavailable'
  }

  /** Reads all ranges, so many at a time; what went wrong first, if anything did. Nothing is under way when it resolves. */
  async function readAll(ranges: readonly Range[], found: Map<Extent, Uint8Array>) {
    let next = 0
    let bad: 'missing' | 'unavailable' | undefined
    const readNext = async (): Promise<void> => {
      while (next < ranges.length && bad === undefined) {
        const outcome = await readRange(ranges[next++]!, found)
        if (outcome !== 'found') bad ??= outcome
      }
    }
    await Promise.all(Array.from({ length: Math.min(READS_IN_FLIGHT_MAX, ranges.length) }, readNext))
    return bad
  }

  return {
    cache,
    async read(extents) {
      const found = new Map<Extent, Uint8Array>()
      const missing: Extent[] = []
      for (const extent of extents) {
        const batch = cache.get(segmentKey(extent.segment), extent.start)
        if (batch === undefined) missing.push(extent)
        else found.set(extent, batch)
      }
      if (missing.length > 0) {
        const bad = await readAll(planRanges(missing), found)
        if (bad !== undefined) return { kind: bad }
      }
      return { kind: 'found', batches: detached(extents.map((extent) => found.get(extent)!)) }
    },
  }
}
