// A log start that moves: nobody reads what lies before it, everybody what lies behind, by offset and by time, also in the
// batch in which it lies and while it moves; and the objects before it go.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BLOCK_EXTENTS } from '../../../lib/base/limits.ts'
import type { Topic, TrimOutcome } from '../../../lib/log/log.ts'
import type { OpenedLog } from '../../../lib/log/open-log.ts'
import { OBJECT_KINDS } from '../../../lib/storage/ports.ts'
import { buildBatch } from '../../../lib/wire/build-batch.ts'
import { inlineCompression } from '../../../lib/wire/native-compression.ts'
import { CODECS } from '../../../lib/wire/record-batch.ts'
import { namesIn } from '../support/journal-facts.ts'
import { rest } from '../support/manual-clock.ts'
import { asBatch, batchOf, createTopic, createWorld, fetchRequest, offsetsIn, type World } from '../support/world.ts'

const send = (world: World, log: OpenedLog, topic: Topic, ...values: string[]) =>
  world.run(log.append('c', [batchOf(topic, 0, values)]).outcomes)

const trim = (world: World, log: OpenedLog, topic: Topic, offset: number): Promise<TrimOutcome> =>
  world.run(log.trim(topic, 0, offset))

const fetchAt = async (world: World, log: OpenedLog, topic: Topic, offset: number, bytesMax = 1e9) =>
  (await world.run(log.fetch(fetchRequest([{ topic, offset, bytesMax }], { bytesMin: 0 }))))[0]!

const start = (logStartOffset: number) => ({ kind: 'trimmed', logStartOffset })

/** Batches of one record, as many as it says. */
async function sendMany(world: World, log: OpenedLog, topic: Topic, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 1024) {
    const batches = Array.from({ length: Math.min(1024, count - sent) }, () => batchOf(topic, 0, ['x']))
    await world.run(log.append('c', batches).outcomes)
  }
}

