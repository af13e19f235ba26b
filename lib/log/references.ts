// What a checkpoint refers to: its pages, their blocks, and the segments that extents lie in. Garbage collection deletes what
// none of the checkpoints that matter refers to.
import { readObject } from '../journal/read-object.ts'
import { decodeBlockObject, type ExtentColumns, segmentKey } from '../journal/state/extents.ts'
import { asPartitionPage, decodePageObject } from '../journal/state/page.ts'
import { isGroupPageKey } from '../journal/state/page-keys.ts'
import { type PartitionPage, readPartition } from '../journal/state/partition-page.ts'
import { decodeRootObject } from '../journal/state/root.ts'
import type { ObjectKey, ObjectStore } from '../storage/ports.ts'

function addSegments(found: Set<ObjectKey>, columns: ExtentColumns): void {
  let last: ExtentColumns['segment'][number] | undefined
  for (const segment of columns.segment) {
    if (segment !== last) found.add(segmentKey(segment))
    last = segment
  }
}

async function addPage(
  objects: ObjectStore,
  page: PartitionPage,
  known: Set<ObjectKey>,
  found: Set<ObjectKey>,
): Promise<boolean> {
  for (let index = 0; index < page.slots.length; index++) {
    const extents = readPartition(page, index)?.extents
    if (extents === undefined) continue
    addSegments(found, extents.open)
    for (const block of extents.blocks) {
      if (block.key === undefined || known.has(block.key)) continue
      found.add(block.key)
      const read = await readObject(objects, block.key, (bytes) => decodeBlockObject(bytes, block.hash))
      if (read.kind !== 'found') return false
      addSegments(found, read.value)
    }
  }
  return true
}

/**
 * Adds to `found` everything that the checkpoint at `key` refers to, itself included. False if something could not be
 * read: then nothing may be deleted. Pages and blocks already in `found` are not read again.
 */
export async function addReferences(objects: ObjectStore, key: ObjectKey, found: Set<ObjectKey>): Promise<boolean> {
  const root = await readObject(objects, key, decodeRootObject)
  if (root.kind !== 'found') return false
  found.add(key)
  const known = new Set(found)
  for (const [name, { key: pageKey }] of root.value.pages) {
    if (known.has(pageKey)) continue
    found.add(pageKey)
    // Committed offsets lie in their page, which refers to nothing.
    if (isGroupPageKey(name)) continue
    const page = await readObject(objects, pageKey, (bytes) => decodePageObject(name, bytes))
    if (page.kind !== 'found' || !(await addPage(objects, asPartitionPage(page.value), known, found))) return false
  }
  return true
}
