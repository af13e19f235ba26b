// Ranges at their edges; and listings, chunk reads and deletes that go past one page of a service: 1 MB per query, 1,000 keys per listing, 25 items
// per batch. Nothing may be left out, come twice, or be deleted beside the range.
import { expect, test } from 'vitest'
import type { ObjectKind, ObjectStore } from '../../lib/storage/ports.ts'
import { freshStores } from './deployment.ts'
import { freshKey } from './fault-cases.ts'

async function listAll(objects: ObjectStore, kind: ObjectKind, limit: number): Promise<string[]> {
  const keys: string[] = []
  let next: string | undefined
  do {
    const page = await objects.list(kind, { limit, ...(next === undefined ? {} : { next }) })
    if (page.kind !== 'found') throw new Error(page.cause)
    expect(page.objects.length).toBeLessThanOrEqual(limit)
    for (const { key, sizeBytes } of page.objects) {
      expect(sizeBytes).toBe(key.length)
      keys.push(key)
    }
    next = page.next
  } while (next !== undefined)
  return keys
}

async function inGroups<T>(things: readonly T[], run: (thing: T) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < things.length; i += 32) await Promise.all(things.slice(i, i + 32).map(run))
}

test.each([
  ['segment', 1100, 400],
  ['segment', 1100, 5000],
  ['tiny', 300, 7],
  ['tiny', 300, 1000],
] as const)('%s: %d objects, listed %d at a time, deleted at once', async (kind, count, limit) => {
  const { objects, close } = await freshStores()
  const keys = Array.from({ length: count }, () => freshKey(kind))
  const other = freshKey(kind === 'tiny' ? 'segment' : 'tiny')
  await inGroups([...keys, other], async (key) => {
    expect((await objects.put(key, [Buffer.from(key)])).kind).toBe('applied')
  })
  expect((await listAll(objects, kind, limit)).sort()).toEqual([...keys].sort())
  expect((await objects.delete(keys.slice(0, 1000))).kind).toBe('applied')
  if (keys.length > 1000) expect((await objects.delete(keys.slice(1000))).kind).toBe('applied')
  expect(await listAll(objects, kind, limit)).toEqual([])
  expect((await objects.get(other)).kind).toBe('found')
  await close()
})

test.each(['segment', 'tiny'] as const)('%s: ranges that HTTP cannot say', async (kind) => {
  const { objects, close } = await freshStores()
  const key = freshKey(kind)
  await objects.put(key, [Buffer.from('0123456789')])
  const read = async (start: number, end: number) => {
    const answer = await objects.get(key, { start, end })
    return answer.kind === 'found' ? Buffer.from(answer.bytes).toString() : answer.kind
  }
  expect(await read(0, 0)).toBe('')
  expect(await read(4, 4)).toBe('')
  expect(await read(10, 12)).toBe('')
  expect(await read(1000, 1000)).toBe('')
  expect(await read(9, 1000)).toBe('9')
  expect(await objects.get(freshKey(kind), { start: 3, end: 3 })).toEqual({ kind: 'missing' })
  await expect(objects.get(key, { start: 5, end: 4 })).rejects.toThrow(/does not end before it starts/)
  await close()
})

test('chunks of more than 1 MB come in several answers; a range of them is deleted', async () => {
  const { journal, close } = await freshStores()
  const body = new Uint8Array(60_000)
  const generations = Array.from({ length: 60 }, (_, i) => i + 1)
  await inGroups(generations, async (generation) => {
    expect((await journal.putChunk(generation, body)).kind).toBe('applied')
  })
  const read = async (from: number, to: number) => {
    const found: number[] = []
    let answers = 0
    for (let next = from; ; next = (found.at(-1) ?? to) + 1) {
      const page = await journal.readChunks(next, to)
      if (page.kind !== 'found') throw new Error(page.cause)
      answers++
      found.push(...page.chunks.map((chunk) => chunk.generation))
      if (page.complete) return { found, answers }
    }
  }
  const all = await read(1, 60)
  expect(all.found).toEqual(generations)
  expect(all.answers).toBeGreaterThanOrEqual(4)
  expect((await journal.deleteChunks(3, 57)).kind).toBe('applied')
  expect((await read(0, 1000)).found).toEqual([1, 2, 58, 59, 60])
  await close()
})

test('documents of more than 1 MB come in several pages; a collection may contain slashes', async () => {
  const { documents, close } = await freshStores()
  const names = Array.from({ length: 10 }, (_, i) => `many/${String(i).padStart(2, '0')}`)
  for (const name of names) await documents.put(name, new Uint8Array(300_000), 0)
  await documents.put('many/inner/a', Buffer.from('a'), 0)
  await documents.put('many/inner/b/c', Buffer.from('b'), 0)
  await documents.put('many/innermost', Buffer.from('c'), 0)
  await documents.put('manyfold/x', Buffer.from('d'), 0)
  const listed = async (collection: string) => {
    const keys: string[] = []
    let pages = 0
    let next: string | undefined
    do {
      const page = await documents.list(collection, next === undefined ? {} : { next })
      if (page.kind !== 'found') throw new Error(page.cause)
      pages++
      keys.push(...page.documents.map((document) => document.key))
      next = page.next
    } while (next !== undefined)
    return { keys, pages }
  }
  const many = await listed('many')
  expect(many.keys).toEqual([...names, 'many/inner/a', 'many/inner/b/c', 'many/innermost'])
  expect(many.pages).toBeGreaterThanOrEqual(3)
  expect((await listed('many/inner')).keys).toEqual(['many/inner/a', 'many/inner/b/c'])
  expect((await listed('many/inner/b')).keys).toEqual(['many/inner/b/c'])
  expect((await listed('nothing')).keys).toEqual([])
  await close()
})
