// Batches of segments that this process wrote or read lately, by segment and place. They are immutable, so a cached one is
// never wrong; the least recently used segments go first when the bound is reached.
import type { ObjectKey } from '../storage/ports.ts'

export interface BatchCache {
  get(key: ObjectKey, start: number): Uint8Array | undefined
  put(key: ObjectKey, start: number, batch: Uint8Array): void
}

interface CachedSegment {
  readonly batches: Map<number, Uint8Array>
  bytes: number
}

export function createBatchCache(bytesMax: number): BatchCache {
  const segments = new Map<ObjectKey, CachedSegment>()
  let total = 0
  return {
    get(key, start) {
      const segment = segments.get(key)
      if (segment === undefined) return undefined
      segments.delete(key)
      segments.set(key, segment)
      return segment.batches.get(start)
    },
    put(key, start, batch) {
      let segment = segments.get(key)
      if (segment === undefined) {
        segment = { batches: new Map(), bytes: 0 }
        segments.set(key, segment)
      }
      if (segment.batches.has(start)) return
      segment.batches.set(start, batch)
      segment.bytes += batch.length
      total += batch.length
      for (const [oldest, { bytes }] of segments) {
        if (total <= bytesMax || oldest === key) break
        segments.delete(oldest)
        total -= bytes
      }
    },
  }
}
