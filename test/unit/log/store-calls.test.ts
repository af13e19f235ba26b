// What each thing costs in calls to the stores, where nothing tells of changes (as on AWS): one PUT and one append for a
// flush, besides at most one head read where the view is old and the three writes of each seal; nothing for a tail fetch
// of what this process wrote; of what another wrote one head read for all who wait and one GET for each object.
import { describe, expect, it } from 'vitest'
import { FETCH_VIEW_AGE_MS, HEAD_VIEW_AGE_MS } from '../../../lib/base/limits.ts'
import { rest } from '../support/manual-clock.ts'
import { batchOf, createTopic, createWorld, fetchRequest, offsetsIn } from '../support/world.ts'

describe('store calls', () => {
  it('a flush is one PUT and one append, however many partitions it carries', async () => {
    const world = await createWorld()
    const { log, script } = await world.open()
    const topic = await createTopic(world, log, 't', 100)
    script.forget()
    const batches = Array.from({ length: 100 }, (_, partition) => batchOf(topic, partition, ['x']))
    for (const o of await world.run(log.append('c', batches).outcomes)) expect(o.kind).toBe('appended')
    expect(script.counts()).toEqual({ put: 1, append: 1 })
  })

  it('many flushes: one PUT and one append each, and three writes for each seal', async () => {
    const world = await createWorld()
    const { log, script } = await world.open()
    const topic = await createTopic(world, log, 't', 1)
    script.forget()
    for (let i = 0; i < 100; i++) await world.run(log.append('c', [batchOf(topic, 0, ['x'])]).outcomes)
    const { beginSeal = 0, ...others } = script.counts()
    expect(beginSeal).toBeGreaterThan(3)
    expect(beginSeal).toBeLessThan(10)
    expect(others).toEqual({ put: 100, append: 100, putChunk: beginSeal, finishSeal: beginSeal })
  })

  it('segments that are stored at the same time share an append', async () => {
    const world = await createWorld()
    const { log, script } = await world.open({ lingerMs: 1 })
    const topic = await createTopic(world, log, 't', 1)
    script.forget()
    script.next('put', 'holdAnswer', 4)
    const outcomes = []
    for (let i = 0; i < 4; i++) {
      outcomes.push(log.append(`c${i}`, [batchOf(topic, 0, ['x'])]).outcomes)
      await world.clock.advance(2)
    }
    expect(script.counts()).toEqual({ put: 4 })
    script.release()
    const offsets = (await world.run(Promise.all(outcomes))).flat().map((o) => o.kind === 'appended' && o.baseOffset)
    expect(offsets).toEqual([0, 1, 2, 3])
    expect(script.count('append')).toBeLessThanOrEqual(2)
  })

  it('a view older than 50 ms costs one head read, beside the upload; one older than a minute no more', async () => {
    const world = await createWorld()
    const { log, script } = await world.open()
    const topic = await createTopic(world, log, 't', 1)
    for (const pauseMs of [HEAD_VIEW_AGE_MS + 1, 59_000, 61_000, 3_600_000]) {
      await world.clock.advance(pauseMs)
      script.forget()
      await world.run(log.append('c', [batchOf(topic, 0, ['x'])]).outcomes)
      expect(script.counts(), `after ${pauseMs} ms`).toEqual({ readHead: 1, put: 1, append: 1 })
    }
  })

  it('a tail fetch of what this process wrote is free, also when it was waiting', async () => {
    const world = await createWorld()
    const { log, script } = await world.open()
    const topic = await createTopic(world, log, 't', 1)
    await world.run(log.append('c', [batchOf(topic, 0, ['x'])]).outcomes)
    script.forget()
    const [outcome] = await log.fetch(fetchRequest([{ topic, offset: 0 }], { waitMsMax: 500 }))
    expect(offsetsIn(outcome)).toEqual([0])
    expect(script.counts()).toEqual({})

    await world.clock.advance(1)
    // At the end: one read for the request itself; then the own commit wakes it, and nothing is read for what it brings.
    const waiting = log.fetch(fetchRequest([{ topic, offset: 1 }], { waitMsMax: 500 }))
    await rest()
    expect(script.counts()).toEqual({ readHead: 1 })
    await world.run(log.append('c', [batchOf(topic, 0, ['y'])]).outcomes)
    expect(offsetsIn((await waiting)[0])).toEqual([1])
    expect(script.counts()).toEqual({ readHead: 1, put: 1, append: 1 })
  })

  it('what another wrote costs one head read for all who wait, and one GET for each object', async () => {
    const world = await createWorld()
    const writer = await world.open()
    const reader = await world.open()
    const topic = await createTopic(world, writer.log, 't', 4)
    await world.run(reader.log.refresh())
    const waiting = [0, 1, 2, 3, 0, 1].map((partition) =>
      reader.log.fetch(fetchRequest([{ topic, partition, offset: 0 }], { waitMsMax: 5000 })),
    )
    await rest()
    const batches = [0, 1, 2, 3].map((partition) => batchOf(topic, partition, ['x']))
    await world.run(writer.log.append('c', batches).outcomes)
    reader.script.forget()
    const outcomes = await world.run(Promise.all(waiting))
    for (const [outcome] of outcomes) expect(offsetsIn(outcome)).toEqual([0])
    // Each partition's bytes are a range of the one object; six readers, four ranges at most.
    const { readHead, get = 0, ...others } = reader.script.counts()
    expect([readHead, others]).toEqual([1, {}])
    expect(get).toBeLessThanOrEqual(4)
    reader.script.forget()
    const all = [0, 1, 2, 3].map((partition) => ({ topic, partition, offset: 0 }))
    for (const outcome of await reader.log.fetch(fetchRequest(all))) expect(offsetsIn(outcome)).toEqual([0])
    expect(reader.script.counts()).toEqual({})
  })

  it('one GET brings all partitions of an object that a request asks for', async () => {
    const world = await createWorld()
    const writer = await world.open()
    const topic = await createTopic(world, writer.log, 't', 8)
    for (let flush = 0; flush < 3; flush++) {
      const batches = Array.from({ length: 8 }, (_, partition) =>
        batchOf(topic, partition, ['x'], { valueBytes: 5000 }),
      )
      await world.run(writer.log.append('c', batches).outcomes)
    }
    const reader = await world.open()
    reader.script.forget()
    const parts = Array.from({ length: 8 }, (_, partition) => ({ topic, partition, offset: 0 }))
    const outcomes = await world.run(reader.log.fetch(fetchRequest(parts)))
    for (const outcome of outcomes) expect(offsetsIn(outcome)).toEqual([0, 1, 2])
    expect(reader.script.counts()).toEqual({ get: 3 })
    expect(reader.script.calls.filter(({ call, args }) => call === 'get' && args[1] === undefined)).toEqual([])
  })

  it('below the end a view younger than a second is good enough; at the end only one that began after the request', async () => {
    const world = await createWorld()
    const { log, script } = await world.open()
    const topic = await createTopic(world, log, 't', 2)
    await world.run(log.append('c', [batchOf(topic, 0, ['x'])]).outcomes)
    const readsFor = async (ageMs: number, offset: number, partition = 0): Promise<number> => {
      await world.run(log.refresh())
      await world.clock.advance(ageMs)
      script.forget()
      await world.run(log.fetch(fetchRequest([{ topic, partition, offset }])))
      return script.count('readHead')
    }
    expect(await readsFor(FETCH_VIEW_AGE_MS - 10, 0)).toBe(0)
    expect(await readsFor(FETCH_VIEW_AGE_MS + 10, 0)).toBe(1)
    expect(await readsFor(1, 1)).toBe(1)
    expect(await readsFor(1, 99)).toBe(1)
    expect(await readsFor(1, 0, 1)).toBe(1)
    expect(await readsFor(1, 0, 7)).toBe(1)
  })

  it('requests at the end at the same time share a head read that began after all of them', async () => {
    const world = await createWorld()
    const { log, script } = await world.open()
    const topic = await createTopic(world, log, 't', 1)
    await world.clock.advance(10)
    script.forget()
    const fetches = Array.from({ length: 20 }, () => log.fetch(fetchRequest([{ topic, offset: 0 }])))
    await world.run(Promise.all(fetches))
    expect(script.count('readHead')).toBeLessThanOrEqual(2)

    // A read that is under way when a request comes may be from before what the request must see.
    const other = await world.open()
    script.next('readHead', 'holdAnswer')
    const early = log.offsets(topic, 0)
    await rest()
    await world.run(other.log.append('c', [batchOf(topic, 0, ['x'])]).outcomes)
    const late = log.offsets(topic, 0)
    script.release()
    expect(await world.run(early)).toMatchObject({ highWatermark: 0 })
    expect(await world.run(late)).toMatchObject({ highWatermark: 1 })
  })

  it('an idle wait is polled for ever more slowly, also by clients whose waits are short; nobody waiting is free', async () => {
    const world = await createWorld()
    const { log, script } = await world.open()
    const topic = await createTopic(world, log, 't', 1)
    script.forget()
    for (let i = 0; i < 60; i++) {
      await world.run(log.fetch(fetchRequest([{ topic, offset: 0 }], { waitMsMax: 500 })))
    }
    // Half a minute: one read for each request, and four polls a second at the most.
    expect(script.count('readHead')).toBeLessThanOrEqual(60 + 30 * 4 + 5)
    expect(script.count('readHead')).toBeGreaterThan(60 + 30)
    script.forget()
    await world.clock.advance(60_000)
    expect(script.counts()).toEqual({})
  })

  it('a cold start reads the head once, the root, the chunks since, and of the pages only what is asked about', async () => {
    const world = await createWorld()
    const writer = await world.open()
    const topic = await createTopic(world, writer.log, 't', 64 * 5)
    const batches = [0, 1, 2, 3, 4].map((page) => batchOf(topic, page * 64, ['x']))
    for (let i = 0; i < 40; i++) await world.run(writer.log.append('c', batches).outcomes)
    expect(await world.run(writer.log.checkpoint())).toMatchObject({ kind: 'accepted' })
    for (let i = 0; i < 20; i++) await world.run(writer.log.append('c', batches).outcomes)
    const { log, script } = await world.open()
    expect(script.counts()).toEqual({ readHead: 1, get: 1, readChunks: 1 })
    expect(script.calls.find(({ call }) => call === 'get')?.args[0]).toMatch(/^root\//)
    script.forget()
    expect(await world.run(log.offsets(topic, 64 * 3))).toMatchObject({ highWatermark: 60 })
    expect(script.counts()).toEqual({ readHead: 1, get: 1 })
    expect(script.calls.at(-1)?.args[0]).toMatch(/^page\//)
  })
})
