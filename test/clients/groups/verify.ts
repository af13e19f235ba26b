// Judges what the members of one group did, from their merged events and the records that were written. It is pure: the
// same events give the same verdict. What must hold of any correct group, whatever the client: every record is processed;
// a partition has one owner at a time; an owner starts where the group had committed and goes on without gaps or steps
// back; an acknowledged commit never moves an offset back and never comes from somebody whose partition has passed on.
// Each member's events must be in the order in which it wrote them; between members only their times are compared.
import { type EventOf, type GroupEvent, type PlacedOffset, placeKey } from './events.ts'

/** What an observer of the group's committed offsets saw, in order. */
export interface Observation {
  readonly askedAt: number
  readonly at: number
  readonly offsets: readonly PlacedOffset[]
}

export interface Expected {
  /** Acknowledged records by `topic/partition/offset`. */
  readonly produced: ReadonlyMap<string, { readonly key: string; readonly value: string }>
  /** The end of each partition by `topic/partition`: all offsets below it must be processed. */
  readonly ends: ReadonlyMap<string, number>
  readonly observations?: readonly Observation[]
  /** Members that another one replaced, or that were frozen: they learn of it late, so only their commits are judged. */
  readonly outlived?: readonly string[]
  /**
   * For a client whose stream runs on over a rebalance: it hands over what it had buffered, and may fetch what it is given
   * before it knows what was committed. Late records are counted, and where it begins, goes on and commits is not judged
   * but for gaps. Whose the partitions are is judged as ever.
   */
  readonly lateRecords?: boolean
}

export interface Figures {
  records: number
  duplicates: number
  owners: number
  commits: number
  late: number
  lost: number
}

export interface Verdict {
  /** Empty when all is well; each says who, where and when. */
  readonly violations: readonly string[]
  readonly figures: Readonly<Figures>
}

/** One member's ownership of one partition. */
export interface Ownership {
  readonly member: string
  readonly from: number
  until: number
  how: 'open' | 'revoked' | 'lost' | 'killed' | 'closed'
  readonly records: EventOf<'record'>[]
  /** Positions asked for, by how many records came before. */
  readonly seeks: { readonly after: number; readonly offset: number }[]
}

/** Clocks are read in whole milliseconds by some drivers. */
const TOLERANCE_MS = 2
const VIOLATIONS_MAX = 40

export function verify(events: readonly GroupEvent[], expected: Expected): Verdict {
  const violations: string[] = []
  const complain = (text: string): void => void violations.push(text)
  const figures: Figures = { records: 0, duplicates: 0, owners: 0, commits: 0, late: 0, lost: 0 }
  const late: EventOf<'record'>[] = []
  const byPlace = ownerships(events, figures, expected.lateRecords ? late : undefined, complain)
  const lateByPlace = Map.groupBy(late, ({ topic, partition }) => placeKey([topic, partition]))
  const commits = commitsByPlace(events, figures)
  for (const [place, owners] of byPlace) {
    figures.owners += owners.length
    const placed = commits.get(place) ?? []
    const known = owners.filter(({ member }) => expected.outlived?.includes(member) !== true)
    judgeOverlaps(place, known, complain)
    judgeOrder(place, owners, placed, expected.lateRecords ? (lateByPlace.get(place) ?? []) : undefined, complain)
    judgeCommits(place, owners, placed, expected.lateRecords === true, complain)
  }
  judgeCoverage(events, expected, figures, complain)
  if (!expected.lateRecords) judgeObservations(expected.observations ?? [], commits, events, complain)
  const more = violations.length - VIOLATIONS_MAX
  return { violations: more > 0 ? [...violations.slice(0, VIOLATIONS_MAX), `and ${more} more`] : violations, figures }
}

type Complain = (text: string) => void

