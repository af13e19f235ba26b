// The sweep: looks after groups of which nobody asks. It removes members that fell silent, groups that have been empty for as
// long as offsets are kept or that nobody ever came back to, and offsets that nobody committed again for so long. It keeps a
// few words about each group at a time, not its document, and passes over what another release wrote. ⚠ What it found out of
// date it looks at once more when it knows from which position on a change would be noticed.
import type { Clock } from '../base/clock.ts'
import { GROUP_REMOVE_TRIES_MAX } from '../base/limits.ts'
import type { Document, DocumentStore } from '../storage/ports.ts'
import { hasMembers, nextDeadlineMs } from './decide.ts'
import type { Group } from './group.ts'
import { GROUPS, groupName } from './group-document.ts'
import type { CommittedOffset } from './groups.ts'
import { type GroupCare, type GroupRemoval, isIdle, look, readable } from './removal.ts'
import { decodeSeen, GROUP_SEEN, type Seen } from './seen-document.ts'
import type { GroupSettings } from './step.ts'

/** Every document of a collection, a page at a time; false when the store does not answer. */
export async function eachDocument(
  documents: DocumentStore,
  collection: string,
  visit: (document: Document) => void,
): Promise<boolean> {
  let next: string | undefined
  do {
    const page = await documents.list(collection, next === undefined ? {} : { next })
    if (page.kind !== 'found') return false
    for (const document of page.documents) visit(document)
    next = page.next
  } while (next !== undefined)
  return true
}

const nameIn = ({ key }: Document, collection: string): string => key.slice(collection.length + 1)

/** Answers how many groups it changed. It stops between two of them once its time is over; what is left waits for the next one. */
export function createSweep(
  care: GroupCare & { readonly removal: GroupRemoval; readonly clock: Clock; readonly settings: GroupSettings },
): (isOver?: () => boolean) => Promise<number> {
  const { log, offsets, documents, ask, removal, clock, settings } = care

  const isYoung = (sinceMs: number): boolean => sinceMs + settings.offsetsRetentionMs > clock.now()
  const keeps = ({ committedMs }: CommittedOffset): boolean => isYoung(committedMs)
  const mayGo = (group: Group): boolean => {
    const { id, emptySinceMs } = group
    return isIdle(group) && (!offsets.has(id) || (emptySinceMs !== undefined && !isYoung(emptySinceMs)))
  }
  /** As `mayGo` will find it when the ids are gone that nobody came back with. */
  const seemsToGo = (group: Group): boolean => {
    if (group.kind === 'consumer') return mayGo(group)
    return mayGo({ ...group, pending: group.pending.filter(({ untilMs }) => untilMs > clock.now()) })
  }

  /** Offsets of a group that nobody is a member of. Answers whether any went. */
  async function expireOffsets(groupId: string): Promise<boolean> {
    const known = await offsets.committed(groupId)
    if (known.kind !== 'found' || (known.offsets.length > 0 && known.offsets.every(keeps))) return false
    if (!known.offsets.some(keeps)) return (await removal.remove(groupId, { if: isIdle, keeps })).kind === 'deleted'
    for (let tries = 0; tries < GROUP_REMOVE_TRIES_MAX; tries++) {
      const origin = log.journal.origin()
      if ((await log.refresh()).kind !== 'fresh') return false
      const position = offsets.position()
      const looked = await ask(groupId, look)
      if (looked.kind !== 'decided' || (looked.group !== undefined && hasMembers(looked.group))) return false
      const stored = await offsets.committed(groupId)
      if (stored.kind !== 'found') return false
      const partitions = stored.offsets.filter((offset) => !keeps(offset))
      if (partitions.length === 0) return false
      const removed = await offsets.remove({ groupId, origin, position, partitions })
      if (removed.kind !== 'changedSince') return removed.kind === 'removed'
    }
    return false
  }

  return async (isOver = () => false) => {
    if ((await log.refresh()).kind !== 'fresh') return 0
    const inTime = function* (groupIds: readonly string[]): Iterable<string> {
      for (const groupId of groupIds) {
        if (isOver()) return
        yield groupId
      }
    }
    const times = new Map<string, Seen>()
    const known = new Set<string>()
    const toRemove: string[] = []
    const toLookAt: string[] = []
    const removedBefore: string[] = []
    const nowMs = clock.now()
    const visit = (document: Document): void => {
      const name = nameIn(document, GROUPS)
      const group = readable(document)
      if (group !== undefined && group.fence < offsets.fence(group.id)) {
        removedBefore.push(group.id)
        return
      }
      known.add(name)
      if (group === undefined) return
      const seenMs = (number: number): number => {
        const at = times.get(name)?.get(number) ?? nowMs
        // Of a process whose clock is ahead: looked at, it is stored anew.
        return at > nowMs ? Number.NEGATIVE_INFINITY : at
      }
      if (seemsToGo(group)) toRemove.push(group.id)
      else if (nextDeadlineMs(group, { seenMs }) <= nowMs) toLookAt.push(group.id)
    }
    const isRead =
      (await eachDocument(documents, GROUP_SEEN, (document) =>
        times.set(nameIn(document, GROUP_SEEN), decodeSeen(document.body)),
      )) && (await eachDocument(documents, GROUPS, visit))
    if (!isRead) return 0
    let changed = 0
    for (const groupId of inTime(removedBefore)) await removal.dropDocuments(groupId, Number.NEGATIVE_INFINITY)
    for (const groupId of inTime(toRemove)) {
      if ((await removal.remove(groupId, { if: mayGo, keeps })).kind === 'deleted') changed++
    }
    for (const groupId of inTime(toLookAt)) if ((await ask(groupId, look)).kind === 'decided') changed++
    for (const groupId of inTime([...offsets.groups()])) {
      if (!known.has(groupName(groupId)) && (await expireOffsets(groupId))) changed++
    }
    return changed
  }
}
