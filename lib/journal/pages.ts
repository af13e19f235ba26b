// The pages of a replica: which are in memory, what those that are not still have to apply, and how one is loaded from the
// last accepted checkpoint. Work for a page in memory is applied at once; other work waits, and is dropped when a newer
// checkpoint that covers it is accepted, since the page is then loaded from that one instead.
import { assert } from '../base/assert.ts'
import { PAGES_IN_MEMORY_MAX } from '../base/limits.ts'
import type { ObjectKey, ObjectStore } from '../storage/ports.ts'
import type { Settle } from './page-verdicts.ts'
import { comparePositions, type Position, START } from './position.ts'
import { readObject } from './read-object.ts'
import { applyWork, decodePageObject, emptyPage, type Page, type PageWork } from './state/page.ts'
import { type AcceptedCheckpoint, decodeRootObject, type PageKey, type PageTable } from './state/root.ts'

interface PendingWork {
  readonly position: Position
  readonly work: PageWork
  readonly settle: Settle | undefined
}

interface PageSlot {
  page: Page | undefined
  /** In journal order; only while `page` is undefined. */
  pending: PendingWork[]
  loading: Promise<Page | undefined> | undefined
  /** Position of the last entry that concerned this page. */
  touched: Position
  /** Rises with each use; the least recently used pages leave memory first. */
  used: number
}

export interface Pages {
  /** Hands a page its part of the entry at `position`. */
  apply(position: Position, work: PageWork, settle?: Settle): void
  /** The page, loaded if need be; undefined when the stores do not answer. */
  load(key: PageKey): Promise<Page | undefined>
  loaded(key: PageKey): Page | undefined
  /** Whoever waits for verdicts of a page that cannot be loaded now learns that they are unknown. */
  giveUpVerdicts(key: PageKey): void
  /** Drops what a newer accepted checkpoint covers. */
  checkpointAccepted(checkpoint: PageSource): void
  /** Tells where the pages of a checkpoint that this process wrote or read lie. */
  rememberTable(key: ObjectKey, table: PageTable): void
  table(checkpoint: PageSource | undefined): Promise<PageTable | undefined>
  /** Where pages are loaded from: the newest accepted checkpoint that is known here. */
  readonly source: PageSource | undefined
  dropTopic(topicNumber: number): void
  /** Ends the use of these pages: verdicts that still wait will never be known here. */
  close(): void
  /** Pages with entries since `position`: what the next checkpoint writes anew. */
  touchedSince(position: Position): PageKey[]
  /** A page that is not in memory and has work waiting, if there is one. */
  firstPending(): PageKey | undefined
}

const NOWHERE: Position = { generation: 0, index: 0 }

/** A checkpoint that pages can be loaded from. */
export type PageSource = Pick<AcceptedCheckpoint, 'key' | 'position'>

