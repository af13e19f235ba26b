// What administrators and the sweeper do with groups: list, describe, remove offsets, remove groups, and look after those of
// which nobody asks. ⚠ A group is removed in this order: its document gets a higher fence, the journal gets it, the offsets
// go on the condition that nothing was committed or fenced since, and only then the documents: who still believes in the old
// group can neither commit nor bring it back.
import type { Clock } from '../base/clock.ts'
import type { TopicId } from '../base/ids.ts'
import { GROUP_REMOVE_TRIES_MAX } from '../base/limits.ts'
import type { Unserved } from '../log/log.ts'
import type { OpenedLog } from '../log/open-log.ts'
import type { Document, DocumentStore } from '../storage/ports.ts'
import { hasMembers, nextDeadlineMs, protocolTypeOf, stateOf, subscribesTo } from './decide.ts'
import type { Group } from './group.ts'
import { decodeGroup, GROUPS, groupKey } from './group-document.ts'
import type { GroupListing, Groups } from './groups.ts'
import type { GroupOffsets } from './offsets.ts'
import type { Decided, GroupEvent } from './room.ts'
import { decodeSeen, GROUP_SEEN, seenKey } from './seen-document.ts'
import type { GroupRefusal, GroupSettings } from './step.ts'

type Removed = { readonly kind: 'deleted' } | GroupRefusal | Unserved

export interface GroupAdministration extends Pick<Groups, 'list' | 'describe' | 'delete' | 'deleteOffsets'> {
  /** Answers how many groups it changed. */
  sweep(): Promise<number>
}

/** The group as it is now, overdue members removed. */
const look: GroupEvent<{ readonly kind: 'seen' }> = {
  decide: (group) => ({ group, answer: { kind: 'seen' } }),
  mayBeOld: () => false,
}

type Closed = { readonly kind: 'closed' } | { readonly kind: 'missing' } | GroupRefusal

/** Raises the fence of a group without members; `when` says whether it is to go at all. */
const close = (when: (group: Group) => boolean): GroupEvent<Closed> => ({
  decide(group) {
    if (group === undefined) return { group, answer: { kind: 'missing' } }
    if (hasMembers(group) || !when(group)) {
      return { group, answer: { kind: 'groupNotEmpty', message: 'The group is not empty.' } }
    }
    return { group: { ...group, fence: group.fence + 1 }, answer: { kind: 'closed' } }
  },
  mayBeOld: () => false,
})

