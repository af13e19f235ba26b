// What a kill did to each group, measured from what its members told: how long until it committed again, until every member
// that had partitions committed again, and until every partition moved on; and how often its members were given or lost
// partitions meanwhile. Pure, like the judge beside it.
import { type GroupEvent, placeKey } from '../clients/groups/events.ts'

export interface Kill {
  readonly at: number
  readonly gateway: number
  /** Groups whose coordinator it was. */
  readonly coordinated: readonly string[]
}

export interface Aftermath {
  /** From the kill to the first acknowledged commit that was sent after it; undefined: there was none. */
  readonly committedMs: number | undefined
  /** The same for the last of the members that owned something then. */
  readonly allCommittedMs: number | undefined
  /** From the kill to when each partition of the group had a record processed that came after it. */
  readonly progressedMs: number | undefined
  /** Rebalances that members noticed in the time looked at. */
  readonly rebalances: number
}

/** `events` are those of one group; looks at the time from the kill until `untilMs` (a moment, not a length). */
export function aftermath(events: readonly GroupEvent[], at: number, untilMs: number): Aftermath {
  const owned = new Map<string, Set<string>>()
  const committed = new Map<string, number>()
  const progressed = new Map<string, number>()
  const places = new Set<string>()
  let owners: readonly string[] | undefined
  let rebalances = 0
  for (const event of [...events].sort((a, b) => a.at - b.at)) {
    if (event.at > untilMs) break
    if (event.at >= at) owners ??= [...owned].filter(([, mine]) => mine.size > 0).map(([member]) => member)
    const mine = owned.get(event.member) ?? new Set<string>()
    owned.set(event.member, mine)
    if (event.event === 'assigned') {
      for (const place of event.places.map(placeKey)) mine.add(place)
      if (event.at >= at) rebalances += 1
    } else if (event.event === 'revoked' || event.event === 'lost') {
      for (const place of event.places.map(placeKey)) mine.delete(place)
    } else if (event.event === 'record') {
      const place = placeKey([event.topic, event.partition])
      places.add(place)
      if (event.at >= at && !progressed.has(place)) progressed.set(place, event.at - at)
    } else if (event.event === 'committed' && event.sentAt >= at && !committed.has(event.member)) {
      committed.set(event.member, event.at - at)
    }
  }
  const last = (times: readonly (number | undefined)[]): number | undefined =>
    times.includes(undefined) ? undefined : Math.round(Math.max(0, ...times.map((time) => time ?? 0)))
  const first = committed.size === 0 ? undefined : Math.round(Math.min(...committed.values()))
  return {
    committedMs: first,
    allCommittedMs: last((owners ?? []).map((member) => committed.get(member))),
    progressedMs: last([...places].map((place) => progressed.get(place))),
    rebalances,
  }
}
