// Fetch: its limits, whom it keeps waiting and what wakes them, and that no answer is staler than it may be.
import { describe, expect, it } from 'vitest'
import { PAGE_PARTITIONS, PAGES_IN_MEMORY_MAX } from '../../../lib/base/limits.ts'
import type { FetchPartitionOutcome } from '../../../lib/log/log.ts'
import { rest } from '../support/manual-clock.ts'
import { batchesIn, batchOf, createTopic, createWorld, fetchRequest, offsetsIn } from '../support/world.ts'

const sizeOf = (outcome: FetchPartitionOutcome | undefined): number =>
  outcome?.kind === 'records' ? outcome.sizeBytes : -1

async function written(batches = 10, valueBytes = 1000, partitions = 3) {
  const world = await createWorld()
  const process = await world.open()
  const topic = await createTopic(world, process.log, 't', partitions)
  for (let i = 0; i < batches; i++) {
    const flush = Array.from({ length: partitions }, (_, partition) => batchOf(topic, partition, ['v'], { valueBytes }))
    await world.run(process.log.append('c', flush).outcomes)
  }
  return { world, topic, ...process, batchBytes: batchOf(topic, 0, ['v'], { valueBytes }).bytes.length }
}

describe('fetch', () => {
  it('patches base offset and leader epoch, and leaves every other byte alone', async () => {
    const { world, log, topic } = await written()
    const [outcome] = await world.run(log.fetch(fetchRequest([{ topic, offset: 4 }], { leaderEpoch: 42 })))
    const headers = batchesIn(outcome)
    expect(headers.map((h) => [h.baseOffset, h.partitionLeaderEpoch])).toEqual([4, 5, 6, 7, 8, 9].map((o) => [o, 42]))
    const sent = batchOf(topic, 0, ['v'], { valueBytes: 1000 }).bytes
    if (outcome?.kind !== 'records') throw new Error()
    const first = Buffer.concat(outcome.records).subarray(0, sent.length)
    expect(first.subarray(16).equals(sent.subarray(16))).toBe(true)
  })

  it('honours the limits of request and partition, and always returns the first batch whole', async () => {
    const { world, log, topic, batchBytes } = await written()
    const fetch = (bytesMax: number, partitionMax: number) =>
      world.run(
        log.fetch(
          fetchRequest(
            [0, 1, 2].map((partition) => ({ topic, partition, offset: 0, bytesMax: partitionMax })),
            { bytesMax },
          ),
        ),
      )
    const counts = async (bytesMax: number, partitionMax: number) =>
      (await fetch(bytesMax, partitionMax)).map((outcome) => sizeOf(outcome) / batchBytes)
    expect(await counts(1e9, 1e9)).toEqual([10, 10, 10])
    expect(await counts(1e9, batchBytes * 2.5)).toEqual([2, 2, 2])
    expect(await counts(batchBytes * 12.5, 1e9)).toEqual([10, 2, 0])
    expect(await counts(batchBytes * 3, batchBytes * 2)).toEqual([2, 1, 0])
    expect(await counts(1, 1)).toEqual([1, 0, 0])
    expect(await counts(0, 0)).toEqual([1, 0, 0])
  })

  it('the first batch is that of the first partition that has one', async () => {
    const { world, log, topic } = await written(2)
    const outcomes = await world.run(
      log.fetch(
        fetchRequest(
          [
            { topic, partition: 0, offset: 2 },
            { topic, partition: 1, offset: 1 },
            { topic, partition: 2, offset: 1 },
          ],
          { bytesMax: 1 },
        ),
      ),
    )
    expect(outcomes.map((outcome) => offsetsIn(outcome))).toEqual([[], [1], []])
  })

  it('starts inside a batch by returning the whole batch', async () => {
    const world = await createWorld()
    const { log } = await world.open()
    const topic = await createTopic(world, log, 't')
    for (let i = 0; i < 3; i++) await world.run(log.append('c', [batchOf(topic, 0, ['a', 'b', 'c'])]).outcomes)
    for (const [offset, first] of [
      [0, 0],
      [2, 0],
      [3, 3],
      [5, 3],
      [8, 6],
    ] as const) {
      const [outcome] = await world.run(log.fetch(fetchRequest([{ topic, offset }])))
      expect(offsetsIn(outcome)[0]).toBe(first)
    }
  })

  it('answers out of range with the offsets there are, and unknown partitions and topics', async () => {
    const { world, log, topic } = await written(2)
    const other = await createTopic(world, log, 'other')
    await world.run(log.deleteTopic(other))
    const outcomes = await world.run(
      log.fetch(
        fetchRequest(
          [
            { topic, offset: 3 },
            { topic, offset: -1 },
            { topic, partition: 3, offset: 0 },
            { topic: other, offset: 0 },
            { topic, offset: 2 },
            { topic, offset: 1 },
          ],
          { waitMsMax: 60_000, bytesMin: 1e6 },
        ),
      ),
      100,
    )
    expect(outcomes.map(({ kind }) => kind)).toEqual([
      'outOfRange',
      'outOfRange',
      'unknownTopic',
      'unknownTopic',
      'records',
      'records',
    ])
    expect(outcomes[0]).toMatchObject({ highWatermark: 2, logStartOffset: 0, lastStableOffset: 2 })
  })

  it('never says "out of range" of what another process has just written', async () => {
    const { world, log, topic } = await written(1)
    const other = await world.open()
    await world.run(other.log.append('c', [batchOf(topic, 0, ['w']), batchOf(topic, 0, ['w'])]).outcomes)
    expect(await world.run(log.fetch(fetchRequest([{ topic, offset: 2 }])))).toMatchObject([{ kind: 'records' }])
  })

  it('waits until there is enough, and no longer than asked', async () => {
    const { world, log, topic, batchBytes } = await written(0)
    let answered = false
    const waiting = log
      .fetch(fetchRequest([{ topic, offset: 0 }], { bytesMin: batchBytes * 2, waitMsMax: 1000 }))
      .finally(() => {
        answered = true
      })
    const write = () => world.run(log.append('c', [batchOf(topic, 0, ['v'], { valueBytes: 1000 })]).outcomes)
    await write()
    await rest()
    expect(answered).toBe(false)
    await write()
    await rest()
    expect(answered).toBe(true)
    expect(offsetsIn((await waiting)[0])).toEqual([0, 1])

    const before = world.clock.monotonic()
    const idle = log.fetch(fetchRequest([{ topic, offset: 2 }], { waitMsMax: 700 }))
    expect(offsetsIn((await world.run(idle))[0])).toEqual([])
    expect(world.clock.monotonic() - before).toBeGreaterThanOrEqual(700)
    expect(world.clock.monotonic() - before).toBeLessThan(710)
    expect(world.clock.timers).toBe(0)
  })

  it('is woken by another process within one poll', async () => {
    const { world, log, topic } = await written(0)
    const other = await world.open()
    const waiting = log.fetch(fetchRequest([{ topic, partition: 2, offset: 0 }], { waitMsMax: 60_000 }))
    await world.clock.advance(30_000)
    await world.run(other.log.append('c', [batchOf(topic, 2, ['v'])]).outcomes)
    const before = world.clock.monotonic()
    expect(offsetsIn((await world.run(waiting))[0])).toEqual([0])
    expect(world.clock.monotonic() - before).toBeLessThanOrEqual(260)
  })

  it('is woken at once where the store tells of changes', async () => {
    const world = await createWorld()
    const a = await world.open({}, true)
    const b = await world.open({}, true)
    const topic = await createTopic(world, a.log, 't')
    const waiting = b.log.fetch(fetchRequest([{ topic, offset: 0 }], { waitMsMax: 60_000 }))
    await rest()
    await a.log.append('c', [batchOf(topic, 0, ['v'])]).outcomes
    const before = world.clock.monotonic()
    expect(offsetsIn((await world.run(waiting))[0])).toEqual([0])
    expect(world.clock.monotonic()).toBe(before)
  })

  // The plan for the first partition was made, the page of the second was on its way, and the record came in between:
  // whoever was not waiting yet was not woken, and slept until its time was over.
  it('does not sleep through what was applied while it was still looking', async () => {
    const world = await createWorld()
    const writer = await world.open()
    const topic = await createTopic(world, writer.log, 't', 200)
    await world.run(writer.log.append('c', [batchOf(topic, 100, ['v'])]).outcomes)
    expect(await world.run(writer.log.checkpoint())).toMatchObject({ kind: 'accepted' })
    const cold = await world.open()
    // The page of partition 0 in memory, that of partition 100 not.
    await world.run(cold.log.fetch(fetchRequest([{ topic, partition: 0, offset: 0 }])))
    await world.clock.advance(1)
    cold.script.next('get', 'holdAnswer', 1, ([key]) => (key as string).startsWith('page/'))
    const waiting = cold.log.fetch(
      fetchRequest(
        [
          { topic, partition: 0, offset: 0 },
          { topic, partition: 100, offset: 1 },
        ],
        { waitMsMax: 60_000 },
      ),
    )
    await rest()
    expect(cold.script.held).toBe(1)
    await world.run(cold.log.append('c', [batchOf(topic, 0, ['new'])]).outcomes)
    cold.script.release()
    const outcomes = await world.run(waiting, 100)
    expect(outcomes.map((outcome) => offsetsIn(outcome))).toEqual([[0], []])
  })

  it('answers all partitions from one position', async () => {
    const world = await createWorld()
    const writer = await world.open()
    const topic = await createTopic(world, writer.log, 't', 200)
    const pair = () => [batchOf(topic, 0, ['v']), batchOf(topic, 100, ['v'])]
    await world.run(writer.log.append('c', pair()).outcomes)
    expect(await world.run(writer.log.checkpoint())).toMatchObject({ kind: 'accepted' })
    const cold = await world.open()
    await world.run(cold.log.fetch(fetchRequest([{ topic, partition: 0, offset: 0 }])))
    cold.script.next('get', 'holdAnswer', 1, ([key]) => (key as string).startsWith('page/'))
    const fetched = cold.log.fetch(
      fetchRequest([
        { topic, partition: 0, offset: 0 },
        { topic, partition: 100, offset: 0 },
      ]),
    )
    await rest()
    expect(cold.script.held).toBe(1)
    const appended = cold.log.append('c', pair()).outcomes
    await world.clock.advance(5)
    cold.script.release()
    await world.run(appended)
    const [a, b] = (await world.run(fetched)).map((outcome) => offsetsIn(outcome))
    expect(a).toEqual(b)
  })

  it('ends its wait when the topic is deleted, the client is gone, or the log closes', async () => {
    const { world, log, topic } = await written(0)
    const waitFor = (signal = new AbortController().signal) =>
      log.fetch(fetchRequest([{ topic, offset: 0 }], { waitMsMax: 60_000, signal }))
    const abort = new AbortController()
    const aborted = waitFor(abort.signal)
    await rest()
    abort.abort()
    expect(offsetsIn((await world.run(aborted, 5))[0])).toEqual([])
    const deleted = waitFor()
    await rest()
    await world.run(log.deleteTopic(topic), 50)
    expect(await world.run(deleted, 50)).toEqual([{ kind: 'unknownTopic' }])
    const other = await createTopic(world, log, 'other')
    const open = log.fetch(fetchRequest([{ topic: other, offset: 0 }], { waitMsMax: 60_000 }))
    await rest()
    await world.run(log.close(), 50)
    expect(offsetsIn((await world.run(open, 50))[0])).toEqual([])
    expect(world.clock.timers).toBe(0)
  })

  it('answers for more pages than stay in memory', async () => {
    const world = await createWorld()
    const writer = await world.open()
    const pages = PAGES_IN_MEMORY_MAX + 20
    const topic = await createTopic(world, writer.log, 'wide', pages * PAGE_PARTITIONS)
    const partitions = Array.from({ length: pages }, (_, page) => page * PAGE_PARTITIONS)
    await world.run(
      writer.log.append(
        'c',
        partitions.map((partition) => batchOf(topic, partition, ['v'])),
      ).outcomes,
    )
    expect(await world.run(writer.log.checkpoint())).toMatchObject({ kind: 'accepted' })
    const cold = await world.open()
    for (let i = 0; i < 2; i++) {
      const parts = partitions.map((partition) => ({ topic, partition, offset: 0 }))
      const outcomes = await world.run(cold.log.fetch(fetchRequest(parts)))
      expect(new Set(outcomes.map((outcome) => offsetsIn(outcome).join()))).toEqual(new Set(['0']))
    }
  })

  it('a request without partitions is answered at once', async () => {
    const { world, log } = await written(0)
    expect(await world.run(log.fetch(fetchRequest([], { waitMsMax: 60_000 })), 50)).toEqual([])
  })

  it('an object that is gone: refreshes, looks again, and answers with a retriable error', async () => {
    const { world, topic } = await written(1)
    const { log, script } = await world.open()
    const listed = await world.plain.objects.list('tiny', { limit: 99 })
    if (listed.kind !== 'found') throw new Error()
    const segments = await world.plain.objects.list('segment', { limit: 99 })
    if (segments.kind !== 'found') throw new Error()
    await world.plain.objects.delete([...listed.objects, ...segments.objects].map(({ key }) => key))
    script.forget()
    const outcomes = await world.run(log.fetch(fetchRequest([{ topic, offset: 0 }], { waitMsMax: 500 })))
    expect(outcomes).toEqual([{ kind: 'unavailable' }])
    expect(script.count('readHead')).toBeGreaterThanOrEqual(1)
    expect(script.count('get')).toBeGreaterThanOrEqual(2)
    expect(script.count('get')).toBeLessThanOrEqual(3)
  })

  it('stores that do not answer: retriable, for reads that need them only', async () => {
    const { world, topic } = await written(1)
    const { log, script } = await world.open()
    script.next('readHead', 'before', 1e9)
    expect(await world.run(log.fetch(fetchRequest([{ topic, offset: 1 }])))).toEqual([{ kind: 'unavailable' }])
    script.next('get', 'before', 1)
    expect(await world.run(log.fetch(fetchRequest([{ topic, offset: 0 }])))).toEqual([{ kind: 'unavailable' }])
    expect(offsetsIn((await world.run(log.fetch(fetchRequest([{ topic, offset: 0 }]))))[0])).toEqual([0])
  })
})
