// How a group goes: its document gets a higher fence, the journal gets it, the offsets go on the condition that nothing was
// committed or fenced since, and only then the documents, if nobody has joined. ⚠ In this order, who still believes in the old
// group can neither commit nor bring it back. ⚠ What the removal names as seen is a position at which the journal's fence was
// still that of the closed group: another process may let somebody join, and tell it so, at any moment in between.
import { StoredBytesError } from '../base/bytes.ts'
import { GROUP_REMOVE_TRIES_MAX } from '../base/limits.ts'
import type { Unserved } from '../log/log.ts'
import type { OpenedLog } from '../log/open-log.ts'
import type { Document, DocumentStore } from '../storage/ports.ts'
import { hasMembers } from './decide.ts'
import type { Group } from './group.ts'
import { decodeGroup, groupKey } from './group-document.ts'
import type { CommittedOffset } from './groups.ts'
import type { GroupOffsets } from './offsets.ts'
import type { Decided } from './room.ts'
import { seenKey } from './seen-document.ts'
import type { GroupEvent, GroupRefusal } from './step.ts'

export type Removed = { readonly kind: 'deleted' } | GroupRefusal | Unserved

/** What everybody needs who looks after groups from outside. */
export interface GroupCare {
  readonly log: OpenedLog
  readonly offsets: GroupOffsets
  readonly documents: DocumentStore
  ask<A extends { readonly kind: string }>(groupId: string, event: GroupEvent<A>): Promise<Decided<A> | Unserved>
}

export interface GroupRemoval {
  /** Removes a group that has no members, if it is still so: one that is to go, and has no offset that is to be kept. */
  remove(
    groupId: string,
    only?: { readonly if: (group: Group) => boolean; readonly keeps: (offset: CommittedOffset) => boolean },
  ): Promise<Removed>
  /** Removes what is left of a group that was closed at this fence; not what somebody has made of it since. */
  dropDocuments(groupId: string, fence: number): Promise<void>
}

/** The group as it is now, overdue members removed. */
export const look: GroupEvent<{ readonly kind: 'seen' }> = {
  decide: (group) => ({ group, answer: { kind: 'seen' } }),
  mayBeOld: () => false,
}

/** Nobody is in it, and nobody was told to come back. */
export const isIdle = (group: Group): boolean =>
  !hasMembers(group) && (group.kind === 'consumer' || group.pending.length === 0)

/** Undefined for a document that another release wrote. */
export function readable({ body }: Document): Group | undefined {
  try {
    return decodeGroup(body)
  } catch (error) {
    if (error instanceof StoredBytesError) return undefined
    throw error
  }
}

export const groupNotFound = (groupId: string): GroupRefusal => {
  return { kind: 'groupNotFound', message: `There is no group ${groupId}.` }
}

type Closed = { readonly kind: 'closed'; readonly fence: number } | { readonly kind: 'missing' } | GroupRefusal

/** Raises the fence of a group without members. */
const close = (mayGo: (group: Group) => boolean): GroupEvent<Closed> => ({
  decide(group) {
    if (group === undefined) return { group, answer: { kind: 'missing' } }
    if (hasMembers(group) || !mayGo(group)) {
      return { group, answer: { kind: 'groupNotEmpty', message: 'The group is not empty.' } }
    }
    const fence = group.fence + 1
    return { group: { ...group, fence }, answer: { kind: 'closed', fence } }
  },
  mayBeOld: () => false,
})

export function createGroupRemoval({ log, offsets, documents, ask }: GroupCare): GroupRemoval {
  async function dropDocuments(groupId: string, fence: number): Promise<void> {
    const found = await documents.get(groupKey(groupId))
    if (found.kind === 'unavailable') return
    if (found.kind === 'found') {
      const group = readable(found.document)
      if (group === undefined) return
      if (group.fence >= offsets.fence(groupId) && (group.fence > fence || !isIdle(group))) return
    }
    // First the times: if they outlived their group they would be taken for those of the next one's members.
    const times = await documents.get(seenKey(groupId))
    if (times.kind === 'found') await documents.delete(seenKey(groupId), times.document.version)
    if (found.kind === 'found') await documents.delete(groupKey(groupId), found.document.version)
  }

  /** The offsets of a group that was closed at this fence. */
  async function removeOffsets(
    groupId: string,
    fence: number,
    origin: number,
    keeps: ((offset: CommittedOffset) => boolean) | undefined,
  ): Promise<{ readonly kind: 'removed' } | { readonly kind: 'changedSince' } | GroupRefusal | Unserved> {
    const raised = await offsets.raiseFence(groupId, fence, origin)
    if (raised.kind !== 'raised') return raised.kind === 'limit' ? { kind: 'unavailable' } : raised
    const position = offsets.position()
    if (offsets.fence(groupId) > fence) return { kind: 'changedSince' }
    if (keeps !== undefined) {
      const stored = await offsets.committed(groupId)
      if (stored.kind !== 'found') return stored
      if (stored.offsets.some(keeps)) return { kind: 'groupNotEmpty', message: 'Somebody has committed offsets.' }
    }
    return offsets.remove({ groupId, origin, position, whole: true })
  }

  async function remove(groupId: string, only: Parameters<GroupRemoval['remove']>[1]): Promise<Removed> {
    for (let tries = 0; tries < GROUP_REMOVE_TRIES_MAX; tries++) {
      const origin = log.journal.origin()
      const closed = await ask(groupId, close(only?.if ?? (() => true)))
      if (closed.kind !== 'decided') return closed
      const { answer } = closed
      if (answer.kind !== 'closed' && answer.kind !== 'missing') return answer
      const refreshed = await log.refresh()
      if (refreshed.kind !== 'fresh') return refreshed
      const isKnown = offsets.has(groupId)
      if (answer.kind === 'missing' && !isKnown) return groupNotFound(groupId)
      const fence = answer.kind === 'closed' ? answer.fence : offsets.fence(groupId) + 1
      if (isKnown) {
        const removed = await removeOffsets(groupId, fence, origin, only?.keeps)
        if (removed.kind === 'changedSince') continue
        if (removed.kind !== 'removed') return removed
      }
      await dropDocuments(groupId, fence)
      return { kind: 'deleted' }
    }
    return { kind: 'unavailable' }
  }

  return { remove, dropDocuments }
}
