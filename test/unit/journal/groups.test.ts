// Groups in the fold: a fence only rises and rejects what is older, also after its group was deleted, until the horizon has
// passed that; a commit never takes back what its process had not seen; what was changed since is not removed.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../../lib/base/bytes.ts'
import { GROUPS_MAX, OFFSETS_PER_GROUP_MAX } from '../../../lib/base/limits.ts'
import { encodeCheckpointed } from '../../../lib/journal/entries/checkpointed.ts'
import { encodeGroupFenced } from '../../../lib/journal/entries/group-fenced.ts'
import { encodeHorizonAdvanced } from '../../../lib/journal/entries/horizon-advanced.ts'
import {
  decodeOffsetsCommitted,
  encodeOffsetsCommitted,
  type OffsetsCommitted,
} from '../../../lib/journal/entries/offsets-committed.ts'
import { encodeOffsetsDeleted } from '../../../lib/journal/entries/offsets-deleted.ts'
import { encodeTopicDeleted } from '../../../lib/journal/entries/topic-changed.ts'
import { sha256 } from '../../../lib/journal/entry.ts'
import { readGroup } from '../../../lib/journal/state/group-page.ts'
import { changeGroup } from '../../../lib/journal/state/groups.ts'
import { asGroupPage, decodePageObject, encodePage, encodePageObject } from '../../../lib/journal/state/page.ts'
import { groupPageKeyOf, livingPages } from '../../../lib/journal/state/page-keys.ts'
import { decodeRootObject, emptyRoot, encodeRoot, encodeRootObject } from '../../../lib/journal/state/root.ts'
import { createFold, type Fold } from '../support/fold.ts'

const offset = (topicNumber: number, partition: number, at: number) => ({
  topicNumber,
  partition,
  offset: at,
  leaderEpoch: 0,
  committedMs: 1_700_000_000_000,
  metadata: '',
})

const fenceOf = ({ root }: Fold, group: string): number | undefined => root.groups.get(group)?.fence

function fence(fold: Fold, group: string, to: number, origin?: number) {
  return fold.apply('groupFenced', encodeGroupFenced({ group, fence: to }), origin).verdict
}

/** Commits partitions of one topic, having read everything unless told otherwise. */
function commit(
  fold: Fold,
  group: string,
  at: Partial<OffsetsCommitted> & { readonly topic?: number },
  offsets: Readonly<Record<number, number>>,
  origin?: number,
) {
  const { fence: under = 0, position = fold.position, topic = 1 } = at
  const list = Object.entries(offsets).map(([partition, to]) => offset(topic, Number(partition), to))
  const entry = { group, fence: under, position, offsets: list }
  const { verdict, verdicts } = fold.apply('offsetsCommitted', encodeOffsetsCommitted(entry), origin)
  return verdict.kind === 'offsetsCommitted' ? verdicts.map((each) => each?.kind) : verdict
}

function remove(fold: Fold, group: string, position = fold.position, partitions?: readonly number[]) {
  const list = partitions?.map((partition) => ({ topicNumber: 1, partition }))
  return fold.apply('offsetsDeleted', encodeOffsetsDeleted({ group, position, partitions: list })).verdict.kind
}

/** Offsets by `topic/partition`; undefined if the group's page holds none. */
function stored(fold: Fold, group: string): Record<string, number> | undefined {
  const number = fold.root.groups.get(group)!.number
  const offsets = readGroup(asGroupPage(fold.page(groupPageKeyOf(number))), number)
  if (offsets === undefined) return undefined
  const list = [...offsets.topics].flatMap(([topic, partitions]) =>
    [...partitions].map(([partition, { offset: at }]) => [`${topic}/${partition}`, at] as const),
  )
  expect(offsets.count).toBe(list.length)
  return Object.fromEntries(list)
}

/** A checkpoint at this very position, and the horizon at its generation. */
function passHorizon(fold: Fold): void {
  const { checkpoint } = fold.root
  const announced = { key: `root/${fold.position.generation}`, position: fold.position, stateHash: sha256() }
  fold.apply('checkpointed', encodeCheckpointed({ ...announced, base: checkpoint?.key }))
  const { generation } = announced.position
  const { verdict } = fold.apply('horizonAdvanced', encodeHorizonAdvanced({ generation }))
  expect(verdict.kind).toBe('accepted')
}

