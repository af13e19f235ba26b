// Appends land exactly once, or are said to be unknown and never sent again: whatever answer is lost, whatever arrives late,
// and however often the tail was sealed meanwhile. What is in the journal is read from the store, not from anybody's word.
import { describe, expect, it } from 'vitest'
import { TAIL_ENTRIES_MAX } from '../../../lib/base/limits.ts'
import type { AppendOutcome } from '../../../lib/journal/appender.ts'
import { appendNamed, entryNamed, headOf, namesIn, sealAway } from '../support/journal-facts.ts'
import { rest } from '../support/manual-clock.ts'
import { createWorld } from '../support/world.ts'

const created = { kind: 'folded', verdict: { kind: 'created' } }
const occurrences = (names: string[], name: string): number => names.filter((n) => n === name).length

describe('appender', () => {
  for (const fault of ['before', 'lost', 'vanished'] as const) {
    for (const times of [1, 3]) {
      it(`lands once when ${times} tries end as "${fault}"`, async () => {
        const world = await createWorld()
        const { journal, script } = await world.openJournal()
        script.next('append', fault, times)
        expect(await world.run(appendNamed(journal, 'a', 'b'))).toMatchObject([created, created])
        expect(await namesIn(world)).toEqual(['a', 'b'])
      })

      it(`lands once when ${times} tries end as "${fault}" and the head cannot be read for a while`, async () => {
        const world = await createWorld()
        const { journal, script } = await world.openJournal()
        script.next('append', fault, times)
        script.next('readHead', 'before', 4)
        expect(await world.run(appendNamed(journal, 'a'))).toMatchObject([created])
        expect(await namesIn(world)).toEqual(['a'])
      })
    }
  }

  it('finds what it lost in `sealed`, and in the chunks, and does not send it again', async () => {
    for (const seals of [1, 3]) {
      const world = await createWorld()
      const { journal, script } = await world.openJournal()
      const other = await world.openJournal()
      script.next('append', 'lost')
      script.next('readHead', 'hold')
      const outcome = appendNamed(journal, 'a')
      await rest()
      if (seals === 1) other.script.next('putChunk', 'before', 100)
      await sealAway(world, other, 'o', seals)
      expect((await headOf(world)).sealed.length > 0).toBe(seals === 1)
      script.release()
      expect(await world.run(outcome)).toMatchObject([created])
      expect(occurrences(await namesIn(world), 'a')).toBe(1)
      expect(script.count('append')).toBe(1)
    }
  })

  it('sends again under the new generation what certainly never arrived', async () => {
    const world = await createWorld()
    const { journal, script } = await world.openJournal()
    const other = await world.openJournal()
    script.next('append', 'vanished')
    script.next('readHead', 'hold')
    const outcome = appendNamed(journal, 'a')
    await rest()
    await sealAway(world, other, 'o', 3)
    script.release()
    expect(await world.run(outcome)).toMatchObject([created])
    expect(occurrences(await namesIn(world), 'a')).toBe(1)
    const generations = script.calls
      .filter(({ call }) => call === 'append')
      .map(({ args }) => (args[0] as { generation: number }).generation)
    expect(generations).toEqual([1, 4])
  })

  it('a request that arrives late, before or after seals, lands no second time', async () => {
    for (const seals of [0, 1, 2, 5]) {
      const world = await createWorld()
      const { journal, script } = await world.openJournal()
      const other = await world.openJournal()
      script.next('append', 'late', 2)
      const outcome = await world.run(appendNamed(journal, 'a', 'b'))
      expect(outcome).toMatchObject([created, created])
      await sealAway(world, other, 'o', seals)
      await script.runLate()
      await sealAway(world, other, 'p')
      const names = await namesIn(world)
      expect([occurrences(names, 'a'), occurrences(names, 'b')]).toEqual([1, 1])
    }
  })

  it('a late request that lands before the repeat is found by it', async () => {
    const world = await createWorld()
    const { journal, script } = await world.openJournal()
    script.next('append', 'late')
    script.next('readHead', 'hold')
    const outcome = appendNamed(journal, 'a')
    await rest()
    script.release()
    await script.runLate()
    expect(await world.run(outcome)).toMatchObject([created])
    expect(await namesIn(world)).toEqual(['a'])
  })

  it('what lies in generations that were collected is unknown and never sent again', async () => {
    for (const fault of ['lost', 'vanished'] as const) {
      const world = await createWorld()
      const { log, script } = await world.open()
      const other = await world.open()
      script.next('append', fault)
      script.next('readHead', 'hold')
      const outcome = appendNamed(log.journal, 'a')
      await rest()
      for (let i = 0; i < 60; i++) await world.run(appendNamed(other.log.journal, `o${i}`))
      expect(await world.run(other.log.checkpoint())).toMatchObject({ kind: 'accepted' })
      const { checkpoint } = await headOf(world)
      expect(checkpoint!.generation).toBeGreaterThan(2)
      await world.plain.journal.deleteChunks(1, checkpoint!.generation - 1)
      script.forget()
      script.release()
      expect(await world.run(outcome)).toEqual([{ kind: 'unknown' }])
      await world.clock.advance(60_000)
      expect(script.count('append')).toBe(0)
      // The process goes on from the checkpoint.
      expect(await world.run(appendNamed(log.journal, 'later'))).toMatchObject([created])
    }
  })

  it('what was certainly not sent is unavailable after a restart, not unknown', async () => {
    const world = await createWorld()
    const { log, script } = await world.open()
    const other = await world.open()
    script.next('append', 'before')
    const outcome = appendNamed(log.journal, 'a')
    await rest()
    for (let i = 0; i < 60; i++) await world.run(appendNamed(other.log.journal, `o${i}`), 20)
    await other.log.checkpoint()
    await world.plain.journal.deleteChunks(1, (await headOf(world)).checkpoint!.generation - 1)
    const [settled] = await world.run(outcome)
    expect(['unavailable', 'folded']).toContain(settled!.kind)
    expect(occurrences(await namesIn(world, (await headOf(world)).checkpoint?.generation), 'a')).toBe(
      settled!.kind === 'folded' ? 1 : 0,
    )
  })

  it('keeps the order in which it was asked, in few appends, one at a time', async () => {
    const world = await createWorld()
    const { journal, script } = await world.openJournal()
    script.next('append', 'holdAnswer')
    const outcomes = Array.from({ length: 150 }, (_, i) => appendNamed(journal, `e${i}`))
    await rest()
    expect(script.count('append')).toBe(1)
    script.release()
    for (const outcome of await world.run(Promise.all(outcomes))) expect(outcome).toMatchObject([created])
    expect(await namesIn(world)).toEqual(Array.from({ length: 150 }, (_, i) => `e${i}`))
    const sizes = script.calls
      .filter(({ call }) => call === 'append')
      .map(({ args }) => (args[0] as { entries: unknown[] }).entries.length)
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(150)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(TAIL_ENTRIES_MAX)
    expect(sizes.length).toBeLessThanOrEqual(5)
  })

  it('two processes at once, with answers lost on both sides: everything once, each in its order', async () => {
    const world = await createWorld()
    const a = await world.openJournal()
    const b = await world.openJournal()
    for (const { script } of [a, b]) {
      for (const fault of ['lost', 'before', 'late', 'vanished'] as const) {
        for (const call of ['append', 'beginSeal', 'putChunk', 'finishSeal'] as const) {
          let seen = 0
          script.next(call, fault, 3, () => ++seen % 5 === 0)
        }
      }
    }
    const all: Promise<AppendOutcome[]>[] = []
    for (let i = 0; i < 60; i++) {
      all.push(appendNamed(a.journal, `a${i}`), appendNamed(b.journal, `b${i}`))
      await world.clock.advance(3)
    }
    for (const outcome of await world.run(Promise.all(all))) expect(outcome).toMatchObject([created])
    await a.script.runLate()
    await b.script.runLate()
    const names = await namesIn(world)
    for (const letter of ['a', 'b']) {
      const own = names.filter((name) => name.startsWith(letter))
      expect(own).toEqual(Array.from({ length: 60 }, (_, i) => `${letter}${i}`))
    }
  })

  it('waits while the tail is full and cannot be sealed, then goes on', async () => {
    const world = await createWorld()
    const { journal, script } = await world.openJournal()
    script.next('beginSeal', 'before', 1e9)
    for (let i = 0; i < 16; i++) await world.run(appendNamed(journal, ...[0, 1, 2, 3].map((k) => `e${i}.${k}`)))
    expect((await headOf(world)).tail).toHaveLength(TAIL_ENTRIES_MAX)
    script.forget()
    const outcome = appendNamed(journal, 'last')
    await world.clock.advance(2000)
    expect(script.count('append')).toBe(0)
    script.heal()
    expect(await world.run(outcome)).toMatchObject([created])
    expect((await namesIn(world)).at(-1)).toBe('last')
  })

  it('gives up as unavailable when nothing was ever applied, and never when something may have been', async () => {
    const world = await createWorld()
    const { journal, script } = await world.openJournal()
    script.next('append', 'before', 1e9)
    const outcome = appendNamed(journal, 'a')
    await world.clock.advance(25_000)
    expect(script.count('append')).toBeLessThan(60)
    expect(await world.run(outcome)).toEqual([{ kind: 'unavailable' }])
    expect(await namesIn(world)).toEqual([])

    script.heal()
    script.next('append', 'lost')
    script.next('readHead', 'before', 1e9)
    script.next('append', 'before', 1e9)
    let settled = false
    const doubtful = appendNamed(journal, 'b').finally(() => {
      settled = true
    })
    await world.clock.advance(120_000)
    expect(settled).toBe(false)
    script.heal()
    expect(await world.run(doubtful)).toMatchObject([created])
    expect(await namesIn(world)).toEqual(['b'])
  })

  it('is closed: what is in doubt is unknown, what was not sent unavailable, and nothing is sent any more', async () => {
    const world = await createWorld()
    const { journal, script } = await world.openJournal()
    script.next('append', 'lost')
    script.next('readHead', 'before', 1e9)
    script.next('append', 'before', 1e9)
    const doubtful = appendNamed(journal, 'a')
    const queued = appendNamed(journal, 'b')
    await world.clock.advance(5000)
    const closed = journal.appender.close()
    expect(await world.run(doubtful)).toEqual([{ kind: 'unknown' }])
    expect(await world.run(queued)).toEqual([{ kind: 'unavailable' }])
    await world.run(closed)
    script.heal()
    script.forget()
    expect(await world.run(appendNamed(journal, 'c'))).toEqual([{ kind: 'unavailable' }])
    expect(script.count('append')).toBe(0)
  })

  it('halts when the incarnation was raised, and what was sent before is unknown', async () => {
    const world = await createWorld()
    const one = await world.openJournal()
    world.backend.raiseIncarnation()
    expect(await world.run(appendNamed(one.journal, 'a'))).toMatchObject([{ kind: 'halted' }])
    expect(one.halted).toHaveLength(1)
    expect(one.halted[0]).toMatch(/incarnation/)
    expect(await world.run(appendNamed(one.journal, 'b'))).toEqual([{ kind: 'halted' }])

    const two = await world.openJournal()
    two.script.next('append', 'vanished')
    two.script.next('readHead', 'hold')
    const doubtful = appendNamed(two.journal, 'c')
    await rest()
    world.backend.raiseIncarnation()
    two.script.release()
    expect(await world.run(doubtful)).toEqual([{ kind: 'unknown' }])
    expect(await namesIn(world)).toEqual([])
  })

  it('forgets what it expected, whatever became of it', async () => {
    const world = await createWorld()
    const { journal, script } = await world.openJournal()
    const entries = Array.from({ length: 6 }, (_, i) => entryNamed(journal, `e${i}`))
    script.next('append', 'before', 1)
    script.next('append', 'lost', 1)
    await world.run(Promise.all(entries.flatMap((entry) => journal.appender.append([{ entry }]))))
    for (const { key } of entries) {
      expect(journal.replica.passed(key)).toBe(false)
      expect(journal.replica.take(key)).toBeUndefined()
    }
  })
})
