// The memory of records on their way to clients: what it hands out alone, and what fetches of a whole log make of it. Its
// bound holds whatever comes back when, everybody gets something in the end, and no way out of a fetch keeps anything.
import { describe, expect, test } from 'vitest'
import { FETCH_BATCH_OVERHEAD_BYTES, FETCH_MEMORY_WAIT_MS_MAX } from '../../../lib/base/limits.ts'
import { createFetchMemory, type MemoryRequest } from '../../../lib/log/fetch-memory.ts'
import type { FetchRequest } from '../../../lib/log/log.ts'
import type { OpenedLog } from '../../../lib/log/open-log.ts'
import { createManualClock, rest } from '../support/manual-clock.ts'
import { batchOf, createTopic, createWorld, fetchRequest, offsetsIn } from '../support/world.ts'

const KIB = 1024
const living = (): AbortSignal => new AbortController().signal
const wish = (leastBytes: number, wantedBytes: number, options: Partial<MemoryRequest> = {}): MemoryRequest => ({
  leastBytes,
  wantedBytes,
  proven: false,
  signal: living(),
  ...options,
})

describe('handing out', () => {
  test('a part of what is free, or what the first batch needs', async () => {
    const memory = createFetchMemory(createManualClock(), 2000)
    expect((await memory.take(wish(1, 100)))?.sizeBytes).toBe(100)
    expect((await memory.take(wish(1, 1000)))?.sizeBytes).toBe(225)
    expect((await memory.take(wish(500, 1000)))?.sizeBytes).toBe(500)
    expect(memory.usedBytes).toBe(825)
  })

  test('first come, first served: a small one does not overtake', async () => {
    const memory = createFetchMemory(createManualClock(), 2000)
    const first = await memory.take(wish(900, 900))
    const served: string[] = []
    const large = memory.take(wish(500, 500)).then((grant) => {
      served.push('large')
      return grant
    })
    const small = memory.take(wish(50, 50)).then(() => served.push('small'))
    await rest()
    expect([served, memory.waiting]).toEqual([[], 2])
    first!.release()
    first!.release()
    await Promise.all([large, small])
    expect(served).toEqual(['large', 'small'])
    expect(memory.usedBytes).toBe(550)
  })

  test('a batch longer than all of it is read when nothing else is', async () => {
    const memory = createFetchMemory(createManualClock(), 2000)
    const little = await memory.take(wish(10, 10))
    const huge = memory.take(wish(5000, 9000))
    await rest()
    expect(memory.waiting).toBe(1)
    little!.release()
    const grant = await huge
    expect([grant?.sizeBytes, memory.usedBytes]).toEqual([5000, 1000])
    grant!.release()
    expect(memory.usedBytes).toBe(0)
  })

  test('those who have read before do not wait for those who have not', async () => {
    const memory = createFetchMemory(createManualClock(), 2000)
    await memory.take(wish(1000, 1000))
    const newcomer = memory.take(wish(1, 1))
    expect((await memory.take(wish(100, 100, { proven: true })))?.sizeBytes).toBe(100)
    expect(memory.waiting).toBe(1)
    memory.close()
    expect(await newcomer).toBeUndefined()
  })

  test('who goes away or has waited long enough makes way', async () => {
    const clock = createManualClock()
    const memory = createFetchMemory(clock, 2000)
    const held = await memory.take(wish(900, 900))
    const gone = new AbortController()
    const aborted = memory.take(wish(1000, 1000, { signal: gone.signal }))
    const next = memory.take(wish(100, 100))
    gone.abort()
    expect(await aborted).toBeUndefined()
    expect((await next)?.sizeBytes).toBe(100)
    const late = memory.take(wish(500, 500))
    await clock.advance(FETCH_MEMORY_WAIT_MS_MAX)
    expect(await late).toBeUndefined()
    held!.release()
    expect([memory.usedBytes, memory.waiting, clock.timers]).toEqual([100, 0, 0])
    expect(await memory.take(wish(950, 950, { signal: AbortSignal.abort() }))).toBeUndefined()
  })
})

/** A log without a cache, whose one partition has `count` batches of about `batchBytes`. */
async function filled(count: number, batchBytes: number, memoryBytes: number) {
  const world = await createWorld()
  const writer = await world.open()
  const topic = await createTopic(world, writer.log, 'much')
  for (let i = 0; i < count; i += 16) {
    const batches = Array.from({ length: Math.min(16, count - i) }, () =>
      batchOf(topic, 0, ['x'], { valueBytes: batchBytes }),
    )
    await world.run(writer.log.append('c', batches).outcomes)
  }
  const { log, script } = await world.open({ cacheBytesMax: 0, fetchMemoryBytesMax: memoryBytes })
  const request = (options: Partial<FetchRequest> = {}) => fetchRequest([{ topic, offset: 0 }], options)
  return { world, log, script, topic, request }
}

