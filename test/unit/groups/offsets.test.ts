// Fences and committed offsets through the journal, by several processes: a commit under an old fence never lands, one that
// was overtaken takes nothing back, and both stay true through checkpoints, new processes, deletion and the horizon.
import { describe, expect, it } from 'vitest'
import { ENTRY_BYTES_MAX, GROUPS_MAX } from '../../../lib/base/limits.ts'
import type { OffsetToCommit } from '../../../lib/groups/groups.ts'
import { createGroupOffsets, type GroupOffsets } from '../../../lib/groups/offsets.ts'
import { changeGroup } from '../../../lib/journal/state/groups.ts'
import type { Topic } from '../../../lib/log/log.ts'
import type { OpenedLog } from '../../../lib/log/open-log.ts'
import { headOf, namesIn } from '../support/journal-facts.ts'
import type { Script } from '../support/scripted-stores.ts'
import { batchOf, createTopic, createWorld, type World } from '../support/world.ts'

interface Process {
  readonly log: OpenedLog
  readonly script: Script
  readonly offsets: GroupOffsets
}

async function open(world: World): Promise<Process> {
  const { log, script } = await world.open()
  return { log, script, offsets: createGroupOffsets(log) }
}

const at = (topic: Topic, partition: number, offset: number, metadata = ''): OffsetToCommit => ({
  topicId: topic.id,
  partition,
  offset,
  leaderEpoch: 3,
  metadata,
})

type Rest = Partial<Parameters<GroupOffsets['commit']>[0]>

/** Commits as who knows what its process knows. */
function commit(world: World, { log, offsets }: Process, list: readonly OffsetToCommit[], rest: Rest = {}) {
  const origin = log.journal.origin()
  const now = { groupId: 'g', fence: 0, position: offsets.position(), origin, nowMs: world.clock.now() }
  return world.run(offsets.commit({ ...now, offsets: list, ...rest }))
}

function remove(world: World, { log, offsets }: Process, what: object = { whole: true }, rest: object = {}) {
  const args = { groupId: 'g', position: offsets.position(), origin: log.journal.origin(), ...what, ...rest }
  return world.run(offsets.remove(args as Parameters<GroupOffsets['remove']>[0]))
}

/** `partition: offset` of the group, as a process finds them now. */
async function read(world: World, { log, offsets }: Process, groupId = 'g'): Promise<Record<number, number>> {
  await world.run(log.refresh())
  const found = await world.run(offsets.committed(groupId))
  if (found.kind !== 'found') throw new Error(found.kind)
  return Object.fromEntries(found.offsets.map(({ partition, offset }) => [partition, offset]))
}

/** Enough entries that the generation ends. */
async function nextGeneration(world: World, process: Process, topic: Topic): Promise<void> {
  const { generation } = process.log.status()
  while (process.log.status().generation === generation) {
    await world.run(process.log.append('c', [batchOf(topic, 0, ['x'])]).outcomes)
  }
}

/** A checkpoint, and the horizon at it. */
async function passHorizon(world: World, { log }: Process): Promise<void> {
  expect(await world.run(log.checkpoint())).toMatchObject({ kind: 'accepted' })
  expect(await world.run(log.collect({ graceMs: -1 }))).toMatchObject({ kind: 'collected' })
}

