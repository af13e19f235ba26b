// `offsetsDeleted`: offsets that are removed from a group, by an administrator or because they expired, or the whole group.
// Accepted only if nothing was committed and no fence raised since the position that it names, which is what its author had
// seen. ⚠ A group that is deleted keeps number and fence until the horizon has passed its deletion (`state/groups.ts`).
import { ByteReader, ByteWriter } from '../../base/bytes.ts'
import { comparePositions, type Position, readPosition, writePosition } from '../position.ts'
import type { PageWork } from '../state/page.ts'
import { groupPageKeyOf } from '../state/page-keys.ts'
import type { RootState } from '../state/root.ts'

export interface OffsetsDeleted {
  readonly group: string
  readonly position: Position
  /** Undefined: the whole group. */
  readonly partitions: readonly { readonly topicNumber: number; readonly partition: number }[] | undefined
}

export type OffsetsDeletedVerdict =
  /** They are gone, or were not there. */
  { readonly kind: 'offsetsDeleted'; readonly works: readonly PageWork[] } | { readonly kind: 'changedSince' }

export function encodeOffsetsDeleted({ group, position, partitions }: OffsetsDeleted): Uint8Array {
  const writer = writePosition(new ByteWriter().string(group), position).u8(partitions === undefined ? 1 : 0)
  if (partitions === undefined) return writer.finish()
  writer.varint(partitions.length)
  for (const { topicNumber, partition } of partitions) writer.varint(topicNumber).varint(partition)
  return writer.finish()
}

export function decodeOffsetsDeleted(payload: Uint8Array): OffsetsDeleted {
  const reader = new ByteReader(payload)
  const group = reader.string()
  const position = readPosition(reader)
  const whole = reader.u8() === 1
  const partitions = whole
    ? undefined
    : Array.from({ length: reader.count(2) }, () => ({ topicNumber: reader.varint(), partition: reader.varint() }))
  reader.end()
  return { group, position, partitions }
}

export function applyOffsetsDeleted(root: RootState, entry: OffsetsDeleted): OffsetsDeletedVerdict {
  const group = root.groups.get(entry.group)
  if (group === undefined || group.deleted) return { kind: 'offsetsDeleted', works: [] }
  if (comparePositions(group.changed, entry.position) >= 0) return { kind: 'changedSince' }
  const at = { pageKey: groupPageKeyOf(group.number), from: 0, groupNumber: group.number } as const
  const { partitions } = entry
  if (partitions !== undefined) {
    return { kind: 'offsetsDeleted', works: [{ kind: 'removeOffsets', ...at, partitions }] }
  }
  root.groups.set(group.name, { ...group, deleted: true, changed: root.position })
  return { kind: 'offsetsDeleted', works: [{ kind: 'removeGroup', ...at }] }
}
