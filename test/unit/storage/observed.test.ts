// Observed stores report every call once, with its outcome, duration and size, and change nothing about the answers.
import { describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../../lib/base/clock.ts'
import { createMemoryStores } from '../../../lib/storage/memory/memory.ts'
import { observeStores, type StoreCall } from '../../../lib/storage/observed.ts'

/** A clock that goes on by one millisecond with each look. */
function steppingClock(): Clock {
  let t = 0
  return { ...systemClock, monotonic: () => t++ }
}

describe('observeStores', () => {
  it('reports store, operation, outcome, duration and size of each call', async () => {
    const calls: StoreCall[] = []
    const { journal, objects, documents } = observeStores(
      createMemoryStores(),
      (call) => calls.push(call),
      steppingClock(),
    )
    const key = 'tiny/00/1/000000000001-A'
    await journal.init()
    await journal.append({ generation: 1, incarnation: 1, entries: [new Uint8Array(3), new Uint8Array(4)] })
    await journal.append({ generation: 2, incarnation: 1, entries: [new Uint8Array(5)] })
    await objects.put(key, [new Uint8Array(10), new Uint8Array(20)])
    await objects.get(key, { start: 0, end: 12 })
    await objects.get('tiny/00/1/000000000001-B')
    await documents.put('groups/a', new Uint8Array(6), 0)
    await documents.put('groups/a', new Uint8Array(6), 0)
    const told = calls.map(({ store, operation, outcome, bytes }) => `${store}.${operation} ${outcome} ${bytes ?? '-'}`)
    expect(told).toEqual([
      'journal.init applied -',
      'journal.append applied 7',
      'journal.append rejected 5',
      'objects.put applied 30',
      'objects.get found 12',
      'objects.get missing -',
      'documents.put applied 6',
      'documents.put conflict 6',
    ])
    expect(calls.every((call) => call.durationMs === 1)).toBe(true)
  })

  it('passes on whether reads are cheap', () => {
    const inner = createMemoryStores()
    const observed = (readsAreCheap: boolean) =>
      observeStores({ ...inner, objects: { ...inner.objects, readsAreCheap } }, () => {}, systemClock).objects
    expect([observed(true), observed(false)].map((objects) => objects.readsAreCheap)).toEqual([true, false])
    expect(observeStores(inner, () => {}, systemClock).objects.readsAreCheap).toBeUndefined()
  })

  it('reports a call that throws, and lets it throw', async () => {
    const calls: StoreCall[] = []
    const { journal } = observeStores(createMemoryStores(), (call) => calls.push(call), systemClock)
    await journal.init()
    await expect(journal.append({ generation: 1, incarnation: 1, entries: [] })).rejects.toThrow('1 to 64 entries')
    expect(calls.map((call) => call.outcome)).toEqual(['applied', 'threw'])
  })

  it('has `watch` only where the adapter has it', async () => {
    const stores = createMemoryStores()
    const { watch: _, ...polled } = stores.journal
    expect(observeStores(stores, () => undefined, systemClock).journal.watch).toBeTypeOf('function')
    expect('watch' in observeStores({ ...stores, journal: polled }, () => undefined, systemClock).journal).toBe(false)
  })
})
