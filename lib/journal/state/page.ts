// A page: the unit in which the state beyond the root is loaded, changed and stored, of partitions or of groups (its key says
// which). It depends only on itself and on what it is given: an entry is applied to the root first, which yields for each
// page what that page has to apply. So no page need be in memory before somebody asks for it.
import { assert } from '../../base/assert.ts'
import { ByteReader, ByteWriter, openObject, StoredBytesError, sealObject } from '../../base/bytes.ts'
import { PAGE_GROUPS, PAGE_PARTITIONS } from '../../base/limits.ts'
import type { ObjectKey } from '../../storage/ports.ts'
import { sha256 } from '../entry.ts'
import { applyToGroups, encodeGroup, type GroupPage, type GroupWork, type OffsetVerdict } from './group-page.ts'
import { isGroupPageKey } from './page-keys.ts'
import {
  applyToPartitions,
  type BatchVerdict,
  encodePartition,
  type PartitionPage,
  type PartitionWork,
  type TrimVerdict,
} from './partition-page.ts'
import type { PageKey } from './root.ts'
import { decodeSlots, encodeSlots } from './slots.ts'

export type Page = PartitionPage | GroupPage

/** What one page has to apply of one entry. `from` is the place of its first verdict among those of the entry. */
export type PageWork = PartitionWork | GroupWork

/** What a page decided about one part of an entry. */
export type PageVerdict = BatchVerdict | TrimVerdict | OffsetVerdict

export const emptyPage = (key: PageKey): Page =>
  isGroupPageKey(key) ? { kind: 'groups', slots: [] } : { kind: 'partitions', slots: [] }

export function asPartitionPage(page: Page): PartitionPage {
  assert(page.kind === 'partitions', 'partitions lie in pages of partitions')
  return page
}
export function asGroupPage(page: Page): GroupPage {
  assert(page.kind === 'groups', 'groups lie in pages of groups')
  return page
}

/** Applies what the page is given of an entry. No verdict where the root has given one, or nobody asks for one. */
export function applyWork(page: Page, work: PageWork): readonly (PageVerdict | undefined)[] {
  switch (work.kind) {
    case 'batches':
    case 'trim':
      return applyToPartitions(asPartitionPage(page), work)
    default:
      return applyToGroups(asGroupPage(page), work)
  }
}

/** The page's content without block keys: the same bytes for the same state. */
export function encodePage(page: Page): Uint8Array {
  return page.kind === 'groups' ? encodeSlots(page.slots, encodeGroup) : encodeSlots(page.slots, encodePartition)
}

export const pageHash = (content: Uint8Array): Uint8Array => sha256(content)

const MAGIC = 'TLP1'

/** A stored page: its content, and the object of each block, partition by partition. */
export function encodePageObject(content: Uint8Array, keys: ReadonlyMap<number, readonly ObjectKey[]>): Uint8Array {
  const writer = new ByteWriter(content.length + 64).bytes(content).varint(keys.size)
  for (const [index, list] of keys) {
    writer.varint(index).varint(list.length)
    for (const key of list) writer.string(key)
  }
  return sealObject(MAGIC, writer.finish())
}

/** The page that `key` names, from the object that a checkpoint put it into. */
export function decodePageObject(key: PageKey, bytes: Uint8Array): Page {
  const reader = new ByteReader(openObject(MAGIC, bytes))
  const content = new ByteReader(reader.bytes())
  const page: Page = isGroupPageKey(key)
    ? { kind: 'groups', slots: decodeSlots(content, PAGE_GROUPS) }
    : { kind: 'partitions', slots: decodeSlots(content, PAGE_PARTITIONS) }
  const lists = reader.count(2)
  for (let i = 0; i < lists; i++) {
    const index = reader.varint()
    const keys = Array.from({ length: reader.count() }, () => reader.string())
    const slot = page.slots[index]
    if (slot === undefined) throw new StoredBytesError('a page names blocks of a partition that it does not hold')
    slot.blockKeys = keys
  }
  reader.end()
  return page
}