describe('groups', () => {
  it('have a fence that only rises, and rejects commits under an older one', () => {
    const fold = createFold()
    fold.createTopic('t', 4)
    expect(fence(fold, 'g', 5)).toEqual({ kind: 'fenced', fence: 5 })
    expect(fence(fold, 'g', 3)).toEqual({ kind: 'fenced', fence: 5 })
    expect(commit(fold, 'g', { fence: 4 }, { 0: 10 })).toEqual({ kind: 'fencedOut', fence: 5 })
    expect(stored(fold, 'g')).toBeUndefined()
    expect(commit(fold, 'g', { fence: 5 }, { 0: 10 })).toEqual(['committed'])
    // A higher one is taken over, as if its own entry had come first.
    expect(commit(fold, 'g', { fence: 8 }, { 1: 11 })).toEqual(['committed'])
    expect(commit(fold, 'g', { fence: 7 }, { 0: 99 })).toEqual({ kind: 'fencedOut', fence: 8 })
    expect(stored(fold, 'g')).toEqual({ '1/0': 10, '1/1': 11 })
    expect(fenceOf(fold, 'g')).toBe(8)
    // A commit makes a group that was never fenced.
    expect(commit(fold, 'plain', {}, { 2: 7 })).toEqual(['committed'])
    expect([fenceOf(fold, 'plain'), stored(fold, 'plain')]).toEqual([0, { '1/2': 7 }])
  })

  it('are not taken back by a commit whose process had not seen the last one', () => {
    const fold = createFold()
    fold.createTopic('t', 4)
    const before = fold.position
    expect(commit(fold, 'g', { position: before }, { 0: 10, 1: 10 })).toEqual(['committed', 'committed'])
    // Begun at the same time: it comes late where the other was, and is as good as any elsewhere.
    expect(commit(fold, 'g', { position: before }, { 0: 5, 2: 5 })).toEqual(['overtaken', 'committed'])
    expect(stored(fold, 'g')).toEqual({ '1/0': 10, '1/1': 10, '1/2': 5 })
    // Who has seen them may go back.
    expect(commit(fold, 'g', {}, { 0: 3 })).toEqual(['committed'])
    const seen = fold.position
    fold.seal()
    // What was read to the end of a generation was also read when the next has begun.
    expect(commit(fold, 'g', { position: seen }, { 0: 4 })).toEqual(['committed'])
    expect(commit(fold, 'g', { position: { generation: seen.generation + 1, index: 0 } }, { 0: 2 })).toEqual([
      'overtaken',
    ])
    expect(stored(fold, 'g')).toEqual({ '1/0': 4, '1/1': 10, '1/2': 5 })
  })

  it('leave out topics and partitions that do not exist, and an entry of nothing else changes nothing', () => {
    const fold = createFold()
    const topic = fold.createTopic('t', 4)
    expect(commit(fold, 'g', {}, { 3: 1, 4: 1 })).toEqual(['committed', 'unknownTopic'])
    expect(stored(fold, 'g')).toEqual({ '1/3': 1 })
    const { changed } = fold.root.groups.get('g')!
    expect(commit(fold, 'g', { fence: 9, topic: 7 }, { 0: 1, 1: 1 })).toEqual(['unknownTopic', 'unknownTopic'])
    expect(commit(fold, 'new', { fence: 9 }, {})).toEqual([])
    expect(fold.root.groups.get('g')).toMatchObject({ changed, fence: 0 })
    expect(fold.root.groups.has('new')).toBe(false)
    // Offsets of a topic that was deleted stay until somebody removes them.
    fold.apply('topicDeleted', encodeTopicDeleted({ topicNumber: topic.number }))
    expect(commit(fold, 'g', {}, { 3: 2 })).toEqual(['unknownTopic'])
    expect(stored(fold, 'g')).toEqual({ '1/3': 1 })
    expect(remove(fold, 'g', fold.position, [3])).toBe('offsetsDeleted')
    expect(stored(fold, 'g')).toBeUndefined()
  })

  it('lose offsets only if nothing was committed and no fence raised since their remover looked', () => {
    const fold = createFold()
    fold.createTopic('t', 4)
    commit(fold, 'g', {}, { 0: 1, 1: 1, 2: 1 })
    const looked = fold.position
    commit(fold, 'g', {}, { 3: 1 })
    expect(remove(fold, 'g', looked, [0])).toBe('changedSince')
    expect(remove(fold, 'g', looked)).toBe('changedSince')
    const again = fold.position
    fence(fold, 'g', 1)
    expect(remove(fold, 'g', again)).toBe('changedSince')
    // A fence that raises nothing, and a commit that is fenced off, are no change.
    const third = fold.position
    fence(fold, 'g', 1)
    expect(commit(fold, 'g', { fence: 0 }, { 0: 2 })).toMatchObject({ kind: 'fencedOut' })
    expect(remove(fold, 'g', third, [0, 9])).toBe('offsetsDeleted')
    // Neither is a removal: one who looked at several partitions removes them one after the other.
    expect(remove(fold, 'g', third, [1])).toBe('offsetsDeleted')
    expect(stored(fold, 'g')).toEqual({ '1/2': 1, '1/3': 1 })
    expect(remove(fold, 'nobody')).toBe('offsetsDeleted')
    expect(fold.root.groups.has('nobody')).toBe(false)
  })

  it('keep number and fence when they are deleted, until the horizon has passed it', () => {
    const fold = createFold()
    fold.createTopic('t', 4)
    fence(fold, 'g', 6)
    commit(fold, 'g', { fence: 6 }, { 0: 1 })
    const { number } = fold.root.groups.get('g')!
    fence(fold, 'g', 7)
    expect(remove(fold, 'g')).toBe('offsetsDeleted')
    expect(fold.root.groups.get('g')).toMatchObject({ number, fence: 7, deleted: true })
    expect(stored(fold, 'g')).toBeUndefined()
    // What was begun under the old fence does not bring it back: neither a commit nor a fence that comes twice.
    expect(commit(fold, 'g', { fence: 6 }, { 0: 9 })).toEqual({ kind: 'fencedOut', fence: 7 })
    expect(fence(fold, 'g', 7)).toEqual({ kind: 'fenced', fence: 7 })
    expect(fold.root.groups.get('g')!.deleted).toBe(true)
    // To delete it once more changes nothing.
    const { changed } = fold.root.groups.get('g')!
    expect(remove(fold, 'g')).toBe('offsetsDeleted')
    expect(fold.root.groups.get('g')!.changed).toEqual(changed)
    // The generation of its deletion is not behind the horizon yet.
    passHorizon(fold)
    expect(fold.root.groups.get('g')).toMatchObject({ number, deleted: true })
    const late = fold.position.generation
    fold.seal()
    passHorizon(fold)
    expect(fold.root.groups.has('g')).toBe(false)
    // Who knew the group as it was is behind the horizon now.
    expect(commit(fold, 'g', { fence: 6 }, { 0: 9 }, late)).toEqual({ kind: 'behindHorizon' })
    expect(fence(fold, 'g', 7, late)).toEqual({ kind: 'behindHorizon' })
    expect(commit(fold, 'g', { fence: 1 }, { 0: 9 })).toEqual(['committed'])
    expect(fold.root.groups.get('g')!.number).toBeGreaterThan(number)
  })

  it('come back under their number, by a higher fence or by a commit under the one they have', () => {
    for (const how of ['fence', 'commit'] as const) {
      const fold = createFold()
      fold.createTopic('t', 4)
      fence(fold, 'g', 6)
      commit(fold, 'g', { fence: 6 }, { 0: 1, 1: 1 })
      const { number } = fold.root.groups.get('g')!
      expect(remove(fold, 'g')).toBe('offsetsDeleted')
      if (how === 'fence') expect(fence(fold, 'g', 7)).toEqual({ kind: 'fenced', fence: 7 })
      else expect(commit(fold, 'g', { fence: 6 }, { 0: 2 })).toEqual(['committed'])
      expect(fold.root.groups.get('g')).toMatchObject({ number, deleted: false })
      // Nothing of what it had.
      expect(stored(fold, 'g')).toEqual(how === 'fence' ? undefined : { '1/0': 2 })
      fold.seal()
      passHorizon(fold)
      expect(fold.root.groups.has('g')).toBe(true)
    }
  })

  it('are as many as there may be, and so are the offsets of one: all of a commit or nothing', () => {
    const fold = createFold()
    fold.createTopic('t', 100_000)
    fold.createTopic('u', 100_000)
    const many = Array.from({ length: OFFSETS_PER_GROUP_MAX - 1 }, (_, partition) => offset(1, partition, 1))
    const entry = { group: 'g', fence: 0, position: fold.position, offsets: many }
    expect(fold.apply('offsetsCommitted', encodeOffsetsCommitted(entry)).verdicts).toHaveLength(many.length)
    expect(commit(fold, 'g', { topic: 2 }, { 0: 5, 1: 5 })).toEqual(['limit', 'limit'])
    expect(commit(fold, 'g', { topic: 2 }, { 1: 5 })).toEqual(['committed'])
    expect(commit(fold, 'g', {}, { 0: 6 })).toEqual(['committed'])
    expect(commit(fold, 'g', { topic: 2 }, { 0: 5 })).toEqual(['limit'])
    expect(stored(fold, 'g')).toMatchObject({ '1/0': 6, '2/1': 5 })

    while (fold.root.groups.size < GROUPS_MAX) changeGroup(fold.root, `g${fold.root.groups.size}`, 1)
    expect(fence(fold, 'late', 1)).toEqual({ kind: 'limit' })
    expect(commit(fold, 'late', {}, { 0: 1 })).toEqual({ kind: 'limit' })
    expect(fence(fold, 'g', 1)).toEqual({ kind: 'fenced', fence: 1 })
    expect(fold.root.groups.has('late')).toBe(false)
  })

  it('commits are read back as they were written', () => {
    const place = fc.record({ topicNumber: fc.integer({ min: 1, max: 9 }), partition: fc.nat(99_999) })
    const rest = {
      offset: fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }),
      leaderEpoch: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
      committedMs: fc.integer({ min: 1_600_000_000_000, max: 1_800_000_000_000 }),
      metadata: fc.string({ maxLength: 20, unit: 'grapheme' }),
    }
    const list = fc.uniqueArray(place, { selector: ({ topicNumber: t, partition: p }) => t * 1e6 + p, maxLength: 30 })
    fc.assert(
      fc.property(fc.string(), fc.nat(), list, fc.infiniteStream(fc.record(rest)), (group, under, places, more) => {
        const sorted = places.sort((a, b) => a.topicNumber - b.topicNumber || a.partition - b.partition)
        const offsets = sorted.map((each) => ({ ...each, ...more.next().value }))
        const entry = { group, fence: under, position: { generation: 9, index: 4 }, offsets }
        expect(decodeOffsetsCommitted(encodeOffsetsCommitted(entry))).toEqual(entry)
      }),
    )
  })

  it('are the same after being stored, whatever order their offsets came in', () => {
    const [there, back] = [createFold(), createFold()]
    for (const fold of [there, back]) fold.createTopic('t', 200)
    const all = { 0: 5, 70: 5, 150: 5 }
    for (const offsets of [{ 0: 1 }, { 150: 1 }, { 70: 1 }, all]) commit(there, 'g', {}, offsets)
    for (const offsets of [{ 150: 1 }, { 70: 1 }, { 0: 1 }, all]) commit(back, 'g', {}, offsets)
    const page = there.page('g/0')
    expect(encodePage(back.page('g/0'))).toEqual(encodePage(page))
    const again = asGroupPage(decodePageObject('g/0', encodePageObject(encodePage(page), new Map())))
    expect(encodePage(again)).toEqual(encodePage(page))
    expect(readGroup(again, 1)).toEqual(readGroup(asGroupPage(page), 1))
  })

  it('stand in the root, which without any is the bytes that it was before there were groups', () => {
    const fold = createFold()
    fold.createTopic('t', 4)
    const without = encodeRoot(fold.root)
    expect(decodeRootObject(encodeRootObject(without, new Map())).root.nextGroupNumber).toBe(1)
    fence(fold, 'ä', 3)
    commit(fold, 'b', { fence: 2 ** 40 }, { 0: 1 })
    remove(fold, 'ä')
    const bytes = encodeRoot(fold.root)
    const { root } = decodeRootObject(encodeRootObject(bytes, new Map()))
    expect(root.groups).toEqual(fold.root.groups)
    expect(root.nextGroupNumber).toBe(3)
    expect(encodeRoot(root)).toEqual(bytes)

    // What an older release wrote ends with the topics.
    const old = new ByteWriter().varint(1).varint(1).varint(0).raw(new Uint8Array(32)).varint(0).string('')
    const plain = old.varint(1).varint(0).finish()
    expect(plain).toEqual(encodeRoot(emptyRoot()))
  })

  it('have pages that live as long as one of their groups', () => {
    const fold = createFold()
    fold.createTopic('t', 4)
    for (let i = 1; i <= 64; i++) fence(fold, `g${i}`, 1)
    const living = (): string[] => ['g/0', 'g/1', 'g/2', '1/0', '2/0'].filter(livingPages(fold.root))
    expect(living()).toEqual(['g/0', 'g/1', '1/0'])
    remove(fold, 'g64')
    expect(living()).toEqual(['g/0', 'g/1', '1/0'])
    fold.seal()
    passHorizon(fold)
    expect(living()).toEqual(['g/0', '1/0'])
  })
})
