// A request that is sent again under its own name: whatever was lost and whichever process gets the repeat, it is written
// once, and answered with the same offset or with `unknown`.
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Ulid } from '../../../lib/base/ids.ts'
import type { AppendOnceOutcome, RequestName } from '../../../lib/log/log.ts'
import { batchOf, createTopic, createWorld, type LogProcess, type World } from '../support/world.ts'

const ID = '01JD0000000000000000000001' as Ulid
const OTHER_ID = '01JD0000000000000000000002' as Ulid

/** A frame as far as the log knows it. */
const frame = (text: string, long = false): Omit<RequestName, 'generation' | 'id'> => ({
  frameHash: createHash('sha256').update(text).digest(),
  long,
})

async function two() {
  const world = await createWorld()
  const first = await world.open()
  const topic = await createTopic(world, first.log, 't', 4)
  const second = await world.open()
  const name: RequestName = { generation: first.log.journal.origin(), id: ID, ...frame('a frame') }
  return { world, first, second, topic, name }
}

const unknown = (batches = 1): AppendOnceOutcome => ({
  kind: 'answered',
  outcomes: Array.from({ length: batches }, () => ({ kind: 'unknown' })),
})

const appendedAt = (...offsets: number[]): AppendOnceOutcome => ({
  kind: 'answered',
  outcomes: offsets.map((baseOffset) => ({ kind: 'appended', baseOffset, logStartOffset: 0 })),
})

/** What a repeat is told of batches with the timestamp that this suite gives them. */
const foundAt = (...offsets: number[]): AppendOnceOutcome => ({
  kind: 'answered',
  outcomes: offsets.map((baseOffset) => ({ kind: 'found', baseOffset, logStartOffset: 0, maxTimestamp: 1000 })),
})

async function endOf({ run }: World, { log }: LogProcess, partition = 0): Promise<number> {
  const topic = log.topicByName('t')!
  const offsets = await run(log.offsets(topic, partition))
  return offsets.kind === 'found' ? offsets.highWatermark : -1
}

