// Reading ahead: where reads are cheap, the next answer of a client that is served alone comes from the cache. Nowhere else,
// for nobody who is gone, and within the memory of fetches.
import { describe, expect, test } from 'vitest'
import { openLog } from '../../../lib/log/open-log.ts'
import { inlineCompression } from '../../../lib/wire/native-compression.ts'
import { rest, seededRandom } from '../support/manual-clock.ts'
import { scripted } from '../support/scripted-stores.ts'
import { batchOf, createTopic, createWorld, fetchRequest, offsetsIn } from '../support/world.ts'

/** Eight batches of 1 KiB, two to an answer, read by a process that wrote none of them. */
async function reading({ readsAreCheap = true } = {}) {
  const world = await createWorld()
  const writer = await world.open()
  const topic = await createTopic(world, writer.log, 't')
  for (let i = 0; i < 8; i++) {
    await world.run(writer.log.append('c', [batchOf(topic, 0, ['x'], { valueBytes: 1024 })]).outcomes)
  }
  const script = scripted(world.backend.open())
  const opened = await world.run(
    openLog({
      stores: { ...script.stores, objects: { ...script.stores.objects, readsAreCheap } },
      clock: world.clock,
      random: seededRandom(99),
      compression: inlineCompression,
      onHalt: () => {},
    }),
  )
  if (opened.kind !== 'opened') throw new Error(opened.kind)
  const { log } = opened
  /** Reads from an offset; `giveBack` is what the door calls when it has written the answer. */
  const fetch = async (offset: number, signal = new AbortController().signal) => {
    let giveBack = (): void => {}
    const getsBefore = script.count('get')
    const request = fetchRequest([{ topic, offset, bytesMax: 2500 }], { signal })
    const [outcome] = await world.run(log.fetch({ ...request, takeOver: (release) => (giveBack = release) }))
    return { offsets: offsetsIn(outcome), gets: script.count('get') - getsBefore, giveBack: () => giveBack() }
  }
  return { world, log, script, fetch }
}

describe('reading ahead', () => {
  test('gets the next answer while the client works on the last', async () => {
    const { log, script, fetch } = await reading()
    const first = await fetch(0)
    expect(first.offsets).toEqual([0, 1])
    expect(first.gets).toBe(2)
    first.giveBack()
    await rest(20)
    expect(script.count('get')).toBe(4)
    expect(log.fetchMemory.usedBytes).toBe(0)
    const second = await fetch(2)
    expect(second.offsets).toEqual([2, 3])
    expect(second.gets).toBe(0)
  })

  test('does nothing at the end', async () => {
    const { script, fetch } = await reading()
    const last = await fetch(6)
    last.giveBack()
    await rest(20)
    expect([last.gets, script.count('get')]).toEqual([2, 2])
  })

  test('does nothing where a read costs something', async () => {
    const { script, fetch } = await reading({ readsAreCheap: false })
    const first = await fetch(0)
    first.giveBack()
    await rest(20)
    expect(script.count('get')).toBe(2)
  })

  test('does nothing for a client that is gone', async () => {
    const { script, fetch } = await reading()
    const client = new AbortController()
    const first = await fetch(0, client.signal)
    client.abort()
    first.giveBack()
    await rest(20)
    expect(script.count('get')).toBe(2)
  })

  test('does nothing while another answer is on its way', async () => {
    const { script, fetch } = await reading()
    const [first, other] = [await fetch(0), await fetch(4)]
    first.giveBack()
    await rest(20)
    expect(script.count('get')).toBe(4)
    other.giveBack()
    await rest(20)
    expect(script.count('get')).toBe(6)
  })
})
