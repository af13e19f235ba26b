// What groups keep in the journal: fences and committed offsets. The fold decides about both (`journal/entries/`); this file
// says it in the terms of groups, topic ids instead of numbers, and makes of verdicts what became of a commit. Everything that
// is read here is the replica as it is: who needs to know about now refreshes it first. ⚠ An entry's origin is taken by the
// caller, before anything that it rests on was read.
import type { TopicId } from '../base/ids.ts'
import { encodeGroupFenced } from '../journal/entries/group-fenced.ts'
import { encodeOffsetsCommitted } from '../journal/entries/offsets-committed.ts'
import { encodeOffsetsDeleted } from '../journal/entries/offsets-deleted.ts'
import type { OwnVerdict } from '../journal/page-verdicts.ts'
import type { Position } from '../journal/position.ts'
import { type CommittedPartition, type GroupOffsets as OffsetsInPage, readGroup } from '../journal/state/group-page.ts'
import type { GroupState } from '../journal/state/groups.ts'
import { asGroupPage, type Page } from '../journal/state/page.ts'
import { groupPageKeyOf } from '../journal/state/page-keys.ts'
import type { Unserved } from '../log/log.ts'
import type { OpenedLog } from '../log/open-log.ts'
import type { CommittedOffset, OffsetToCommit } from './groups.ts'

export interface GroupOffsets {
  /** The group's fence in the journal, also that of a group that was deleted lately; 0 if unknown. */
  fence(groupId: string): number
  /** Names of the groups that the journal knows. */
  groups(): Iterable<string>
  has(groupId: string): boolean
  /** How far the journal is known here. */
  position(): Position
  /** Sees to it that the group's fence is at least this; without an entry where it is known to be. */
  raiseFence(
    groupId: string,
    fence: number,
    /** The generation known before the fence was read from the group's document. */
    origin?: number,
  ): Promise<{ readonly kind: 'raised' } | { readonly kind: 'limit' } | Unserved>
  /**
   * Every offset that the group has committed, but for those of topics that are gone, by topic and partition. Reads the
   * group's page if it is not in memory.
   */
  committed(
    groupId: string,
  ): Promise<{ readonly kind: 'found'; readonly offsets: readonly CommittedOffset[] } | Unserved>
  /**
   * Commits offsets under a fence that was read before the committer was checked. `position` is what was known when that
   * check began; of topics that are gone nothing is committed, as if they had gone just after.
   */
  commit(args: {
    readonly groupId: string
    readonly fence: number
    readonly position: Position
    readonly origin: number
    readonly nowMs: number
    readonly offsets: readonly OffsetToCommit[]
  }): Promise<CommitVerdict>
  /** Removes offsets, or the group with all of them, if nothing was committed nor fenced since `position`. */
  remove(
    args: {
      readonly groupId: string
      readonly position: Position
      readonly origin: number
    } & (
      | { readonly whole: true }
      | { readonly partitions: readonly { readonly topicId: TopicId; readonly partition: number }[] }
    ),
  ): Promise<{ readonly kind: 'removed' } | { readonly kind: 'changedSince' } | Unserved>
}

export type CommitVerdict =
  | { readonly kind: 'committed' }
  /** Some were not taken over: others, which this process did not know at `position`, had been committed before them. */
  | { readonly kind: 'overtaken' }
  /** The group has a higher fence: the committer must be checked again. Nothing was committed. */
  | { readonly kind: 'fencedOut'; readonly fence: number }
  /** Too many groups, or offsets of this one. Nothing was committed. */
  | { readonly kind: 'limit' }
  | Unserved

/** What the fold can store; an offset beyond it is out of any partition's range, and stays so. */
const OFFSET_MIN = -(2 ** 52)
const OFFSET_MAX = 2 ** 52 - 1