describe('append once', () => {
  it('costs one put and one append, and a repeat gets the same offsets anywhere', async () => {
    const { world, first, second, topic, name } = await two()
    const batches = [batchOf(topic, 2, ['a', 'b']), batchOf(topic, 0, ['c'])]
    first.script.forget()
    expect(await world.run(first.log.appendOnce(name, batches))).toEqual(appendedAt(0, 0))
    expect(first.script.counts()).toEqual({ put: 1, append: 1 })
    expect(await world.run(second.log.appendOnce(name, batches))).toEqual(foundAt(0, 0))
    expect(await world.run(first.log.appendOnce(name, batches))).toEqual(foundAt(0, 0))
    expect(second.script.count('append')).toBe(0)
    expect([await endOf(world, second, 0), await endOf(world, second, 2)]).toEqual([1, 2])
  })

  it('finds its offset after many generations, and after a checkpoint', async () => {
    const { world, first, topic, name } = await two()
    const batches = [batchOf(topic, 0, ['a'])]
    await world.run(first.log.appendOnce(name, batches))
    for (let i = 0; i < 100; i++) await world.run(first.log.append('c', [batchOf(topic, 0, [`${i}`])]).outcomes)
    expect(first.log.journal.origin()).toBeGreaterThan(name.generation + 2)
    await world.run(first.log.checkpoint())
    const late = await world.open()
    expect(await world.run(late.log.appendOnce(name, batches))).toEqual(foundAt(0))
    expect(await endOf(world, late)).toBe(101)
  })

  it('is written once when the answer of the append was lost', async () => {
    const { world, first, second, topic, name } = await two()
    const batches = [batchOf(topic, 0, ['a'])]
    first.script.next('append', 'lost')
    expect(await world.run(first.log.appendOnce(name, batches))).toEqual(appendedAt(0))
    expect(await world.run(second.log.appendOnce(name, batches))).toEqual(foundAt(0))
    expect(await endOf(world, second)).toBe(1)
  })

  it('does not append after a put in doubt, nor do its repeats', async () => {
    for (const fault of ['lost', 'late'] as const) {
      const { world, first, second, topic, name } = await two()
      const batches = [batchOf(topic, 0, ['a'])]
      first.script.next('put', fault)
      const outcome = await world.run(first.log.appendOnce(name, batches))
      await world.run(first.script.runLate())
      const repeat = await world.run(second.log.appendOnce(name, batches))
      // A late put that the second try forestalled makes the second try the one.
      const appended = [outcome, repeat].filter(
        (o) => o.kind === 'answered' && o.outcomes.some(({ kind }) => kind === 'appended'),
      )
      expect(await endOf(world, second), fault).toBe(appended.length > 0 ? 1 : 0)
      if (fault === 'lost') expect(appended).toEqual([])
    }
  })

  it('does not say that nothing was done when the store refused every put: an earlier try may have been luckier', async () => {
    for (const isRepeat of [false, true]) {
      const { world, first, second, topic, name } = await two()
      const batches = [batchOf(topic, 0, ['a'])]
      if (isRepeat) await world.run(second.log.appendOnce(name, batches))
      first.script.next('put', 'before', 99)
      first.script.next('get', 'before', isRepeat ? 2 : 99)
      expect(await world.run(first.log.appendOnce(name, batches))).toEqual(isRepeat ? foundAt(0) : unknown())
      first.script.heal()
      expect(await world.run(first.log.appendOnce(name, batches))).toEqual(isRepeat ? foundAt(0) : appendedAt(0))
      expect(await endOf(world, second)).toBe(1)
    }
  })

  it('does not say that nothing was done when it cannot look', async () => {
    const { world, first, second, topic, name } = await two()
    const batches = [batchOf(topic, 0, ['a'])]
    for (let i = 0; i < 40; i++) await world.run(first.log.append('c', [batchOf(topic, 1, [`${i}`])]).outcomes)
    const later = { ...name, generation: first.log.journal.origin() }
    await world.run(first.log.appendOnce(later, batches))
    second.script.next('readHead', 'before', 99)
    expect(await world.run(second.log.appendOnce(later, batches))).toEqual(unknown())
    second.log.journal.replica.halt('for this test')
    expect(await world.run(second.log.appendOnce(later, batches))).toEqual(unknown())
  })

  it('waits for a first try that is under way elsewhere, and says unknown when that one never appends', async () => {
    const { world, first, second, topic, name } = await two()
    const batches = [batchOf(topic, 0, ['a'])]
    first.script.next('append', 'hold')
    const started = first.log.appendOnce(name, batches)
    await world.run(Promise.resolve())
    const repeat = second.log.appendOnce(name, batches)
    expect(await world.run(repeat, 60_000)).toEqual(unknown())
    expect(second.script.count('append')).toBe(0)
    first.script.release()
    expect(await world.run(started)).toEqual(appendedAt(0))
    expect(await world.run(second.log.appendOnce(name, batches))).toEqual(foundAt(0))
    expect(await endOf(world, second)).toBe(1)
  })

  it('is one try of two that run at the same time in two processes', async () => {
    const { world, first, second, topic, name } = await two()
    const batches = [batchOf(topic, 0, ['a'])]
    first.script.forget()
    const outcomes = await world.run(
      Promise.all([first.log.appendOnce(name, batches), second.log.appendOnce(name, batches)]),
    )
    expect(outcomes).toHaveLength(2)
    expect(outcomes).toContainEqual(appendedAt(0))
    expect(outcomes).toContainEqual(foundAt(0))
    expect(first.script.count('append') + second.script.count('append')).toBe(1)
    expect(await endOf(world, second)).toBe(1)
  })

  it('refuses a name that was used for another frame', async () => {
    const { world, first, second, topic, name } = await two()
    await world.run(first.log.appendOnce(name, [batchOf(topic, 0, ['a'])]))
    const other = { ...name, ...frame('another frame') }
    for (const { log } of [first, second]) {
      for (const batches of [[batchOf(topic, 0, ['b'])], [batchOf(topic, 1, ['a'])], [batchOf(topic, 0, ['a'])]]) {
        expect(await world.run(log.appendOnce(other, batches))).toEqual({ kind: 'reused' })
      }
    }
    expect(await endOf(world, first)).toBe(1)
    const fresh = { ...other, id: OTHER_ID }
    expect(await world.run(first.log.appendOnce(fresh, [batchOf(topic, 0, ['b'])]))).toEqual(appendedAt(1))
  })

  it('keeps apart two requests under way whose names differ in the generation only', async () => {
    const { world, first, topic, name } = await two()
    for (let i = 0; i < 40; i++) await world.run(first.log.append('c', [batchOf(topic, 1, [`${i}`])]).outcomes)
    const later = { ...name, ...frame('another frame'), generation: first.log.journal.origin() }
    expect(later.generation).toBeGreaterThan(name.generation)
    const outcomes = await world.run(
      Promise.all([
        first.log.appendOnce(name, [batchOf(topic, 0, ['a'])]),
        first.log.appendOnce(later, [batchOf(topic, 0, ['b'])]),
      ]),
    )
    expect(outcomes).toEqual([appendedAt(0), appendedAt(1)])
    // Others are not held up, and nothing is appended again and again.
    for (let i = 0; i < 40; i++) await world.run(first.log.append('c', [batchOf(topic, 1, [`${i}`])]).outcomes)
    expect(await endOf(world, first)).toBe(2)
  })

  it('refuses a generation that does not exist yet, and writes nothing below the horizon', async () => {
    const { world, first, topic, name } = await two()
    const ahead = { ...name, generation: name.generation + 5 }
    expect(await world.run(first.log.appendOnce(ahead, [batchOf(topic, 0, ['a'])]))).toEqual({ kind: 'fromTheFuture' })
    const used = { ...name, id: OTHER_ID }
    expect(await world.run(first.log.appendOnce(used, [batchOf(topic, 1, ['b'])]))).toEqual(appendedAt(0))
    for (let i = 0; i < 100; i++) await world.run(first.log.append('c', [batchOf(topic, 0, [`${i}`])]).outcomes)
    await world.run(first.log.checkpoint())
    for (let i = 0; i < 3; i++) await world.run(first.log.collect({ graceMs: -1 }))
    expect(first.log.journal.replica.root.horizon).toBeGreaterThan(name.generation)
    first.script.forget()
    expect(await world.run(first.log.appendOnce(name, [batchOf(topic, 0, ['a'])]))).toEqual(unknown())
    expect(await world.run(first.log.appendOnce(used, [batchOf(topic, 1, ['b'])]))).toEqual(foundAt(0))
    expect(first.script.count('put')).toBe(0)
  })
})

