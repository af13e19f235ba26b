// The contract of DocumentStore: compare-and-set by version, the current document with every conflict, strong reads for
// every handle, and complete lists of a collection.
import { describe, expect, it } from 'vitest'
import { bytesOf, must, type PlaceFactory, patternOf, usePlace } from './place.ts'

/** Runs the contract of DocumentStore. */
export function describeDocumentStore(name: string, factory: PlaceFactory): void {
  describe(`DocumentStore: ${name}`, () => {
    const place = usePlace(factory)

    it('makes, changes and shows a document, its version rising by one', async () => {
      const { documents } = place.one()
      const other = await place.another()
      expect((await documents.get('groups/a')).kind).toBe('missing')
      expect(must(await documents.put('groups/a', bytesOf('one'), 0), 'applied').version).toBe(1)
      expect(must(await other.documents.put('groups/a', bytesOf('two'), 1), 'applied').version).toBe(2)
      const { document } = must(await documents.get('groups/a'), 'found')
      expect(document.key).toBe('groups/a')
      expect(document.version).toBe(2)
      expect(Buffer.from(document.body).toString()).toBe('two')
    })

    it.each([0, 1, 300_000])('keeps a body of %i bytes', async (size) => {
      const { documents } = place.one()
      const body = patternOf(size)
      must(await documents.put('groups/a', body, 0), 'applied')
      body.fill(0)
      expect(Buffer.compare(must(await documents.get('groups/a'), 'found').document.body, patternOf(size))).toBe(0)
    })

    it('refuses another version and shows what is there', async () => {
      const { documents } = place.one()
      expect(must(await documents.put('groups/a', bytesOf('x'), 1), 'conflict').current).toBeUndefined()
      must(await documents.put('groups/a', bytesOf('one'), 0), 'applied')
      must(await documents.put('groups/a', bytesOf('two'), 1), 'applied')
      for (const expected of [0, 1, 3]) {
        const { current } = must(await documents.put('groups/a', bytesOf('late'), expected), 'conflict')
        expect(current?.version).toBe(2)
        expect(Buffer.from(current!.body).toString()).toBe('two')
      }
    })

    it('begins with the version that its maker chose, and rises by one from there', async () => {
      const { documents } = place.one()
      const first = 2 ** 48
      expect(must(await documents.put('groups/a', bytesOf('one'), 0, first), 'applied').version).toBe(first)
      expect(must(await documents.put('groups/a', bytesOf('two'), 0, 7), 'conflict').current?.version).toBe(first)
      expect(must(await documents.put('groups/a', bytesOf('two'), first, 7), 'applied').version).toBe(first + 1)
      expect(must(await documents.get('groups/a'), 'found').document.version).toBe(first + 1)
      must(await documents.delete('groups/a', first), 'conflict')
      must(await documents.delete('groups/a', first + 1), 'applied')
    })

    it('removes a document at its version only, and starts again at 1', async () => {
      const { documents } = place.one()
      must(await documents.put('groups/a', bytesOf('one'), 0), 'applied')
      must(await documents.put('groups/a', bytesOf('two'), 1), 'applied')
      const { current } = must(await documents.delete('groups/a', 1), 'conflict')
      expect(current?.version).toBe(2)
      must(await documents.delete('groups/a', 2), 'applied')
      expect((await documents.get('groups/a')).kind).toBe('missing')
      expect(must(await documents.delete('groups/a', 2), 'conflict').current).toBeUndefined()
      expect(must(await documents.put('groups/a', bytesOf('again'), 0), 'applied').version).toBe(1)
    })

    it('lets exactly one of several simultaneous writers through', async () => {
      const all = [place.one(), await place.another(), await place.another()]
      for (let version = 0; version < 5; version++) {
        const writes = Array.from({ length: 9 }, (_, i) =>
          all[i % 3]!.documents.put('groups/a', bytesOf(`${version}/${i}`), version),
        )
        const outcomes = await Promise.all(writes)
        expect(outcomes.filter((outcome) => outcome.kind === 'applied').length).toBe(1)
        const winner = outcomes.findIndex((outcome) => outcome.kind === 'applied')
        for (const outcome of outcomes) {
          if (outcome.kind === 'applied') continue
          const { current } = must(outcome, 'conflict')
          expect(current?.version).toBe(version + 1)
          expect(Buffer.from(current!.body).toString()).toBe(`${version}/${winner}`)
        }
      }
    })

    it('counts with compare-and-set without losing a step', async () => {
      const all = [place.one(), await place.another(), await place.another()]
      const STEPS = 8
      const count = async (i: number): Promise<void> => {
        for (let step = 0; step < STEPS; ) {
          const { documents } = all[i]!
          const got = await documents.get('counters/n')
          const [version, value] =
            got.kind === 'found' ? [got.document.version, Number(Buffer.from(got.document.body).toString())] : [0, 0]
          const outcome = await documents.put('counters/n', bytesOf(String(value + 1)), version)
          if (outcome.kind === 'applied') step++
          else must(outcome, 'conflict')
        }
      }
      await Promise.all([0, 1, 2].map(count))
      const { document } = must(await place.one().documents.get('counters/n'), 'found')
      expect(Buffer.from(document.body).toString()).toBe(String(3 * STEPS))
      expect(document.version).toBe(3 * STEPS)
    })

    it('lists all documents of a collection, in as many pages as it takes, and no others', async () => {
      const { documents } = place.one()
      const names = Array.from({ length: 300 }, (_, n) => `group/a/${n} ${n % 2 ? 'ä€😀' : 'Z'}`)
      await Promise.all(names.map((key, n) => documents.put(key, patternOf(5000, n), 0)))
      for (const key of ['groups/a', 'grou/a', 'group!/a'])
        must(await documents.put(key, bytesOf('other'), 0), 'applied')
      must(await documents.put(names[0]!, bytesOf('changed'), 1), 'applied')
      const listed = new Map<string, number>()
      let next: string | undefined
      do {
        const page = must(await documents.list('group', next === undefined ? {} : { next }), 'found')
        for (const { key, version } of page.documents) {
          expect(listed.has(key)).toBe(false)
          listed.set(key, version)
        }
        next = page.next
      } while (next !== undefined)
      expect(listed).toEqual(new Map(names.map((key, n) => [key, n === 0 ? 2 : 1])))
    })

    it('lists nothing of a collection that is not there', async () => {
      const page = must(await place.one().documents.list('nobody'), 'found')
      expect(page.documents).toEqual([])
      expect(page.next).toBeUndefined()
    })
  })
}
