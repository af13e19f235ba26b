// The way in: batches of a connection keep their order whatever becomes of the segments they travel in; what cannot be
// committed fails with what came after it on the same connections, and with nothing else; and memory stays bounded.
import { describe, expect, it } from 'vitest'
import { REQUEST_MEMORY_BYTES_MAX, SEGMENT_BATCHES_MAX, UPLOADS_IN_FLIGHT_MAX } from '../../../lib/base/limits.ts'
import { encodeHorizonAdvanced } from '../../../lib/journal/entries/horizon-advanced.ts'
import type { AppendBatchOutcome, Topic } from '../../../lib/log/log.ts'
import { appendNamed, headOf } from '../support/journal-facts.ts'
import { rest } from '../support/manual-clock.ts'
import { batchOf, createTopic, createWorld, type LogProcess, readAll, type World } from '../support/world.ts'

const LINGER_MS = 20

async function start(): Promise<{ world: World; topic: Topic } & LogProcess> {
  const world = await createWorld()
  const process = await world.open({ lingerMs: LINGER_MS, hedgeMs: 2000, uploadMs: 10_000 })
  const topic = await createTopic(world, process.log, 't', 64)
  process.script.forget()
  return { world, topic, ...process }
}

const kindsOf = (outcomes: readonly (readonly AppendBatchOutcome[])[]): string[] => outcomes.flat().map((o) => o.kind)
const offsetsOf = (outcomes: readonly (readonly AppendBatchOutcome[])[]) =>
  outcomes.flat().map((o) => (o.kind === 'appended' ? o.baseOffset : o.kind))