describe('trim', () => {
  it('moves the log start for everybody, forward only, and writes nothing where there is nothing to move', async () => {
    const world = await createWorld()
    const [a, b] = [await world.open(), await world.open()]
    const topic = await createTopic(world, a.log, 't', 2)
    await world.run(b.log.refresh())
    for (let i = 0; i < 4; i++) await send(world, a.log, topic, 'x', 'y', 'z')
    expect(await trim(world, b.log, topic, 4)).toEqual(start(4))
    const entries = await namesIn(world)
    expect(entries.filter((name) => name === 'trimmed')).toHaveLength(1)
    for (const offset of [0, 3, 4]) expect(await trim(world, a.log, topic, offset)).toEqual(start(4))
    for (const offset of [13, 2 ** 60, -2]) {
      expect(await trim(world, a.log, topic, offset)).toEqual({ kind: 'outOfRange' })
    }
    expect(await world.run(a.log.trim(topic, 1, -1))).toEqual(start(0))
    expect(await world.run(a.log.trim(topic, 2, 0))).toEqual({ kind: 'unknownTopic' })
    expect(await namesIn(world)).toEqual(entries)

    const found = { kind: 'found', logStartOffset: 4, highWatermark: 12, lastStableOffset: 12 }
    for (const { log } of [a, b]) {
      expect(await world.run(log.offsets(topic, 0))).toEqual(found)
      expect(await fetchAt(world, log, topic, 3)).toEqual({ ...found, kind: 'outOfRange' })
      // The whole batch: its client leaves out what it did not ask for.
      expect(offsetsIn(await fetchAt(world, log, topic, 4, 1))).toEqual([3, 4, 5])
      expect(offsetsIn(await fetchAt(world, log, topic, 8, 1))).toEqual([6, 7, 8])
    }
    expect(await trim(world, a.log, topic, -1)).toEqual(start(12))
    expect(offsetsIn(await fetchAt(world, b.log, topic, 12))).toEqual([])
    expect(await send(world, b.log, topic, 'later')).toEqual([{ kind: 'appended', baseOffset: 12, logStartOffset: 12 }])
    await world.run(a.log.deleteTopic(topic))
    expect(await trim(world, b.log, topic, 12)).toEqual({ kind: 'unknownTopic' })
  })

  it('of two at once ends at the later start, whichever comes first', async () => {
    const world = await createWorld()
    const [a, b] = [await world.open(), await world.open()]
    const topic = await createTopic(world, a.log, 't')
    await send(world, a.log, topic, ...'0123456789')
    a.script.next('append', 'hold', 1)
    const lower = a.log.trim(topic, 0, 3)
    await rest()
    expect(await trim(world, b.log, topic, 7)).toEqual(start(7))
    a.script.release()
    expect(await world.run(lower)).toEqual(start(7))
    expect(await world.run(a.log.offsets(topic, 0))).toMatchObject({ logStartOffset: 7 })
  })

  it('ends waits for records that are gone, and reads none of an older view', async () => {
    const world = await createWorld()
    const [a, b] = [await world.open(), await world.open()]
    const topic = await createTopic(world, a.log, 't')
    for (const value of ['a', 'b', 'c']) await send(world, a.log, topic, value)
    await world.run(b.log.refresh())
    const parked = b.log.fetch(fetchRequest([{ topic, offset: 1 }], { bytesMin: 1e6, waitMsMax: 1e6 }))
    await rest()
    expect(await trim(world, a.log, topic, 2)).toEqual(start(2))
    expect(await world.run(parked, 2000)).toMatchObject([{ kind: 'outOfRange', logStartOffset: 2 }])
  })

  it('lets the objects before it be collected, and a process that slept meanwhile says that they are gone', async () => {
    const world = await createWorld()
    const [a, sleeper] = [await world.open(), await world.open()]
    const topic = await createTopic(world, a.log, 't')
    await world.run(sleeper.log.refresh())
    const count = async (): Promise<number> => {
      let objects = 0
      for (const kind of OBJECT_KINDS) {
        const listed = await world.plain.objects.list(kind, { limit: 1e6 })
        if (listed.kind === 'found') objects += listed.objects.length
      }
      return objects
    }
    for (let i = 0; i < 200; i++) await send(world, a.log, topic, `${i}`)
    expect(offsetsIn(await fetchAt(world, sleeper.log, topic, 150, 1))).toEqual([150])
    const before = await count()
    expect(await trim(world, a.log, topic, 180)).toEqual(start(180))
    await world.run(a.log.checkpoint())
    for (let i = 0; i < 40; i++) await send(world, a.log, topic, `${i}`)
    await world.run(a.log.checkpoint())
    expect(await world.run(a.log.collect({ graceMs: -1 }))).toMatchObject({ kind: 'collected' })
    // Forty came, of two hundred a tenth stayed; and a checkpoint or two.
    expect(await count()).toBeLessThan(before - 130)
    const segments = await world.plain.objects.list('tiny', { limit: 1e6 })
    expect(segments).toMatchObject({ kind: 'found' })
    if (segments.kind === 'found') expect(segments.objects.length).toBeGreaterThanOrEqual(60)
    // Its view is young enough for a fetch below the end, and what it names is gone.
    expect(await fetchAt(world, sleeper.log, topic, 100)).toMatchObject({ kind: 'outOfRange', logStartOffset: 180 })
    const fresh = await world.open()
    for (const { log } of [a, sleeper, fresh]) {
      expect(offsetsIn(await fetchAt(world, log, topic, 180))).toEqual(Array.from({ length: 60 }, (_, i) => 180 + i))
    }
  })

  it('takes whole blocks of extents, and leaves no gap in an answer that is read while it moves', async () => {
    const world = await createWorld()
    const a = await world.open()
    const topic = await createTopic(world, a.log, 't')
    await sendMany(world, a.log, topic, BLOCK_EXTENTS * 3 + 10)
    await world.run(a.log.checkpoint())
    const isBlock = ([key]: readonly unknown[]): boolean => (key as string).startsWith('block/')

    // The block in which the fetch begins goes while it is read.
    const reader = await world.open()
    reader.script.next('get', 'holdAnswer', 1, isBlock)
    const cut = reader.log.fetch(fetchRequest([{ topic, offset: 5 }]))
    await rest(20)
    expect(reader.script.held).toBe(1)
    expect(await trim(world, a.log, topic, BLOCK_EXTENTS + 7)).toEqual(start(BLOCK_EXTENTS + 7))
    await world.run(reader.log.refresh())
    reader.script.release()
    expect(await world.run(cut)).toMatchObject([{ kind: 'outOfRange', logStartOffset: BLOCK_EXTENTS + 7 }])

    // The block behind it goes while it is read.
    const other = await world.open()
    other.script.next('get', 'hold', 1, isBlock)
    const from = BLOCK_EXTENTS * 2 - 2
    const joined = other.log.fetch(fetchRequest([{ topic, offset: from }]))
    await rest(20)
    expect(other.script.held).toBe(1)
    other.script.next('get', 'hold', 1, isBlock)
    other.script.release()
    await rest(20)
    expect(other.script.held).toBe(1)
    expect(await trim(world, a.log, topic, BLOCK_EXTENTS * 3 + 4)).toEqual(start(BLOCK_EXTENTS * 3 + 4))
    await world.run(other.log.refresh())
    other.script.release()
    expect(await world.run(joined)).toMatchObject([{ kind: 'outOfRange', logStartOffset: BLOCK_EXTENTS * 3 + 4 }])

    expect(offsetsIn(await fetchAt(world, other.log, topic, BLOCK_EXTENTS * 3 + 4))).toEqual(
      Array.from({ length: 6 }, (_, i) => BLOCK_EXTENTS * 3 + 4 + i),
    )
    expect(await world.run(a.log.checkpoint())).toMatchObject({ kind: 'accepted' })
    await world.run(a.log.collect({ graceMs: -1 }))
    expect(await world.plain.objects.list('block', { limit: 10 })).toMatchObject({ objects: [] })
  })

  it('keeps what a checkpoint of another process has stored of the blocks behind it', async () => {
    const world = await createWorld()
    const [a, b] = [await world.open(), await world.open()]
    const topic = await createTopic(world, a.log, 't')
    await world.run(b.log.refresh())
    await world.run(b.log.offsets(topic, 0))
    await sendMany(world, a.log, topic, BLOCK_EXTENTS * 3 + 10)
    await world.run(b.log.refresh())
    expect(await world.run(a.log.checkpoint())).toMatchObject({ kind: 'accepted' })
    // Of three blocks the first is gone by the time the other process looks which of its own are stored.
    expect(await trim(world, a.log, topic, BLOCK_EXTENTS + 1)).toEqual(start(BLOCK_EXTENTS + 1))
    await world.run(b.log.refresh())
    b.script.forget()
    expect(await world.run(b.log.checkpoint())).toMatchObject({ kind: 'accepted' })
    const puts = b.script.calls.filter(({ call }) => call === 'put').map(({ args }) => String(args[0]).split('/')[0])
    expect(puts.sort()).toEqual(['page', 'root'])
    const cold = await world.open()
    for (const offset of [BLOCK_EXTENTS + 1, BLOCK_EXTENTS * 2, BLOCK_EXTENTS * 2 + 5]) {
      expect(offsetsIn(await fetchAt(world, cold.log, topic, offset, 1))).toEqual([offset])
    }
    expect(offsetsIn(await fetchAt(world, cold.log, topic, BLOCK_EXTENTS + 1))).toEqual(
      Array.from({ length: BLOCK_EXTENTS * 2 + 9 }, (_, i) => BLOCK_EXTENTS + 1 + i),
    )
  })

  it('is what it was asked for or says that it does not know', async () => {
    const world = await createWorld()
    const a = await world.open()
    const topic = await createTopic(world, a.log, 't')
    await send(world, a.log, topic, 'x', 'y', 'z')
    await world.run(a.log.checkpoint())
    a.script.next('append', 'before', 1e9)
    expect(await trim(world, a.log, topic, 1)).toEqual({ kind: 'unavailable' })
    a.script.heal()
    a.script.next('readHead', 'before', 1)
    expect(await trim(world, a.log, topic, 1)).toEqual({ kind: 'unavailable' })
    const cold = await world.open()
    cold.script.next('get', 'before', 1e9, ([key]) => (key as string).startsWith('page/'))
    expect(await trim(world, cold.log, topic, 1)).toEqual({ kind: 'unavailable' })
    cold.script.heal()
    cold.script.next('append', 'lost', 1)
    expect(await trim(world, cold.log, topic, 2)).toEqual(start(2))
    expect(await world.run(a.log.offsets(topic, 0))).toMatchObject({ logStartOffset: 2 })
  })

  it('leaves offsets by time and of the largest time as a naive search finds them behind it', async () => {
    const batchShape = fc.record({
      codec: fc.constantFrom(...CODECS),
      timestamps: fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 6 }),
    })
    const shapes = fc.array(batchShape, { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(shapes, fc.double({ min: 0, max: 1, noNaN: true }), async (batches, part) => {
        const world = await createWorld()
        const { log } = await world.open()
        const topic = await createTopic(world, log, 't')
        const records: { offset: number; timestamp: number }[] = []
        for (const { codec, timestamps } of batches) {
          const made = timestamps.map((timestamp) => ({ timestamp, value: Buffer.from(`at ${timestamp}`) }))
          const bytes = await buildBatch({ records: made }, codec, inlineCompression)
          await world.run(log.append('c', [asBatch(topic, 0, bytes)]).outcomes)
          for (const timestamp of timestamps) records.push({ offset: records.length, timestamp })
        }
        const from = Math.round(part * records.length)
        expect(await trim(world, log, topic, from)).toEqual(start(from))
        const kept = records.slice(from)
        for (let wanted = -1; wanted <= 61; wanted += 6) {
          const first = kept.find(({ timestamp }) => timestamp >= wanted)
          expect(await world.run(log.offsetForTimestamp(topic, 0, wanted))).toEqual(
            first === undefined ? { kind: 'none' } : { kind: 'found', ...first },
          )
        }
        const max = Math.max(...kept.map(({ timestamp }) => timestamp))
        const newest = kept.find(({ timestamp }) => timestamp === max)
        expect(await world.run(log.offsetOfMaxTimestamp(topic, 0))).toEqual(
          newest === undefined ? { kind: 'none' } : { kind: 'found', ...newest },
        )
      }),
      { numRuns: 60 },
    )
  })

  it('in a block leaves the largest time of what lies behind it in that block', async () => {
    const world = await createWorld()
    const { log } = await world.open()
    const topic = await createTopic(world, log, 't')
    const timeOf = (offset: number): number => (offset === 10 ? 9000 : offset === 20 ? 5000 : 1000)
    for (let sent = 0; sent < BLOCK_EXTENTS + 5; sent += 1024) {
      const batches = Array.from({ length: Math.min(1024, BLOCK_EXTENTS + 5 - sent) }, (_, i) =>
        batchOf(topic, 0, ['x'], { timestamp: timeOf(sent + i) }),
      )
      await world.run(log.append('c', batches).outcomes)
    }
    await world.run(log.checkpoint())
    const largest = async (offset: number) => {
      await trim(world, log, topic, offset)
      return world.run(log.offsetOfMaxTimestamp(topic, 0))
    }
    expect(await largest(10)).toEqual({ kind: 'found', offset: 10, timestamp: 9000 })
    expect(await largest(11)).toEqual({ kind: 'found', offset: 20, timestamp: 5000 })
    expect(await largest(21)).toEqual({ kind: 'found', offset: 21, timestamp: 1000 })
    expect(await largest(-1)).toEqual({ kind: 'none' })
  })
})
