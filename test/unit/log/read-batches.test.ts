// From extents to bytes: few ranged reads, shared; nothing handed out that fails its checksum; and a cache that is bounded
// by what it really keeps in memory.
import { describe, expect, it } from 'vitest'
import { FETCH_BATCH_OVERHEAD_BYTES, READS_IN_FLIGHT_MAX } from '../../../lib/base/limits.ts'
import { silentLogger } from '../../../lib/base/logger.ts'
import { type Extent, segmentReference } from '../../../lib/journal/state/extents.ts'
import { createBatchCache } from '../../../lib/log/batch-cache.ts'
import { createBatchReader, createReadCost, detached, planRanges } from '../../../lib/log/read-batches.ts'
import { createMemoryStores } from '../../../lib/storage/memory/memory.ts'
import { buildPlainBatch } from '../../../lib/wire/build-batch.ts'
import { rest } from '../support/manual-clock.ts'
import { scripted } from '../support/scripted-stores.ts'

const KEY = 'segment/00/1/000000000001-01HF7YAT00000000000000000V'

/** An object of batches with gaps of `gapBytes`, and the extents in it. */
async function stored(count: number, gapBytes = 0, key = KEY) {
  const script = scripted(createMemoryStores())
  const segment = segmentReference(key)
  const parts: Uint8Array[] = []
  const extents: Extent[] = []
  let start = 0
  for (let i = 0; i < count; i++) {
    const bytes = buildPlainBatch({ records: [{ timestamp: 1, value: Buffer.alloc(100, i) }] })
    parts.push(bytes, new Uint8Array(gapBytes))
    extents.push({ baseOffset: i, recordCount: 1, segment, start, length: bytes.length, maxTimestamp: 1 })
    start += bytes.length + gapBytes
  }
  await script.stores.objects.put(key, parts)
  script.forget()
  const batches = parts.filter((_, i) => i % 2 === 0)
  return { script, extents, batches, reader: createBatchReader(script.stores.objects, silentLogger) }
}

const isSame = (read: { readonly kind: string }, expected: readonly Uint8Array[]): boolean =>
  'batches' in read &&
  (read.batches as Uint8Array[]).length === expected.length &&
  (read.batches as Uint8Array[]).every((batch, i) => Buffer.compare(batch, expected[i]!) === 0)

