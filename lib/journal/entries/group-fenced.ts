// `groupFenced`: a group's new fence, appended after the group's document has it and before anybody is answered under it. A
// fence never goes down, so whoever finishes what another process began may come late and twice. ⚠ One that raises nothing
// changes nothing: it does not bring back a group that was deleted since.
import { ByteReader, ByteWriter } from '../../base/bytes.ts'
import { changeGroup } from '../state/groups.ts'
import type { RootState } from '../state/root.ts'

export interface GroupFenced {
  readonly group: string
  readonly fence: number
}
export type GroupFencedVerdict =
  /** The group's fence from here on. */
  { readonly kind: 'fenced'; readonly fence: number } | { readonly kind: 'limit' }

export function encodeGroupFenced(entry: GroupFenced): Uint8Array {
  return new ByteWriter().string(entry.group).varint(entry.fence).finish()
}

export function decodeGroupFenced(payload: Uint8Array): GroupFenced {
  const reader = new ByteReader(payload)
  const entry = { group: reader.string(), fence: reader.varint() }
  reader.end()
  return entry
}

export function applyGroupFenced(root: RootState, entry: GroupFenced): GroupFencedVerdict {
  const known = root.groups.get(entry.group)
  if (known !== undefined && known.fence >= entry.fence) return { kind: 'fenced', fence: known.fence }
  const group = changeGroup(root, entry.group, entry.fence)
  return group === undefined ? { kind: 'limit' } : { kind: 'fenced', fence: group.fence }
}
