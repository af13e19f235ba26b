// Where the embedded store keeps objects: small ones wait in memory for the next commit and are bounded there, large ones
// are files whose temporary names nobody ever sees, written from any number of parts.
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { EMBEDDED_DEFERRED_BYTES_MAX, EMBEDDED_INLINE_BYTES_MAX } from '../../../../lib/base/limits.ts'
import { openEmbeddedStores } from '../../../../lib/storage/embedded/embedded.ts'
import { bytesOf, headOf, keyOf, must, patternOf } from '../../../contract/place.ts'
import { useProcesses } from './processes.ts'

describe('embedded objects', () => {
  const { directory, start } = useProcesses()

  it('are written from thousands of parts, empty ones among them', async () => {
    const dir = await directory()
    const { stores } = must(await openEmbeddedStores({ dir }), 'opened')
    const bytes = patternOf(EMBEDDED_INLINE_BYTES_MAX + 300_000)
    const parts: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += 397) parts.push(bytes.subarray(at, at + 397), new Uint8Array(0))
    must(await stores.objects.put(keyOf('segment', 1), parts), 'applied')
    expect(Buffer.compare(must(await stores.objects.get(keyOf('segment', 1)), 'found').bytes, bytes)).toBe(0)
    const file = join(dir, 'objects', keyOf('segment', 1))
    expect(await readdir(dirname(file))).toEqual([file.slice(dirname(file).length + 1)])
    await stores.close()
  })

  it('never show what a crash left of a put, and a list removes it after a day', async () => {
    const dir = await directory()
    const { stores } = must(await openEmbeddedStores({ dir }), 'opened')
    const key = keyOf('segment', 1)
    const path = join(dir, 'objects', key)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(`${path}.1-aa.tmp`, 'half')
    await writeFile(`${path}.2-bb.tmp`, 'half')
    const dayAgo = new Date(Date.now() - 90_000_000)
    await utimes(`${path}.2-bb.tmp`, dayAgo, dayAgo)
    expect((await stores.objects.get(key)).kind).toBe('missing')
    expect(must(await stores.objects.list('segment', { limit: 10 }), 'found').objects).toEqual([])
    expect(await readdir(dirname(path))).toEqual([`${key.slice(key.lastIndexOf('/') + 1)}.1-aa.tmp`])
    must(await stores.objects.put(key, [patternOf(EMBEDDED_INLINE_BYTES_MAX + 1)]), 'applied')
    expect(must(await stores.objects.get(key), 'found').bytes.length).toBe(EMBEDDED_INLINE_BYTES_MAX + 1)
    await stores.close()
  })

  it('waiting for an append are not lost when there are more than may wait', async () => {
    const dir = await directory()
    const { stores } = must(await openEmbeddedStores({ dir }), 'opened')
    const head = await headOf(stores.journal)
    const count = Math.ceil((1.5 * EMBEDDED_DEFERRED_BYTES_MAX) / 60_000)
    for (let n = 0; n < count; n++) {
      must(await stores.objects.put(keyOf('segment', n), [patternOf(60_000, n)], { withNextAppend: true }), 'applied')
    }
    must(await stores.journal.append({ ...head, entries: [bytesOf('names them')] }), 'applied')
    for (let n = 0; n < count; n++) {
      const { bytes } = must(await stores.objects.get(keyOf('segment', n)), 'found')
      expect(Buffer.compare(bytes, patternOf(60_000, n))).toBe(0)
    }
    await stores.close()
  })

  it('put with an append are there for another process as soon as it sees the entry', async () => {
    const dir = await directory()
    const { stores } = must(await openEmbeddedStores({ dir }), 'opened')
    const child = start('write', dir)
    await child.line()
    const seen = new Set<string>()
    while (seen.size < 40) {
      const { head } = must(await stores.journal.readHead(), 'found')
      for (const entry of head.tail) {
        const n = Number(Buffer.from(entry).toString().split(':')[1])
        must(await stores.objects.get(keyOf('segment', n)), 'found')
        seen.add(String(n))
      }
    }
    await stores.close()
  })

  it('refuse keys that are no keys', async () => {
    const { stores } = must(await openEmbeddedStores({ dir: await directory() }), 'opened')
    for (const key of ['../x', 'segment/../1/1-A', '/etc/passwd', 'segment/00/1/1-A/../x']) {
      await expect(stores.objects.put(key, [new Uint8Array(100_000)])).rejects.toThrow('form of ObjectKey')
    }
    await stores.close()
  })
})
