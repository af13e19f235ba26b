// Processes and handles on one directory: each notices the others' appends within milliseconds, sees them when it is told,
// and none loses anything when all append at once.
import { describe, expect, it } from 'vitest'
import { openEmbeddedStores } from '../../../../lib/storage/embedded/embedded.ts'
import type { JournalStore } from '../../../../lib/storage/ports.ts'
import { bytesOf, headOf, must, textsOf } from '../../../contract/place.ts'
import { useProcesses } from './processes.ts'

/** Resolves with the time when the tail holds `text`, looking only when the journal says that it changed. */
function seen(journal: JournalStore, text: string): Promise<number> {
  return new Promise((resolve) => {
    const stop = journal.watch!(async () => {
      const { tail, sealed } = must(await journal.readHead(), 'found').head
      if (!textsOf([...sealed, ...tail]).includes(text)) return
      stop()
      resolve(performance.now())
    })
  })
}

describe('watching an embedded journal', () => {
  const { directory, start } = useProcesses()

  it('tells of appends by another process soon, and a read then shows them', async () => {
    const dir = await directory()
    const { stores } = must(await openEmbeddedStores({ dir }), 'opened')
    const child = start('append', dir)
    await child.line()
    const delaysMs: number[] = []
    for (let i = 0; i < 30; i++) {
      const text = `entry ${i}`
      const noticed = seen(stores.journal, text)
      child.process.stdin.write(`${text}\n`)
      expect(await child.line()).toBe(`${text} applied`)
      const acknowledgedMs = performance.now()
      delaysMs.push((await noticed) - acknowledgedMs)
    }
    delaysMs.sort((a, b) => a - b)
    expect(delaysMs[15]!).toBeLessThan(50)
    await stores.close()
  })

  it('tells other handles of this process, and not the one that appended', async () => {
    const dir = await directory()
    const a = must(await openEmbeddedStores({ dir }), 'opened').stores
    const b = must(await openEmbeddedStores({ dir }), 'opened').stores
    const head = await headOf(a.journal)
    let told = 0
    const stop = a.journal.watch!(() => told++)
    const noticed = seen(b.journal, 'x')
    must(await a.journal.append({ ...head, entries: [bytesOf('x')] }), 'applied')
    await noticed
    // Its own watcher would have been told by now: `b` looks no earlier than `a`.
    const again = seen(a.journal, 'y')
    must(await b.journal.append({ ...head, entries: [bytesOf('y')] }), 'applied')
    await again
    expect(told).toBe(1)
    stop()
    await a.close()
    await b.close()
  })

  it('loses and doubles nothing when processes append at once', async () => {
    const dir = await directory()
    const { stores } = must(await openEmbeddedStores({ dir }), 'opened')
    const children = [start('append', dir), start('append', dir)]
    for (const child of children) await child.line()
    const TIMES = 25
    await Promise.all(
      children.map(async (child, c) => {
        for (let i = 0; i < TIMES; i++) {
          child.process.stdin.write(`${c}:${i}\n`)
          expect(await child.line()).toBe(`${c}:${i} applied`)
        }
      }),
    )
    const head = await headOf(stores.journal)
    const { chunks } = must(await stores.journal.readChunks(1, head.generation), 'found')
    const entries = chunks.flatMap(({ bytes }) => Buffer.from(bytes).toString().split(','))
    entries.push(...textsOf(head.sealed), ...textsOf(head.tail))
    expect(entries.length).toBe(2 * TIMES)
    for (const c of [0, 1]) {
      const own = entries.filter((text) => text.startsWith(`${c}:`))
      expect(own).toEqual(Array.from({ length: TIMES }, (_, i) => `${c}:${i}`))
    }
    await stores.close()
  })
})
