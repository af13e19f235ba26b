// Batches of segments that this process wrote or read lately, by segment and place. They are immutable, so a cached one is
// never wrong; the least recently used segments go first when the bound is reached. A batch is a view that keeps all of its
// buffer alive (the request it came with, the range it was read with), so what is counted are buffers, each of them once.
import type { ObjectKey } from '../storage/ports.ts'

export interface BatchCache {
  get(key: ObjectKey, start: number): Uint8Array | undefined
  put(key: ObjectKey, start: number, batch: Uint8Array): void
}

interface CachedSegment {
  readonly batches: Map<number, Uint8Array>
}

export function createBatchCache(bytesMax: number): BatchCache {
  const segments = new Map<ObjectKey, CachedSegment>()
  /** How many cached batches lie in each buffer. */
  const buffers = new Map<ArrayBufferLike, number>()
  let total = 0

  function keep({ buffer }: Uint8Array): void {
    const batches = buffers.get(buffer) ?? 0
    if (batches === 0) total += buffer.byteLength
    buffers.set(buffer, batches + 1)
  }

  function drop({ buffer }: Uint8Array): void {
    const batches = buffers.get(buffer)! - 1
    if (batches > 0) {
      buffers.set(buffer, batches)
      return
    }
    buffers.delete(buffer)
    total -= buffer.byteLength
  }

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
        segment = { batches: new Map() }
        segments.set(key, segment)
      }
      if (segment.batches.has(start)) return
      segment.batches.set(start, batch)
      keep(batch)
      for (const [oldest, { batches }] of segments) {
        if (total <= bytesMax || oldest === key) break
        segments.delete(oldest)
        for (const old of batches.values()) drop(old)
      }
    },
  }
}
