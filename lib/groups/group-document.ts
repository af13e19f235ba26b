// Stored document `groups/‹name›`: the whole state of one group but for when its members were last heard of. Written by
// compare-and-set by whichever process serves the group; removed when the group is deleted or has expired. Each one that
// is made begins with a version drawn at random, so that nobody changes it who slept over a change of the one before. ⚠ Who
// slept when it was about to make the group may still make it: such a state has a lower fence than the journal and counts as
// missing (`room.ts`).
import { createHash } from 'node:crypto'
import { StoredBytesError } from '../base/bytes.ts'
import type { Group } from './group.ts'

export const GROUPS = 'groups'
const FORMAT = 1

/** A group id of any text, as a name that every store takes: itself where that is short and plain, else its hash. */
export function groupName(groupId: string): string {
  if (/^[\w.-]{1,128}$/.test(groupId)) return groupId
  return `~${createHash('sha256').update(groupId).digest('base64url')}`
}

export const groupKey = (groupId: string): string => `${GROUPS}/${groupName(groupId)}`

export function encodeGroup(group: Group): Uint8Array {
  return Buffer.from(JSON.stringify({ format: FORMAT, group }))
}

/** Throws for what another release wrote. */
export function decodeGroup(body: Uint8Array): Group {
  let content: { readonly format?: unknown; readonly group?: Group }
  try {
    content = JSON.parse(Buffer.from(body).toString()) as typeof content
  } catch {
    throw new StoredBytesError('the document of a group is not JSON')
  }
  if (content.format !== FORMAT || content.group === undefined) {
    throw new StoredBytesError('the document of a group was written by another release')
  }
  return content.group
}
