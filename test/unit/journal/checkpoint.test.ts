// Checkpoints: of two at once one is the next link; unchanged pages are used again, full blocks are written once; and the
// head's checkpoint moves only after the fold accepted it, and only forward.
import { describe, expect, it } from 'vitest'
import { BLOCK_EXTENTS } from '../../../lib/base/limits.ts'
import { hashState, writeCheckpoint } from '../../../lib/journal/checkpoint.ts'
import { asPartitionPage } from '../../../lib/journal/state/page.ts'
import { readPartition } from '../../../lib/journal/state/partition-page.ts'
import { decodeRootObject } from '../../../lib/journal/state/root.ts'
import type { OpenedLog } from '../../../lib/log/open-log.ts'
import { appendNamed, headOf, namesIn } from '../support/journal-facts.ts'
import { rest } from '../support/manual-clock.ts'
import type { Script } from '../support/scripted-stores.ts'
import { batchOf, createTopic, createWorld, fetchRequest, offsetsIn, readAll, type World } from '../support/world.ts'

const putsOf = (script: Script, kind: string): number =>
  script.calls.filter(({ call, args }) => call === 'put' && (args[0] as string).startsWith(`${kind}/`)).length

async function pagesOf(world: World): Promise<Map<string, string>> {
  const { checkpoint } = await headOf(world)
  const found = await world.plain.objects.get(checkpoint!.key)
  if (found.kind !== 'found') throw new Error(found.kind)
  return new Map([...decodeRootObject(found.bytes).pages].map(([page, { key }]) => [page, key]))
}

async function hashOf(log: OpenedLog): Promise<string> {
  await log.refresh()
  const state = await hashState(log.journal)
  return `${state!.position.generation}/${state!.position.index} ${Buffer.from(state!.hash).toString('hex')}`
}