describe('ingest', () => {
  it('sends the first batch at once; the rest gathers until the first is done or the linger over', async () => {
    const { world, log, script, topic } = await start()
    script.next('put', 'holdAnswer', 2)
    const first = log.append('a', [batchOf(topic, 0, ['1'])]).outcomes
    await rest()
    expect(script.count('put')).toBe(1)
    const rest1 = ['b', 'c', 'd'].map((c) => log.append(c, [batchOf(topic, 0, ['2'])]).outcomes)
    await world.clock.advance(LINGER_MS - 1)
    expect(script.count('put')).toBe(1)
    await world.clock.advance(1)
    expect(script.count('put')).toBe(2)
    const rest2 = ['e', 'f'].map((c) => log.append(c, [batchOf(topic, 0, ['3'])]).outcomes)
    await rest()
    script.release()
    // All are done: what is open leaves at once, without its linger.
    await rest()
    expect(script.count('put')).toBe(3)
    expect(offsetsOf(await world.run(Promise.all([first, ...rest1, ...rest2])))).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('commits in the order of arrival, whichever upload is done first', async () => {
    const { world, log, script, topic } = await start()
    script.next('put', 'holdAnswer', 1)
    const outcomes = [log.append('a', [batchOf(topic, 0, ['1'])]).outcomes]
    for (let i = 0; i < 4; i++) {
      outcomes.push(log.append(i % 2 ? 'a' : 'b', [batchOf(topic, 0, ['n'])]).outcomes)
      await world.clock.advance(LINGER_MS + 1)
    }
    expect(script.count('put')).toBe(5)
    expect(script.count('append')).toBe(0)
    script.release()
    expect(offsetsOf(await world.run(Promise.all(outcomes)))).toEqual([0, 1, 2, 3, 4])
  })

  it('an upload that fails takes along the later batches of the same connections only, and nothing overtakes', async () => {
    const { world, log, script, topic } = await start()
    const keys: string[] = []
    // The first segment never gets there; those behind it do, and wait for it.
    script.next('put', 'before', 1e9, ([key]) => {
      if (!keys.includes(key as string)) keys.push(key as string)
      return keys[0] === key
    })
    const send = (connection: string, partition: number) =>
      log.append(connection, [batchOf(topic, partition, ['x'])]).outcomes
    const first = send('a', 0)
    await world.clock.advance(1)
    const second = [send('b', 1), send('a', 1)]
    await world.clock.advance(LINGER_MS + 1)
    const third = [send('c', 2), send('a', 2), send('b', 2)]
    await world.clock.advance(LINGER_MS + 1)
    expect(script.count('append')).toBe(0)
    expect(kindsOf(await world.run(Promise.all([first])))).toEqual(['unavailable'])
    expect(kindsOf(await world.run(Promise.all(second)))).toEqual(['appended', 'unavailable'])
    expect(kindsOf(await world.run(Promise.all(third)))).toEqual(['appended', 'unavailable', 'appended'])
    expect(await readAll(world, log, topic, 0)).toEqual([])
    expect(await readAll(world, log, topic, 1)).toEqual([0])
    expect(await readAll(world, log, topic, 2)).toEqual([0, 1])
    // The connection itself is not poisoned: what it sends from now on is new.
    expect(offsetsOf([await world.run(send('a', 0))])).toEqual([0])
  })

  it('reads back, through another process, only the batches that a thinned segment kept', async () => {
    const { world, log, script, topic } = await start()
    const keys: string[] = []
    script.next('put', 'before', 1e9, ([key]) => {
      if (!keys.includes(key as string)) keys.push(key as string)
      return keys[0] === key
    })
    void log.append('a', [batchOf(topic, 0, ['lost'])])
    await world.clock.advance(1)
    const kept = [
      log.append('b', [batchOf(topic, 5, ['b5']), batchOf(topic, 1, ['b1'])]).outcomes,
      log.append('a', [batchOf(topic, 3, ['a3']), batchOf(topic, 5, ['a5'])]).outcomes,
      log.append('b', [batchOf(topic, 5, ['b5', 'again'])]).outcomes,
    ]
    const outcomes = await world.run(Promise.all(kept))
    expect(offsetsOf(outcomes)).toEqual([0, 0, 'unavailable', 'unavailable', 1])
    const other = await world.open()
    expect(await readAll(world, other.log, topic, 5)).toEqual([0, 1, 2])
    expect(await readAll(world, other.log, topic, 3)).toEqual([])
    expect(await readAll(world, other.log, topic, 1)).toEqual([0])
  })

  it('what the horizon rejected changed nothing, is retriable, and takes its followers along', async () => {
    const { world, log, script, topic } = await start()
    const other = await world.open()
    script.next('put', 'hold', 1)
    const first = log.append('a', [batchOf(topic, 0, ['x'])]).outcomes
    await world.clock.advance(1)
    const second = [log.append('a', [batchOf(topic, 0, ['y'])]).outcomes]
    await world.clock.advance(LINGER_MS + 1)
    for (let i = 0; i < 40; i++) await world.run(appendNamed(other.log.journal, `o${i}`), 100)
    expect(await other.log.checkpoint()).toMatchObject({ kind: 'accepted' })
    const { generation } = (await headOf(world)).checkpoint!
    const { journal } = other.log
    expect(
      await world.run(journal.write('horizonAdvanced', journal.origin(), encodeHorizonAdvanced({ generation })), 100),
    ).toMatchObject({ verdict: { kind: 'accepted' } })
    script.release()
    expect(kindsOf(await world.run(Promise.all([first, ...second])))).toEqual(['unavailable', 'unavailable'])
    expect(await readAll(world, log, topic)).toEqual([])
  })

  it('repeats a slow PUT under the same key and takes whichever answers first', async () => {
    const { world, log, script, topic } = await start()
    script.next('put', 'hold', 1)
    const outcome = log.append('a', [batchOf(topic, 0, ['x'])]).outcomes
    await world.clock.advance(1999)
    expect(script.count('put')).toBe(1)
    expect(offsetsOf([await world.run(outcome)])).toEqual([0])
    const keys = script.calls.filter(({ call }) => call === 'put').map(({ args }) => args[0])
    expect(keys).toHaveLength(2)
    expect(keys[0]).toBe(keys[1])
    script.release()
    await rest()
    expect(await readAll(world, log, topic)).toEqual([0])
  })

  for (const fault of ['before', 'lost', 'vanished', 'late'] as const) {
    it(`repeats a PUT that ended as "${fault}"`, async () => {
      const { world, log, script, topic } = await start()
      script.next('put', fault, 2)
      expect(offsetsOf([await world.run(log.append('a', [batchOf(topic, 0, ['x'])]).outcomes)])).toEqual([0])
      await script.runLate()
      const other = await world.open()
      expect(await readAll(world, other.log, topic)).toEqual([0])
    })
  }

  it('an append whose outcome is unknown answers so, and its followers are not appended', async () => {
    const { world, log, script, topic } = await start()
    script.next('append', 'lost')
    script.next('append', 'before', 1e9)
    script.next('readHead', 'before', 1e9)
    const first = log.append('a', [batchOf(topic, 0, ['x'])]).outcomes
    await world.clock.advance(100)
    const second = log.append('a', [batchOf(topic, 0, ['y'])]).outcomes
    await world.clock.advance(100)
    const closed = log.close()
    expect(kindsOf(await world.run(Promise.all([first, second])))).toEqual(['unknown', 'unavailable'])
    await world.run(closed)
    const other = await world.open()
    expect(await readAll(world, other.log, topic)).toEqual([0])
  })

  it('closes in bounded time even if the store never comes back', async () => {
    const { world, log, script, topic } = await start()
    for (const call of ['put', 'readHead'] as const) script.next(call, 'before', 1e9)
    const outcome = log.append('a', [batchOf(topic, 0, ['x'])]).outcomes
    await world.clock.advance(10)
    await world.run(log.close(), 20_000)
    expect(kindsOf([await outcome])).toEqual(['unavailable'])
    expect(kindsOf([await log.append('a', [batchOf(topic, 0, ['x'])]).outcomes])).toEqual(['unavailable'])
  })

  it('drains what it took before it was closed', async () => {
    const { world, log, topic } = await start()
    const outcomes = Array.from(
      { length: 50 },
      (_, i) => log.append(`c${i % 7}`, [batchOf(topic, i % 5, ['x'])]).outcomes,
    )
    await world.run(log.close())
    expect(new Set(kindsOf(await Promise.all(outcomes)))).toEqual(new Set(['appended']))
    expect(world.clock.timers).toBe(0)
  })

  it('lets nobody in while it holds too much, and everybody in order afterwards', async () => {
    const { world, log, script, topic } = await start()
    script.next('put', 'holdAnswer', 1e9)
    const bytes = 4 * 1024 * 1024
    const big = batchOf(topic, 0, ['x'], { valueBytes: bytes })
    const count = Math.ceil((REQUEST_MEMORY_BYTES_MAX * 1.5) / bytes)
    let admitted = 0
    const outcomes = []
    for (let i = 0; i < count; i++) {
      const append = log.append(`c${i}`, [big])
      void append.admitted.then(() => admitted++)
      outcomes.push(append.outcomes)
    }
    await world.clock.advance(100)
    expect(admitted).toBeGreaterThan(10)
    expect(admitted * bytes).toBeLessThanOrEqual(REQUEST_MEMORY_BYTES_MAX + bytes)
    expect(script.count('put')).toBeLessThanOrEqual(UPLOADS_IN_FLIGHT_MAX)
    script.heal()
    script.release()
    const offsets = offsetsOf(await world.run(Promise.all(outcomes)))
    expect(offsets).toEqual(Array.from({ length: count }, (_, i) => i))
    expect(admitted).toBe(count)
  })

  it('cuts one huge request into segments within the limits, even while uploads hang', async () => {
    const world = await createWorld()
    const { log, script } = await world.open({ lingerMs: LINGER_MS, hedgeMs: 1e9 })
    const topic = await createTopic(world, log, 'wide', 50_000)
    const small = batchOf(topic, 0, ['x'])
    script.forget()
    script.next('put', 'holdAnswer', 1e9)
    const blockers = []
    for (let i = 0; i < UPLOADS_IN_FLIGHT_MAX; i++) {
      blockers.push(log.append(`b${i}`, [small]).outcomes)
      await world.clock.advance(LINGER_MS + 1)
    }
    const batches = Array.from({ length: 40_000 }, (_, partition) => ({ ...small, partition }))
    const outcomes = log.append('a', batches).outcomes
    await world.clock.advance(100)
    script.heal()
    script.release()
    expect(new Set(kindsOf([await world.run(outcomes)]))).toEqual(new Set(['appended']))
    await world.run(Promise.all(blockers))
    const parts = script.calls.filter(({ call }) => call === 'put').map(({ args }) => (args[1] as unknown[]).length - 2)
    expect(Math.max(...parts)).toBeLessThanOrEqual(SEGMENT_BATCHES_MAX)
    expect(parts.reduce((a, b) => a + b, 0)).toBe(40_000 + UPLOADS_IN_FLIGHT_MAX)
  })

  it('stores small segments as tiny ones', async () => {
    const { world, log, script, topic } = await start()
    await world.run(log.append('a', [batchOf(topic, 0, ['x'], { valueBytes: 3000 })]).outcomes)
    await world.run(log.append('a', [batchOf(topic, 0, ['x'], { valueBytes: 5000 })]).outcomes)
    const keys = script.calls.filter(({ call }) => call === 'put').map(({ args }) => (args[0] as string).split('/')[0])
    expect(keys).toEqual(['tiny', 'segment'])
    expect(await readAll(world, (await world.open()).log, topic)).toEqual([0, 1])
  })

  it('answers each batch for itself: a topic deleted meanwhile, a gap, a repeat', async () => {
    const { world, log, topic } = await start()
    const gone = await createTopic(world, log, 'gone', 1)
    await world.run(log.deleteTopic(gone))
    const producer = { producerId: 9, producerEpoch: 0 }
    const outcomes = await world.run(
      log.append('a', [
        batchOf(gone, 0, ['x']),
        batchOf(topic, 0, ['x', 'y'], { ...producer, baseSequence: 0 }),
        batchOf(topic, 0, ['x', 'y'], { ...producer, baseSequence: 0 }),
        batchOf(topic, 0, ['z'], { ...producer, baseSequence: 7 }),
        batchOf(topic, 64, ['z']),
        batchOf(topic, 0, ['z'], { ...producer, baseSequence: 2 }),
      ]).outcomes,
    )
    expect(outcomes).toMatchObject([
      { kind: 'unknownTopic' },
      { kind: 'appended', baseOffset: 0 },
      { kind: 'duplicate', baseOffset: 0 },
      { kind: 'outOfOrderSequence' },
      { kind: 'unknownTopic' },
      { kind: 'appended', baseOffset: 2 },
    ])
    expect(await log.append('a', []).outcomes).toEqual([])
  })

  it('verdicts in a page that cannot be loaded are unknown, and it is no duplicate later', async () => {
    const world = await createWorld()
    const writer = await world.open()
    const topic = await createTopic(world, writer.log, 't', 1)
    await world.run(writer.log.append('a', [batchOf(topic, 0, ['x'])]).outcomes)
    expect(await world.run(writer.log.checkpoint())).toMatchObject({ kind: 'accepted' })
    const cold = await world.open()
    cold.script.next('get', 'before', 1)
    const sent = batchOf(topic, 0, ['y'], { producerId: 4, producerEpoch: 0, baseSequence: 0 })
    expect(kindsOf([await world.run(cold.log.append('a', [sent]).outcomes)])).toEqual(['unknown'])
    expect(await world.run(cold.log.append('a', [sent]).outcomes)).toMatchObject([{ kind: 'duplicate', baseOffset: 1 }])
  })
})
