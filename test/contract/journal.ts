// The contract of JournalStore, with everything that the journal's exactly-once rests on: conditions over whole entries,
// the head that a failed condition returns, and each step of a seal repeated late, after the journal has moved on.
import { describe, expect, it } from 'vitest'
import { TAIL_ENTRIES_MAX } from '../../lib/base/limits.ts'
import type { Head, JournalStore } from '../../lib/storage/ports.ts'
import { bytesOf, headOf, keyOf, must, type PlaceFactory, patternOf, textsOf, usePlace } from './place.ts'

const HASH = patternOf(32, 9)

/** Compares heads, whatever kind of byte array an adapter returns. */
function expectHead(actual: Head | undefined, expected: Head): void {
  const plain = (head: Head) => ({
    ...head,
    tail: head.tail.map((entry) => Buffer.from(entry)),
    sealed: head.sealed.map((entry) => Buffer.from(entry)),
    hash: Buffer.from(head.hash),
  })
  expect(actual && plain(actual)).toEqual(plain(expected))
}

/** Appends texts as entries at the position of `head`. */
function append(journal: JournalStore, head: Head, ...texts: string[]): ReturnType<JournalStore['append']> {
  const { generation, incarnation } = head
  return journal.append({ generation, incarnation, entries: texts.map(bytesOf) })
}

/** All three steps of a seal; the head after it. */
async function seal(journal: JournalStore, head: Head): Promise<Head> {
  const begun = must(await journal.beginSeal(head), 'applied').head
  must(await journal.putChunk(head.generation, bytesOf(textsOf(begun.sealed).join(','))), 'applied')
  return must(await journal.finishSeal({ ...begun, hash: HASH }), 'applied').head
}

/** Runs the contract of JournalStore. */
export function describeJournalStore(name: string, factory: PlaceFactory): void {
  describe(`JournalStore: ${name}`, () => {
    const place = usePlace(factory)
    describeHead(place)
    describeAppend(place)
    describeSeal(place)
    describeLateSteps(place)
    describeChunks(place)
  })
}

type Used = ReturnType<typeof usePlace>

function describeHead(place: Used): void {
  it('begins with generation 1, empty, and makes that head only once', async () => {
    const other = await place.another()
    const before = (await place.one().journal.readHead()).kind
    const outcomes = await Promise.all([place.one(), other, place.one()].map((stores) => stores.journal.init()))
    const made = outcomes.filter((outcome) => outcome.kind === 'applied')
    expect(made.length).toBe(before === 'missing' ? 1 : 0)
    for (const outcome of outcomes) {
      const { head } = outcome.kind === 'applied' ? outcome : must(outcome, 'rejected')
      expect(head?.generation).toBe(1)
    }
    const { head } = must(await other.journal.readHead(), 'found')
    expect(head.generation).toBe(1)
    expect(head.tail).toEqual([])
    expect(head.sealed).toEqual([])
    expect(Buffer.compare(head.hash, new Uint8Array(32))).toBe(0)
    expect(head.checkpoint).toBeUndefined()
    must(await append(place.one().journal, head, 'kept'), 'applied')
    expect(textsOf(must(await other.journal.init(), 'rejected').head!.tail)).toEqual(['kept'])
  })

  it('refuses another incarnation in every update, and changes nothing', async () => {
    const { journal } = place.one()
    const head = must(await append(journal, await headOf(journal), 'a'), 'applied').head
    for (const incarnation of [head.incarnation + 1, head.incarnation - 1]) {
      const wrong = { ...head, incarnation }
      const refused = [
        await append(journal, wrong, 'b'),
        await journal.beginSeal(wrong),
        await journal.finishSeal({ ...wrong, hash: HASH }),
        await journal.moveCheckpoint({ incarnation, checkpoint: { key: keyOf('root', 1), generation: 1, index: 1 } }),
      ]
      for (const outcome of refused) expectHead(must(outcome, 'rejected').head, head)
    }
    expectHead(await headOf(journal), head)
  })

  it('moves the checkpoint forward only', async () => {
    const { journal } = place.one()
    const { incarnation } = await headOf(journal)
    const at = (generation: number, index: number) => ({
      key: keyOf('root', generation * 100 + index),
      generation,
      index,
    })
    const first = must(await journal.moveCheckpoint({ incarnation, checkpoint: at(2, 5) }), 'applied')
    expect(first.head.checkpoint).toEqual(at(2, 5))
    for (const late of [at(2, 5), at(2, 4), at(1, 63), { ...at(2, 5), key: keyOf('root', 999) }]) {
      const { head } = must(await journal.moveCheckpoint({ incarnation, checkpoint: late }), 'rejected')
      expect(head?.checkpoint).toEqual(at(2, 5))
    }
    must(await journal.moveCheckpoint({ incarnation, checkpoint: at(2, 6) }), 'applied')
    const last = must(await journal.moveCheckpoint({ incarnation, checkpoint: at(3, 0) }), 'applied')
    expect(last.head.checkpoint).toEqual(at(3, 0))
    must(await append(journal, last.head, 'x'), 'applied')
    expect((await headOf(journal)).checkpoint).toEqual(at(3, 0))
  })
}