/** Who owned what from when to when, by place. What was processed without owning it goes to `late`, where that is allowed. */
function ownerships(
  events: readonly GroupEvent[],
  figures: Figures,
  late: EventOf<'record'>[] | undefined,
  complain: Complain,
): Map<string, Ownership[]> {
  const byPlace = new Map<string, Ownership[]>()
  const open = new Map<string, Map<string, Ownership>>()
  const end = (member: string, place: string, at: number, how: Ownership['how']): void => {
    const owned = open.get(member)?.get(place)
    if (owned === undefined) return
    owned.until = at
    owned.how = how
    open.get(member)?.delete(place)
  }
  for (const event of events) {
    const mine = open.get(event.member) ?? new Map<string, Ownership>()
    open.set(event.member, mine)
    switch (event.event) {
      case 'assigned':
        for (const place of event.places.map(placeKey)) {
          if (mine.has(place)) {
            complain(`${event.member} was assigned ${place} at ${event.at}, which it owned already`)
            continue
          }
          const { member, at: from } = event
          const owned: Ownership = {
            member,
            from,
            until: Number.POSITIVE_INFINITY,
            how: 'open',
            records: [],
            seeks: [],
          }
          mine.set(place, owned)
          byPlace.set(place, [...(byPlace.get(place) ?? []), owned])
        }
        break
      case 'revoked':
      case 'lost':
        if (event.event === 'lost') figures.lost += event.places.length
        for (const place of event.places) end(event.member, placeKey(place), event.at, event.event)
        break
      case 'killed':
      case 'closed':
        for (const place of [...mine.keys()]) end(event.member, place, event.at, event.event)
        break
      case 'seeked':
        for (const offset of event.offsets) {
          const owned = mine.get(placeKey(offset))
          owned?.seeks.push({ after: owned.records.length, offset: offset[2] })
        }
        break
      case 'record': {
        figures.records += 1
        const place = placeKey([event.topic, event.partition])
        const owned = mine.get(place)
        if (owned !== undefined) owned.records.push(event)
        else if (late !== undefined) late.push(event)
        else complain(`${event.member} processed ${place} offset ${event.offset} at ${event.at} without owning it`)
        break
      }
    }
  }
  figures.late = late?.length ?? 0
  return byPlace
}

interface Commit {
  readonly member: string
  readonly sentAt: number
  readonly at: number
  readonly offset: number
}

function commitsByPlace(events: readonly GroupEvent[], figures: Figures): Map<string, Commit[]> {
  const commits = new Map<string, Commit[]>()
  for (const event of events) {
    if (event.event !== 'committed') continue
    figures.commits += 1
    const { member, sentAt, at } = event
    for (const offset of event.offsets) {
      const place = placeKey(offset)
      const list = commits.get(place) ?? []
      list.push({ member, sentAt, at, offset: offset[2] })
      commits.set(place, list)
    }
  }
  return commits
}

/** Whoever found out late that it had lost a partition is judged by its commits only: nobody could tell it in time. */
function judgeOverlaps(place: string, owners: readonly Ownership[], complain: Complain): void {
  const sorted = owners.filter(({ how }) => how !== 'lost').sort((a, b) => a.from - b.from)
  for (const [index, later] of sorted.entries()) {
    for (const earlier of sorted.slice(0, index)) {
      if (earlier.member === later.member) continue
      const both = Math.min(earlier.until, later.until) - later.from
      if (both > TOLERANCE_MS) {
        complain(`${place} had two owners for ${both} ms from ${later.from} on: ${earlier.member} and ${later.member}`)
      }
    }
  }
}

function judgeOrder(
  place: string,
  owners: readonly Ownership[],
  commits: readonly Commit[],
  late: readonly EventOf<'record'>[] | undefined,
  complain: Complain,
): void {
  const reachedLate = (at: number): number =>
    (late ?? []).reduce((most, record) => (record.at <= at ? Math.max(most, record.offset + 1) : most), 0)
  let furthest = 0
  const order = [...owners].sort((a, b) => a.from - b.from)
  for (const owner of order) {
    let next: number | undefined
    for (const [index, record] of owner.records.entries()) {
      const sought = owner.seeks.findLast(({ after }) => after === index)?.offset
      if (sought !== undefined) next = sought
      if (next === undefined || (record.offset !== next && late !== undefined)) {
        const where = `${owner.member} in ${place} at ${record.at} ${next === undefined ? 'began' : 'went on'}`
        const least = acknowledgedBefore(commits, owner.from)
        const most = Math.max(furthest, reachedLate(record.at))
        const behind = record.offset < least && !mayHaveBeenLast(commits, record.offset, owner.from, 0)
        if (behind && late === undefined) complain(`${where} at ${record.offset}, but ${least} was committed`)
        if (record.offset > most) complain(`${where} at ${record.offset}, nobody had got beyond ${most}`)
      } else if (record.offset !== next) {
        complain(`${owner.member} in ${place} at ${record.at} went from ${next - 1} to ${record.offset}`)
      }
      next = record.offset + 1
      furthest = Math.max(furthest, next)
    }
  }
}

