// Several processes append to one journal at once, repeat appends although they succeeded, and finish each other's seals:
// every entry is there exactly once, in one order that all chunks and the tail agree on. This is what DynamoDB's
// conditions are for; an emulator that gets `contains`, `list_append` or `size` wrong fails here.
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { systemClock } from '../../lib/base/clock.ts'
import { newUlid } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import { initAws } from '../../lib/storage/aws/init.ts'
import { openAwsStores } from '../../lib/storage/aws/stores.ts'
import type { Head, JournalStore } from '../../lib/storage/ports.ts'
import { freshPlace } from './deployment.ts'

const WRITERS = 6
const APPENDS = 60

/** A chunk for this test: one entry per line. */
const chunkOf = (entries: readonly Uint8Array[]): Buffer =>
  Buffer.from(entries.map((entry) => Buffer.from(entry).toString()).join('\n'))
const linesOf = (chunk: Uint8Array): string[] => Buffer.from(chunk).toString().split('\n')

async function readHead(journal: JournalStore): Promise<Head> {
  const answer = await journal.readHead()
  if (answer.kind !== 'found') throw new Error('the journal is there')
  return answer.head
}

/** Finishes the seal that the head shows, as anyone may. */
async function finishSeal(journal: JournalStore, head: Head): Promise<void> {
  const chunk = chunkOf(head.sealed)
  const put = await journal.putChunk(head.generation - 1, chunk)
  if (put.kind !== 'applied' && put.kind !== 'exists') return
  const hash = createHash('sha256').update(head.hash).update(chunk).digest()
  await journal.finishSeal({ generation: head.generation, incarnation: head.incarnation, hash })
}

async function isInChunks(journal: JournalStore, entry: string, from: number, head: Head): Promise<boolean> {
  if (head.sealed.some((sealed) => Buffer.from(sealed).toString() === entry)) return true
  const read = await journal.readChunks(from, head.generation - 1)
  if (read.kind !== 'found' || !read.complete) throw new Error('the chunks can be read')
  return read.chunks.some((chunk) => linesOf(chunk.bytes).includes(entry))
}

async function write(journal: JournalStore, name: string): Promise<string[]> {
  const written: string[] = []
  let head = await readHead(journal)
  for (let i = 0; i < APPENDS; i++) {
    const entry = `${name}-${i}-${newUlid(systemClock, systemRandom)}`
    const bytes = Buffer.from(entry)
    // The generation that the first try knew; a repeat looks from there on.
    const known = head.generation
    for (;;) {
      const { generation, incarnation } = head
      const answer = await journal.append({ generation, incarnation, entries: [bytes] })
      if (answer.kind !== 'applied' && answer.kind !== 'rejected') throw new Error(answer.cause)
      if (answer.head === undefined) throw new Error('the journal is there')
      head = answer.head
      if (answer.kind === 'applied') break
      if (head.tail.some((element) => bytes.equals(element))) break
      if (await isInChunks(journal, entry, known, head)) break
    }
    written.push(entry)
    // A repeat of what has been appended must never be applied at the generation of the first try.
    if (i % 5 === 0) {
      const again = await journal.append({ generation: known, incarnation: head.incarnation, entries: [bytes] })
      expect(again.kind === 'applied' && known === head.generation).toBe(false)
    }
    if (head.sealed.length > 0) await finishSeal(journal, head)
    else if (head.tail.length >= 8) {
      const begun = await journal.beginSeal({ generation: head.generation, incarnation: head.incarnation })
      if (begun.kind === 'applied') head = begun.head
      // Every third seal is left to others.
      if (begun.kind === 'applied' && head.generation % 3 !== 0) await finishSeal(journal, head)
    }
  }
  return written
}

test(`${WRITERS} writers, ${APPENDS} appends each: each entry once, gapless chunks, one hash`, async () => {
  const place = freshPlace()
  expect((await initAws(place)).kind).toBe('ready')
  const handles = Array.from({ length: WRITERS }, () => openAwsStores(place))
  const written = await Promise.all(handles.map((stores, i) => write(stores.journal, `w${i}`)))

  const { journal } = openAwsStores(place)
  let head = await readHead(journal)
  if (head.sealed.length > 0) {
    await finishSeal(journal, head)
    head = await readHead(journal)
  }
  const read = await journal.readChunks(1, head.generation)
  if (read.kind !== 'found') throw new Error(read.cause)
  expect(read.complete).toBe(true)
  expect(read.chunks.map((chunk) => chunk.generation)).toEqual(
    Array.from({ length: head.generation - 1 }, (_, i) => i + 1),
  )
  expect(head.generation).toBeGreaterThan(10)
  let hash: Buffer = Buffer.alloc(32)
  for (const chunk of read.chunks) hash = createHash('sha256').update(hash).update(chunk.bytes).digest()
  expect(hash.equals(head.hash)).toBe(true)

  const all = [
    ...read.chunks.flatMap((chunk) => linesOf(chunk.bytes)),
    ...head.tail.map((e) => Buffer.from(e).toString()),
  ]
  expect(new Set(all).size).toBe(all.length)
  expect([...all].sort()).toEqual(written.flat().sort())
  // Each writer waited for its entry before it sent the next: they come in its order.
  for (const [i, entries] of written.entries()) expect(all.filter((e) => e.startsWith(`w${i}-`))).toEqual(entries)
  for (const stores of handles) await stores.close()
})