function describeAppend(place: Used): void {
  it('adds entries at the end, in order, and returns the new head', async () => {
    const { journal } = place.one()
    const other = await place.another()
    const head = await headOf(journal)
    expect(textsOf(must(await append(journal, head, 'a'), 'applied').head.tail)).toEqual(['a'])
    const applied = must(await append(other.journal, head, 'c', 'b'), 'applied')
    expect(textsOf(applied.head.tail)).toEqual(['a', 'c', 'b'])
    expectHead(await headOf(journal), applied.head)
  })

  it('refuses an entry that is there and returns the head that holds it', async () => {
    const { journal } = place.one()
    const head = await headOf(journal)
    const applied = must(await append(journal, head, 'a', 'b', 'c'), 'applied').head
    for (const entries of [['a'], ['b'], ['c'], ['d', 'e', 'b'], ['a', 'd'], ['a', 'b', 'c']]) {
      expectHead(must(await append(journal, head, ...entries), 'rejected').head, applied)
    }
    expectHead(await headOf(journal), applied)
  })

  it('compares entries as wholes: one byte, the length or the beginning alone make another entry', async () => {
    const { journal } = place.one()
    const head = await headOf(journal)
    const long = patternOf(1024)
    const lastDiffers = patternOf(1024)
    lastDiffers[1023]! ^= 1
    const firstDiffers = patternOf(1024)
    firstDiffers[0]! ^= 1
    const shorter = patternOf(1023)
    const entries = [long, lastDiffers, firstDiffers, shorter, new Uint8Array([0]), new Uint8Array([0, 0])]
    for (const entry of entries) must(await journal.append({ ...head, entries: [entry] }), 'applied')
    for (const entry of entries) must(await journal.append({ ...head, entries: [entry] }), 'rejected')
    expect((await headOf(journal)).tail.map((entry) => Buffer.from(entry))).toEqual(entries.map((e) => Buffer.from(e)))
  })

  it('is not touched by what happens to the entry’s buffer afterwards', async () => {
    const { journal } = place.one()
    const entry = Buffer.from('before')
    const { head } = must(await journal.append({ ...(await headOf(journal)), entries: [entry] }), 'applied')
    entry.fill('x')
    head.tail[0]!.fill(0)
    expect(textsOf((await headOf(journal)).tail)).toEqual(['before'])
  })

  it('takes entries while the tail holds fewer than 64', async () => {
    const { journal } = place.one()
    const head = await headOf(journal)
    const texts = Array.from({ length: TAIL_ENTRIES_MAX - 1 }, (_, i) => `entry ${i}`)
    must(await append(journal, head, ...texts), 'applied')
    const over = must(await append(journal, head, 'the 64th', 'the 65th'), 'applied').head
    expect(over.tail.length).toBe(TAIL_ENTRIES_MAX + 1)
    expectHead(must(await append(journal, head, 'one more'), 'rejected').head, over)
  })

  it('takes 64 entries at once, and judges each of 64 on a repeat', async () => {
    const { journal } = place.one()
    const head = await headOf(journal)
    const texts = Array.from({ length: TAIL_ENTRIES_MAX }, (_, i) => `entry ${i}`)
    const full = must(await append(journal, head, ...texts), 'applied').head
    const begun = must(await journal.beginSeal(full), 'applied').head
    must(await append(journal, begun, 'entry 63'), 'applied')
    expect(textsOf(must(await append(journal, begun, ...texts), 'rejected').head!.tail)).toEqual(['entry 63'])
  })

  it('looks at the tail alone: an entry of `sealed` may be appended in the next generation', async () => {
    const { journal } = place.one()
    const head = must(await append(journal, await headOf(journal), 'a'), 'applied').head
    const begun = must(await journal.beginSeal(head), 'applied').head
    const again = must(await append(journal, begun, 'a'), 'applied').head
    expect(textsOf(again.sealed)).toEqual(['a'])
    expect(textsOf(again.tail)).toEqual(['a'])
  })

  it('refuses an old and a future generation', async () => {
    const { journal } = place.one()
    const head = await seal(journal, must(await append(journal, await headOf(journal), 'a'), 'applied').head)
    for (const generation of [head.generation - 1, head.generation + 1]) {
      expectHead(must(await append(journal, { ...head, generation }, 'late'), 'rejected').head, head)
    }
  })

  it('loses and doubles nothing of many callers, whoever seals meanwhile', async () => {
    const all = [place.one(), await place.another(), await place.another()]
    await headOf(place.one().journal)
    const CALLERS = 12
    const EACH = 5
    const caller = async (n: number): Promise<void> => {
      const { journal } = all[n % all.length]!
      for (let i = 0; i < EACH; ) {
        const head = await headOf(journal)
        const outcome = await append(journal, head, `${n}:${i}`)
        if (outcome.kind === 'applied') i++
        else must(outcome, 'rejected')
        if (outcome.kind === 'applied' && outcome.head.tail.length >= 7) await sealIfStill(journal, outcome.head)
      }
    }
    await Promise.all(Array.from({ length: CALLERS }, (_, n) => caller(n)))
    const end = await headOf(place.one().journal)
    const chunks = must(await all[1]!.journal.readChunks(1, end.generation), 'found')
    const entries = chunks.chunks.flatMap(({ bytes }) => Buffer.from(bytes).toString().split(','))
    if (!chunks.chunks.some((chunk) => chunk.generation === end.generation - 1)) entries.push(...textsOf(end.sealed))
    entries.push(...textsOf(end.tail))
    const expected = Array.from({ length: CALLERS * EACH }, (_, k) => `${Math.floor(k / EACH)}:${k % EACH}`)
    expect([...entries].sort()).toEqual(expected.sort())
    for (let n = 0; n < CALLERS; n++) {
      const own = entries.filter((text) => text.startsWith(`${n}:`))
      expect(own).toEqual(Array.from({ length: EACH }, (_, i) => `${n}:${i}`))
    }
  })
}