function judgeCommits(
  place: string,
  owners: readonly Ownership[],
  commits: readonly Commit[],
  mayGoBack: boolean,
  complain: Complain,
): void {
  const answered = [...commits].sort((a, b) => a.at - b.at)
  const sent = [...commits].sort((a, b) => a.sentAt - b.sentAt)
  const rewound = mayGoBack || owners.some(({ seeks }) => seeks.length > 0)
  let read = 0
  let most: Commit | undefined
  for (const commit of sent) {
    for (
      let past = answered[read];
      past !== undefined && past.at + TOLERANCE_MS < commit.sentAt;
      past = answered[++read]
    ) {
      if (most === undefined || past.offset > most.offset) most = past
    }
    if (most !== undefined && commit.offset < most.offset && !rewound) {
      const before = `${most.member} had committed ${most.offset} at ${most.at}`
      complain(`${commit.member} committed ${commit.offset} of ${place} at ${commit.at}, but ${before}`)
    }
    const own = owners.findLast(({ member, from }) => member === commit.member && from <= commit.sentAt)
    const since = own?.from ?? Number.NEGATIVE_INFINITY
    const other = owners.find(
      ({ member, from }) => member !== commit.member && from > since && from + TOLERANCE_MS < commit.sentAt,
    )
    if (other !== undefined) {
      complain(
        `${commit.member} committed ${place} at ${commit.sentAt}, which ${other.member} owned since ${other.from}`,
      )
    }
  }
}

function judgeCoverage(events: readonly GroupEvent[], expected: Expected, figures: Figures, complain: Complain): void {
  const seen = new Map<string, Set<number>>()
  for (const event of events) {
    if (event.event !== 'record') continue
    const place = placeKey([event.topic, event.partition])
    const offsets = seen.get(place) ?? new Set<number>()
    seen.set(place, offsets)
    if (offsets.has(event.offset)) figures.duplicates += 1
    offsets.add(event.offset)
    const written = expected.produced.get(`${place}/${event.offset}`)
    if (written !== undefined && (written.key !== event.key || written.value !== event.value)) {
      complain(
        `${place} offset ${event.offset}: ${event.key}=${event.value} instead of ${written.key}=${written.value}`,
      )
    }
    if (event.offset >= (expected.ends.get(place) ?? 0)) complain(`${place} has no offset ${event.offset}`)
  }
  for (const [place, end] of expected.ends) {
    const offsets = seen.get(place) ?? new Set<number>()
    const missing = Array.from({ length: end }, (_, offset) => offset).filter((offset) => !offsets.has(offset))
    if (missing.length > 0) {
      const some = missing.slice(0, 5).join(', ')
      complain(`${place}: ${missing.length} of ${end} records were never processed: ${some}…`)
    }
  }
}

/**
 * Committed offsets as an outsider sees them never move back, and are never behind what was acknowledged before; but of
 * commits that were under way at once, as a client may have them, either can be the last.
 */
function judgeObservations(
  observations: readonly Observation[],
  commits: ReadonlyMap<string, readonly Commit[]>,
  events: readonly GroupEvent[],
  complain: Complain,
): void {
  const rewound = new Set(events.flatMap((event) => (event.event === 'seeked' ? event.offsets.map(placeKey) : [])))
  const last = new Map<string, { offset: number; askedAt: number }>()
  for (const { askedAt, at, offsets } of observations) {
    for (const found of offsets) {
      const place = placeKey(found)
      const offset = found[2]
      const before = last.get(place) ?? { offset: -1, askedAt: 0 }
      last.set(place, { offset: Math.max(offset, before.offset), askedAt })
      const placed = commits.get(place) ?? []
      const acknowledged = acknowledgedBefore(placed, askedAt)
      if (rewound.has(place) || offset >= Math.max(before.offset, acknowledged)) continue
      if (mayHaveBeenLast(placed, offset, askedAt, before.askedAt)) continue
      if (offset < before.offset)
        complain(`the committed offset of ${place} went from ${before.offset} to ${offset} at ${at}`)
      else
        complain(`the committed offset of ${place} was ${offset} at ${at}, but ${acknowledged} had been acknowledged`)
    }
  }
}

/** The highest offset that was surely committed at that time, and -1 when nothing was. */
function acknowledgedBefore(commits: readonly Commit[], at: number): number {
  return commits.reduce((most, commit) => (commit.at + TOLERANCE_MS < at ? Math.max(most, commit.offset) : most), -1)
}

/** Whether a commit of this offset, answered after `since`, can have been the last one to land before `at`. */
function mayHaveBeenLast(commits: readonly Commit[], offset: number, at: number, since: number): boolean {
  return commits.some((commit) => {
    if (commit.offset !== offset || commit.at < since) return false
    return !commits.some((later) => later.sentAt > commit.at && later.at + TOLERANCE_MS < at)
  })
}