describe('read-batches', () => {
  it('reads what lies close together at once, and what it has not at all', async () => {
    const { script, extents, batches, reader } = await stored(10, 50)
    expect(isSame(await reader.read(extents.slice(2, 5)), batches.slice(2, 5))).toBe(true)
    expect(script.count('get')).toBe(1)
    expect(isSame(await reader.read([extents[4]!, extents[2]!]), [batches[4]!, batches[2]!])).toBe(true)
    expect(script.count('get')).toBe(1)
    expect(isSame(await reader.read(extents), batches)).toBe(true)
    expect(script.count('get')).toBe(2)
    expect(await reader.read([])).toEqual({ kind: 'found', batches: [] })
  })

  it('reads many objects a bounded number at a time, and the rest of them after a failure not at all', async () => {
    const script = scripted(createMemoryStores())
    const extents: Extent[] = []
    const batches: Uint8Array[] = []
    for (let i = 0; i < 3 * READS_IN_FLIGHT_MAX; i++) {
      const key = `tiny/00/1/000000000001-01HF7YAT000000000000000${String(i).padStart(3, '0')}`
      const batch = buildPlainBatch({ records: [{ timestamp: 1, value: Buffer.alloc(10, i) }] })
      await script.stores.objects.put(key, [batch])
      batches.push(batch)
      const segment = segmentReference(key)
      extents.push({ baseOffset: i, recordCount: 1, segment, start: 0, length: batch.length, maxTimestamp: 1 })
    }
    script.forget()
    script.next('get', 'hold', READS_IN_FLIGHT_MAX)
    const reader = createBatchReader(script.stores.objects, silentLogger)
    const read = reader.read(extents)
    await rest(10)
    expect(script.held).toBe(READS_IN_FLIGHT_MAX)
    expect(script.count('get')).toBe(READS_IN_FLIGHT_MAX)
    script.release()
    expect(isSame(await read, batches)).toBe(true)
    script.forget()
    script.next('get', 'before', 1)
    const failing = createBatchReader(script.stores.objects, silentLogger)
    expect(await failing.read(extents)).toEqual({ kind: 'unavailable' })
    expect(script.count('get')).toBeLessThan(2 * READS_IN_FLIGHT_MAX)
  })

  it('plans one range an object, unless what lies between is long', () => {
    const segment = segmentReference(KEY)
    const extent = (start: number): Extent => ({
      baseOffset: 0,
      recordCount: 1,
      segment,
      start,
      length: 10,
      maxTimestamp: 0,
    })
    const rangesOf = (gap: number) => planRanges([extent(0), extent(10 + gap)]).map(({ start, end }) => [start, end])
    expect(rangesOf(0)).toEqual([[0, 20]])
    expect(rangesOf(1024 * 1024)).toEqual([[0, 1024 * 1024 + 20]])
    expect(rangesOf(1024 * 1024 + 1)).toHaveLength(2)
    expect(planRanges([])).toEqual([])
  })

  it('shares a read that is under way', async () => {
    const { script, extents, batches, reader } = await stored(3)
    script.next('get', 'holdAnswer', 1)
    const reads = [reader.read(extents), reader.read(extents), reader.read(extents.slice(1, 2))]
    await rest()
    script.release()
    const [a, b, c] = await Promise.all(reads)
    expect([isSame(a!, batches), isSame(b!, batches), isSame(c!, batches.slice(1, 2))]).toEqual([true, true, true])
    expect(script.count('get')).toBe(1)
  })

  it('hands out nothing that is altered or cut off: reads again, then says unavailable', async () => {
    for (const damage of ['flip', 'cut', 'length'] as const) {
      const { script, extents, batches, reader } = await stored(4)
      const spoil = (bytes: Uint8Array): Uint8Array => {
        if (damage === 'cut') return bytes.subarray(0, bytes.length - 3)
        const copy = Uint8Array.from(bytes)
        copy[damage === 'flip' ? 90 : 11]! ^= 1
        return copy
      }
      let left = 1
      script.alter = (_call, bytes) => (left-- > 0 ? spoil(bytes) : bytes)
      expect(isSame(await reader.read(extents), batches), damage).toBe(true)
      expect(script.count('get')).toBe(2)
      const { script: other, extents: wanted, reader: second } = await stored(4)
      other.alter = (_call, bytes) => spoil(bytes)
      expect(await second.read(wanted)).toEqual({ kind: 'unavailable' })
      expect(other.count('get')).toBe(2)
      other.alter = undefined
      expect((await second.read(wanted)).kind).toBe('found')
    }
  })

  it('tells an object that is gone from a store that does not answer', async () => {
    const { script, extents, reader } = await stored(2)
    script.next('get', 'before', 1)
    expect(await reader.read(extents)).toEqual({ kind: 'unavailable' })
    await script.stores.objects.delete([KEY])
    expect(await reader.read(extents)).toEqual({ kind: 'missing' })
  })

  it('keeps in the cache no more than it counts', async () => {
    const { extents, reader } = await stored(2, 500_000)
    await reader.read(extents)
    for (const { start, length } of extents) {
      const cached = reader.cache.get(KEY, start)!
      expect(cached.length).toBe(length)
      expect(cached.buffer.byteLength).toBeLessThan(10_000)
    }
  })

  it('forgets the least recently used segments first', () => {
    const cache = createBatchCache(1000)
    for (let i = 0; i < 10; i++) cache.put(`k${i}`, 0, new Uint8Array(100))
    cache.get('k0', 0)
    cache.put('k10', 0, new Uint8Array(100))
    expect(cache.get('k0', 0)).toBeDefined()
    expect(cache.get('k1', 0)).toBeUndefined()
    // The same batch again counts once.
    for (let i = 0; i < 50; i++) cache.put('k0', 0, new Uint8Array(100))
    expect(cache.get('k2', 0)).toBeDefined()
    for (let i = 0; i < 5; i++) cache.put('k0', 1 + i, new Uint8Array(100))
    const kept = Array.from({ length: 11 }, (_, i) => i).filter((i) => cache.get(`k${i}`, 0) !== undefined)
    expect(kept.length).toBeLessThanOrEqual(5)
  })

  it('counts all that a cached view keeps in memory, once', () => {
    const cache = createBatchCache(1000)
    const request = new Uint8Array(800)
    for (let i = 0; i < 8; i++) cache.put('a', i, request.subarray(i * 100, i * 100 + 100))
    cache.put('b', 0, new Uint8Array(200))
    expect([cache.get('a', 7), cache.get('b', 0)]).not.toContain(undefined)
    // Ten bytes of a long request.
    cache.put('c', 0, new Uint8Array(900).subarray(0, 10))
    expect([cache.get('a', 7), cache.get('b', 0)]).toEqual([undefined, undefined])
    expect(cache.get('c', 0)).toBeDefined()
  })
})

describe('what an answer keeps in memory', () => {
  it('is a copy of little, and the whole of much', () => {
    const much = new Uint8Array(1000)
    const little = new Uint8Array(1000).fill(3)
    const views = [much.subarray(0, 400), little.subarray(5, 15), much.subarray(400, 600)]
    const kept = detached(views)
    expect(kept[0]!.buffer).toBe(much.buffer)
    expect(kept[2]!.buffer).toBe(much.buffer)
    expect([kept[1]!.buffer.byteLength, kept[1]]).toEqual([10, new Uint8Array(10).fill(3)])
  })

  it('costs what lies between batches that are read together', () => {
    const place = { baseOffset: 0, recordCount: 1, segment: segmentReference(KEY), maxTimestamp: 1 }
    const extent = (start: number, length: number): Extent => ({ ...place, start, length })
    const cost = createReadCost()
    expect(cost(extent(0, 100)) - FETCH_BATCH_OVERHEAD_BYTES).toBe(100)
    expect(cost(extent(500, 100)) - FETCH_BATCH_OVERHEAD_BYTES).toBe(500)
    expect(cost(extent(200, 100)) - FETCH_BATCH_OVERHEAD_BYTES).toBe(0)
    expect(cost(extent(9_000_000, 100)) - FETCH_BATCH_OVERHEAD_BYTES).toBe(100)
  })
})
