// Who waits: woken by what they wait for and by nothing else, one poller for all of them, and nothing left behind.
import { describe, expect, it } from 'vitest'
import { createWaiters } from '../../../lib/log/waiters.ts'
import { appendNamed } from '../support/journal-facts.ts'
import { createWorld } from '../support/world.ts'

async function start() {
  const world = await createWorld()
  const { journal, script } = await world.openJournal()
  const waiters = createWaiters(() => journal.replica, script.stores.journal, world.clock)
  script.forget()
  return { world, journal, script, waiters }
}

describe('waiters', () => {
  it('wake those of a partition, of a topic, or all', async () => {
    const { world, waiters } = await start()
    const woken: string[] = []
    const ends = [
      waiters.wait([{ topicNumber: 1, partition: 0 }], () => woken.push('1/0')),
      waiters.wait([{ topicNumber: 1, partition: 1 }], () => woken.push('1/1')),
      waiters.wait(
        [
          { topicNumber: 2, partition: 0 },
          { topicNumber: 1, partition: 1 },
        ],
        () => woken.push('both'),
      ),
    ]
    const take = (): string[] => woken.splice(0).sort()
    waiters.advanced(1, 0)
    expect(take()).toEqual(['1/0'])
    waiters.advanced(1, 1)
    expect(take()).toEqual(['1/1', 'both'])
    waiters.advanced(3, 0)
    expect(take()).toEqual([])
    waiters.topicDeleted(2)
    expect(take()).toEqual(['both'])
    ends[2]!()
    ends[2]!()
    waiters.advanced(2, 0)
    waiters.wakeAll()
    expect(take()).toEqual(['1/0', '1/1'])
    for (const end of ends) end()
    waiters.wakeAll()
    expect(take()).toEqual([])
    expect(world.clock.timers).toBe(0)
  })

  it('may end their wait, or begin another, while they are woken', async () => {
    const { waiters, world } = await start()
    let woken = 0
    let end = (): void => {}
    const again = (): void => {
      woken++
      end()
      end = waiters.wait([{ topicNumber: 1, partition: 0 }], again)
    }
    end = waiters.wait([{ topicNumber: 1, partition: 0 }], again)
    for (let i = 1; i <= 3; i++) {
      waiters.advanced(1, 0)
      expect(woken).toBe(i)
    }
    end()
    expect(world.clock.timers).toBe(0)
  })

  it('are polled for once for all, from 20 ms to 250 ms, and at the fastest again when something came', async () => {
    const { world, script, waiters } = await start()
    const other = await world.openJournal()
    await world.clock.advance(1000)
    const ends = Array.from({ length: 10 }, (_, partition) => waiters.wait([{ topicNumber: 1, partition }], () => {}))
    const pollsIn = async (ms: number): Promise<number> => {
      script.forget()
      await world.clock.advance(ms)
      return script.count('readHead')
    }
    expect(await pollsIn(150)).toBe(3) // at 20, 60, 140
    await pollsIn(2000)
    expect(await pollsIn(1000)).toBe(4)
    await appendNamed(other.journal, 'a')
    // The poll that finds it comes within 250 ms; the next ones 20, 60 and 140 ms after it.
    expect(await pollsIn(400)).toBeGreaterThanOrEqual(4)
    for (const end of ends) end()
    expect(await pollsIn(5000)).toBe(0)
  })

  it('leave the head alone while own appends tell what is new', async () => {
    const { world, journal, script, waiters } = await start()
    const end = waiters.wait([{ topicNumber: 1, partition: 0 }], () => {})
    for (let i = 0; i < 100; i++) {
      await world.run(appendNamed(journal, `a${i}`))
      await world.clock.advance(5)
    }
    expect(script.count('readHead')).toBeLessThanOrEqual(2)
    end()
  })

  it('stop watching a store that tells of changes when nobody waits', async () => {
    const world = await createWorld()
    const { journal } = await world.openJournal()
    let watching = 0
    const store = {
      ...world.plain.journal,
      watch: () => {
        watching++
        return () => watching--
      },
    }
    const waiters = createWaiters(() => journal.replica, store, world.clock)
    const one = waiters.wait([{ topicNumber: 1, partition: 0 }], () => {})
    const two = waiters.wait([{ topicNumber: 1, partition: 0 }], () => {})
    expect([watching, world.clock.timers]).toEqual([1, 0])
    one()
    expect(watching).toBe(1)
    two()
    expect(watching).toBe(0)
  })
})
