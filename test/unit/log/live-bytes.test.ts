// Live bytes: those of every batch that reaches beyond the log start, counted also in blocks that are no longer in memory,
// with a bound on what is read for one question.
import { describe, expect, it } from 'vitest'
import { BLOCK_EXTENTS } from '../../../lib/base/limits.ts'
import { encodeTrimmed } from '../../../lib/journal/entries/trimmed.ts'
import { type ExtentBlock, type ExtentColumns, noColumns } from '../../../lib/journal/state/extents.ts'
import { noProducers } from '../../../lib/journal/state/producers.ts'
import { createLiveBytes } from '../../../lib/log/live-bytes.ts'
import type { Topic } from '../../../lib/log/log.ts'
import type { OpenedLog } from '../../../lib/log/open-log.ts'
import { batchOf, createTopic, createWorld, type World } from '../support/world.ts'

async function trim(world: World, log: OpenedLog, topic: Topic, offset: number): Promise<void> {
  const payload = encodeTrimmed({ topicNumber: topic.number, partition: 0, offset })
  await world.run(log.journal.write('trimmed', log.journal.origin(), payload))
}

/** `count` batches of one record in partition 0; the bytes of each. */
async function write(world: World, log: OpenedLog, topic: Topic, count: number): Promise<number> {
  for (let from = 0; from < count; from += 1000) {
    const batches = Array.from({ length: Math.min(1000, count - from) }, () => batchOf(topic, 0, ['x']))
    await world.run(log.append('c', batches).outcomes)
  }
  return batchOf(topic, 0, ['x']).bytes.length
}

async function sizeOf(world: World, log: OpenedLog, topic: Topic): Promise<number> {
  expect(await world.run(log.refresh())).toEqual({ kind: 'fresh' })
  const [outcome] = await world.run(log.liveBytes([{ topic, partition: 0 }]))
  if (outcome?.kind !== 'found') throw new Error(outcome?.kind)
  return outcome.sizeBytes
}

describe('live bytes', () => {
  it('are those of the batches that reach beyond the log start', async () => {
    const world = await createWorld()
    const { log } = await world.open()
    const topic = await createTopic(world, log, 't', 2)
    const batches = [batchOf(topic, 0, ['a']), batchOf(topic, 0, ['b', 'c', 'd']), batchOf(topic, 0, ['e'])]
    await world.run(log.append('c', batches).outcomes)
    const [first = 0, second = 0, third = 0] = batches.map(({ bytes }) => bytes.length)
    expect(await sizeOf(world, log, topic)).toBe(first + second + third)
    for (const [logStart, size] of [
      [1, second + third],
      [3, second + third],
      [4, third],
      [5, 0],
    ] as const) {
      await trim(world, log, topic, logStart)
      expect(await sizeOf(world, log, topic)).toBe(size)
    }
  })

  it('answer for each partition in order, also where there is nothing', async () => {
    const world = await createWorld()
    const { log } = await world.open()
    const topic = await createTopic(world, log, 't', 3)
    const batch = batchOf(topic, 1, ['a'])
    await world.run(log.append('c', [batch]).outcomes)
    const wanted = [2, 1, 0, 3].map((partition) => ({ topic, partition }))
    expect(await world.run(log.liveBytes(wanted))).toEqual([
      { kind: 'found', sizeBytes: 0 },
      { kind: 'found', sizeBytes: batch.bytes.length },
      { kind: 'found', sizeBytes: 0 },
      { kind: 'unknownTopic' },
    ])
    expect(await world.run(log.liveBytes([]))).toEqual([])
  })

  it('count blocks that have left memory, each read once', async () => {
    const world = await createWorld()
    const { log } = await world.open()
    const topic = await createTopic(world, log, 't')
    const count = BLOCK_EXTENTS * 2 + 10
    const batchBytes = await write(world, log, topic, count)
    expect(await world.run(log.checkpoint())).toMatchObject({ kind: 'accepted' })
    const cold = await world.open()
    const blocksRead = (): number =>
      cold.script.calls.filter(({ call, args }) => call === 'get' && String(args[0]).startsWith('block/')).length
    expect(await sizeOf(world, cold.log, topic)).toBe(count * batchBytes)
    expect(blocksRead()).toBe(2)
    expect(await sizeOf(world, cold.log, topic)).toBe(count * batchBytes)
    expect(blocksRead()).toBe(2)
    await trim(world, cold.log, topic, BLOCK_EXTENTS + 100)
    expect(await sizeOf(world, cold.log, topic)).toBe((count - BLOCK_EXTENTS - 100) * batchBytes)
  })

  it('are unavailable while a store does not answer for a block', async () => {
    const world = await createWorld()
    const { log } = await world.open()
    const topic = await createTopic(world, log, 't')
    await write(world, log, topic, BLOCK_EXTENTS + 1)
    expect(await world.run(log.checkpoint())).toMatchObject({ kind: 'accepted' })
    const cold = await world.open()
    cold.script.next('get', 'before', 1e9, ([key]) => String(key).startsWith('block/'))
    expect(await world.run(cold.log.liveBytes([{ topic, partition: 0 }]))).toEqual([{ kind: 'unavailable' }])
    cold.script.heal()
    expect(await world.run(cold.log.liveBytes([{ topic, partition: 0 }]))).toMatchObject([{ kind: 'found' }])
  })
})

describe('the bound on what is read', () => {
  /** A partition of so many blocks of two extents, 100 and 50 bytes long, and an open one of 75. */
  function partitionOf(blockCount: number) {
    const columnsFrom = (baseOffset: number, lengths: readonly number[]): ExtentColumns => ({
      ...noColumns(),
      baseOffset: lengths.map((_, i) => baseOffset + i),
      recordCount: lengths.map(() => 1),
      length: [...lengths],
    })
    const blocks = Array.from({ length: blockCount }, (_, i): ExtentBlock => {
      const range = { baseOffset: 2 * i, endOffset: 2 * i + 2, maxTimestamp: 0 }
      return { ...range, hash: new Uint8Array([i]), key: `block ${i}`, columns: undefined }
    })
    const extents = { blocks, open: columnsFrom(2 * blockCount, [75]) }
    const state = { logStartOffset: 0, nextOffset: 2 * blockCount + 1, extents, producers: noProducers() }
    const read: number[] = []
    const live = createLiveBytes(
      {
        find: async () => ({ kind: 'found', state }),
        columns: async ({ baseOffset }) => {
          read.push(baseOffset / 2)
          return columnsFrom(baseOffset, [100, 50])
        },
      },
      3,
    )
    const topic = { number: 1 } as Topic
    return { read, size: async () => (await live.liveBytes([{ topic, partition: 0 }]))[0] }
  }

  it('makes the rest an estimate, which the next questions put right', async () => {
    const { read, size } = partitionOf(8)
    for (let asked = 0; asked < 3; asked++) expect(await size()).toEqual({ kind: 'found', sizeBytes: 8 * 150 + 75 })
    expect(read).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    await size()
    expect(read).toHaveLength(8)
  })
})