/** @example createGroupOffsets(log).fence('billing') */
export function createGroupOffsets({ journal }: Pick<OpenedLog, 'journal'>): GroupOffsets {
  const { replica } = journal

  const living = (groupId: string): GroupState | undefined => {
    const group = replica.root.groups.get(groupId)
    return group?.deleted === true ? undefined : group
  }

  async function write(
    kind: 'groupFenced' | 'offsetsCommitted' | 'offsetsDeleted',
    origin: number,
    payload: Uint8Array,
  ): Promise<OwnVerdict | Unserved> {
    const outcome = await journal.write(kind, origin, payload)
    return outcome.kind === 'folded' ? outcome.verdict : outcome
  }

  /** As the fold wants them: of topics that exist, in order, the last of each partition. */
  function placed(offsets: readonly OffsetToCommit[], nowMs: number): CommittedPartition[] {
    const { topics, numbersById } = replica.root
    const last = new Map<string, CommittedPartition>()
    for (const { topicId, partition, offset, leaderEpoch, metadata } of offsets) {
      const topic = topics.get(numbersById.get(topicId) ?? 0)
      if (topic === undefined || partition < 0 || partition >= topic.partitions) continue
      const stored = Math.min(Math.max(offset, OFFSET_MIN), OFFSET_MAX)
      const committed = { topicNumber: topic.number, partition, offset: stored, leaderEpoch, metadata }
      last.set(`${topic.number}/${partition}`, { ...committed, committedMs: Math.floor(nowMs) })
    }
    return [...last.values()].sort((a, b) => a.topicNumber - b.topicNumber || a.partition - b.partition)
  }

  const offsetsIn = (page: Page | undefined, group: GroupState): OffsetsInPage | undefined =>
    page && readGroup(asGroupPage(page), group.number)

  /** Offsets of topics that are gone: nobody asks for their removal by name, so they go with the next that somebody removes. */
  function offsetsOfGoneTopics(group: GroupState): { topicNumber: number; partition: number }[] {
    const stored = offsetsIn(replica.pages.loaded(groupPageKeyOf(group.number)), group)
    return [...(stored?.topics ?? [])].flatMap(([topicNumber, partitions]) =>
      replica.root.topics.has(topicNumber)
        ? []
        : [...partitions.keys()].map((partition) => ({ topicNumber, partition })),
    )
  }

  return {
    fence: (groupId) => replica.root.groups.get(groupId)?.fence ?? 0,
    *groups() {
      for (const { name, deleted } of replica.root.groups.values()) if (!deleted) yield name
    },
    has: (groupId) => living(groupId) !== undefined,
    position: () => replica.root.position,

    async raiseFence(groupId, fence, origin = journal.origin()) {
      if ((replica.root.groups.get(groupId)?.fence ?? -1) >= fence) return { kind: 'raised' }
      const verdict = await write('groupFenced', origin, encodeGroupFenced({ group: groupId, fence }))
      if (verdict.kind === 'fenced') return { kind: 'raised' }
      return verdict.kind === 'limit' ? verdict : unserved(verdict)
    },

    async committed(groupId) {
      if (replica.haltedBecause !== undefined) return { kind: 'halted' }
      const group = living(groupId)
      if (group === undefined) return { kind: 'found', offsets: [] }
      const page = await replica.pages.load(groupPageKeyOf(group.number))
      if (page === undefined) return { kind: replica.haltedBecause === undefined ? 'unavailable' : 'halted' }
      const offsets: CommittedOffset[] = []
      for (const [topicNumber, partitions] of offsetsIn(page, group)?.topics ?? []) {
        const topicId = replica.root.topics.get(topicNumber)?.id
        if (topicId === undefined) continue
        for (const [partition, { offset, leaderEpoch, metadata, committedMs }] of partitions) {
          offsets.push({ topicId, partition, offset, leaderEpoch, metadata, committedMs })
        }
      }
      offsets.sort((a, b) => (a.topicId === b.topicId ? a.partition - b.partition : a.topicId < b.topicId ? -1 : 1))
      return { kind: 'found', offsets }
    },

    async commit({ groupId, fence, position, origin, nowMs, offsets }) {
      const known = replica.root.groups.get(groupId)
      if (known !== undefined && known.fence > fence) return { kind: 'fencedOut', fence: known.fence }
      const entry = { group: groupId, fence, position, offsets: placed(offsets, nowMs) }
      if (entry.offsets.length === 0) return { kind: 'committed' }
      const verdict = await write('offsetsCommitted', origin, encodeOffsetsCommitted(entry))
      if (verdict.kind === 'fencedOut' || verdict.kind === 'limit') return verdict
      if (verdict.kind !== 'offsetsCommitted') return unserved(verdict)
      const verdicts = await verdict.verdicts
      if (verdicts.some((each) => each === undefined)) return { kind: 'unknown' }
      if (verdicts.some((each) => each?.kind === 'limit')) return { kind: 'limit' }
      return { kind: verdicts.some((each) => each?.kind === 'overtaken') ? 'overtaken' : 'committed' }
    },

    async remove({ groupId, position, origin, ...what }) {
      const group = living(groupId)
      if (group === undefined) return { kind: 'removed' }
      let partitions: { topicNumber: number; partition: number }[] | undefined
      if ('partitions' in what) {
        partitions = offsetsOfGoneTopics(group)
        for (const { topicId, partition } of what.partitions) {
          const topicNumber = replica.root.numbersById.get(topicId)
          if (topicNumber !== undefined && partition >= 0) partitions.push({ topicNumber, partition })
        }
        if (partitions.length === 0) return { kind: 'removed' }
      }
      const payload = encodeOffsetsDeleted({ group: groupId, position, partitions })
      const verdict = await write('offsetsDeleted', origin, payload)
      if (verdict.kind === 'offsetsDeleted') return { kind: 'removed' }
      return verdict.kind === 'changedSince' ? verdict : unserved(verdict)
    },
  }
}

/** What is none of the fold's answers to an entry was rejected by the horizon: it changed nothing, and may be asked for again. */
function unserved(verdict: OwnVerdict | Unserved): Unserved {
  return verdict.kind === 'unknown' || verdict.kind === 'halted' ? verdict : { kind: 'unavailable' }
}
