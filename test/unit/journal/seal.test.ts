// A seal is three writes, each of which may fail, lose its answer, or arrive late, by two processes at once, or stop halfway
// with the process that began it. Afterwards every generation has its chunk, the running hash is theirs, nothing is missing
// and nothing is there twice.
import { describe, expect, it } from 'vitest'
import { SEAL_BYTES, SEAL_ENTRIES } from '../../../lib/base/limits.ts'
import { encodeChunk } from '../../../lib/journal/chunk.ts'
import { beginSeal, finishSeal, isSealDue } from '../../../lib/journal/seal.ts'
import { FIRST_HEAD } from '../../../lib/storage/head.ts'
import { createMemoryBackend } from '../../../lib/storage/memory/memory.ts'
import { appendNamed, chunksOf, headOf, namesIn, sealAway, verifyChain } from '../support/journal-facts.ts'
import { rest } from '../support/manual-clock.ts'
import type { Fault, StoreCall } from '../support/scripted-stores.ts'
import { createWorld } from '../support/world.ts'

const steps: StoreCall[] = ['beginSeal', 'putChunk', 'finishSeal']
const faults: Fault[] = ['before', 'lost', 'vanished', 'late']

describe('seal', () => {
  it('is due past its number of entries or bytes', () => {
    const head = (count: number, bytes: number) => ({
      ...FIRST_HEAD,
      tail: Array.from({ length: count }, () => new Uint8Array(bytes)),
    })
    const store = createMemoryBackend().open().journal
    expect(isSealDue(store, head(0, 0))).toBe(false)
    expect(isSealDue(store, head(SEAL_ENTRIES - 1, 10))).toBe(false)
    expect(isSealDue(store, head(SEAL_ENTRIES, 10))).toBe(true)
    expect(isSealDue(store, head(2, SEAL_BYTES / 2))).toBe(false)
    expect(isSealDue(store, head(2, SEAL_BYTES / 2 + 1))).toBe(true)
    const patient = { ...store, sealAfter: { entries: 40, bytes: 9000 } }
    expect(isSealDue(patient, head(39, 100))).toBe(false)
    expect(isSealDue(patient, head(40, 100))).toBe(true)
    expect(isSealDue(patient, head(10, 901))).toBe(true)
  })

  for (const step of steps) {
    for (const fault of faults) {
      for (const late of ['before the next seal', 'after the next seals']) {
        it(`${step} ends as "${fault}" (what is late arrives ${late})`, async () => {
          const world = await createWorld()
          const { journal, script, halted } = await world.openJournal()
          const other = await world.openJournal()
          script.next(step, fault, 2)
          const expected: string[] = []
          for (let i = 0; i < 40; i++) {
            expected.push(`e${i}`)
            expect((await world.run(appendNamed(journal, `e${i}`)))[0]).toMatchObject({ kind: 'folded' })
            await rest()
            if (i === 20 && late === 'before the next seal') await script.runLate()
          }
          const sealed = expected.length
          await sealAway(world, other, 'o', 3)
          await script.runLate()
          await world.run(appendNamed(journal, 'last'))
          await rest()
          await verifyChain(world)
          const names = await namesIn(world)
          expect(names.slice(0, sealed)).toEqual(expected)
          expect(names.at(-1)).toBe('last')
          expect(new Set(names).size).toBe(names.length)
          const fresh = await world.openJournal()
          expect([...fresh.journal.replica.root.numbersByName.keys()]).toEqual(names)
          expect([...halted, ...fresh.halted]).toEqual([])
        })
      }
    }
  }

  for (const [label, stopped] of [
    ['after the first step', 'putChunk'],
    ['after the second step', 'finishSeal'],
  ] as const) {
    it(`left half done ${label} by a process that died is finished by another`, async () => {
      const world = await createWorld()
      const dead = await world.openJournal()
      dead.script.next(stopped, 'hold', 1e9)
      for (let i = 0; i < 17; i++) void appendNamed(dead.journal, `d${i}`)
      await world.clock.advance(100)
      const { sealed } = await headOf(world)
      expect(sealed.length).toBeGreaterThan(0)
      const other = await world.openJournal()
      await sealAway(world, other, 'o', 2)
      await verifyChain(world)
      // What the dead process had sent arrives at last, and changes nothing.
      dead.script.heal()
      const before = await headOf(world)
      dead.script.release()
      await rest()
      expect((await headOf(world)).hash).toEqual(before.hash)
      expect((await headOf(world)).tail).toEqual(before.tail)
      await verifyChain(world)
    })
  }

  it('by two processes at once makes one chunk', async () => {
    const world = await createWorld()
    const a = await world.openJournal()
    const b = await world.openJournal()
    a.script.next('beginSeal', 'before', 1e9)
    b.script.next('beginSeal', 'before', 1e9)
    for (let i = 0; i < 20; i++) await world.run(appendNamed(a.journal, `e${i}`))
    await b.journal.replica.refresh()
    const [headA, headB] = [a.journal.replica.head!, b.journal.replica.head!]
    const { journal } = world.plain
    const [one, two] = await Promise.all([beginSeal(journal, headA), beginSeal(journal, headB)])
    expect([one.kind, two.kind].sort()).toEqual(['applied', 'rejected'])
    const heads = [one, two].map((outcome) =>
      outcome.kind === 'applied' || outcome.kind === 'rejected' ? outcome.head! : undefined,
    )
    const finished = await Promise.all(heads.map((head) => finishSeal(journal, head!)))
    expect(finished.map((outcome) => outcome?.kind)).toEqual(['applied', 'applied'])
    await verifyChain(world)
    expect(await namesIn(world)).toHaveLength(20)
  })

  it('a finisher that wakes up a generation later erases nothing', async () => {
    const world = await createWorld()
    const slow = await world.openJournal()
    slow.script.next('finishSeal', 'hold')
    for (let i = 0; i < 17; i++) await world.run(appendNamed(slow.journal, `s${i}`))
    await rest()
    expect(slow.script.held).toBe(1)
    const other = await world.openJournal()
    other.script.next('putChunk', 'before', 1e9, ([generation]) => generation === 2)
    await sealAway(world, other, 'o')
    const before = await headOf(world)
    expect([before.generation, before.sealed.length > 0]).toEqual([3, true])
    slow.script.release()
    await rest()
    expect(await headOf(world)).toEqual(before)
  })

  it('puts a chunk only as a head showed it, so a second one of a generation never differs', async () => {
    const world = await createWorld()
    const { journal, script } = await world.openJournal()
    script.next('finishSeal', 'before', 3)
    for (let i = 0; i < 60; i++) await world.run(appendNamed(journal, `e${i}`))
    const puts = new Map<number, string>()
    for (const { call, args } of script.calls) {
      if (call !== 'putChunk') continue
      const content = Buffer.from(args[1] as Uint8Array).toString('hex')
      expect(puts.get(args[0] as number) ?? content).toBe(content)
      puts.set(args[0] as number, content)
    }
    expect(puts.size).toBe((await chunksOf(world)).length)
  })

  it('a chunk that was altered halts whoever reads it, before anything rests on it; altered once, it is read again', async () => {
    const world = await createWorld()
    const writer = await world.openJournal()
    await sealAway(world, writer, 'w', 4)
    for (const times of [1, 1e9]) {
      const reader = await world.openJournal({ refresh: false })
      let altered = 0
      reader.script.alter = (call, bytes, [generation]) => {
        if (call !== 'readChunks' || generation !== 2 || altered >= times) return bytes
        altered++
        const copy = Uint8Array.from(bytes)
        copy[copy.length >> 1]! ^= 4
        return copy
      }
      const outcome = await reader.journal.replica.refresh()
      if (times === 1) {
        expect(outcome).toEqual({ kind: 'fresh' })
        continue
      }
      expect(outcome).toEqual({ kind: 'halted' })
      expect(reader.halted).toHaveLength(1)
      expect(reader.journal.replica.root.position.generation).toBeLessThanOrEqual(2)
    }
  })

  it('a chunk with other entries under a checksum that fits breaks the chain and halts', async () => {
    const world = await createWorld()
    const writer = await world.openJournal()
    await sealAway(world, writer, 'w', 3)
    const forged = encodeChunk((await headOf(world)).tail)
    const chunks = await chunksOf(world)
    for (const swap of [(): Uint8Array => forged, () => chunks[0]!.bytes]) {
      const reader = await world.openJournal({ refresh: false })
      reader.script.alter = (call, bytes, [generation]) => (call === 'readChunks' && generation === 2 ? swap() : bytes)
      expect(await reader.journal.replica.refresh()).toEqual({ kind: 'halted' })
      expect(reader.halted[0]).toMatch(/running hash/)
    }
  })
})
