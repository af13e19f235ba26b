// Pages: work for one that is not in memory waits, is dropped when a checkpoint covers it, and is never applied twice or
// out of order; and what a checkpoint has does not stay in memory for ever.
import { describe, expect, it } from 'vitest'
import { createPages } from '../../../lib/journal/pages.ts'
import { segmentReference } from '../../../lib/journal/state/extents.ts'
import {
  applyWork,
  asPartitionPage,
  decodePageObject,
  emptyPage,
  encodePage,
  encodePageObject,
  type Page,
  type PageVerdict,
  type PageWork,
  pageHash,
} from '../../../lib/journal/state/page.ts'
import { pageKeyOf } from '../../../lib/journal/state/page-keys.ts'
import { applyBatch, type PartitionState, readPartition } from '../../../lib/journal/state/partition-page.ts'
import { emptyRoot, encodeRoot, encodeRootObject, type PageReference } from '../../../lib/journal/state/root.ts'
import { createMemoryStores } from '../../../lib/storage/memory/memory.ts'
import { rest } from '../support/manual-clock.ts'
import { scripted } from '../support/scripted-stores.ts'

const segment = segmentReference('segment/00/1/000000000001-01HF7YAT00000000000000000V')

function workFor(topicNumber: number, partition = 0, count = 1): PageWork {
  const batches = Array.from({ length: count }, (_, i) => ({
    topicNumber,
    partition,
    start: i * 100,
    length: 100,
    recordCount: 1,
    maxTimestamp: 1,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
  }))
  return { kind: 'batches', pageKey: pageKeyOf(topicNumber, partition), from: 0, segment, batches, to: count }
}

const partitionOf = (page: Page | undefined): PartitionState => readPartition(asPartitionPage(page!), 0)!

/** Stores a checkpoint of pages in which partition 0 of topic `t` ends at `ends(t)`. */
async function storeCheckpoint(script: ReturnType<typeof scripted>, key: string, ends: ReadonlyMap<number, number>) {
  const table = new Map<string, PageReference>()
  for (const [topic, end] of ends) {
    const page = emptyPage(pageKeyOf(topic, 0))
    applyWork(page, workFor(topic, 0, end))
    const content = encodePage(page)
    await script.stores.objects.put(`page/${key}/${topic}`, [encodePageObject(content, new Map())])
    table.set(pageKeyOf(topic, 0), { key: `page/${key}/${topic}`, hash: pageHash(content) })
  }
  await script.stores.objects.put(key, [encodeRootObject(encodeRoot(emptyRoot()), table)])
}

