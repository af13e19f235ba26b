// When the members of one group were last heard of: what this process heard itself, and what the `seen` document says. What is
// stored is renewed only when it is older than a third of the member's session timeout, for all members that this process
// knows of at once. A member of whom nothing is stored counts as heard of now, and that is stored, so that its time runs.
import type { Clock } from '../base/clock.ts'
import { GROUP_VIEW_AGE_MS } from '../base/limits.ts'
import { type Random, randomOnce } from '../base/random.ts'
import type { DocumentStore } from '../storage/ports.ts'
import type { Group } from './group.ts'
import { decodeSeen, encodeSeen, seenKey } from './seen-document.ts'

const WRITE_TRIES_MAX = 4
/** How long a time counts that is of nobody this view of the group knows: somebody who joined through another process. */
const UNKNOWN_MS_MAX = 2 * GROUP_VIEW_AGE_MS

export interface SeenTimes {
  /** The document was read once. */
  readonly known: boolean
  /** Told of each view of the group: with a group that is another one, times of the same numbers are forgotten. */
  about(group: Group | undefined): void
  of(memberNumber: number): number
  note(memberNumber: number, atMs: number): void
  /** False when the store does not answer. */
  read(): Promise<boolean>
  /** Stores what is due; what cannot be stored now is stored the next time. */
  write(group: Group | undefined): Promise<void>
}

export function createSeenTimes(
  groupId: string,
  ports: {
    readonly documents: DocumentStore
    readonly clock: Clock
    readonly random: Random
    onWrite(document: 'seen'): void
  },
): SeenTimes {
  const { documents, clock, random } = ports
  const key = seenKey(groupId)
  const heard = new Map<number, number>()
  let stored: ReadonlyMap<number, number> = new Map()
  let version = 0
  let readAt = Number.NEGATIVE_INFINITY
  /** The next member's number as of the newest view: it goes down when the group was removed. */
  let nextNumber = 0

  function learn(body: Uint8Array | undefined, newVersion: number): void {
    stored = body === undefined ? new Map() : decodeSeen(body)
    version = newVersion
    const now = clock.now()
    for (const [number, at] of stored) heard.set(number, Math.max(Math.min(at, now), heard.get(number) ?? 0))
  }

  async function read(): Promise<boolean> {
    const sentAt = clock.monotonic()
    const found = await documents.get(key)
    if (found.kind === 'unavailable') return false
    if (found.kind === 'missing') learn(undefined, 0)
    else learn(found.document.body, found.document.version)
    readAt = sentAt
    return true
  }

  function of(memberNumber: number): number {
    const at = heard.get(memberNumber)
    if (at !== undefined) return at
    const now = clock.now()
    heard.set(memberNumber, now)
    return now
  }

  /**
   * Members whose stored time is older than a third of their session: the store would soon call them overdue. Or that is still to
   * come: whoever stored it has a clock that is ahead, and a member that fell silent would be kept for as long.
   */
  function isDue(group: Group): boolean {
    const now = clock.now()
    return group.members.some(({ number, sessionTimeoutMs }) => {
      const at = stored.get(number) ?? 0
      return of(number) - at >= sessionTimeoutMs / 3 || at - now >= sessionTimeoutMs / 3
    })
  }

  /** What is to be stored: of members only, and of those that this view of the group does not know yet. */
  function merged(group: Group): Map<number, number> {
    const numbers = new Set(group.members.map(({ number }) => number))
    const sinceMs = clock.now() - UNKNOWN_MS_MAX
    const times = [...heard].filter(
      ([number, at]) => numbers.has(number) || (number >= group.nextMemberNumber && at >= sinceMs),
    )
    return new Map(times.sort(([a], [b]) => a - b))
  }

  /** Keeps no time of whom nobody will ask again: a group may see members come and go for years. */
  function forgetAllBut(times: ReadonlyMap<number, number>): void {
    for (const number of heard.keys()) if (!times.has(number)) heard.delete(number)
  }

  return {
    get known() {
      return readAt > Number.NEGATIVE_INFINITY
    },
    about(group) {
      const next = group?.nextMemberNumber ?? 0
      if (next < nextNumber) forgetAllBut(new Map())
      nextNumber = next
    },
    of,
    note(memberNumber, atMs) {
      heard.set(memberNumber, Math.max(atMs, heard.get(memberNumber) ?? 0))
    },
    read,
    async write(group) {
      if (group === undefined || !isDue(group)) return
      // Another process may have stored it meanwhile, and a read is far cheaper than a write in vain.
      if (clock.monotonic() - readAt > GROUP_VIEW_AGE_MS && !(await read())) return
      for (let tries = 0; tries < WRITE_TRIES_MAX && isDue(group); tries++) {
        const times = merged(group)
        const put = await documents.put(key, encodeSeen(times), version, randomOnce(random))
        ports.onWrite('seen')
        if (put.kind === 'applied') {
          stored = times
          version = put.version
          forgetAllBut(times)
        } else if (put.kind === 'conflict') learn(put.current?.body, put.current?.version ?? 0)
        else return
      }
    },
  }
}