describe('checkpoint', () => {
  it('writes the pages that changed, uses the others again, and starts another process from there', async () => {
    const world = await createWorld()
    const { log, script } = await world.open()
    const topic = await createTopic(world, log, 't', 64 * 4)
    const write = (...partitions: number[]) =>
      world.run(
        log.append(
          'c',
          partitions.map((partition) => batchOf(topic, partition, ['x'])),
        ).outcomes,
      )
    await write(0, 64, 128, 192)
    expect(await world.run(log.checkpoint())).toMatchObject({ kind: 'accepted' })
    expect(putsOf(script, 'page')).toBe(4)
    const before = await pagesOf(world)
    await write(65)
    expect(await world.run(log.checkpoint())).toMatchObject({ kind: 'accepted' })
    expect(putsOf(script, 'page')).toBe(5)
    const after = await pagesOf(world)
    expect([...after.keys()].filter((page) => after.get(page) !== before.get(page))).toEqual([`${topic.number}/1`])
    const cold = await world.open()
    expect(await hashOf(cold.log)).toBe(await hashOf(log))
    // A checkpoint by the cold process writes nothing that it has not loaded.
    expect(await world.run(cold.log.checkpoint())).toMatchObject({ kind: 'accepted' })
    expect(putsOf(cold.script, 'page')).toBe(0)
    expect(await pagesOf(world)).toEqual(after)
    expect(await readAll(world, cold.log, topic, 65)).toEqual([0])
  })

  it('of two at once one is accepted and the other stale, and nothing of either is lost', async () => {
    const world = await createWorld()
    const a = await world.open()
    const b = await world.open()
    const topic = await createTopic(world, a.log, 't', 128)
    await world.run(a.log.append('c', [batchOf(topic, 0, ['x']), batchOf(topic, 64, ['y'])]).outcomes)
    await world.run(b.log.refresh())
    for (let round = 0; round < 3; round++) {
      const outcomes = await world.run(Promise.all([a.log.checkpoint(), b.log.checkpoint()]))
      expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['accepted', 'stale'])
      const writer = round % 2 === 0 ? b : a
      await world.run(writer.log.append('c', [batchOf(topic, 0, ['x'])]).outcomes)
      await world.run(Promise.all([a.log.refresh(), b.log.refresh()]))
    }
    expect(await hashOf(a.log)).toBe(await hashOf(b.log))
    const cold = await world.open()
    expect(await hashOf(cold.log)).toBe(await hashOf(a.log))
    expect(await readAll(world, cold.log, topic, 0)).toEqual([0, 1, 2, 3])
  })

  it('one that was overtaken while it wrote its objects is stale', async () => {
    const world = await createWorld()
    const slow = await world.open()
    const fast = await world.open()
    await createTopic(world, slow.log, 't', 1)
    await world.run(fast.log.refresh())
    slow.script.next('put', 'holdAnswer', 1)
    const overtaken = slow.log.checkpoint()
    await rest()
    const accepted = await world.run(fast.log.checkpoint())
    expect(accepted).toMatchObject({ kind: 'accepted' })
    slow.script.release()
    expect(await world.run(overtaken)).toEqual({ kind: 'stale' })
    expect((await headOf(world)).checkpoint!.key).toBe(accepted.kind === 'accepted' ? accepted.key : '')
  })

  it('moves the head only after the fold accepted it, and never back', async () => {
    const world = await createWorld()
    const slow = await world.open()
    const fast = await world.open()
    await createTopic(world, slow.log, 't', 1)
    slow.script.next('moveCheckpoint', 'hold', 1)
    const first = slow.log.checkpoint()
    await rest()
    expect(await namesIn(world)).toContain('checkpointed')
    expect((await headOf(world)).checkpoint).toBeUndefined()
    await world.run(fast.log.refresh())
    const second = await world.run(fast.log.checkpoint())
    expect((await headOf(world)).checkpoint!.key).toBe(second.kind === 'accepted' ? second.key : '')
    const moved = (await headOf(world)).checkpoint
    slow.script.release()
    await world.run(first)
    expect((await headOf(world)).checkpoint).toEqual(moved)

    const refused = await world.open()
    refused.script.next('append', 'before', 1e9)
    expect(await world.run(refused.log.checkpoint())).toEqual({ kind: 'unavailable' })
    expect((await headOf(world)).checkpoint).toEqual(moved)
  })

  it('objects that cannot be put, or a lost answer, leave the last one in place', async () => {
    const world = await createWorld()
    const { log, script } = await world.open()
    const topic = await createTopic(world, log, 't', 1)
    await world.run(log.append('c', [batchOf(topic, 0, ['x'])]).outcomes)
    for (const kind of ['page', 'root']) {
      script.next('put', 'before', 1e9, ([key]) => (key as string).startsWith(kind))
      expect(await world.run(log.checkpoint())).toEqual({ kind: 'unavailable' })
      script.heal()
    }
    expect(await namesIn(world)).not.toContain('checkpointed')
    script.next('put', 'lost', 2)
    script.next('append', 'lost', 1)
    script.next('moveCheckpoint', 'lost', 1)
    expect(await world.run(log.checkpoint())).toMatchObject({ kind: 'accepted' })
    expect((await headOf(world)).checkpoint).toBeDefined()
    expect(await hashOf((await world.open()).log)).toBe(await hashOf(log))
  })

  it('writes a block of extents once, whoever writes the checkpoint, and keeps it in memory nowhere', async () => {
    const world = await createWorld()
    const a = await world.open()
    const b = await world.open()
    const topic = await createTopic(world, a.log, 't', 1)
    const write = async (count: number) => {
      const batch = batchOf(topic, 0, ['x'])
      for (let sent = 0; sent < count; sent += 1024) {
        const batches = Array.from({ length: Math.min(1024, count - sent) }, () => batch)
        await world.run(a.log.append('c', batches).outcomes)
      }
    }
    await write(BLOCK_EXTENTS * 2 + 10)
    // Both have the page in memory, with both blocks.
    for (const { log } of [a, b]) expect((await readAll(world, log, topic)).length).toBe(BLOCK_EXTENTS * 2 + 10)
    const blocksIn = (log: OpenedLog) =>
      readPartition(asPartitionPage(log.journal.replica.pages.loaded(`${topic.number}/0`)!), 0)!.extents.blocks
    expect(blocksIn(b.log).every(({ columns }) => columns !== undefined)).toBe(true)
    expect(await world.run(a.log.checkpoint())).toMatchObject({ kind: 'accepted' })
    expect(putsOf(a.script, 'block')).toBe(2)
    expect(blocksIn(a.log).map(({ columns }) => columns)).toEqual([undefined, undefined])
    await write(10)
    await world.run(b.log.refresh())
    expect(await world.run(b.log.checkpoint())).toMatchObject({ kind: 'accepted' })
    expect(putsOf(b.script, 'block')).toBe(0)
    expect(blocksIn(b.log).map(({ columns }) => columns)).toEqual([undefined, undefined])
    await write(BLOCK_EXTENTS)
    await world.run(b.log.refresh())
    expect(await world.run(b.log.checkpoint())).toMatchObject({ kind: 'accepted' })
    expect(putsOf(b.script, 'block')).toBe(1)

    const cold = await world.open()
    const [outcome] = await world.run(cold.log.fetch(fetchRequest([{ topic, offset: BLOCK_EXTENTS + 7, bytesMax: 1 }])))
    expect(offsetsIn(outcome)).toEqual([BLOCK_EXTENTS + 7])
    const gets = cold.script.calls
      .filter(({ call }) => call === 'get')
      .map(({ args }) => (args[0] as string).split('/')[0])
    expect(gets.filter((kind) => kind === 'block')).toHaveLength(1)
    expect(await hashOf(cold.log)).toBe(await hashOf(a.log))
  })

  it('follows by itself, and after a failure tries again later but not at every entry', async () => {
    const world = await createWorld()
    const { log, script } = await world.open({ checkpointEntries: 64 })
    for (let i = 0; i < 200; i++) await world.run(appendNamed(log.journal, `a${i}`))
    await rest()
    const made = putsOf(script, 'root')
    expect(made).toBeGreaterThanOrEqual(2)
    expect(made).toBeLessThanOrEqual(5)
    script.next('put', 'before', 1e9, ([key]) => (key as string).startsWith('root/'))
    for (let i = 0; i < 128; i++) await world.run(appendNamed(log.journal, `b${i}`))
    const tries = (putsOf(script, 'root') - made) / 4
    expect(tries).toBeGreaterThanOrEqual(2)
    expect(tries).toBeLessThanOrEqual(16)
    script.heal()
    for (let i = 0; i < 64; i++) await world.run(appendNamed(log.journal, `c${i}`))
    await rest()
    expect(log.journal.replica.sinceCheckpoint.entries).toBeLessThan(70)
    await world.run(log.close())
  })

  it('of a deleted topic names no pages', async () => {
    const world = await createWorld()
    const { log } = await world.open()
    const topic = await createTopic(world, log, 't', 128)
    const kept = await createTopic(world, log, 'kept', 1)
    await world.run(
      log.append('c', [batchOf(topic, 0, ['x']), batchOf(topic, 64, ['x']), batchOf(kept, 0, ['x'])]).outcomes,
    )
    expect(await world.run(log.checkpoint())).toMatchObject({ kind: 'accepted' })
    expect((await pagesOf(world)).size).toBe(3)
    await world.run(log.deleteTopic(topic))
    expect(await world.run(writeCheckpoint(log.journal, world.plain))).toMatchObject({ kind: 'accepted' })
    expect([...(await pagesOf(world)).keys()]).toEqual([`${kept.number}/0`])
  })
})