describe('offsets of groups', () => {
  it('are what any process reads, as they were committed', async () => {
    const world = await createWorld()
    const [a, b] = [await open(world), await open(world)]
    const t = await createTopic(world, a.log, 't', 3)
    const u = await createTopic(world, a.log, 'u', 3)
    const list = [
      at(u, 2, 9, 'to be ünderstood'),
      at(t, 1, 7),
      at(t, 0, 2 ** 60),
      at(t, 1, 5),
      at(t, 3, 1),
      at(t, -1, 1),
    ]
    const nowMs = 1_800_000_000_123
    expect(await commit(world, a, list, { nowMs })).toEqual({ kind: 'committed' })
    await world.run(b.log.refresh())
    const found = await world.run(b.offsets.committed('g'))
    const rest = { leaderEpoch: 3, metadata: '', committedMs: nowMs }
    const expected = [
      // The last of each partition; what no partition can have becomes what the fold can store.
      { topicId: t.id, partition: 0, offset: 2 ** 52 - 1, ...rest },
      { topicId: t.id, partition: 1, offset: 5, ...rest },
      { topicId: u.id, partition: 2, offset: 9, ...rest, metadata: 'to be ünderstood' },
    ]
    const order = (list: readonly { topicId: string }[]) => [...list].sort((x, y) => (x.topicId < y.topicId ? -1 : 1))
    expect(found).toEqual({ kind: 'found', offsets: order(expected) })
    expect(await world.run(a.offsets.committed('g'))).toEqual(found)
    expect(await world.run(b.offsets.committed('nobody'))).toEqual({ kind: 'found', offsets: [] })
    expect([[...b.offsets.groups()], b.offsets.has('g'), b.offsets.has('nobody')]).toEqual([['g'], true, false])
    // A commit of nothing that exists writes nothing.
    const entries = await namesIn(world)
    await world.run(a.log.deleteTopic(u))
    expect(await commit(world, a, [at(u, 0, 1), at(t, 77, 1)])).toEqual({ kind: 'committed' })
    expect(await namesIn(world)).toEqual([...entries, 'topicDeleted'])
    expect(await read(world, b)).toEqual({ 0: 2 ** 52 - 1, 1: 5 })
  })

  it('under an older fence are rejected, by who knows the new one and by the fold for who does not', async () => {
    const world = await createWorld()
    const [a, b] = [await open(world), await open(world)]
    const t = await createTopic(world, a.log, 't', 3)
    await world.run(b.log.refresh())
    expect(await commit(world, b, [at(t, 0, 1)], { fence: 4 })).toEqual({ kind: 'committed' })
    await world.run(a.log.refresh())
    expect(a.offsets.fence('g')).toBe(4)
    expect(await world.run(a.offsets.raiseFence('g', 5))).toEqual({ kind: 'raised' })
    expect([a.offsets.fence('g'), b.offsets.fence('g'), a.offsets.fence('nobody')]).toEqual([5, 4, 0])
    expect(await commit(world, b, [at(t, 0, 99)], { fence: 4 })).toEqual({ kind: 'fencedOut', fence: 5 })
    const entries = await namesIn(world)
    expect(entries.filter((name) => name === 'offsetsCommitted')).toHaveLength(2)
    // Now it knows, and asks nobody.
    expect(await commit(world, b, [at(t, 0, 99)], { fence: 4 })).toEqual({ kind: 'fencedOut', fence: 5 })
    for (const fence of [3, 5]) expect(await world.run(b.offsets.raiseFence('g', fence))).toEqual({ kind: 'raised' })
    expect(await namesIn(world)).toEqual(entries)
    expect(await commit(world, b, [at(t, 0, 2)], { fence: 5 })).toEqual({ kind: 'committed' })
    expect(await read(world, a)).toEqual({ 0: 2 })
  })

  it('that were overtaken take nothing back, whatever the later process knows by then', async () => {
    const world = await createWorld()
    const [a, b] = [await open(world), await open(world)]
    const t = await createTopic(world, a.log, 't', 3)
    await world.run(b.log.refresh())
    const position = b.offsets.position()
    expect(await commit(world, a, [at(t, 0, 10)])).toEqual({ kind: 'committed' })
    expect(await commit(world, b, [at(t, 0, 5), at(t, 1, 5)], { position })).toEqual({ kind: 'overtaken' })
    expect(await read(world, a)).toEqual({ 0: 10, 1: 5 })
    // It has seen the other one by now, but the request is as old as it was.
    expect(await commit(world, b, [at(t, 0, 5)], { position })).toEqual({ kind: 'overtaken' })
    expect(await commit(world, b, [at(t, 0, 5)])).toEqual({ kind: 'committed' })
    expect(await read(world, a)).toEqual({ 0: 5, 1: 5 })
  })

  it('survive a checkpoint and a new process, which reads one page and still knows who came when', async () => {
    const world = await createWorld()
    const a = await open(world)
    const t = await createTopic(world, a.log, 't', 3)
    const early = a.offsets.position()
    for (let i = 0; i < 70; i++) await world.run(a.offsets.raiseFence(`other${i}`, 1))
    expect(await commit(world, a, [at(t, 0, 10)], { fence: 3 })).toEqual({ kind: 'committed' })
    expect(await commit(world, a, [at(t, 0, 7)], { groupId: 'other3', fence: 1 })).toEqual({ kind: 'committed' })
    await passHorizon(world, a)
    const cold = await open(world)
    cold.script.forget()
    expect(await read(world, cold)).toEqual({ 0: 10 })
    const gets = cold.script.calls.filter(({ call }) => call === 'get').map(({ args }) => String(args[0]))
    expect(gets.filter((key) => key.startsWith('page/'))).toHaveLength(1)
    expect([cold.offsets.fence('g'), [...cold.offsets.groups()].length]).toEqual([3, 71])

    const colder = await open(world)
    // The verdict comes from a page that is loaded for it.
    const late = { position: early, fence: 3 }
    expect(await commit(world, colder, [at(t, 0, 1), at(t, 2, 2)], late)).toEqual({ kind: 'overtaken' })
    expect(await read(world, a)).toEqual({ 0: 10, 2: 2 })
    expect(await read(world, cold, 'other3')).toEqual({ 0: 7 })
  })

  it('whose page cannot be loaded are unknown, and there all the same', async () => {
    const world = await createWorld()
    const a = await open(world)
    const t = await createTopic(world, a.log, 't', 3)
    await commit(world, a, [at(t, 0, 10)])
    await world.run(a.log.checkpoint())
    const cold = await open(world)
    cold.script.next('get', 'before', 1e9, ([key]) => (key as string).startsWith('page/'))
    expect(await commit(world, cold, [at(t, 1, 2)])).toEqual({ kind: 'unknown' })
    expect(await world.run(cold.offsets.committed('g'))).toEqual({ kind: 'unavailable' })
    cold.script.heal()
    expect(await read(world, cold)).toEqual({ 0: 10, 1: 2 })
    cold.script.next('append', 'before', 1e9)
    expect(await commit(world, cold, [at(t, 1, 3)])).toEqual({ kind: 'unavailable' })
    expect(await world.run(cold.offsets.raiseFence('g', 3))).toEqual({ kind: 'unavailable' })
    expect(await remove(world, cold)).toEqual({ kind: 'unavailable' })
    expect(await read(world, a)).toEqual({ 0: 10, 1: 2 })
  })

  it('are removed only by who has seen the last change', async () => {
    const world = await createWorld()
    const [a, b] = [await open(world), await open(world)]
    const t = await createTopic(world, a.log, 't', 3)
    const gone = await createTopic(world, a.log, 'gone', 3)
    await commit(world, a, [at(t, 0, 1), at(t, 1, 1), at(gone, 0, 1), at(gone, 2, 1)])
    await world.run(b.log.refresh())
    await commit(world, a, [at(t, 2, 1)])
    const partitions = [0, 9].map((partition) => ({ topicId: t.id, partition }))
    expect(await remove(world, b, { partitions })).toEqual({ kind: 'changedSince' })
    expect(await remove(world, b, { partitions })).toEqual({ kind: 'removed' })
    expect(await read(world, a)).toEqual({ 0: 1, 1: 1, 2: 1 })
    // What belongs to a topic that is gone goes with the next that is removed.
    await world.run(a.log.deleteTopic(gone))
    expect(await read(world, a)).toEqual({ 1: 1, 2: 1 })
    const entries = (await namesIn(world)).length
    expect(await remove(world, a, { partitions: [] })).toEqual({ kind: 'removed' })
    expect(await remove(world, a, { partitions: [{ topicId: gone.id, partition: 0 }] })).toEqual({ kind: 'removed' })
    expect((await namesIn(world)).length).toBe(entries + 1)
    expect(await remove(world, a, { partitions: [] }, { groupId: 'nobody' })).toEqual({ kind: 'removed' })
    expect(await remove(world, a, { whole: true }, { groupId: 'nobody' })).toEqual({ kind: 'removed' })
    expect((await namesIn(world)).length).toBe(entries + 1)
  })

  it('of a group that is deleted are gone, and its fence stays until nothing can be late any more', async () => {
    const world = await createWorld()
    const [a, b] = [await open(world), await open(world)]
    const t = await createTopic(world, a.log, 't', 3)
    await world.run(b.log.refresh())
    await commit(world, a, [at(t, 0, 1)], { fence: 6 })
    await world.run(a.offsets.raiseFence('g', 7))
    const { number } = a.log.journal.replica.root.groups.get('g')!
    const origin = a.log.journal.origin()
    expect(await remove(world, a)).toEqual({ kind: 'removed' })
    expect(await read(world, a)).toEqual({})
    expect([[...a.offsets.groups()], a.offsets.fence('g')]).toEqual([[], 7])
    // Its deletion is part of a checkpoint, and a new process keeps the fence.
    await world.run(a.log.checkpoint())
    const cold = await open(world)
    expect(await commit(world, cold, [at(t, 0, 9)], { fence: 6 })).toEqual({ kind: 'fencedOut', fence: 7 })
    expect(await commit(world, b, [at(t, 0, 9)], { fence: 6 })).toEqual({ kind: 'fencedOut', fence: 7 })
    // Under the last fence it comes back, with nothing of what it had.
    expect(await commit(world, cold, [at(t, 1, 2)], { fence: 7 })).toEqual({ kind: 'committed' })
    expect(await read(world, a)).toEqual({ 1: 2 })
    expect(a.log.journal.replica.root.groups.get('g')).toMatchObject({ number, fence: 7 })

    expect(await remove(world, a)).toEqual({ kind: 'removed' })
    await nextGeneration(world, a, t)
    await passHorizon(world, a)
    expect(a.offsets.fence('g')).toBe(0)
    // Whoever was fenced off cannot be told any more, nor does it land.
    expect(await commit(world, a, [at(t, 0, 9)], { fence: 6, origin })).toEqual({ kind: 'unavailable' })
    expect(await world.run(a.offsets.raiseFence('g', 7, origin))).toEqual({ kind: 'unavailable' })
    expect(await read(world, b)).toEqual({})
    expect(await commit(world, b, [at(t, 0, 3)], { fence: 1 })).toEqual({ kind: 'committed' })
    const newest = await open(world)
    expect(await read(world, newest)).toEqual({ 0: 3 })
    expect(newest.log.journal.replica.root.groups.get('g')!.number).toBeGreaterThan(number)
  })

  it('that make an entry too long go into an object of their own', async () => {
    const world = await createWorld()
    const [a, b] = [await open(world), await open(world)]
    const t = await createTopic(world, a.log, 't', 200)
    const list = Array.from({ length: 200 }, (_, partition) => at(t, partition, partition * 1000, 'm'.repeat(100)))
    expect(await commit(world, a, list)).toEqual({ kind: 'committed' })
    expect(Math.max(...(await headOf(world)).tail.map((entry) => entry.length))).toBeLessThanOrEqual(ENTRY_BYTES_MAX)
    const bodies = await world.plain.objects.list('body', { limit: 10 })
    expect(bodies).toMatchObject({ objects: [{}] })
    expect(Object.keys(await read(world, b))).toHaveLength(200)
  })

  it('have no room when there are too many groups', async () => {
    const world = await createWorld()
    const a = await open(world)
    const t = await createTopic(world, a.log, 't', 1)
    const { root } = a.log.journal.replica
    while (root.groups.size < GROUPS_MAX) changeGroup(root, `g${root.groups.size}`, 1)
    expect(await world.run(a.offsets.raiseFence('late', 1))).toEqual({ kind: 'limit' })
    expect(await commit(world, a, [at(t, 0, 1)])).toEqual({ kind: 'limit' })
    expect(await commit(world, a, [at(t, 0, 1)], { groupId: 'g7', fence: 1 })).toEqual({ kind: 'committed' })
  })

  it('are not told by a process that has stopped serving', async () => {
    const world = await createWorld()
    const a = await open(world)
    const t = await createTopic(world, a.log, 't', 1)
    await commit(world, a, [at(t, 0, 1)])
    a.log.journal.replica.halt('for a test')
    expect(await world.run(a.offsets.committed('g'))).toEqual({ kind: 'halted' })
    expect(await commit(world, a, [at(t, 0, 2)])).toEqual({ kind: 'halted' })
    expect(await remove(world, a)).toEqual({ kind: 'halted' })
  })
})