/** Seals unless somebody else does; finishes its own seal. */
async function sealIfStill(journal: JournalStore, head: Head): Promise<void> {
  const begun = await journal.beginSeal(head)
  if (begun.kind !== 'applied') return
  must(await journal.putChunk(head.generation, bytesOf(textsOf(begun.head.sealed).join(','))), 'applied')
  must(await journal.finishSeal({ ...begun.head, hash: HASH }), 'applied')
}

function describeSeal(place: Used): void {
  it('moves the tail into `sealed`, then out of the head', async () => {
    const { journal } = place.one()
    const head = must(await append(journal, await headOf(journal), 'a', 'b'), 'applied').head
    const begun = must(await journal.beginSeal(head), 'applied').head
    expect(begun.generation).toBe(head.generation + 1)
    expect(textsOf(begun.sealed)).toEqual(['a', 'b'])
    expect(begun.tail).toEqual([])
    must(await journal.putChunk(head.generation, bytesOf('a,b')), 'applied')
    const finished = must(await journal.finishSeal({ ...begun, hash: HASH }), 'applied').head
    expect(finished.generation).toBe(begun.generation)
    expect(finished.sealed).toEqual([])
    expect(Buffer.compare(finished.hash, HASH)).toBe(0)
    expectHead(await headOf((await place.another()).journal), finished)
  })

  it('refuses to seal an empty tail', async () => {
    const { journal } = place.one()
    const head = await headOf(journal)
    expectHead(must(await journal.beginSeal(head), 'rejected').head, head)
  })

  it('refuses to seal while `sealed` is full', async () => {
    const { journal } = place.one()
    const head = must(await append(journal, await headOf(journal), 'a'), 'applied').head
    const begun = must(await journal.beginSeal(head), 'applied').head
    const more = must(await append(journal, begun, 'b'), 'applied').head
    expectHead(must(await journal.beginSeal(more), 'rejected').head, more)
  })

  it('lets one of several simultaneous seals through', async () => {
    const all = [place.one(), await place.another(), await place.another()]
    const head = must(await append(all[0]!.journal, await headOf(all[0]!.journal), 'a'), 'applied').head
    const outcomes = await Promise.all(all.map((stores) => stores.journal.beginSeal(head)))
    expect(outcomes.filter((outcome) => outcome.kind === 'applied').length).toBe(1)
    for (const outcome of outcomes) {
      if (outcome.kind !== 'applied') expect(textsOf(must(outcome, 'rejected').head!.sealed)).toEqual(['a'])
    }
  })

  it('keeps what is appended between the steps', async () => {
    const { journal } = place.one()
    const head = must(await append(journal, await headOf(journal), 'a'), 'applied').head
    const begun = must(await journal.beginSeal(head), 'applied').head
    must(await append(journal, begun, 'b'), 'applied')
    const finished = must(await journal.finishSeal({ ...begun, hash: HASH }), 'applied').head
    expect(textsOf(finished.tail)).toEqual(['b'])
    expect(finished.sealed).toEqual([])
  })
}

