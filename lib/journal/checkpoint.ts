// Writing a checkpoint: the pages that changed since the last accepted one, full blocks of extents that no object holds yet,
// then a root that names every page, then the entry that announces it. Only after the fold accepted that entry the head's
// `checkpoint` moves, and only forward. Two processes may try at once: the fold takes one, the other's objects are garbage.
import { assert } from '../base/assert.ts'
import type { HeadCheckpoint, ObjectKey, Stores } from '../storage/ports.ts'
import { encodeCheckpointed } from './entries/checkpointed.ts'
import { sha256 } from './entry.ts'
import { type Journal, putObject } from './journal.ts'
import { objectKey } from './object-keys.ts'
import { comparePositions, type Position, START } from './position.ts'
import { readObject } from './read-object.ts'
import { type ExtentBlock, encodeBlockObject } from './state/extents.ts'
import { asPartitionPage, decodePageObject, encodePage, encodePageObject, pageHash } from './state/page.ts'
import { livingPages } from './state/page-keys.ts'
import { blockKeys, type PartitionPage, readPartition } from './state/partition-page.ts'
import { encodeRoot, encodeRootObject, type PageKey, type PageReference, type PageTable } from './state/root.ts'

export type CheckpointOutcome =
  | { readonly kind: 'accepted'; readonly key: ObjectKey }
  /** Somebody else's came first, or nothing changed since the last. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'unavailable' }

interface StoredObject {
  readonly key: ObjectKey
  readonly bytes: Uint8Array
}

interface Snapshot {
  readonly position: Position
  readonly root: Uint8Array
  readonly pages: Map<PageKey, PageReference>
  readonly objects: StoredObject[]
  readonly blocks: { readonly block: ExtentBlock; readonly key: ObjectKey }[]
}

/** The hash of a whole state: its root, and each page's content. */
export function stateHash(root: Uint8Array, pages: PageTable): Uint8Array {
  const sorted = [...pages].sort(([a], [b]) => (a < b ? -1 : 1))
  return sha256(root, ...sorted.flatMap(([key, { hash }]) => [Buffer.from(key), hash]))
}

/** Blocks that another process's checkpoint already put into objects are not written again, and leave memory. */
async function adoptBlockKeys(
  stores: Stores,
  pageKey: PageKey,
  page: PartitionPage,
  stored: PageReference | undefined,
): Promise<void> {
  const lacking = new Map<number, ExtentBlock[]>()
  page.slots.forEach((slot, index) => {
    const blocks = slot?.state?.extents.blocks.filter((block) => block.key === undefined) ?? []
    if (blocks.length > 0) lacking.set(index, blocks)
  })
  if (lacking.size === 0 || stored === undefined) return
  const found = await readObject(stores.objects, stored.key, (bytes) => decodePageObject(pageKey, bytes))
  if (found.kind !== 'found') return
  for (const [index, blocks] of lacking) {
    // By content and not by place: blocks before these may have left the partition since.
    const theirs = readPartition(asPartitionPage(found.value), index)?.extents.blocks ?? []
    const keys = new Map(theirs.map(({ hash, key }) => [Buffer.from(hash).toString('hex'), key]))
    for (const block of blocks) {
      const key = keys.get(Buffer.from(block.hash).toString('hex'))
      if (key === undefined || block.key !== undefined) continue
      block.key = key
      block.columns = undefined
    }
  }
}

/** Names an object for each full block of a page; those that have none yet are added to the snapshot. */
function nameBlocks(
  { newId }: Journal,
  origin: number,
  page: PartitionPage,
  snapshot: Snapshot,
): Map<number, readonly ObjectKey[]> {
  const keys = new Map<number, readonly ObjectKey[]>()
  page.slots.forEach((slot, index) => {
    if (slot === undefined) return
    const blocks = slot.state?.extents.blocks ?? []
    const list = blockKeys(slot).map((key, i) => {
      if (key !== undefined) return key
      const block = blocks[i]!
      assert(block.columns !== undefined, 'a block without an object is in memory')
      const fresh = objectKey('block', origin, newId())
      snapshot.objects.push({ key: fresh, bytes: encodeBlockObject(block.columns) })
      snapshot.blocks.push({ block, key: fresh })
      return fresh
    })
    if (list.length > 0) keys.set(index, list)
  })
  return keys
}

const NO_BLOCKS: ReadonlyMap<number, readonly ObjectKey[]> = new Map()

/** Everything a checkpoint at this very position needs, taken without a pause in between. */
function takeSnapshot(journal: Journal, origin: number, since: Position, base: PageTable): Snapshot {
  const { pages: live, root } = journal.replica
  const lives = livingPages(root)
  const snapshot: Snapshot = {
    position: root.position,
    root: encodeRoot(root),
    pages: new Map([...base].filter(([key]) => lives(key))),
    objects: [],
    blocks: [],
  }
  for (const pageKey of live.touchedSince(since).filter(lives)) {
    const page = live.loaded(pageKey)
    assert(page !== undefined, 'a page with entries since the last checkpoint is in memory')
    const content = encodePage(page)
    const keys = page.kind === 'partitions' ? nameBlocks(journal, origin, page, snapshot) : NO_BLOCKS
    const key = objectKey('page', origin, journal.newId())
    snapshot.objects.push({ key, bytes: encodePageObject(content, keys) })
    snapshot.pages.set(pageKey, { key, hash: pageHash(content) })
  }
  return snapshot
}

