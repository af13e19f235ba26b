// The page of up to 64 groups: the offsets that each of them committed. It never looks at topics: the root leaves out what it
// does not know before the page is given anything, and offsets of topics that were deleted since stay until somebody removes
// them, or the group. Each offset remembers the entry that committed it, so that a commit whose process had not seen that one
// yet is told that it was overtaken, instead of taking the group back.
import { ByteReader, ByteWriter } from '../../base/bytes.ts'
import { OFFSETS_PER_GROUP_MAX, PAGE_GROUPS } from '../../base/limits.ts'
import { comparePositions, type Position, readPosition, writePosition } from '../position.ts'
import type { PageKey } from './root.ts'
import { type EncodedSlot, readSlot, type Slots, writeSlot } from './slots.ts'

/** What is stored for one partition. Never changed in place. */
export interface StoredOffset {
  readonly offset: number
  /** -1: none was told. */
  readonly leaderEpoch: number
  readonly metadata: string
  /** Wall clock of the process that committed it. */
  readonly committedMs: number
  /** Where the entry that committed it stands. */
  readonly position: Position
}

export interface GroupOffsets {
  /** By topic number, then by partition; a topic without offsets is not in it. */
  readonly topics: Map<number, Map<number, StoredOffset>>
  /** Derived: offsets of all topics. */
  count: number
}

/** Group `n` is slot `n % PAGE_GROUPS`; one without offsets is undefined. */
export interface GroupPage {
  readonly kind: 'groups'
  readonly slots: Slots<GroupOffsets>
}

interface PartitionOfTopic {
  readonly topicNumber: number
  readonly partition: number
}
/** One offset as an entry commits it. */
export interface CommittedPartition extends PartitionOfTopic {
  readonly offset: number
  readonly leaderEpoch: number
  readonly committedMs: number
  readonly metadata: string
}

/** What a page of groups has to apply of one entry. */
export type GroupWork = {
  readonly pageKey: PageKey
  readonly from: 0
  readonly groupNumber: number
} & (
  | {
      readonly kind: 'commit'
      /** Where the entry stands. */
      readonly position: Position
      /** Up to where its process had read the journal when it let the commit pass. */
      readonly readTo: Position
      /** In the order of the entry; undefined for what the root left out. */
      readonly offsets: readonly (CommittedPartition | undefined)[]
    }
  | { readonly kind: 'removeOffsets'; readonly partitions: readonly PartitionOfTopic[] }
  | { readonly kind: 'removeGroup' }
)

/** The verdict on one offset, the same for every reader. */
export type OffsetVerdict =
  | { readonly kind: 'committed' }
  /** An offset that its process had not seen was committed before it. */
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'unknownTopic' }
  /** The group has too many offsets; nothing of the entry was stored. */
  | { readonly kind: 'limit' }

const slotOf = (groupNumber: number): number => groupNumber % PAGE_GROUPS

/** A group's offsets, decoded if need be; undefined if there are none. */
export const readGroup = (page: GroupPage, groupNumber: number): GroupOffsets | undefined =>
  readSlot(page.slots, slotOf(groupNumber), decodeGroup)

function applyCommit(
  page: GroupPage,
  { groupNumber, position, readTo, offsets }: Extract<GroupWork, { kind: 'commit' }>,
): (OffsetVerdict | undefined)[] {
  const group = readGroup(page, groupNumber) ?? { topics: new Map(), count: 0 }
  const storedOf = ({ topicNumber, partition }: PartitionOfTopic): StoredOffset | undefined =>
    group.topics.get(topicNumber)?.get(partition)
  let added = 0
  for (const committed of offsets) if (committed !== undefined && storedOf(committed) === undefined) added++
  if (added > 0 && group.count + added > OFFSETS_PER_GROUP_MAX) {
    return offsets.map((committed) => committed && { kind: 'limit' })
  }
  const verdicts = offsets.map((committed): OffsetVerdict | undefined => {
    if (committed === undefined) return undefined
    const stored = storedOf(committed)
    if (stored !== undefined && comparePositions(stored.position, readTo) >= 0) return { kind: 'overtaken' }
    const { topicNumber, partition, offset, leaderEpoch, metadata, committedMs } = committed
    const topic = group.topics.get(topicNumber) ?? new Map<number, StoredOffset>()
    group.topics.set(topicNumber, topic)
    topic.set(partition, { offset, leaderEpoch, metadata, committedMs, position })
    if (stored === undefined) group.count++
    return { kind: 'committed' }
  })
  if (verdicts.some((verdict) => verdict?.kind === 'committed')) writeSlot(page.slots, slotOf(groupNumber), group)
  return verdicts
}

function removeOffsets(page: GroupPage, groupNumber: number, partitions: readonly PartitionOfTopic[]): void {
  const group = readGroup(page, groupNumber)
  if (group === undefined) return
  for (const { topicNumber, partition } of partitions) {
    const topic = group.topics.get(topicNumber)
    if (topic?.delete(partition) !== true) continue
    group.count--
    if (topic.size === 0) group.topics.delete(topicNumber)
  }
  writeSlot(page.slots, slotOf(groupNumber), group.count === 0 ? undefined : group)
}

/** Applies what the page is given of an entry. */
export function applyToGroups(page: GroupPage, work: GroupWork): (OffsetVerdict | undefined)[] {
  switch (work.kind) {
    case 'commit':
      return applyCommit(page, work)
    case 'removeOffsets':
      removeOffsets(page, work.groupNumber, work.partitions)
      return []
    case 'removeGroup':
      writeSlot(page.slots, slotOf(work.groupNumber), undefined)
      return []
  }
}

const ascending = <V>(map: ReadonlyMap<number, V>): [number, V][] => [...map].sort(([a], [b]) => a - b)

export function encodeGroup({ topics, count }: GroupOffsets): Uint8Array {
  const writer = new ByteWriter(64 + count * 24).varint(topics.size)
  for (const [topicNumber, partitions] of ascending(topics)) {
    writer.varint(topicNumber).varint(partitions.size)
    for (const [partition, { offset, leaderEpoch, metadata, committedMs, position }] of ascending(partitions)) {
      writer.varint(partition).signed(offset).signed(leaderEpoch).varint(committedMs)
      writePosition(writer, position)
      writer.string(metadata)
    }
  }
  return writer.finish()
}

function decodeGroup({ encoded }: EncodedSlot): GroupOffsets {
  const reader = new ByteReader(encoded)
  const topics = new Map<number, Map<number, StoredOffset>>()
  let count = 0
  const topicCount = reader.count(9)
  for (let i = 0; i < topicCount; i++) {
    const topicNumber = reader.varint()
    const partitions = new Map<number, StoredOffset>()
    const partitionCount = reader.count(7)
    for (let j = 0; j < partitionCount; j++) {
      const partition = reader.varint()
      const offset = reader.signed()
      const leaderEpoch = reader.signed()
      const committedMs = reader.varint()
      const position = readPosition(reader)
      partitions.set(partition, { offset, leaderEpoch, metadata: reader.string(), committedMs, position })
    }
    topics.set(topicNumber, partitions)
    count += partitions.size
  }
  reader.end()
  return { topics, count }
}
