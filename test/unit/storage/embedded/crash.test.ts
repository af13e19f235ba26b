// What was acknowledged survives `kill -9`, and a disk that fills up refuses writes without hurting what is there.
import { describe, expect, it } from 'vitest'
import { openEmbeddedStores } from '../../../../lib/storage/embedded/embedded.ts'
import type { JournalStore } from '../../../../lib/storage/ports.ts'
import { headOf, keyOf, must, textsOf } from '../../../contract/place.ts'
import { useProcesses } from './processes.ts'

/** All entries of the journal, oldest first. */
async function entriesOf(journal: JournalStore): Promise<string[]> {
  const head = await headOf(journal)
  const entries: string[] = []
  for (let from = 1; ; ) {
    const { chunks, complete } = must(await journal.readChunks(from, head.generation), 'found')
    for (const { bytes, generation } of chunks) {
      entries.push(...Buffer.from(bytes).toString().split(','))
      from = generation + 1
    }
    if (complete) break
  }
  // A chunk is put before `sealed` is emptied.
  for (const text of textsOf(head.sealed)) if (!entries.includes(text)) entries.push(text)
  return [...entries, ...textsOf(head.tail)]
}

describe('embedded stores', () => {
  const { directory, start } = useProcesses()

  it('hold everything that a process had acknowledged when it was killed', async () => {
    const dir = await directory()
    for (const count of [1, 30, 57]) {
      const child = start('write', dir)
      await child.line()
      const acknowledged: [number, number][] = []
      for (let i = 0; i < count; i++) {
        const line = await child.line()
        if (i < acknowledged.length || line === undefined) break
        const [n, size] = line.split(' ').map(Number)
        acknowledged.push([n!, size!])
      }
      child.process.kill('SIGKILL')
      await child.ended
      expect(acknowledged.length).toBe(count)

      const { stores } = must(await openEmbeddedStores({ dir }), 'opened')
      const entries = await entriesOf(stores.journal)
      for (const [n, size] of acknowledged) {
        const { bytes } = must(await stores.objects.get(keyOf('segment', n)), 'found')
        expect(Buffer.compare(bytes, Buffer.alloc(size, n & 0xff))).toBe(0)
        expect(entries).toContain(`p${child.process.pid}:${n}`)
        expect((await stores.documents.get(`docs/${n}`)).kind).toBe('found')
      }
      expect(new Set(entries).size).toBe(entries.length)
      for (const { key, sizeBytes } of must(await stores.objects.list('segment', { limit: 1000 }), 'found').objects) {
        expect(must(await stores.objects.get(key), 'found').bytes.length).toBe(sizeBytes)
        must(await stores.objects.delete([key]), 'applied')
      }
      const documents = must(await stores.documents.list('docs'), 'found').documents
      for (const { key, version } of documents) must(await stores.documents.delete(key, version), 'applied')
      await stores.close()
    }
  })

  it('refuse an append while the objects put with it cannot be stored, and lose nothing', async () => {
    const dir = await directory()
    const child = start('full', dir, 4000)
    await child.line()
    const ends: [number, string, string][] = []
    for (let line = await child.line(); line !== undefined; line = await child.line()) {
      const [n, put, appended] = line.split(' ')
      ends.push([Number(n), put!, appended!])
    }
    await child.ended
    const refused = ends.filter(([, , appended]) => appended !== 'applied')
    expect(refused.length).toBe(5)
    for (const [, , appended] of refused) expect(['unavailable', 'unknown']).toContain(appended)
    expect(ends.length).toBeGreaterThan(10)

    const { stores } = must(await openEmbeddedStores({ dir }), 'opened')
    const entries = await entriesOf(stores.journal)
    for (const [n, , appended] of ends) {
      expect(entries.includes(`full:${n}`)).toBe(appended === 'applied')
      if (appended === 'applied') expect((await stores.objects.get(keyOf('segment', n))).kind).toBe('found')
    }
    must(await stores.objects.put(keyOf('tiny', 9), [new Uint8Array(10)]), 'applied')
    await stores.close()
  })
})