export function createGroupAdministration(args: {
  readonly log: OpenedLog
  readonly offsets: GroupOffsets
  readonly documents: DocumentStore
  readonly clock: Clock
  readonly settings: GroupSettings
  readonly offsetsRetentionMs: number
  ask<A extends { readonly kind: string }>(groupId: string, event: GroupEvent<A>): Promise<Decided<A> | Unserved>
}): GroupAdministration {
  const { log, offsets, documents, clock, ask, offsetsRetentionMs } = args

  async function allOf(collection: string): Promise<Document[] | undefined> {
    const all: Document[] = []
    let next: string | undefined
    do {
      const page = await documents.list(collection, next === undefined ? {} : { next })
      if (page.kind !== 'found') return undefined
      all.push(...page.documents)
      next = page.next
    } while (next !== undefined)
    return all
  }

  /** The groups that have a document, but for what is older than the journal's fence: that was removed. */
  async function documented(): Promise<{ readonly name: string; readonly group: Group }[] | undefined> {
    const found = await allOf(GROUPS)
    return found
      ?.map(({ key, body }) => ({ name: key.slice(GROUPS.length + 1), group: decodeGroup(body) }))
      .filter(({ group }) => group.fence >= offsets.fence(group.id))
  }

  async function dropDocument(key: string): Promise<void> {
    const found = await documents.get(key)
    if (found.kind === 'found') await documents.delete(key, found.document.version)
  }

  /** Removes a group that has no members, if it is still so. */
  async function remove(groupId: string, when: (group: Group) => boolean): Promise<Removed> {
    for (let tries = 0; tries < GROUP_REMOVE_TRIES_MAX; tries++) {
      const origin = log.journal.origin()
      const closed = await ask(groupId, close(when))
      if (closed.kind !== 'decided') return closed
      const { answer, group } = closed
      if (answer.kind !== 'closed' && answer.kind !== 'missing') return answer
      const refreshed = await log.refresh()
      if (refreshed.kind !== 'fresh') return refreshed
      const isKnown = offsets.has(groupId)
      if (group === undefined && !isKnown) return { kind: 'groupNotFound', message: `There is no group ${groupId}.` }
      if (isKnown) {
        const fence = group?.fence ?? offsets.fence(groupId) + 1
        const raised = await offsets.raiseFence(groupId, fence, origin)
        if (raised.kind !== 'raised') return raised.kind === 'limit' ? { kind: 'unavailable' } : raised
        const removed = await offsets.remove({ groupId, origin, position: offsets.position(), whole: true })
        if (removed.kind === 'changedSince') continue
        if (removed.kind !== 'removed') return removed
      }
      await dropDocument(groupKey(groupId))
      await dropDocument(seenKey(groupId))
      return { kind: 'deleted' }
    }
    return { kind: 'unavailable' }
  }

  async function removeOffsets(
    groupId: string,
    partitions: readonly { readonly topicId: TopicId; readonly partition: number }[],
  ): Promise<{ readonly kind: 'removed' } | Unserved> {
    for (let tries = 0; tries < GROUP_REMOVE_TRIES_MAX; tries++) {
      const origin = log.journal.origin()
      const refreshed = await log.refresh()
      if (refreshed.kind !== 'fresh') return refreshed
      const removed = await offsets.remove({ groupId, origin, position: offsets.position(), partitions })
      if (removed.kind !== 'changedSince') return removed
    }
    return { kind: 'unavailable' }
  }

  /** Offsets that nobody has committed for so long go, of a group that nobody is a member of. */
  async function expireOffsets(groupId: string, nowMs: number): Promise<boolean> {
    const stored = await offsets.committed(groupId)
    if (stored.kind !== 'found') return false
    const expired = stored.offsets.filter(({ committedMs }) => committedMs + offsetsRetentionMs <= nowMs)
    if (expired.length === 0 && stored.offsets.length > 0) return false
    if (expired.length === stored.offsets.length) return (await remove(groupId, () => true)).kind === 'deleted'
    return (await removeOffsets(groupId, expired)).kind === 'removed'
  }

  return {
    async list() {
      const refreshed = await log.refresh()
      if (refreshed.kind !== 'fresh') return refreshed
      const found = await documented()
      if (found === undefined) return { kind: 'unavailable' }
      const listings = new Map<string, GroupListing>()
      for (const id of offsets.groups()) {
        listings.set(id, { id, protocolType: '', state: 'Empty', type: 'classic' })
      }
      for (const { group } of found) {
        listings.set(group.id, {
          id: group.id,
          protocolType: protocolTypeOf(group),
          state: stateOf(group),
          type: group.kind,
        })
      }
      return { kind: 'found', groups: [...listings.values()] }
    },

    async describe(groupId) {
      const refreshed = await log.refresh()
      if (refreshed.kind !== 'fresh') return refreshed
      const looked = await ask(groupId, look)
      if (looked.kind !== 'decided') return looked
      const { group } = looked
      if (group !== undefined) return { kind: 'found', group, state: stateOf(group) }
      return { kind: offsets.has(groupId) ? 'offsetsOnly' : 'missing' }
    },

    delete: (groupId) => remove(groupId, () => true),

    async deleteOffsets(groupId, topics) {
      const refreshed = await log.refresh()
      if (refreshed.kind !== 'fresh') return refreshed
      const looked = await ask(groupId, look)
      if (looked.kind !== 'decided') return looked
      const { group } = looked
      if (group === undefined && !offsets.has(groupId)) {
        return { kind: 'groupNotFound', message: `There is no group ${groupId}.` }
      }
      if (group?.kind === 'classic' && hasMembers(group) && protocolTypeOf(group) !== 'consumer') {
        return { kind: 'groupNotEmpty', message: 'The group has members of another protocol type.' }
      }
      const outcomes = topics.map(({ name }): { readonly kind: 'deleted' } | GroupRefusal =>
        group !== undefined && hasMembers(group) && subscribesTo(group, name)
          ? { kind: 'groupSubscribedToTopic', message: `The group is subscribed to ${name}.` }
          : { kind: 'deleted' },
      )
      const partitions = topics.flatMap(({ topicId, partitions }, i) =>
        outcomes[i]!.kind === 'deleted' ? partitions.map((partition) => ({ topicId, partition })) : [],
      )
      if (partitions.length > 0) {
        const removed = await removeOffsets(groupId, partitions)
        if (removed.kind !== 'removed') return removed
      }
      return { kind: 'done', topics: outcomes }
    },

    async sweep() {
      if ((await log.refresh()).kind !== 'fresh') return 0
      const [found, seen] = await Promise.all([documented(), allOf(GROUP_SEEN)])
      if (found === undefined || seen === undefined) return 0
      const nowMs = clock.now()
      const times = new Map(seen.map(({ key, body }) => [key.slice(GROUP_SEEN.length + 1), decodeSeen(body)]))
      let changed = 0
      for (const { name, group } of found) {
        const expired = ({ emptySinceMs }: Group): boolean =>
          emptySinceMs !== undefined && emptySinceMs + offsetsRetentionMs <= nowMs
        if (!hasMembers(group) && expired(group)) {
          if ((await remove(group.id, expired)).kind === 'deleted') changed++
        } else {
          const seenMs = (number: number): number => times.get(name)?.get(number) ?? nowMs
          if (nextDeadlineMs(group, { seenMs }) > nowMs) continue
          if ((await ask(group.id, look)).kind === 'decided') changed++
        }
      }
      const known = new Set(found.map(({ group }) => group.id))
      for (const groupId of [...offsets.groups()]) {
        if (!known.has(groupId) && (await expireOffsets(groupId, nowMs))) changed++
      }
      return changed
    },
  }
}
