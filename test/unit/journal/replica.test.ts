// A replica follows the head in the right order, whatever order heads arrive in; starts again where chunks were collected;
// and halts, with a sentence, rather than skip or guess.
import { describe, expect, it } from 'vitest'
import { encodeFoldVersion } from '../../../lib/journal/entries/fold-version.ts'
import { encodeHorizonAdvanced } from '../../../lib/journal/entries/horizon-advanced.ts'
import { encodeTopicCreated } from '../../../lib/journal/entries/topic-created.ts'
import { encodeEntry, encodeEntryByReference } from '../../../lib/journal/entry.ts'
import type { Head } from '../../../lib/storage/ports.ts'
import { appendNamed, headOf, namesIn, sealAway } from '../support/journal-facts.ts'
import { rest } from '../support/manual-clock.ts'
import {
  batchOf,
  createTopic,
  createWorld,
  fetchRequest,
  type LogProcess,
  offsetsIn,
  readAll,
  type World,
} from '../support/world.ts'

/** Appends raw bytes, as a newer release might. */
async function appendRaw(world: World, bytes: Uint8Array): Promise<void> {
  const { generation, incarnation } = await headOf(world)
  expect(await world.plain.journal.append({ generation, incarnation, entries: [bytes] })).toMatchObject({
    kind: 'applied',
  })
}

async function checkpointAndCollect(world: World, process: LogProcess): Promise<void> {
  expect(await world.run(process.log.checkpoint())).toMatchObject({ kind: 'accepted' })
  const { checkpoint } = await headOf(world)
  await world.plain.journal.deleteChunks(1, checkpoint!.generation - 1)
}

async function fill(world: World, process: LogProcess, label: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await world.run(appendNamed(process.log.journal, `${label}${i}`))
}

