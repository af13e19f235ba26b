// What administrators do with groups: list, describe, remove offsets, remove groups. How a group goes is in `removal.ts`, and
// who looks after groups of which nobody asks is in `sweep.ts`. ⚠ Offsets are removed on the condition that nothing was
// committed nor fenced since a position that was known before the group's members were looked at: another process may let
// somebody join or commit at any moment.

import type { Clock } from '../base/clock.ts'
import { GROUP_REMOVE_TRIES_MAX } from '../base/limits.ts'
import { hasMembers, protocolTypeOf, stateOf, subscribesTo } from './decide.ts'
import { GROUPS } from './group-document.ts'
import type { GroupListing, Groups } from './groups.ts'
import { createGroupRemoval, type GroupCare, groupNotFound, look, readable } from './removal.ts'
import type { GroupRefusal, GroupSettings } from './step.ts'
import { createSweep, eachDocument } from './sweep.ts'

export interface GroupAdministration extends Pick<Groups, 'list' | 'describe' | 'delete' | 'deleteOffsets'> {
  /** Answers how many groups it changed. */
  sweep(isOver?: () => boolean): Promise<number>
}

export function createGroupAdministration(
  care: GroupCare & { readonly clock: Clock; readonly settings: GroupSettings },
): GroupAdministration {
  const { log, offsets, documents, ask } = care
  const removal = createGroupRemoval(care)

  return {
    sweep: createSweep({ ...care, removal }),

    async list() {
      const refreshed = await log.refresh()
      if (refreshed.kind !== 'fresh') return refreshed
      const listings = new Map<string, GroupListing>()
      for (const id of offsets.groups()) {
        listings.set(id, { id, protocolType: '', state: 'Empty', type: 'classic' })
      }
      const isRead = await eachDocument(documents, GROUPS, (document) => {
        const group = readable(document)
        if (group === undefined || group.fence < offsets.fence(group.id)) return
        const { id, kind } = group
        listings.set(id, { id, protocolType: protocolTypeOf(group), state: stateOf(group), type: kind })
      })
      return isRead ? { kind: 'found', groups: [...listings.values()] } : { kind: 'unavailable' }
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

    delete: (groupId) => removal.remove(groupId),

    async deleteOffsets(groupId, topics) {
      for (let tries = 0; tries < GROUP_REMOVE_TRIES_MAX; tries++) {
        const origin = log.journal.origin()
        const refreshed = await log.refresh()
        if (refreshed.kind !== 'fresh') return refreshed
        const position = offsets.position()
        const looked = await ask(groupId, look)
        if (looked.kind !== 'decided') return looked
        const { group } = looked
        if (group === undefined && !offsets.has(groupId)) return groupNotFound(groupId)
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
        if (partitions.length === 0) return { kind: 'done', topics: outcomes }
        const removed = await offsets.remove({ groupId, origin, position, partitions })
        if (removed.kind === 'removed') return { kind: 'done', topics: outcomes }
        if (removed.kind !== 'changedSince') return removed
      }
      return { kind: 'unavailable' }
    },
  }
}
