// Tests of the judge of consumer groups: histories that a correct group can have, and for each rule one that breaks it and
// nothing else, so that a suite that reports no violation has looked.
import { describe, expect, it } from 'vitest'
import type { GroupEvent } from '../../clients/groups/events.ts'
import { type Expected, type Observation, verify } from '../../clients/groups/verify.ts'

type Step = GroupEvent extends infer E ? (E extends GroupEvent ? Omit<E, 'at' | 'member'> : never) : never

/** `[time, member, what]`, ten milliseconds to a unit of time. */
const told = (...steps: readonly (readonly [number, string, Step])[]): GroupEvent[] =>
  steps.map(([time, member, step]) => ({ ...step, member, at: time * 10 }) as GroupEvent)

const assigned = (...partitions: number[]): Step => ({ event: 'assigned', places: partitions.map((p) => ['t', p]) })
const revoked = (...partitions: number[]): Step => ({ event: 'revoked', places: partitions.map((p) => ['t', p]) })
const lost = (...partitions: number[]): Step => ({ event: 'lost', places: partitions.map((p) => ['t', p]) })
const record = (offset: number, partition = 0): Step => ({
  ...{ event: 'record', topic: 't', partition, offset },
  ...{ key: 'k', value: `v${offset}` },
})
const committed = (sent: number, offset: number): Step => ({
  ...{ event: 'committed', sentAt: sent * 10 },
  offsets: [['t', 0, offset]],
})
const seeked = (offset: number): Step => ({ event: 'seeked', offsets: [['t', 0, offset]] })
const killed: Step = { event: 'killed' }
const saw = (time: number, offset: number): Observation => ({
  ...{ askedAt: time * 10, at: time * 10 + 5 },
  offsets: [['t', 0, offset]],
})

const written = (end: number, more: Partial<Expected> = {}): Expected => ({
  produced: new Map(Array.from({ length: end }, (_, at) => [`t/0/${at}`, { key: 'k', value: `v${at}` }])),
  ends: new Map([['t/0', end]]),
  ...more,
})
const wrong = (events: GroupEvent[], expected: Expected): readonly string[] => verify(events, expected).violations

describe('what a correct group does', () => {
  it('one member, one after the other', () => {
    const events = told([0, 'a', assigned(0)], [1, 'a', record(0)], [2, 'a', record(1)], [4, 'a', committed(3, 2)])
    expect(verify(events, written(2))).toEqual({
      violations: [],
      figures: { records: 2, duplicates: 0, owners: 1, commits: 1, late: 0, lost: 0 },
    })
  })

  it('a partition passes on, and the new owner begins at what was committed, or a little before where the old one was', () => {
    const events = told(
      ...([
        [0, 'a', assigned(0)],
        [1, 'a', record(0)],
        [2, 'a', committed(1, 1)],
        [3, 'a', record(1)],
      ] as const),
      ...([
        [4, 'a', revoked(0)],
        [4, 'b', assigned(0)],
        [5, 'b', record(1)],
        [6, 'b', record(2)],
      ] as const),
    )
    expect(verify(events, written(3))).toMatchObject({ violations: [], figures: { duplicates: 1, owners: 2 } })
  })

  it('the owner is killed', () => {
    const events = told(
      ...([
        [0, 'a', assigned(0)],
        [1, 'a', record(0)],
        [2, 'a', killed],
        [9, 'b', assigned(0)],
      ] as const),
      [10, 'b', record(0)],
    )
    expect(wrong(events, written(1))).toEqual([])
  })

  it('a member finds out late that it was thought dead, and commits no more', () => {
    const events = told(
      ...([
        [0, 'a', assigned(0)],
        [1, 'a', record(0)],
        [5, 'b', assigned(0)],
        [6, 'a', record(1)],
      ] as const),
      ...([
        [7, 'b', record(0)],
        [8, 'a', lost(0)],
        [9, 'b', record(1)],
      ] as const),
    )
    expect(verify(events, written(2))).toMatchObject({ violations: [], figures: { lost: 1 } })
  })

  it('of two commits under way at once the lower is the last to land, and what comes next begins there', () => {
    const events = told(
      ...([
        [0, 'a', assigned(0)],
        [1, 'a', record(0)],
        [2, 'a', record(1)],
        [5, 'a', committed(3, 2)],
      ] as const),
      ...([
        [6, 'a', committed(2, 1)],
        [7, 'a', revoked(0)],
        [8, 'b', assigned(0)],
        [9, 'b', record(1)],
      ] as const),
    )
    expect(wrong(events, written(2, { observations: [saw(5, 2), saw(7, 1)] }))).toEqual([])
    // Another look that saw it come back before: nothing of it was under way any more.
    expect(wrong(events, written(2, { observations: [saw(6.5, 2), saw(7, 1)] }))).toEqual([
      'the committed offset of t/0 went from 2 to 1 at 75',
    ])
  })

  it('a member seeks', () => {
    const events = told(
      ...([
        [0, 'a', assigned(0)],
        [1, 'a', record(0)],
        [2, 'a', record(1)],
        [3, 'a', committed(2, 2)],
      ] as const),
      ...([
        [4, 'a', seeked(0)],
        [5, 'a', record(0)],
        [6, 'a', committed(5, 1)],
        [7, 'a', record(1)],
      ] as const),
    )
    expect(wrong(events, written(2, { observations: [saw(4, 2), saw(7, 1)] }))).toEqual([])
  })
})