const PUTS_AT_ONCE = 8

async function putAll(stores: Stores, objects: readonly StoredObject[]): Promise<boolean> {
  let next = 0
  let stored = true
  const work = async (): Promise<void> => {
    while (stored && next < objects.length) {
      const { key, bytes } = objects[next++]!
      if ((await putObject(stores.objects, key, [bytes])) !== 'stored') stored = false
    }
  }
  await Promise.all(Array.from({ length: PUTS_AT_ONCE }, work))
  return stored
}

/** Moves the head's checkpoint to the last accepted one, if that is newer. */
export async function moveHeadCheckpoint(journal: Journal, stores: Stores): Promise<void> {
  const { replica } = journal
  const accepted = replica.root.checkpoint
  const { head } = replica
  if (accepted === undefined || head === undefined) return
  if (head.checkpoint !== undefined && comparePositions(accepted.position, head.checkpoint) <= 0) return
  const checkpoint: HeadCheckpoint = { key: accepted.key, ...accepted.position }
  const sentAt = journal.replica.asOf
  const outcome = await stores.journal.moveCheckpoint({ incarnation: head.incarnation, checkpoint })
  if (outcome.kind === 'applied') await replica.observe(outcome.head, sentAt)
}

/** Writes a checkpoint of the state as it is now, if anything changed since the last. */
export async function writeCheckpoint(journal: Journal, stores: Stores): Promise<CheckpointOutcome> {
  const { replica } = journal
  const origin = journal.origin()
  const live = replica.pages
  const base = replica.root.checkpoint
  const table = await live.table(base)
  if (table === undefined) return { kind: 'unavailable' }
  for (const key of live.touchedSince(base?.position ?? START)) {
    const page = live.loaded(key)
    if (page?.kind === 'partitions') await adoptBlockKeys(stores, key, page, table.get(key))
  }
  // Pages with waiting work are loaded first; from the last look on, nothing may come in between.
  for (let key = live.firstPending(); key !== undefined; key = live.firstPending()) {
    if ((await live.load(key)) === undefined) return { kind: 'unavailable' }
  }
  if (replica.pages !== live || replica.root.checkpoint?.key !== base?.key) return { kind: 'stale' }
  const snapshot = takeSnapshot(journal, origin, base?.position ?? START, table)
  if (base !== undefined && comparePositions(snapshot.position, base.position) <= 0) return { kind: 'stale' }
  const key = objectKey('root', origin, journal.newId())
  if (!(await putAll(stores, snapshot.objects))) return { kind: 'unavailable' }
  const bytes = encodeRootObject(snapshot.root, snapshot.pages)
  if (!(await putAll(stores, [{ key, bytes }]))) return { kind: 'unavailable' }
  const announced = {
    key,
    position: snapshot.position,
    stateHash: stateHash(snapshot.root, snapshot.pages),
    base: base?.key,
  }
  const outcome = await journal.write('checkpointed', origin, encodeCheckpointed(announced))
  if (outcome.kind !== 'folded') return { kind: 'unavailable' }
  if (outcome.verdict.kind !== 'accepted') return { kind: 'stale' }
  for (const { block, key: blockKey } of snapshot.blocks) {
    block.key = blockKey
    block.columns = undefined
  }
  if (replica.pages === live) live.rememberTable(key, snapshot.pages)
  await moveHeadCheckpoint(journal, stores)
  return { kind: 'accepted', key }
}

/** Position and hash of the whole state as it is in this replica; undefined when a page cannot be loaded. For checks. */
export async function hashState(
  journal: Journal,
): Promise<{ readonly position: Position; readonly hash: Uint8Array } | undefined> {
  const live = journal.replica.pages
  const table = await live.table(live.source)
  if (table === undefined) return undefined
  for (let key = live.firstPending(); key !== undefined; key = live.firstPending()) {
    if ((await live.load(key)) === undefined) return undefined
  }
  const { root } = journal.replica
  if (journal.replica.pages !== live) return undefined
  const lives = livingPages(root)
  const pages = new Map([...table].filter(([key]) => lives(key)))
  for (const key of live.touchedSince(live.source?.position ?? START).filter(lives)) {
    const page = live.loaded(key)
    assert(page !== undefined, 'a touched page without waiting work is in memory')
    pages.set(key, { key: '', hash: pageHash(encodePage(page)) })
  }
  return { position: root.position, hash: stateHash(encodeRoot(root), pages) }
}
