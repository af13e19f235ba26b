// The contract of ObjectStore: immutable objects of any size, whole or by range, put once, deleted without complaint, and
// listed completely by kind. Sizes lie on both sides of every bound at which an adapter changes where it keeps an object.
import { describe, expect, it } from 'vitest'
import { EMBEDDED_INLINE_BYTES_MAX, TINY_SEGMENT_BYTES_MAX } from '../../lib/base/limits.ts'
import type { ObjectKind, Stores } from '../../lib/storage/ports.ts'
import { bytesOf, keyOf, must, type PlaceFactory, patternOf, usePlace } from './place.ts'

/** Past every bound. */
const LARGE = EMBEDDED_INLINE_BYTES_MAX + 1
const SIZES = [1, TINY_SEGMENT_BYTES_MAX, EMBEDDED_INLINE_BYTES_MAX, LARGE, LARGE + 700_001]

/** Runs the contract of ObjectStore. */
export function describeObjectStore(name: string, factory: PlaceFactory): void {
  describe(`ObjectStore: ${name}`, () => {
    const place = usePlace(factory)

    it.each(SIZES)('gives back an object of %i bytes as it was put, to every handle', async (size) => {
      const bytes = patternOf(size)
      const third = Math.ceil(size / 3)
      const parts = [
        bytes.subarray(0, third),
        bytes.subarray(third, 2 * third),
        new Uint8Array(0),
        bytes.subarray(2 * third),
      ]
      must(await place.one().objects.put(keyOf('segment', 1), parts), 'applied')
      const other = await place.another()
      for (const stores of [place.one(), other]) {
        const found = must(await stores.objects.get(keyOf('segment', 1)), 'found')
        expect(Buffer.compare(found.bytes, bytes)).toBe(0)
      }
    })

    it('keeps tiny objects of up to 4 KiB', async () => {
      const bytes = patternOf(TINY_SEGMENT_BYTES_MAX)
      must(await place.one().objects.put(keyOf('tiny', 1), [bytes]), 'applied')
      const found = must(await place.one().objects.get(keyOf('tiny', 1), { start: 10, end: 20 }), 'found')
      expect(Buffer.compare(found.bytes, bytes.subarray(10, 20))).toBe(0)
    })

    it('is not touched by what happens to the buffers afterwards', async () => {
      const { objects } = place.one()
      const bytes = patternOf(100)
      must(await objects.put(keyOf('segment', 1), [bytes], { withNextAppend: true }), 'applied')
      bytes.fill(0)
      const found = must(await objects.get(keyOf('segment', 1)), 'found')
      expect(Buffer.compare(found.bytes, patternOf(100))).toBe(0)
      found.bytes.fill(1)
      expect(Buffer.compare(must(await objects.get(keyOf('segment', 1)), 'found').bytes, patternOf(100))).toBe(0)
    })

    it.each([100, LARGE])('reads ranges of an object of %i bytes, cut at its end', async (size) => {
      const { objects } = place.one()
      const bytes = patternOf(size)
      must(await objects.put(keyOf('segment', 2), [bytes]), 'applied')
      const ranges = [
        [0, 1],
        [0, size],
        [17, 63],
        [size - 1, size],
        [size - 5, size + 5],
      ] as const
      for (const [start, end] of ranges) {
        const found = must(await objects.get(keyOf('segment', 2), { start, end }), 'found')
        expect(Buffer.compare(found.bytes, bytes.subarray(start, end))).toBe(0)
      }
    })

    it.each([100, LARGE])('gives nothing of a range behind the end of %i bytes', async (size) => {
      const { objects } = place.one()
      must(await objects.put(keyOf('segment', 2), [patternOf(size)]), 'applied')
      const found = must(await objects.get(keyOf('segment', 2), { start: size, end: size + 10 }), 'found')
      expect(found.bytes.length).toBe(0)
    })

    it.each(['segment', 'tiny', 'body', 'root', 'page', 'block'] as const)(
      'says that a %s is missing',
      async (kind) => {
        const { objects } = place.one()
        expect((await objects.get(keyOf(kind, 404))).kind).toBe('missing')
        expect((await objects.get(keyOf(kind, 404), { start: 0, end: 10 })).kind).toBe('missing')
      },
    )

    it.each([
      ['segment', 50],
      ['segment', LARGE],
      ['tiny', 50],
    ] as const)('never overwrites a %s of %i bytes', async (kind, size) => {
      const other = await place.another()
      must(await place.one().objects.put(keyOf(kind, 3), [patternOf(size)]), 'applied')
      must(await place.one().objects.put(keyOf(kind, 3), [patternOf(size, 2)]), 'exists')
      must(await other.objects.put(keyOf(kind, 3), [patternOf(size, 2)]), 'exists')
      expect(Buffer.compare(must(await other.objects.get(keyOf(kind, 3)), 'found').bytes, patternOf(size))).toBe(0)
    })

    it.each([50, LARGE])('lets one of several simultaneous puts of %i bytes win', async (size) => {
      const all = [place.one(), await place.another(), await place.another()]
      const outcomes = await Promise.all(all.map((s, i) => s.objects.put(keyOf('segment', 4), [patternOf(size, i)])))
      expect(outcomes.filter((outcome) => outcome.kind === 'applied').length).toBe(1)
      expect(outcomes.filter((outcome) => outcome.kind === 'exists').length).toBe(2)
      const winner = outcomes.findIndex((outcome) => outcome.kind === 'applied')
      const found = must(await place.one().objects.get(keyOf('segment', 4)), 'found')
      expect(Buffer.compare(found.bytes, patternOf(size, winner))).toBe(0)
    })

    it('shows an object put with the next append to others once an append was made', async () => {
      const { objects, journal } = place.one()
      const other = await place.another()
      await journal.init()
      const { head } = must(await journal.readHead(), 'found')
      must(await objects.put(keyOf('tiny', 5), [patternOf(500)], { withNextAppend: true }), 'applied')
      must(await objects.put(keyOf('tiny', 5), [patternOf(500)], { withNextAppend: true }), 'exists')
      expect(must(await objects.get(keyOf('tiny', 5)), 'found').bytes.length).toBe(500)
      must(await journal.append({ ...head, entries: [bytesOf('names it')] }), 'applied')
      expect(must(await other.objects.get(keyOf('tiny', 5)), 'found').bytes.length).toBe(500)
    })

    it('deletes what is there and does not mind what is not', async () => {
      const { objects } = place.one()
      const keys = [keyOf('segment', 1), keyOf('segment', 2), keyOf('tiny', 3), keyOf('page', 4)]
      const sizes = [10, LARGE, 10, LARGE + 9]
      for (const [i, key] of keys.entries()) must(await objects.put(key, [patternOf(sizes[i]!)]), 'applied')
      must(await objects.put(keyOf('segment', 9), [patternOf(9)]), 'applied')
      for (let round = 0; round < 2; round++) {
        must(await objects.delete([...keys, keyOf('segment', 404), keyOf('tiny', 404)]), 'applied')
        for (const key of keys) expect((await objects.get(key)).kind).toBe('missing')
      }
      expect((await objects.get(keyOf('segment', 9))).kind).toBe('found')
      must(await objects.delete([]), 'applied')
    })

    it('deletes an object that still waits for the next append', async () => {
      const { objects, journal } = place.one()
      await journal.init()
      const { head } = must(await journal.readHead(), 'found')
      must(await objects.put(keyOf('tiny', 1), [patternOf(10)], { withNextAppend: true }), 'applied')
      must(await objects.delete([keyOf('tiny', 1)]), 'applied')
      must(await journal.append({ ...head, entries: [bytesOf('x')] }), 'applied')
      expect((await objects.get(keyOf('tiny', 1))).kind).toBe('missing')
    })

    it.each([
      ['segment', 1],
      ['segment', 7],
      ['segment', 1000],
      ['tiny', 7],
    ] as const)('lists every %s once, in pages of %i', async (kind, limit) => {
      const { objects } = place.one()
      const expected = new Map<string, number>()
      for (let n = 0; n < 25; n++) {
        const size = kind === 'segment' && n % 5 === 0 ? LARGE + n : 100 + n
        expected.set(keyOf(kind, n * 37), size)
        must(await objects.put(keyOf(kind, n * 37), [patternOf(size)]), 'applied')
      }
      must(await objects.put(keyOf('page', 1), [patternOf(5)]), 'applied')
      const listed = await listAll(place.one(), kind, limit)
      expect(listed.length).toBe(expected.size)
      expect(new Map(listed)).toEqual(expected)
    })

    it('lists nothing where nothing is', async () => {
      expect(await listAll(place.one(), 'segment', 10)).toEqual([])
      expect(await listAll(place.one(), 'tiny', 10)).toEqual([])
    })

    it('goes on with a list although what it stood on was deleted', async () => {
      const { objects } = place.one()
      const keys = Array.from({ length: 12 }, (_, n) => keyOf('segment', n))
      for (const [n, key] of keys.entries())
        must(await objects.put(key, [patternOf(n % 3 === 0 ? LARGE : 10)]), 'applied')
      const seen = new Set<string>()
      let next: string | undefined
      do {
        const page = must(await objects.list('segment', { limit: 5, ...(next === undefined ? {} : { next }) }), 'found')
        for (const { key } of page.objects) seen.add(key)
        must(await objects.delete(page.objects.map(({ key }) => key)), 'applied')
        next = page.next
      } while (next !== undefined)
      expect([...seen].sort()).toEqual(keys)
    })
  })
}

async function listAll(stores: Stores, kind: ObjectKind, limit: number): Promise<[string, number][]> {
  const listed: [string, number][] = []
  let next: string | undefined
  do {
    const page = must(await stores.objects.list(kind, { limit, ...(next === undefined ? {} : { next }) }), 'found')
    expect(page.objects.length).toBeLessThanOrEqual(limit)
    for (const { key, sizeBytes } of page.objects) listed.push([key, sizeBytes])
    next = page.next
  } while (next !== undefined)
  return listed
}