describe('what it does not do', () => {
  const start = [
    [0, 'a', assigned(0)],
    [1, 'a', record(0)],
    [2, 'a', record(1)],
  ] as const

  it('skips a record', () => {
    expect(wrong(told(...start), written(3))).toEqual(['t/0: 1 of 3 records were never processed: 2…'])
    const gap = told([0, 'a', assigned(0)], [1, 'a', record(0)], [2, 'a', record(2)], [3, 'b', assigned(1)])
    expect(wrong(gap, written(0, { ends: new Map([['t/0', 3]]) }))).toEqual([
      'a in t/0 at 20 went from 0 to 2',
      't/0: 1 of 3 records were never processed: 1…',
    ])
  })

  it('goes back within one ownership', () => {
    const events = told(...start, [3, 'a', record(0)], [4, 'a', record(1)])
    expect(wrong(events, written(2))).toEqual(['a in t/0 at 30 went from 1 to 0'])
    expect(wrong(events, written(2, { lateRecords: true }))).toEqual([])
  })

  it('begins behind what was committed, or beyond what anybody had processed', () => {
    const again = [
      [4, 'a', revoked(0)],
      [5, 'b', assigned(0)],
    ] as const
    const back = told(...start, [3, 'a', committed(2, 2)], ...again, [6, 'b', record(1)])
    expect(wrong(back, written(2))).toEqual(['b in t/0 at 60 began at 1, but 2 was committed'])
    expect(wrong(back, written(2, { lateRecords: true }))).toEqual([])
    const beyond = told(...start, ...again, [6, 'b', record(3)], [7, 'b', revoked(0)], [8, 'c', assigned(0)])
    const late = [...beyond, ...told([9, 'c', record(2)])]
    expect(wrong(late, written(4))).toEqual(['b in t/0 at 60 began at 3, nobody had got beyond 2'])
  })

  it('has two owners', () => {
    const events = told(...start, [3, 'b', assigned(0)], [5, 'a', revoked(0)])
    expect(wrong(events, written(2))).toEqual(['t/0 had two owners for 20 ms from 30 on: a and b'])
    const twice = told(...start, [3, 'a', assigned(0)])
    expect(wrong(twice, written(2))).toEqual(['a was assigned t/0 at 30, which it owned already'])
  })

  it('processes what it does not own', () => {
    const events = told(...start, [3, 'a', revoked(0)], [4, 'a', record(2)])
    expect(wrong(events, written(3))).toEqual(['a processed t/0 offset 2 at 40 without owning it'])
    expect(verify(events, written(3, { lateRecords: true }))).toMatchObject({ violations: [], figures: { late: 1 } })
    const after = [...events, ...told([5, 'b', assigned(0)], [6, 'b', record(3)])]
    expect(wrong(after, written(4, { lateRecords: true }))).toEqual([])
    expect(wrong([...after, ...told([7, 'b', record(5)])], written(0, { lateRecords: true }))).toContain(
      'b in t/0 at 70 went on at 5, nobody had got beyond 4',
    )
  })

  it('commits after its partition has passed on', () => {
    const passed = [
      [3, 'b', assigned(0)],
      [4, 'b', record(0)],
      [5, 'b', record(1)],
    ] as const
    const events = told(...start, ...passed, [7, 'a', committed(6, 2)], [8, 'a', lost(0)])
    expect(wrong(events, written(2))).toEqual(['a committed t/0 at 60, which b owned since 30'])
  })

  it('moves a committed offset back', () => {
    const events = told(...start, [3, 'a', committed(2, 2)], [5, 'a', committed(4, 1)])
    expect(wrong(events, written(2))).toEqual(['a committed 1 of t/0 at 50, but a had committed 2 at 30'])
    const back = told(...start, [3, 'a', committed(2, 2)], [5, 'a', committed(4, 1)])
    expect(wrong(back, written(2, { lateRecords: true }))).toEqual([])
    const observations = [saw(1, 0), saw(4, 2), saw(5, 1)]
    expect(wrong(told(...start), written(2, { observations }))).toEqual([
      'the committed offset of t/0 went from 2 to 1 at 55',
    ])
    const acknowledged = told(...start, [3, 'a', committed(2, 2)])
    expect(wrong(acknowledged, written(2, { observations: [saw(2, 0), saw(4, 1)] }))).toEqual([
      'the committed offset of t/0 was 1 at 45, but 2 had been acknowledged',
    ])
  })

  it('changes a record or makes one up', () => {
    const other = written(2, { produced: new Map([['t/0/1', { key: 'k', value: 'else' }]]) })
    expect(wrong(told(...start), other)).toEqual(['t/0 offset 1: k=v1 instead of k=else'])
    expect(wrong(told(...start), written(1))).toEqual(['t/0 has no offset 1'])
  })
})
