// Offsets by time, exact to the record: compared with a look at every record, in batches of every codec, with timestamps in
// no order, and across blocks of extents that were stored and loaded again.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BLOCK_EXTENTS } from '../../../lib/base/limits.ts'
import { buildBatch } from '../../../lib/wire/build-batch.ts'
import { inlineCompression } from '../../../lib/wire/native-compression.ts'
import { CODECS } from '../../../lib/wire/record-batch.ts'
import { rest } from '../support/manual-clock.ts'
import { asBatch, batchOf, createTopic, createWorld } from '../support/world.ts'

const batchShape = fc.record({
  codec: fc.constantFrom(...CODECS),
  timestamps: fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 6 }),
})

describe('offsets', () => {
  it('by time and of the largest time are those of a naive search', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(batchShape, { minLength: 1, maxLength: 8 }), async (shapes) => {
        const world = await createWorld()
        const { log } = await world.open()
        const topic = await createTopic(world, log, 't')
        const times: number[] = []
        for (const { codec, timestamps } of shapes) {
          const records = timestamps.map((timestamp) => ({ timestamp, value: Buffer.from(`at ${timestamp}`) }))
          const bytes = await buildBatch({ records }, codec, inlineCompression)
          await world.run(log.append('c', [asBatch(topic, 0, bytes)]).outcomes)
          times.push(...timestamps)
        }
        const other = await world.open()
        for (let wanted = -1; wanted <= 61; wanted += 3) {
          const offset = times.findIndex((time) => time >= wanted)
          expect(await world.run(other.log.offsetForTimestamp(topic, 0, wanted))).toEqual(
            offset < 0 ? { kind: 'none' } : { kind: 'found', offset, timestamp: times[offset] },
          )
        }
        const max = Math.max(...times)
        expect(await world.run(other.log.offsetOfMaxTimestamp(topic, 0))).toEqual({
          kind: 'found',
          offset: times.indexOf(max),
          timestamp: max,
        })
        expect(await world.run(other.log.offsets(topic, 0))).toEqual({
          kind: 'found',
          logStartOffset: 0,
          highWatermark: times.length,
          lastStableOffset: times.length,
        })
      }),
      { numRuns: 25 },
    )
  })

  it('are found across blocks, reading the one block and the one batch that can hold them', async () => {
    const world = await createWorld()
    const { log } = await world.open()
    const topic = await createTopic(world, log, 't')
    const count = BLOCK_EXTENTS * 2 + 100
    for (let from = 0; from < count; from += 1000) {
      const batches = Array.from({ length: Math.min(1000, count - from) }, (_, i) =>
        batchOf(topic, 0, ['x'], { timestamp: (from + i) * 10 }),
      )
      await world.run(log.append('c', batches).outcomes)
    }
    expect(await world.run(log.checkpoint())).toMatchObject({ kind: 'accepted' })
    for (const index of [0, 5, BLOCK_EXTENTS - 1, BLOCK_EXTENTS, BLOCK_EXTENTS * 2 - 1, BLOCK_EXTENTS * 2, count - 1]) {
      const cold = await world.open()
      cold.script.forget()
      const answer = await world.run(cold.log.offsetForTimestamp(topic, 0, index * 10 - 5))
      expect(answer).toEqual({ kind: 'found', offset: index, timestamp: index * 10 })
      const kinds = cold.script.calls
        .filter(({ call }) => call === 'get')
        .map(({ args }) => (args[0] as string).split('/')[0])
      expect(kinds.filter((kind) => kind === 'block').length).toBeLessThanOrEqual(1)
      expect(kinds.filter((kind) => kind === 'segment' || kind === 'tiny')).toHaveLength(1)
    }
    expect(await world.run(log.offsetForTimestamp(topic, 0, count * 10))).toEqual({ kind: 'none' })
    expect(await world.run(log.offsetOfMaxTimestamp(topic, 0))).toMatchObject({ offset: count - 1 })
  })

  it('are facts about now: each answer follows a head read that began after the question', async () => {
    const world = await createWorld()
    const reader = await world.open()
    const writer = await world.open()
    const topic = await createTopic(world, writer.log, 't')
    await world.run(reader.log.refresh())
    await world.run(writer.log.append('c', [batchOf(topic, 0, ['x'], { timestamp: 7 })]).outcomes)
    expect(await world.run(reader.log.offsets(topic, 0))).toMatchObject({ highWatermark: 1 })
    await world.run(writer.log.append('c', [batchOf(topic, 0, ['x'], { timestamp: 9 })]).outcomes)
    expect(await world.run(reader.log.offsetOfMaxTimestamp(topic, 0))).toMatchObject({ offset: 1 })
    await world.run(writer.log.append('c', [batchOf(topic, 0, ['x'], { timestamp: 11 })]).outcomes)
    expect(await world.run(reader.log.offsetForTimestamp(topic, 0, 10))).toMatchObject({ offset: 2 })
    reader.script.next('readHead', 'before', 1)
    expect(await world.run(reader.log.offsets(topic, 0))).toEqual({ kind: 'unavailable' })
    await world.run(writer.log.deleteTopic(topic))
    expect(await world.run(reader.log.offsets(topic, 0))).toEqual({ kind: 'unknownTopic' })
    await rest()
  })

  it('of a partition without records are none', async () => {
    const world = await createWorld()
    const { log } = await world.open()
    const topic = await createTopic(world, log, 't', 2)
    // A rejected batch leaves a trace in the state, but no record.
    const rejected = batchOf(topic, 1, ['x'], { producerId: 1, producerEpoch: 0, baseSequence: 5 })
    await world.run(log.append('c', [rejected]).outcomes)
    for (const partition of [0, 1]) {
      expect(await world.run(log.offsetForTimestamp(topic, partition, 0))).toEqual({ kind: 'none' })
      expect(await world.run(log.offsetOfMaxTimestamp(topic, partition))).toEqual({ kind: 'none' })
      expect(await world.run(log.offsets(topic, partition))).toMatchObject({ highWatermark: 0 })
    }
    expect(await world.run(log.offsets(topic, 2))).toEqual({ kind: 'unknownTopic' })
  })
})