describe('pages', () => {
  it('apply work that waited, in order, once the page is there', async () => {
    const script = scripted(createMemoryStores())
    await storeCheckpoint(script, 'root/a', new Map([[1, 5]]))
    const pages = createPages(script.stores.objects, { key: 'root/a', position: { generation: 2, index: 0 } })
    const seen: (readonly (PageVerdict | undefined)[] | undefined)[] = []
    for (let index = 0; index < 3; index++) {
      pages.apply({ generation: 2, index }, workFor(1), (_work, verdicts) => seen.push(verdicts))
    }
    expect(pages.firstPending()).toBe('1/0')
    const [page, again] = await Promise.all([pages.load('1/0'), pages.load('1/0')])
    expect(page).toBe(again)
    expect(partitionOf(page).nextOffset).toBe(8)
    expect(seen.map((verdicts) => verdicts![0])).toMatchObject([5, 6, 7].map((baseOffset) => ({ baseOffset })))
    expect(pages.firstPending()).toBeUndefined()
    pages.apply({ generation: 2, index: 3 }, workFor(1), (_work, verdicts) => seen.push(verdicts))
    expect(seen[3]).toMatchObject([{ baseOffset: 8 }])
  })

  it('read a page again when a checkpoint was accepted while it was read', async () => {
    const script = scripted(createMemoryStores())
    await storeCheckpoint(script, 'root/a', new Map([[1, 5]]))
    await storeCheckpoint(script, 'root/b', new Map([[1, 7]]))
    const pages = createPages(script.stores.objects, { key: 'root/a', position: { generation: 2, index: 0 } })
    for (let index = 0; index < 3; index++) pages.apply({ generation: 2, index }, workFor(1))
    script.next('get', 'holdAnswer', 1, ([key]) => (key as string).startsWith('page/'))
    const loading = pages.load('1/0')
    await rest()
    // It covers the first two, which are dropped; the page that is on its way does not have them.
    pages.checkpointAccepted({ key: 'root/b', position: { generation: 2, index: 2 } })
    script.release()
    expect(partitionOf(await loading).nextOffset).toBe(8)
  })

  it('tell whoever waits for a verdict when it will never be known', async () => {
    const script = scripted(createMemoryStores())
    await storeCheckpoint(script, 'root/a', new Map([[1, 5]]))
    const start = { key: 'root/a', position: { generation: 2, index: 0 } }
    for (const end of ['giveUp', 'close', 'covered', 'dropTopic'] as const) {
      const pages = createPages(script.stores.objects, start)
      const seen: unknown[] = []
      pages.apply({ generation: 2, index: 0 }, workFor(1), (_work, verdicts) => seen.push(verdicts))
      if (end === 'giveUp') pages.giveUpVerdicts('1/0')
      if (end === 'close') pages.close()
      if (end === 'covered') pages.checkpointAccepted({ key: 'root/b', position: { generation: 2, index: 1 } })
      if (end === 'dropTopic') pages.dropTopic(1)
      expect(seen, end).toEqual([undefined])
      // The work itself is still to be done where only the verdict was given up.
      if (end === 'giveUp') expect(partitionOf(await pages.load('1/0')).nextOffset).toBe(6)
      expect(seen, end).toHaveLength(1)
    }
  })

  it('cannot be loaded while the stores do not answer, and can afterwards', async () => {
    const script = scripted(createMemoryStores())
    await storeCheckpoint(script, 'root/a', new Map([[1, 5]]))
    const pages = createPages(script.stores.objects, { key: 'root/a', position: { generation: 2, index: 0 } })
    script.next('get', 'before', 1)
    expect(await pages.load('1/0')).toBeUndefined()
    script.next('get', 'before', 1, ([key]) => (key as string).startsWith('page/'))
    expect(await pages.load('1/0')).toBeUndefined()
    expect(partitionOf(await pages.load('1/0')).nextOffset).toBe(5)
  })

  it('leave memory when a checkpoint has them, the least recently used first, and come back as they were', async () => {
    const script = scripted(createMemoryStores())
    const topics = Array.from({ length: 40 }, (_, i) => i + 1)
    const pages = createPages(script.stores.objects, undefined, 16)
    for (const topic of topics) await pages.load(pageKeyOf(topic, 0))
    // Never written: an empty page is made again from nothing.
    expect(topics.filter((topic) => pages.loaded(pageKeyOf(topic, 0)) !== undefined).length).toBeLessThanOrEqual(17)
    let index = 0
    for (const topic of topics) {
      await pages.load(pageKeyOf(topic, 0))
      pages.apply({ generation: 1, index: index++ }, workFor(topic, 0, 3))
    }
    // No checkpoint has what was written since: all of it stays.
    expect(topics.every((topic) => pages.loaded(pageKeyOf(topic, 0)) !== undefined)).toBe(true)
    expect(pages.touchedSince({ generation: 1, index: 0 })).toHaveLength(40)
    await storeCheckpoint(script, 'root/a', new Map(topics.map((topic) => [topic, 3])))
    for (const topic of [3, 4, 5]) pages.loaded(pageKeyOf(topic, 0))
    pages.apply({ generation: 1, index: 50 }, workFor(40))
    pages.checkpointAccepted({ key: 'root/a', position: { generation: 1, index: 45 } })
    const kept = topics.filter((topic) => pages.touchedSince({ generation: 0, index: 0 }).includes(pageKeyOf(topic, 0)))
    // The bound, and the one that was written after the checkpoint.
    expect(kept.length).toBeLessThanOrEqual(17)
    expect(kept).toEqual(expect.arrayContaining([3, 4, 5, 40]))
    for (const topic of topics) {
      const page = await pages.load(pageKeyOf(topic, 0))
      expect(partitionOf(page).nextOffset).toBe(topic === 40 ? 4 : 3)
    }
  })

  it('round-trip through their objects', () => {
    const page = asPartitionPage(emptyPage('1/0'))
    const batch = { topicNumber: 1, start: 0, length: 100, recordCount: 1, maxTimestamp: 1 }
    for (const partition of [0, 5, 63, 64]) {
      applyBatch(page, { ...batch, partition, producerId: 9, producerEpoch: 1, baseSequence: 0 }, segment)
    }
    const content = encodePage(page)
    const decoded = asPartitionPage(decodePageObject('1/0', encodePageObject(content, new Map())))
    expect(encodePage(decoded)).toEqual(content)
    for (const partition of [0, 5, 63]) readPartition(decoded, partition)
    expect(encodePage(decoded)).toEqual(content)
  })
})