describe('replica', () => {
  // Seed 2003300 of the simulation: a function returned with a head read under way that had begun while it settled.
  it('is idle only when a read that was asked for meanwhile is over, too', async () => {
    const world = await createWorld()
    const other = await world.openJournal()
    const { journal, script } = await world.openJournal()
    const { replica } = journal
    await sealAway(world, other, 'a')
    script.next('readChunks', 'hold')
    script.next('readHead', 'hold')
    const observed = replica.observe(await headOf(world), 0)
    let isIdle = false
    const idle = replica.idle().then(() => {
      isIdle = true
    })
    await rest()
    const asked = replica.refresh()
    script.release('readChunks')
    await rest(10)
    expect([await observed, script.held, isIdle]).toEqual([{ kind: 'fresh' }, 1, false])
    script.release()
    await idle
    expect(await asked).toEqual({ kind: 'fresh' })
  })

  it('is idle only when a read that waits for its turn is over, too', async () => {
    const world = await createWorld()
    const { journal, script } = await world.openJournal()
    const { replica } = journal
    script.next('readHead', 'hold', 2)
    const reads = [replica.refresh(), replica.refresh()]
    let isIdle = false
    const idle = replica.idle().then(() => {
      isIdle = true
    })
    script.release()
    await rest()
    expect([script.held, isIdle]).toEqual([1, false])
    script.release()
    await idle
    expect(await Promise.all(reads)).toEqual([{ kind: 'fresh' }, { kind: 'fresh' }])
  })

  it('reads the head, then the chunks, and no more than it needs', async () => {
    const world = await createWorld()
    const writer = await world.openJournal()
    await sealAway(world, writer, 'w', 5)
    const { journal, script } = await world.openJournal()
    expect(script.calls.map(({ call }) => call)).toEqual(['readHead', 'readChunks'])
    expect([...journal.replica.root.numbersByName.keys()]).toEqual(await namesIn(world))
    script.forget()
    await journal.replica.refresh()
    expect(script.counts()).toEqual({ readHead: 1 })
    // While the last chunk is on its way the entries come from `sealed`, and no chunk is asked for.
    writer.script.next('putChunk', 'before', 1e9)
    await sealAway(world, writer, 'x')
    script.forget()
    await journal.replica.refresh()
    expect(script.counts()).toEqual({ readHead: 1 })
    expect([...journal.replica.root.numbersByName.keys()]).toEqual(await namesIn(world))
  })

  it('applies heads once each, in whatever order they arrive', async () => {
    const world = await createWorld()
    const writer = await world.openJournal()
    const heads: Head[] = [await headOf(world)]
    for (let i = 0; i < 50; i++) {
      await world.run(appendNamed(writer.journal, `e${i}`))
      heads.push(await headOf(world))
      await rest()
      heads.push(await headOf(world))
    }
    const names = await namesIn(world)
    for (const stride of [1, 7, 37, 100]) {
      const reader = await world.openJournal({ refresh: false })
      let last = 0
      for (let i = 0; i < heads.length; i++) {
        const head = heads[(i * stride) % heads.length]!
        expect(await reader.journal.replica.observe(head, i)).toEqual({ kind: 'fresh' })
        const { size } = reader.journal.replica.root.topics
        expect(size).toBeGreaterThanOrEqual(last)
        last = size
      }
      expect([...reader.journal.replica.root.numbersByName.keys()]).toEqual(names)
      expect(reader.journal.replica.head).toEqual(heads.at(-1))
    }
  })

  it('serves each refresh by a read that began after it, and shares reads', async () => {
    const world = await createWorld()
    const { journal, script } = await world.openJournal()
    const writer = await world.openJournal()
    script.forget()
    script.next('readHead', 'holdAnswer', 1)
    const first = journal.replica.refresh()
    await rest()
    await world.run(appendNamed(writer.journal, 'a'))
    const later = Array.from({ length: 10 }, async () => {
      await journal.replica.refresh()
      return journal.replica.root.topics.size
    })
    await rest()
    expect(script.count('readHead')).toBe(1)
    script.release()
    await first
    expect(await Promise.all(later)).toEqual(Array.from({ length: 10 }, () => 1))
    expect(script.count('readHead')).toBe(2)
  })

  it('knows everything that was committed before `asOf`, also by what own appends returned', async () => {
    const world = await createWorld()
    const { journal } = await world.openJournal()
    await world.clock.advance(100)
    const writer = await world.openJournal()
    await world.run(appendNamed(writer.journal, 'a'))
    expect(journal.replica.asOf).toBe(0)
    await world.run(appendNamed(journal, 'b'))
    expect(journal.replica.asOf).toBeGreaterThanOrEqual(100)
    expect([...journal.replica.root.numbersByName.keys()]).toEqual(['a', 'b'])
  })

  it('starts again from the checkpoint when chunks it needs were collected, and never goes back', async () => {
    const world = await createWorld()
    const writer = await world.open()
    const reader = await world.open()
    await fill(world, writer, 'a', 40)
    await checkpointAndCollect(world, writer)
    await fill(world, writer, 'b', 40)
    const before = reader.log.journal.replica.restarts
    expect(await world.run(reader.log.refresh())).toEqual({ kind: 'fresh' })
    expect(reader.log.journal.replica.restarts).toBe(before + 1)
    expect([...reader.log.topics()]).toHaveLength(80)
    expect(reader.halted).toEqual([])
  })

  it('a checkpoint that moved on while it was read is no reason to stop', async () => {
    const world = await createWorld()
    const writer = await world.open()
    const late = await world.open()
    await fill(world, writer, 'a', 40)
    await checkpointAndCollect(world, writer)
    late.script.next('readHead', 'holdAnswer')
    const refreshed = late.log.refresh()
    await rest()
    await fill(world, writer, 'b', 40)
    const old = (await headOf(world)).checkpoint!
    await checkpointAndCollect(world, writer)
    await world.plain.objects.delete([old.key])
    late.script.release()
    expect(await world.run(refreshed)).toEqual({ kind: 'fresh' })
    expect([...late.log.topics()].length).toBeGreaterThanOrEqual(40)
    expect(late.halted).toEqual([])
  })

  it('halts when the checkpoint that the head names is missing, and says what to run', async () => {
    const world = await createWorld()
    const writer = await world.open()
    await fill(world, writer, 'a', 40)
    await checkpointAndCollect(world, writer)
    await world.plain.objects.delete([(await headOf(world)).checkpoint!.key])
    const cold = await world.openJournal({ refresh: false })
    expect(await world.run(cold.journal.replica.refresh())).toEqual({ kind: 'halted' })
    expect(cold.halted).toHaveLength(1)
    expect(cold.halted[0]).toMatch(/checkpoint root\/.* is missing: the object store lost data/)
    expect(cold.script.count('readHead')).toBe(2)
  })

  it('halts when entries are lost that no checkpoint covers, instead of trying for ever', async () => {
    const world = await createWorld()
    const writer = await world.openJournal()
    await sealAway(world, writer, 'w', 4)
    await world.plain.journal.deleteChunks(2, 2)
    const cold = await world.openJournal({ refresh: false })
    expect(await cold.journal.replica.refresh()).toEqual({ kind: 'halted' })
    expect(cold.halted[0]).toMatch(/generation 2.* is missing/)
  })

  it('a store that does not answer is no gap: what was read stays, the rest comes later', async () => {
    const world = await createWorld()
    const writer = await world.openJournal()
    const { journal, script } = await world.openJournal()
    await sealAway(world, writer, 'w', 3)
    script.next('readChunks', 'before')
    expect(await journal.replica.refresh()).toEqual({ kind: 'unavailable' })
    script.next('readHead', 'before')
    expect(await journal.replica.refresh()).toEqual({ kind: 'unavailable' })
    expect(journal.replica.asOf).toBe(0)
    expect(await journal.replica.refresh()).toEqual({ kind: 'fresh' })
    expect([...journal.replica.root.numbersByName.keys()]).toEqual(await namesIn(world))
  })

  it('halts at an entry it does not know and never skips it', async () => {
    for (const make of ['kind', 'format', 'foldVersion'] as const) {
      const world = await createWorld()
      const { log, halted } = await world.open()
      const topic = await createTopic(world, log, 't', 1)
      const id = log.journal.newId()
      const payload = encodeFoldVersion({ version: make === 'foldVersion' ? 2 : 1 })
      const bytes = Uint8Array.from(encodeEntry({ kind: 'foldVersion', id, origin: 1 }, payload)!.bytes)
      if (make === 'kind') bytes[1] = 99
      if (make === 'format') bytes[0] = 2
      await appendRaw(world, bytes)
      const another = encodeTopicCreated({ topicId: topic.id, name: 'after', partitions: 1, configs: new Map() })
      await appendRaw(world, encodeEntry({ kind: 'topicCreated', id: log.journal.newId(), origin: 1 }, another)!.bytes)
      expect(await world.run(log.refresh())).toEqual({ kind: 'halted' })
      expect(halted).toHaveLength(1)
      expect(halted[0]).toMatch(/entry of format|fold rules 2/)
      expect(log.topicByName('after')).toBeUndefined()
      expect(await world.run(log.fetch(fetchRequest([{ topic, offset: 0 }])))).toEqual([{ kind: 'halted' }])
      expect(await log.append('c', [batchOf(topic, 0, ['x'])]).outcomes).toEqual([{ kind: 'halted' }])
      expect(log.status().halted).toBe(true)
    }
  })

  it('reads a flush over 5,000 partitions from its segment, in one GET, verified', async () => {
    const world = await createWorld()
    const writer = await world.open()
    const topic = await createTopic(world, writer.log, 'wide', 5000)
    const batches = Array.from({ length: 5000 }, (_, partition) => batchOf(topic, partition, ['x']))
    for (const o of await world.run(writer.log.append('c', batches).outcomes)) expect(o.kind).toBe('appended')
    expect((await headOf(world)).tail.every((entry) => entry.length <= 1024)).toBe(true)
    const reader = await world.open()
    expect(reader.script.counts()).toEqual({ readHead: 1, get: 1 })
    for (const partition of [0, 63, 64, 4999]) expect(await readAll(world, reader.log, topic, partition)).toEqual([0])
  })

  it('does not pass a body that is damaged, and goes on when it is whole again; one that is lost halts', async () => {
    const world = await createWorld()
    const reader = await world.open()
    const writer = await world.open()
    const topic = await createTopic(world, writer.log, 'wide', 300)
    const batches = Array.from({ length: 300 }, (_, partition) => batchOf(topic, partition, ['x']))
    await world.run(writer.log.append('c', batches).outcomes)
    await world.run(writer.log.append('c', [batchOf(topic, 0, ['y'])]).outcomes)
    for (const damage of ['flip', 'cut'] as const) {
      reader.script.alter = (_call, bytes) => {
        if (damage === 'cut') return bytes.subarray(0, bytes.length - 1)
        const copy = Uint8Array.from(bytes)
        copy[7]! ^= 1
        return copy
      }
      expect(await world.run(reader.log.refresh())).toEqual({ kind: 'unavailable' })
    }
    expect(reader.log.journal.replica.root.position).toEqual({ generation: 1, index: 1 })
    reader.script.alter = undefined
    expect(await world.run(reader.log.refresh())).toEqual({ kind: 'fresh' })
    expect(await readAll(world, reader.log, topic)).toEqual([0, 1])

    const listed = await world.plain.objects.list('segment', { limit: 10 })
    if (listed.kind !== 'found') throw new Error()
    await world.plain.objects.delete(listed.objects.map(({ key }) => key))
    const cold = await world.openJournal({ refresh: false })
    expect(await cold.journal.replica.refresh()).toEqual({ kind: 'halted' })
    expect(cold.halted[0]).toMatch(/body, is missing/)
  })

  it('rejects what is behind the horizon without reading its body, which may be gone', async () => {
    const world = await createWorld()
    const writer = await world.open()
    await fill(world, writer, 'a', 40)
    expect(await world.run(writer.log.checkpoint())).toMatchObject({ kind: 'accepted' })
    const { generation } = (await headOf(world)).checkpoint!
    const { journal } = writer.log
    const horizon = await world.run(
      journal.write('horizonAdvanced', journal.origin(), encodeHorizonAdvanced({ generation })),
    )
    expect(horizon).toMatchObject({ verdict: { kind: 'accepted' } })
    const late = encodeEntryByReference(
      { kind: 'topicConfigured', id: journal.newId(), origin: generation - 1 },
      new Uint8Array(9),
      0,
    )
    const [outcome] = await world.run(Promise.all(journal.appender.append([{ entry: late }])))
    expect(outcome).toEqual({ kind: 'folded', verdict: { kind: 'behindHorizon' } })
    const cold = await world.openJournal()
    expect(cold.journal.replica.root.topics.size).toBe(40)
    expect(cold.script.count('get')).toBe(1)
    // At the horizon itself it is read; and it is not there.
    const atIt = encodeEntryByReference(
      { kind: 'topicConfigured', id: journal.newId(), origin: generation },
      new Uint8Array(9),
      0,
    )
    void Promise.all(journal.appender.append([{ entry: atIt }]))
    await world.clock.advance(100)
    expect(writer.halted[0]).toMatch(/body, is missing/)
  })

  it('wakes verdicts and waits when it halts, and says it once', async () => {
    const world = await createWorld()
    const { log, halted } = await world.open()
    const topic = await createTopic(world, log, 't', 1)
    const waiting = log.fetch(fetchRequest([{ topic, offset: 0 }], { waitMsMax: 60_000 }))
    await rest()
    world.backend.raiseIncarnation()
    await world.run(log.refresh())
    expect(await world.run(waiting, 1000)).toEqual([{ kind: 'halted' }])
    await world.run(log.refresh())
    expect(halted).toHaveLength(1)
    expect(() => offsetsIn({ kind: 'halted' })).toThrow()
  })
})
