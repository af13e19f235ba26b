// One run of maintenance on memory stores: what it finishes, what it writes when, what it deletes and forgets, that two at
// once do no harm, and that it ends in time.
import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../../lib/base/logger.ts'
import { type MaintainOutcome, maintain, storesUntil } from '../../../lib/http/maintain.ts'
import { ANSWERS, ANSWERS_KEPT_MS } from '../../../lib/http/remembered-answers.ts'
import { hashState } from '../../../lib/journal/checkpoint.ts'
import { runJobs } from '../../../lib/log/maintenance.ts'
import { batchOf, createTopic, createWorld, type LogProcess, readAll } from '../support/world.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

async function scene() {
  const world = await createWorld()
  const writer = await world.open()
  const topic = await createTopic(world, writer.log, 't')
  const janitor = await world.open()
  return { world, writer, topic, janitor }
}
type Scene = Awaited<ReturnType<typeof scene>>

function run({ world, janitor }: Scene, options = {}, remainingMs = 5 * MINUTE_MS): Promise<MaintainOutcome> {
  const { log, script } = janitor
  const ports = { log, stores: script.stores, clock: world.clock, logger: silentLogger, ...options }
  return world.run(maintain(ports, remainingMs))
}

async function append({ world, writer, topic }: Scene, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const [outcome] = await world.run(writer.log.append('c', [batchOf(topic, 0, [`${i}`])]).outcomes)
    expect(outcome?.kind).toBe('appended')
  }
}

const headOf = ({ log }: LogProcess) => log.journal.replica.head!

describe('maintenance', () => {
  it('finishes a seal that its writer left', async () => {
    const it = await scene()
    // The writer begins the seal and never comes to put the chunk.
    it.writer.script.next('putChunk', 'before', 100)
    await append(it, 20)
    await it.world.run(it.writer.log.refresh())
    expect(headOf(it.writer).sealed.length).toBeGreaterThan(0)
    expect(await run(it)).toMatchObject({ kind: 'done', sealed: true })
    expect(headOf(it.janitor).sealed).toEqual([])
    expect(await run(it)).toMatchObject({ kind: 'done', sealed: false })
    const late = await it.world.open()
    expect(await readAll(it.world, late.log, it.topic)).toHaveLength(20)
  })

  it('begins the seal that is due', async () => {
    const it = await scene()
    it.writer.script.next('beginSeal', 'before', 100)
    await append(it, 20)
    expect(headOf(it.writer).tail.length).toBeGreaterThan(16)
    expect(await run(it)).toMatchObject({ sealed: true })
    expect(headOf(it.janitor)).toMatchObject({ tail: [], sealed: [] })
  })

  it('writes a checkpoint when one is due, and only then', async () => {
    const it = await scene()
    await append(it, 30)
    expect(await run(it, { checkpointEntries: 100 })).toMatchObject({ checkpoint: 'notDue' })
    expect(await run(it, { checkpointEntries: 30 })).toMatchObject({ checkpoint: 'accepted' })
    expect(await run(it, { checkpointEntries: 30 })).toMatchObject({ checkpoint: 'notDue' })
    expect(headOf(it.janitor).checkpoint).toBeDefined()
    const late = await it.world.open()
    await it.world.run(it.writer.log.refresh())
    const [mine, other] = await it.world.run(
      Promise.all([hashState(it.writer.log.journal), hashState(late.log.journal)]),
    )
    expect(other).toEqual(mine)
  })

  it('collects garbage under the lease that a gateway takes too', async () => {
    const it = await scene()
    await append(it, 40)
    await it.world.run(it.janitor.log.refresh())
    await it.world.run(it.janitor.log.checkpoint())
    expect(await run(it)).toMatchObject({ collection: 'nothing' })
    expect(await run(it)).toMatchObject({ collection: 'held' })
    await it.world.clock.advance(2 * HOUR_MS)
    await append(it, 5)
    expect(await run(it)).toMatchObject({ collection: 'collected' })
    const { world, writer } = it
    const gateway = { log: writer.log, stores: writer.script.stores, clock: world.clock, logger: silentLogger }
    expect(await world.run(runJobs(gateway))).toEqual({ kind: 'held' })
    await world.clock.advance(HOUR_MS)
    expect((await world.run(runJobs(gateway))).kind).not.toBe('held')
    expect(await readAll(world, (await world.open()).log, it.topic)).toHaveLength(45)
  })

  it('forgets answers after an hour, and what nobody can read', async () => {
    const it = await scene()
    const { documents } = it.world.plain
    const keep = async (name: string, ageMs: number): Promise<void> => {
      const body = JSON.stringify({ at: it.world.clock.now() - ageMs, by: 'x', frame: 'y' })
      await documents.put(`${ANSWERS}/${name}`, Buffer.from(body), 0)
    }
    await keep('old', ANSWERS_KEPT_MS + 1)
    await keep('young', ANSWERS_KEPT_MS - 1)
    await documents.put(`${ANSWERS}/broken`, Buffer.from('{'), 0)
    expect(await run(it)).toMatchObject({ forgotten: 2 })
    const left = await documents.list(ANSWERS)
    expect(left.kind === 'found' && left.documents.map(({ key }) => key)).toEqual([`${ANSWERS}/young`])
  })

  it('may run twice at once', async () => {
    const it = await scene()
    await append(it, 60)
    const other: Scene = { ...it, janitor: await it.world.open() }
    const ports = ({ janitor, world }: Scene) => ({
      log: janitor.log,
      stores: janitor.script.stores,
      clock: world.clock,
      logger: silentLogger,
      checkpointEntries: 10,
      everyMs: 0,
      graceMs: -1,
    })
    const both = Promise.all([maintain(ports(it), HOUR_MS), maintain(ports(other), HOUR_MS)])
    for (const outcome of await it.world.run(both)) expect(outcome.kind).toBe('done')
    // Without a grace period a writer must have seen the new horizon.
    await it.world.run(it.writer.log.refresh())
    await append(it, 10)
    expect(await readAll(it.world, (await it.world.open()).log, it.topic)).toHaveLength(70)
    expect([...it.janitor.halted, ...other.janitor.halted, ...it.writer.halted]).toEqual([])
  })

  it('says when it could not look at the journal', async () => {
    const it = await scene()
    it.janitor.script.next('readHead', 'before', 100)
    expect(await run(it)).toEqual({ kind: 'unavailable' })
  })

  it('begins no further call once its time is over', async () => {
    const it = await scene()
    await append(it, 40)
    const { janitor, world } = it
    janitor.script.forget()
    expect(await run(it, { checkpointEntries: 10 }, 0)).toMatchObject({
      kind: 'done',
      checkpoint: 'unavailable',
      collection: 'held',
    })
    expect(janitor.script.count('put', 'list', 'delete', 'beginSeal', 'putChunk')).toBe(0)
    const until = storesUntil(janitor.script.stores, world.clock, world.clock.monotonic() + 10)
    expect((await until.journal.readHead()).kind).toBe('found')
    await world.clock.advance(10)
    expect((await until.journal.readHead()).kind).toBe('unavailable')
  })
})
