// Stored document `group-seen/‹name›`: when each member of a group was last heard of, by member number. It changes far more
// often than the group and says nothing but "still there", so it has a document of its own. Written by compare-and-set, the
// later time winning, and only when what is stored is older than a third of a member's session timeout; a process writes all
// that it knows at once.
import { groupName } from './group-document.ts'

export const GROUP_SEEN = 'group-seen'

export const seenKey = (groupId: string): string => `${GROUP_SEEN}/${groupName(groupId)}`

/** Wall clock in milliseconds by member number. */
export type Seen = ReadonlyMap<number, number>

export function encodeSeen(seen: Seen): Uint8Array {
  return Buffer.from(JSON.stringify(Object.fromEntries(seen)))
}

/** What cannot be read counts as nothing heard: members are then given their full time again. */
export function decodeSeen(body: Uint8Array): Seen {
  try {
    const content = JSON.parse(Buffer.from(body).toString()) as Record<string, unknown>
    return new Map(
      Object.entries(content).flatMap(([number, at]) => (typeof at === 'number' ? [[Number(number), at]] : [])),
    )
  } catch {
    return new Map()
  }
}
