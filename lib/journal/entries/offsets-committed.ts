// `offsetsCommitted`: offsets that a group commits. The root judges the fence that the commit was let pass under, and leaves
// out topics and partitions that do not exist; an entry of which nothing is left changes nothing. ⚠ An older fence rejects the
// entry, a higher one is taken over. The group's page judges partition by partition: an offset that was committed after the
// position up to which the entry's process had read when the request came is not taken back by it. ⚠ Delta-coded in order of
// topic and partition: about 9 bytes an offset without metadata.
import { ByteReader, ByteWriter } from '../../base/bytes.ts'
import { type Position, readPosition, writePosition } from '../position.ts'
import type { CommittedPartition, OffsetVerdict } from '../state/group-page.ts'
import { changeGroup } from '../state/groups.ts'
import type { PageWork } from '../state/page.ts'
import { groupPageKeyOf } from '../state/page-keys.ts'
import type { RootState } from '../state/root.ts'

export interface OffsetsCommitted {
  readonly group: string
  /** The fence that was read before the member was checked. */
  readonly fence: number
  /** What its process had read when its first check of the request began. */
  readonly position: Position
  /** Ascending by topic number and partition, each once. */
  readonly offsets: readonly CommittedPartition[]
}

export type OffsetsCommittedVerdict =
  | {
      readonly kind: 'offsetsCommitted'
      /** One for each offset of the entry, final where it is set; the page decides the others. */
      readonly verdicts: (OffsetVerdict | undefined)[]
      readonly works: readonly PageWork[]
    }
  /** The group's fence is higher: whoever committed must be checked again. */
  | { readonly kind: 'fencedOut'; readonly fence: number }
  | { readonly kind: 'limit' }

export function encodeOffsetsCommitted({ group, fence, position, offsets }: OffsetsCommitted): Uint8Array {
  const writer = new ByteWriter(64 + offsets.length * 12).string(group).varint(fence)
  const baseMs = offsets[0]?.committedMs ?? 0
  writePosition(writer, position).varint(baseMs).varint(offsets.length)
  let topic = 0
  let before = 0
  for (const { topicNumber, partition, offset, leaderEpoch, committedMs, metadata } of offsets) {
    if (topicNumber !== topic) before = 0
    writer.varint(topicNumber - topic).varint(partition - before)
    writer.signed(offset).signed(leaderEpoch)
    writer.signed(committedMs - baseMs).string(metadata)
    topic = topicNumber
    before = partition
  }
  return writer.finish()
}

export function decodeOffsetsCommitted(payload: Uint8Array): OffsetsCommitted {
  const reader = new ByteReader(payload)
  const group = reader.string()
  const fence = reader.varint()
  const position = readPosition(reader)
  const baseMs = reader.varint()
  const count = reader.count(6)
  const offsets: CommittedPartition[] = []
  let topicNumber = 0
  let partition = 0
  for (let i = 0; i < count; i++) {
    const delta = reader.varint()
    if (delta > 0) partition = 0
    topicNumber += delta
    partition += reader.varint()
    const offset = reader.signed()
    const leaderEpoch = reader.signed()
    const committedMs = baseMs + reader.signed()
    offsets.push({ topicNumber, partition, offset, leaderEpoch, committedMs, metadata: reader.string() })
  }
  reader.end()
  return { group, fence, position, offsets }
}

export function applyOffsetsCommitted(root: RootState, entry: OffsetsCommitted): OffsetsCommittedVerdict {
  const known = root.groups.get(entry.group)
  if (known !== undefined && entry.fence < known.fence) return { kind: 'fencedOut', fence: known.fence }
  const offsets = entry.offsets.map((offset) => {
    const topic = root.topics.get(offset.topicNumber)
    return topic !== undefined && offset.partition < topic.partitions ? offset : undefined
  })
  const verdicts = offsets.map((offset): OffsetVerdict | undefined =>
    offset === undefined ? { kind: 'unknownTopic' } : undefined,
  )
  if (offsets.every((offset) => offset === undefined)) return { kind: 'offsetsCommitted', verdicts, works: [] }
  const group = changeGroup(root, entry.group, entry.fence)
  if (group === undefined) return { kind: 'limit' }
  const work: PageWork = {
    kind: 'commit',
    pageKey: groupPageKeyOf(group.number),
    from: 0,
    groupNumber: group.number,
    position: root.position,
    readTo: entry.position,
    offsets,
  }
  return { kind: 'offsetsCommitted', verdicts, works: [work] }
}