function describeLateSteps(place: Used): void {
  it('answers a repeat of beginSeal with the head that it made', async () => {
    const { journal } = place.one()
    const head = must(await append(journal, await headOf(journal), 'a'), 'applied').head
    const begun = must(await journal.beginSeal(head), 'applied').head
    expectHead(must(await journal.beginSeal(head), 'rejected').head, begun)
  })

  it('refuses a beginSeal that comes after its generation, although the tail is full again', async () => {
    const { journal } = place.one()
    const old = must(await append(journal, await headOf(journal), 'a'), 'applied').head
    const next = must(await append(journal, await seal(journal, old), 'b'), 'applied').head
    expectHead(must(await journal.beginSeal(old), 'rejected').head, next)
    expectHead(await headOf(journal), next)
  })

  it('takes a repeat of finishSeal within its generation', async () => {
    const { journal } = place.one()
    const head = must(await append(journal, await headOf(journal), 'a'), 'applied').head
    const finished = await seal(journal, head)
    expectHead(must(await journal.finishSeal({ ...finished, hash: HASH }), 'applied').head, finished)
  })

  it('refuses a finishSeal that comes when the next generation is being sealed, and erases nothing', async () => {
    const { journal } = place.one()
    const first = must(await append(journal, await headOf(journal), 'a'), 'applied').head
    const late = await seal(journal, first)
    const second = must(await append(journal, late, 'b'), 'applied').head
    const begun = must(await journal.beginSeal(second), 'applied').head
    const refused = must(await journal.finishSeal({ ...late, hash: new Uint8Array(32) }), 'rejected')
    expectHead(refused.head, begun)
    expect(textsOf((await headOf(journal)).sealed)).toEqual(['b'])
  })

  it('refuses a finishSeal that comes two generations later', async () => {
    const { journal } = place.one()
    const late = await seal(journal, must(await append(journal, await headOf(journal), 'a'), 'applied').head)
    const third = await seal(journal, must(await append(journal, late, 'b'), 'applied').head)
    expectHead(must(await journal.finishSeal({ ...late, hash: new Uint8Array(32) }), 'rejected').head, third)
  })

  it('refuses an append that comes after its generation, in both steps of the seal', async () => {
    const { journal } = place.one()
    const old = must(await append(journal, await headOf(journal), 'a'), 'applied').head
    const begun = must(await journal.beginSeal(old), 'applied').head
    expectHead(must(await append(journal, old, 'a'), 'rejected').head, begun)
    const finished = must(await journal.finishSeal({ ...begun, hash: HASH }), 'applied').head
    expectHead(must(await append(journal, old, 'a'), 'rejected').head, finished)
    expect((await headOf(journal)).tail).toEqual([])
  })

  it('leaves a chunk as it is when it is put again, however late', async () => {
    const { journal } = place.one()
    const other = await place.another()
    const late = await seal(journal, must(await append(journal, await headOf(journal), 'a'), 'applied').head)
    await seal(journal, must(await append(journal, late, 'b'), 'applied').head)
    must(await journal.putChunk(1, bytesOf('a')), 'exists')
    must(await other.journal.putChunk(2, bytesOf('b')), 'exists')
    const { chunks } = must(await journal.readChunks(1, 2), 'found')
    expect(textsOf(chunks.map((chunk) => chunk.bytes))).toEqual(['a', 'b'])
  })
}

