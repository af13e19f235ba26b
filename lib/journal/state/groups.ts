// The root's part of consumer groups: each group's number, fence and last change. A fence only rises, and is kept when its
// group is deleted, until the horizon has passed that: by then nothing can arrive any more that was begun under an older one.
// So a commit that was fenced off once never lands, however late it wakes. ⚠
import type { ByteReader, ByteWriter } from '../../base/bytes.ts'
import { GROUPS_MAX } from '../../base/limits.ts'
import { type Position, readPosition, writePosition } from '../position.ts'

/** A group. Never changed in place. */
export interface GroupState {
  /** The small number that the fold gave it; it tells the group's page. Never reused. */
  readonly number: number
  readonly name: string
  /** An entry that carries a lower one is rejected. */
  readonly fence: number
  /** The last entry that made the group, raised its fence, committed offsets or deleted it. */
  readonly changed: Position
  /** It has no offsets, and is forgotten once the horizon has passed `changed`. */
  readonly deleted: boolean
}

export interface RootGroups {
  /** By name. Deleted ones are among them until they are forgotten. */
  readonly groups: Map<string, GroupState>
  nextGroupNumber: number
  /** Where the next entry stands. */
  readonly position: Position
}

/**
 * Changes a group at the root's position: makes it if need be, revives a deleted one under its number, raises its fence to
 * `fence` if that is higher. Undefined if there are too many groups.
 */
export function changeGroup(root: RootGroups, name: string, fence: number): GroupState | undefined {
  const known = root.groups.get(name)
  if (known === undefined && root.groups.size >= GROUPS_MAX) return undefined
  const group: GroupState = {
    number: known?.number ?? root.nextGroupNumber++,
    name,
    fence: Math.max(known?.fence ?? 0, fence),
    changed: root.position,
    deleted: false,
  }
  root.groups.set(name, group)
  return group
}

/** Forgets the groups whose deletion lies behind the horizon. */
export function forgetDeletedGroups({ groups }: RootGroups, horizon: number): void {
  for (const { name, deleted, changed } of groups.values()) {
    if (deleted && changed.generation < horizon) groups.delete(name)
  }
}

/** A root that never had a group is the same bytes as before there were any, so that an older release can read it. */
export function writeGroups(writer: ByteWriter, { groups, nextGroupNumber }: RootGroups): void {
  if (nextGroupNumber === 1) return
  writer.varint(nextGroupNumber).varint(groups.size)
  for (const group of [...groups.values()].sort((a, b) => a.number - b.number)) {
    writer.varint(group.number).string(group.name).varint(group.fence)
    writePosition(writer, group.changed).u8(group.deleted ? 1 : 0)
  }
}

/** Reads what is left of a root; nothing if it had no groups. */
export function readGroups(reader: ByteReader, root: RootGroups): void {
  if (reader.remaining === 0) return
  root.nextGroupNumber = reader.varint()
  const count = reader.count(6)
  for (let i = 0; i < count; i++) {
    const number = reader.varint()
    const name = reader.string()
    const fence = reader.varint()
    root.groups.set(name, { number, name, fence, changed: readPosition(reader), deleted: reader.u8() === 1 })
  }
}
