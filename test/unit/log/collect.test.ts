// Garbage collection: what is old and unreferenced goes, chunks behind horizon and checkpoint too; everything readable stays
// readable, through a process that saw it happen, one that slept, and one that starts afresh.
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../lib/base/clock.ts'
import { newUlid } from '../../../lib/base/ids.ts'
import { systemRandom } from '../../../lib/base/random.ts'
import { hashState } from '../../../lib/journal/checkpoint.ts'
import { objectKey } from '../../../lib/journal/object-keys.ts'
import { type OpenedLog, openLog } from '../../../lib/log/open-log.ts'
import { createMemoryBackend, type MemoryBackend } from '../../../lib/storage/memory/memory.ts'
import { OBJECT_KINDS, type Stores } from '../../../lib/storage/ports.ts'
import { buildPlainBatch } from '../../../lib/wire/build-batch.ts'
import { inlineCompression } from '../../../lib/wire/native-compression.ts'

async function open(backend: MemoryBackend): Promise<{ log: OpenedLog; stores: Stores }> {
  const stores = backend.open()
  await stores.journal.init()
  const args = { stores, clock: systemClock, random: systemRandom, compression: inlineCompression }
  const outcome = await openLog(args)
  if (outcome.kind !== 'opened') throw new Error(outcome.kind)
  return { log: outcome.log, stores }
}

async function send(log: OpenedLog, name: string, count: number): Promise<void> {
  const topic = log.topicByName(name)!
  const bytes = buildPlainBatch({ records: [{ timestamp: 1, value: Buffer.from(name) }] })
  const batch = { topic, partition: 0, bytes, recordCount: 1, maxTimestamp: 1 }
  const plain = { producerId: -1, producerEpoch: -1, baseSequence: -1 }
  for (let i = 0; i < count; i++) {
    const [outcome] = await log.append('c', [{ ...batch, ...plain }]).outcomes
    expect(outcome?.kind).toBe('appended')
  }
}

async function countObjects(stores: Stores): Promise<number> {
  let count = 0
  for (const kind of OBJECT_KINDS) {
    const listed = await stores.objects.list(kind, { limit: 100_000 })
    if (listed.kind === 'found') count += listed.objects.length
  }
  return count
}

async function readAll(log: OpenedLog, name: string): Promise<number> {
  const topic = log.topicByName(name)!
  const [outcome] = await log.fetch({
    partitions: [{ topic, partition: 0, offset: 0, bytesMax: 1e9 }],
    bytesMin: 0,
    bytesMax: 1e9,
    waitMsMax: 0,
    committedOnly: false,
    leaderEpoch: 0,
    signal: new AbortController().signal,
  })
  return outcome?.kind === 'records' ? outcome.sizeBytes : -1
}

describe('collect', () => {
  it('deletes what nothing refers to, and nothing else', async () => {
    const backend = createMemoryBackend()
    const { log, stores } = await open(backend)
    const sleeper = await open(backend)
    for (const name of ['kept', 'dropped']) await log.createTopic({ name, partitions: 2, configs: new Map() })
    await sleeper.log.refresh()
    await send(log, 'dropped', 200)
    await log.checkpoint()
    const orphan = objectKey('segment', log.journal.origin(), newUlid(systemClock, systemRandom))
    await stores.objects.put(orphan, [new Uint8Array(9)])
    await send(log, 'kept', 200)
    await log.deleteTopic(log.topicByName('dropped')!)
    await log.checkpoint()
    const before = await countObjects(stores)
    expect(await log.collect({ graceMs: -1 })).toMatchObject({ kind: 'collected' })
    await send(log, 'kept', 100)
    await log.checkpoint()
    const outcome = await log.collect({ graceMs: -1 })
    expect(outcome).toMatchObject({ kind: 'collected' })
    expect(await stores.objects.get(orphan)).toEqual({ kind: 'missing' })
    const after = await countObjects(stores)
    // 100 came, 200 went.
    expect(before - after).toBeGreaterThan(90)
    // 300 segments that live extents lie in, and a checkpoint or two.
    expect(after).toBeGreaterThanOrEqual(300)
    expect(after).toBeLessThan(320)
    const size = 300 * 69 + 300 * 'kept'.length
    const fresh = await open(backend)
    for (const reader of [log, sleeper.log, fresh.log]) {
      await reader.refresh()
      expect(await readAll(reader, 'kept')).toBe(await readAll(log, 'kept'))
    }
    expect(await readAll(log, 'kept')).toBeGreaterThan(size / 2)
    const states = await Promise.all([log, sleeper.log, fresh.log].map((each) => hashState(each.journal)))
    expect(new Set(states.map((state) => Buffer.from(state!.hash).toString('hex'))).size).toBe(1)
    expect(await stores.journal.readChunks(1, 5)).toMatchObject({ chunks: [] })
    expect(await log.collect({ graceMs: -1 })).toEqual({ kind: 'nothing' })
  })

  it('opens from a head whose checkpoint is gone by the time it is asked for, and can write', async () => {
    const backend = createMemoryBackend()
    const { log, stores } = await open(backend)
    await log.createTopic({ name: 't', partitions: 1, configs: new Map() })
    await send(log, 't', 60)
    await log.checkpoint()
    const old = await stores.journal.readHead()
    await send(log, 't', 60)
    await log.checkpoint()
    expect((await log.collect({ graceMs: -1 })).kind).toBe('collected')
    let reads = 0
    const slow: Stores = {
      ...stores,
      journal: {
        ...stores.journal,
        readHead: () => (reads++ === 0 ? Promise.resolve(old) : stores.journal.readHead()),
      },
    }
    const args = { stores: slow, clock: systemClock, random: systemRandom, compression: inlineCompression }
    const outcome = await openLog(args)
    expect(outcome.kind).toBe('opened')
    if (outcome.kind === 'opened') await send(outcome.log, 't', 1)
    expect(reads).toBeGreaterThan(1)
  })

  it('rejects what a late writer names after the horizon passed it', async () => {
    const { log } = await open(createMemoryBackend())
    await log.createTopic({ name: 't', partitions: 1, configs: new Map() })
    const early = log.journal.origin()
    await send(log, 't', 60)
    await log.checkpoint()
    expect((await log.collect({ graceMs: -1 })).kind).toBe('collected')
    const outcome = await log.journal.write('topicDeleted', early, new Uint8Array([1]))
    expect(outcome).toMatchObject({ kind: 'folded', verdict: { kind: 'behindHorizon' } })
    expect(log.topicByName('t')).toBeDefined()
  })
})