/** Fetches as a door does that is slow to write: holds each answer for a while. */
async function fetchAndHold(log: OpenedLog, request: FetchRequest, hold: () => Promise<void>) {
  let giveBack: (() => void) | undefined
  const [outcome] = await log.fetch({ ...request, takeOver: (release) => (giveBack = release) })
  await hold()
  giveBack?.()
  return offsetsIn(outcome)
}

describe('fetches', () => {
  test('200 large ones at once stay within it, and all get something', async () => {
    const { world, log, request } = await filled(64, 10 * KIB, 512 * KIB)
    let mostBytes = 0
    let sizeBytes = 0
    let heldBytes = 0
    let mostHeldBytes = 0
    const one = async (): Promise<number[]> => {
      let giveBack = (): void => {}
      const [outcome] = await log.fetch({ ...request(), takeOver: (release) => (giveBack = release) })
      if (outcome?.kind !== 'records') throw new Error(outcome?.kind)
      sizeBytes += outcome.sizeBytes
      heldBytes += outcome.sizeBytes
      mostHeldBytes = Math.max(mostHeldBytes, heldBytes)
      mostBytes = Math.max(mostBytes, log.fetchMemory.usedBytes)
      await rest(5)
      heldBytes -= outcome.sizeBytes
      giveBack()
      return offsetsIn(outcome)
    }
    const answers = await world.run(Promise.all(Array.from({ length: 200 }, one)))
    for (const offsets of answers) expect(offsets.slice(0, 1)).toEqual([0])
    expect(sizeBytes).toBeGreaterThan(512 * KIB)
    expect(mostBytes).toBeGreaterThan(200 * KIB)
    expect(mostBytes).toBeLessThanOrEqual(256 * KIB)
    expect(mostHeldBytes).toBeLessThanOrEqual(256 * KIB)
    expect([log.fetchMemory.usedBytes, log.fetchMemory.waiting]).toEqual([0, 0])
  })

  test('a long poll holds nothing while it waits', async () => {
    const { world, log, topic } = await filled(1, 100, 64 * KIB)
    const waiting = log.fetch(fetchRequest([{ topic, offset: 0 }], { bytesMin: 1e6, waitMsMax: 500 }))
    await world.clock.advance(100)
    expect(log.fetchMemory.usedBytes).toBe(0)
    expect(offsetsIn((await world.run(waiting))[0])).toEqual([0])
    expect(log.fetchMemory.usedBytes).toBe(0)
  })

  test('who gets none in time is answered without records, where they begin and end included', async () => {
    const { world, log, request } = await filled(2, 20 * KIB, 50 * KIB)
    const held = Promise.withResolvers<void>()
    const holding = fetchAndHold(log, request(), () => held.promise)
    await rest()
    expect(log.fetchMemory.usedBytes).toBeGreaterThan(20 * KIB)
    const [outcome] = await world.run(log.fetch(request()))
    expect(outcome).toMatchObject({ kind: 'records', highWatermark: 2, records: [], sizeBytes: 0 })
    held.resolve()
    expect(await world.run(holding)).toEqual([0])
    expect(log.fetchMemory.usedBytes).toBe(0)
  })

  test('nothing stays held by one that is aborted, that fails, or that nobody takes over', async () => {
    const { world, log, script, request } = await filled(4, 10 * KIB, 64 * KIB)
    let takenOver = 0
    const takeOver = (release: () => void): void => {
      takenOver++
      release()
    }
    script.next('get', 'before', 100)
    expect((await world.run(log.fetch(request({ takeOver }))))[0]).toEqual({ kind: 'unavailable' })
    expect([takenOver, log.fetchMemory.usedBytes]).toEqual([1, 0])
    script.heal()

    script.next('get', 'hold', 1)
    const gone = new AbortController()
    const aborted = log.fetch(request({ signal: gone.signal }))
    await rest()
    expect(log.fetchMemory.usedBytes).toBeGreaterThan(10 * KIB)
    gone.abort()
    script.release()
    await world.run(aborted)
    expect(log.fetchMemory.usedBytes).toBe(0)

    expect(offsetsIn((await world.run(log.fetch(request())))[0]).length).toBeGreaterThan(0)
    expect(log.fetchMemory.usedBytes).toBe(0)
  })

  test('a tiny batch costs more than its bytes', async () => {
    const { world, log, request } = await filled(64, 10, 4 * 2 * 10 * (FETCH_BATCH_OVERHEAD_BYTES + 100))
    const [outcome] = await world.run(log.fetch(request()))
    expect(offsetsIn(outcome).length).toBeGreaterThan(5)
    expect(offsetsIn(outcome).length).toBeLessThan(15)
  })
})
