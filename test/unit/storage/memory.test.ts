// What the memory adapter adds to the contract: handles that hear of each other's changes, an incarnation that can be
// raised, and handles that refuse to work after they were closed.
import { describe, expect, it } from 'vitest'
import { createMemoryBackend } from '../../../lib/storage/memory/memory.ts'

const entry = (text: string) => ({ generation: 1, incarnation: 1, entries: [new TextEncoder().encode(text)] })

describe('memory stores', () => {
  it('tell other handles of a change, and not the one that made it', async () => {
    const backend = createMemoryBackend()
    const [one, other] = [backend.open(), backend.open()]
    await one.journal.init()
    const told: string[] = []
    const stopOne = one.journal.watch!(() => told.push('one'))
    const stopOther = other.journal.watch!(() => told.push('other'))
    await one.journal.append(entry('a'))
    expect(told).toEqual(['other'])
    await other.journal.append(entry('b'))
    expect(told).toEqual(['other', 'one'])
    await other.journal.append(entry('b'))
    stopOther()
    await one.journal.append(entry('c'))
    expect(told).toEqual(['other', 'one'])
    stopOne()
  })

  it('refuse the old incarnation after it was raised', async () => {
    const backend = createMemoryBackend()
    const { journal } = backend.open()
    await journal.init()
    backend.raiseIncarnation()
    expect((await journal.append(entry('a'))).kind).toBe('rejected')
    expect((await journal.append({ ...entry('a'), incarnation: 2 })).kind).toBe('applied')
  })

  it('answer `unavailable` through a closed handle only', async () => {
    const backend = createMemoryBackend()
    const [one, other] = [backend.open(), backend.open()]
    await one.journal.init()
    await one.close()
    await one.close()
    const calls = [
      one.journal.readHead(),
      one.journal.append(entry('a')),
      one.journal.readChunks(1, 2),
      one.objects.get('tiny/00/1/1-A'),
      one.documents.get('groups/a'),
    ]
    for (const outcome of await Promise.all(calls)) expect(outcome.kind).toBe('unavailable')
    expect((await other.journal.append(entry('a'))).kind).toBe('applied')
  })
})