/** `start` is the checkpoint that the replica began with; undefined for an empty state. */
export function createPages(
  objects: ObjectStore,
  start: PageSource | undefined,
  pagesMax = PAGES_IN_MEMORY_MAX,
): Pages {
  const slots = new Map<PageKey, PageSlot>()
  let source = start
  let uses = 0
  let known: { readonly key: ObjectKey; readonly table: PageTable } | undefined

  function slotOf(key: PageKey): PageSlot {
    let slot = slots.get(key)
    if (slot === undefined) {
      slot = { page: undefined, pending: [], loading: undefined, touched: NOWHERE, used: 0 }
      slots.set(key, slot)
    }
    return slot
  }

  function applyTo(page: Page, { work, settle }: PendingWork): void {
    const verdicts = applyWork(page, work)
    settle?.(work, verdicts)
  }

  function drop(key: PageKey): void {
    const slot = slots.get(key)
    slots.delete(key)
    for (const { work, settle } of slot?.pending ?? []) settle?.(work, undefined)
  }

  /** Pages that the checkpoint holds as they are can be loaded again: the least recently used go beyond the bound. */
  function evict(): void {
    if (slots.size <= pagesMax) return
    const covered = source?.position ?? START
    const clean = [...slots].filter(
      ([, { loading, pending, touched }]) =>
        loading === undefined && pending.length === 0 && comparePositions(touched, covered) < 0,
    )
    const excess = clean.length - pagesMax
    if (excess <= 0) return
    clean.sort(([, a], [, b]) => a.used - b.used)
    for (const [key] of clean.slice(0, excess)) slots.delete(key)
  }

  async function table(checkpoint: PageSource | undefined): Promise<PageTable | undefined> {
    if (checkpoint === undefined) return new Map()
    if (known?.key === checkpoint.key) return known.table
    const found = await readObject(objects, checkpoint.key, (bytes) => decodeRootObject(bytes).pages)
    if (found.kind !== 'found') return undefined
    if (source?.key === checkpoint.key) known = { key: checkpoint.key, table: found.value }
    return found.value
  }

  async function fetchPage(key: PageKey, checkpoint: PageSource | undefined): Promise<Page | undefined> {
    const pages = await table(checkpoint)
    const reference = pages?.get(key)
    if (pages === undefined) return undefined
    if (reference === undefined) return emptyPage(key)
    const found = await readObject(objects, reference.key, (bytes) => decodePageObject(key, bytes))
    return found.kind === 'found' ? found.value : undefined
  }

  /** A checkpoint accepted meanwhile took away work that the page read before it would need: then read again. */
  async function loadSlot(key: PageKey, slot: PageSlot): Promise<Page | undefined> {
    for (let tries = 0; tries < 8; tries++) {
      const checkpoint = source
      const page = await fetchPage(key, checkpoint)
      if (slots.get(key) !== slot) return undefined
      if (source?.key !== checkpoint?.key) continue
      if (page === undefined) return undefined
      for (const pending of slot.pending) applyTo(page, pending)
      slot.pending = []
      slot.page = page
      return page
    }
    return undefined
  }

  return {
    apply(position, work, settle) {
      const slot = slotOf(work.pageKey)
      assert(comparePositions(slot.touched, position) < 0, 'a page is given each entry once, in order')
      slot.touched = position
      const pending = { position, work, settle }
      if (slot.page !== undefined) applyTo(slot.page, pending)
      else slot.pending.push(pending)
    },
    load(key) {
      const slot = slotOf(key)
      if (slot.page !== undefined) return Promise.resolve(slot.page)
      slot.used = ++uses
      slot.loading ??= loadSlot(key, slot).finally(() => {
        slot.loading = undefined
        // Readers alone load pages too, while nothing is written and no checkpoint is made.
        evict()
      })
      return slot.loading
    },
    loaded(key) {
      const slot = slots.get(key)
      if (slot !== undefined) slot.used = ++uses
      return slot?.page
    },
    giveUpVerdicts(key) {
      const slot = slots.get(key)
      if (slot === undefined || slot.page !== undefined) return
      const waiting = slot.pending
      slot.pending = waiting.map((pending) => ({ ...pending, settle: undefined }))
      for (const { work, settle } of waiting) settle?.(work, undefined)
    },
    checkpointAccepted(checkpoint) {
      if (source !== undefined && comparePositions(checkpoint.position, source.position) <= 0) return
      source = checkpoint
      for (const slot of slots.values()) {
        const covered = slot.pending.filter(({ position }) => comparePositions(position, checkpoint.position) < 0)
        slot.pending = slot.pending.slice(covered.length)
        for (const { work, settle } of covered) settle?.(work, undefined)
      }
      evict()
    },
    rememberTable(key, pages) {
      known = { key, table: pages }
    },
    table,
    get source() {
      return source
    },
    dropTopic(topicNumber) {
      const prefix = `${topicNumber}/`
      for (const key of slots.keys()) if (key.startsWith(prefix)) drop(key)
    },
    close() {
      for (const key of slots.keys()) drop(key)
    },
    touchedSince: (position) =>
      [...slots].filter(([, slot]) => comparePositions(slot.touched, position) >= 0).map(([key]) => key),
    firstPending() {
      for (const [key, slot] of slots) if (slot.pending.length > 0) return key
      return undefined
    },
  }
}