describe('append once, when topics change between two tries of one frame', () => {
  it('writes nothing twice where more batches are good than before, and says which were not written', async () => {
    for (const valueBytes of [10, 3000]) {
      const { world, first, second, topic, name } = await two()
      // Two batches of 3,000 bytes make a segment of another size class than one.
      const [a, b] = [batchOf(topic, 0, ['a'], { valueBytes }), batchOf(topic, 1, ['b'], { valueBytes })]
      expect(await world.run(first.log.appendOnce(name, [a]))).toEqual(appendedAt(0))
      expect(await world.run(second.log.appendOnce(name, [a, b]))).toEqual({
        kind: 'answered',
        outcomes: [{ kind: 'found', baseOffset: 0, logStartOffset: 0, maxTimestamp: 1000 }, { kind: 'unavailable' }],
      })
      expect([await endOf(world, second, 0), await endOf(world, second, 1)]).toEqual([1, 0])
    }
  })

  it('finds the offsets of those that are still good', async () => {
    const { world, first, second, topic, name } = await two()
    const [a, b] = [batchOf(topic, 0, ['a']), batchOf(topic, 1, ['b'])]
    await world.run(first.log.append('c', [b]).outcomes)
    expect(await world.run(first.log.appendOnce(name, [a, b]))).toEqual(appendedAt(0, 1))
    expect(await world.run(second.log.appendOnce(name, [b]))).toEqual(foundAt(1))
  })

  it('knows a frame whose batches were compressed otherwise', async () => {
    const { world, first, second, topic, name } = await two()
    await world.run(first.log.appendOnce(name, [batchOf(topic, 0, ['aaaa'])]))
    expect(await world.run(second.log.appendOnce(name, [batchOf(topic, 0, ['a'])]))).toEqual(foundAt(0))
    expect(await endOf(world, second)).toBe(1)
  })

  it('says that nothing is in a topic that was made anew', async () => {
    const { world, first, second, topic, name } = await two()
    await world.run(first.log.appendOnce(name, [batchOf(topic, 0, ['a'])]))
    await world.run(first.log.deleteTopic(topic))
    await createTopic(world, first.log, 't', 4)
    await world.run(second.log.refresh())
    const again = second.log.topicByName('t')!
    expect(again.number).not.toBe(topic.number)
    expect(await world.run(second.log.appendOnce(name, [batchOf(again, 0, ['a'])]))).toEqual({
      kind: 'answered',
      outcomes: [{ kind: 'unavailable' }],
    })
    expect(await endOf(world, second)).toBe(0)
  })

  it('refuses what its topic makes far longer than its frame', async () => {
    const { world, first, topic, name } = await two()
    const grown = [batchOf(topic, 0, ['a'], { valueBytes: 500_000 })]
    const refused = { kind: 'answered', outcomes: [{ kind: 'tooLarge' }] }
    expect(await world.run(first.log.appendOnce(name, grown))).toEqual(refused)
    expect(await world.run(first.log.appendOnce({ ...name, ...frame('long', true) }, grown))).toEqual(appendedAt(0))
  })
})