function describeChunks(place: Used): void {
  it('reads the chunks of a range in order, leaving out what is not there', async () => {
    const { journal } = place.one()
    const other = await place.another()
    await headOf(journal)
    for (const generation of [10, 2, 1, 9, 100, 5]) {
      must(await journal.putChunk(generation, bytesOf(`chunk ${generation}`)), 'applied')
    }
    const read = async (from: number, to: number): Promise<number[]> => {
      const found = must(await other.journal.readChunks(from, to), 'found')
      expect(found.complete).toBe(true)
      for (const { generation, bytes } of found.chunks)
        expect(Buffer.from(bytes).toString()).toBe(`chunk ${generation}`)
      return found.chunks.map((chunk) => chunk.generation)
    }
    expect(await read(1, 100)).toEqual([1, 2, 5, 9, 10, 100])
    expect(await read(2, 9)).toEqual([2, 5, 9])
    expect(await read(6, 8)).toEqual([])
    expect(await read(5, 5)).toEqual([5])
    expect(await read(101, 2000)).toEqual([])
  })

  it('ends an answer early rather than returning megabytes, and goes on from there', async () => {
    const { journal } = place.one()
    const SIZE = 150_000
    const COUNT = 16
    for (let generation = 1; generation <= COUNT; generation++) {
      must(await journal.putChunk(generation, patternOf(SIZE, generation)), 'applied')
    }
    const found: number[] = []
    let answers = 0
    for (let complete = false; !complete; answers++) {
      const answer = must(await journal.readChunks((found.at(-1) ?? 0) + 1, COUNT), 'found')
      complete = answer.complete
      expect(answer.chunks.length).toBeGreaterThan(0)
      for (const { generation, bytes } of answer.chunks) {
        expect(Buffer.compare(bytes, patternOf(SIZE, generation))).toBe(0)
        found.push(generation)
      }
    }
    expect(found).toEqual(Array.from({ length: COUNT }, (_, i) => i + 1))
    expect(answers).toBeGreaterThan(1)
  })

  it('deletes the chunks of a range, again and again', async () => {
    const { journal } = place.one()
    for (let generation = 1; generation <= 40; generation++) {
      must(await journal.putChunk(generation, bytesOf(`${generation}`)), 'applied')
    }
    for (let round = 0; round < 2; round++) {
      must(await journal.deleteChunks(5, 36), 'applied')
      const { chunks } = must(await journal.readChunks(1, 40), 'found')
      expect(chunks.map((chunk) => chunk.generation)).toEqual([1, 2, 3, 4, 37, 38, 39, 40])
    }
    must(await journal.deleteChunks(1000, 2000), 'applied')
  })
}
