// Groups as one process serves them. Any process serves any group: what it keeps between requests (`room.ts`) saves reads and
// lets parked requests be answered at once, and is checked by the compare-and-set of every change. A request that may wait
// looks again whenever the group changed here, when a deadline passed, and at least once a second, in case another process
// changed it.
import type { Clock } from '../base/clock.ts'
import { GROUP_REQUESTS_MAX, GROUP_ROOMS_MAX, GROUP_VIEW_AGE_MS } from '../base/limits.ts'
import type { Random } from '../base/random.ts'
import type { Unserved } from '../log/log.ts'
import type { OpenedLog } from '../log/open-log.ts'
import type { DocumentStore } from '../storage/ports.ts'
import { createGroupAdministration } from './administration.ts'
import { createCommits } from './commits.ts'
import { beat, checkReader, consumerBeat, join, leave, sync } from './decide.ts'
import type { Groups, Patience } from './groups.ts'
import { createGroupOffsets } from './offsets.ts'
import { createRoom, type Decided, type Room, type RoomPorts } from './room.ts'
import type { GroupEvent, GroupSettings, Wait } from './step.ts'
import { topicsView } from './topics-view.ts'

/** Groups with what their process needs besides. */
export interface GroupCoordinator extends Groups {
  /** Looks after groups of which nobody asks: overdue members, expired offsets, forgotten groups. Answers how many changed. */
  sweep(isOver?: () => boolean): Promise<number>
  /** Resolves when nothing is under way. */
  settle(): Promise<void>
  /** Writes of groups' documents so far. */
  readonly writes: { readonly group: number; readonly seen: number }
}

export interface GroupCoordinatorArgs {
  readonly log: OpenedLog
  readonly documents: DocumentStore
  readonly clock: Clock
  readonly random: Random
  readonly settings: GroupSettings
}

export function createGroups(args: GroupCoordinatorArgs): GroupCoordinator {
  const { log, documents, clock, random, settings } = args
  const offsets = createGroupOffsets(log)
  const rooms = new Map<string, Room>()
  const writes = { group: 0, seen: 0 }
  const underWay = new Set<Promise<unknown>>()
  /** Those that may wait are counted apart: however many wait, there is room for a heartbeat. */
  const requests = { waiting: 0, brief: 0 }

  const ports: RoomPorts = {
    documents,
    clock,
    random,
    context: (groupId) => ({
      nowMs: clock.now(),
      newId: () => uuid(random),
      settings,
      topics: topicsView(log),
      foldedFence: offsets.fence(groupId),
    }),
    async refresh(howOldMsMax) {
      const { replica } = log.journal
      if (howOldMsMax > 0 && clock.monotonic() - replica.asOf <= howOldMsMax) return { kind: 'fresh' }
      return log.refresh()
    },
    foldedFence: offsets.fence,
    origin: () => log.journal.origin(),
    raiseFence: offsets.raiseFence,
    onWrite: (document) => {
      writes[document]++
    },
  }

  function roomOf(groupId: string): Room {
    let room = rooms.get(groupId)
    rooms.delete(groupId)
    room ??= createRoom(groupId, ports)
    rooms.set(groupId, room)
    for (const [oldest, { idle }] of rooms) {
      if (rooms.size <= GROUP_ROOMS_MAX) break
      if (idle) rooms.delete(oldest)
    }
    return room
  }

  /** Bounds what waits, and knows what is under way. */
  function held<T>(work: () => Promise<T>, how: keyof typeof requests = 'brief'): Promise<T | Unserved> {
    if (requests[how] >= GROUP_REQUESTS_MAX) return Promise.resolve({ kind: 'unavailable' })
    requests[how]++
    return tracked(
      work().finally(() => {
        requests[how]--
      }),
    )
  }

  function tracked<T>(work: Promise<T>): Promise<T> {
    const running = work.finally(() => underWay.delete(running))
    underWay.add(running)
    return running
  }

  const ask = <A extends { readonly kind: string }>(
    groupId: string,
    event: GroupEvent<A>,
  ): Promise<Decided<A> | Unserved> => roomOf(groupId).submit(event)

  async function answer<A extends { readonly kind: string }>(
    groupId: string,
    event: GroupEvent<A>,
  ): Promise<A | Unserved> {
    const outcome = await ask(groupId, event)
    return outcome.kind === 'decided' ? outcome.answer : outcome
  }

  /** Asks until there is an answer, where the request may wait. */
  async function patiently<A extends { readonly kind: string }>(
    groupId: string,
    event: GroupEvent<A | Wait>,
    { signal, mayWait }: Patience,
  ): Promise<A | Wait | Unserved> {
    for (;;) {
      const outcome = await ask(groupId, event)
      if (outcome.kind !== 'decided') return outcome
      if (outcome.answer.kind !== 'wait' || !mayWait || signal.aborted) return outcome.answer
      await roomOf(groupId).changed(Math.min(outcome.quietMs, GROUP_VIEW_AGE_MS), signal)
      // Its client is gone: nobody speaks for the member any more.
      if (signal.aborted) return outcome.answer
    }
  }

  const commits = createCommits({ log, offsets, clock, settings, ask: answer })
  const administration = createGroupAdministration({ log, offsets, documents, clock, settings, ask })

  return {
    writes,
    join: (request, patience) => held(() => patiently(request.groupId, join(request), patience), 'waiting'),
    sync: (request, patience) => held(() => patiently(request.groupId, sync(request), patience), 'waiting'),
    heartbeat: (request) => held(() => answer(request.groupId, beat(request))),
    leave: (request) => held(() => answer(request.groupId, leave(request))),
    consumerHeartbeat: (request) => held(() => answer(request.groupId, consumerBeat(request))),
    commit: (committer, batch, told) => held(() => commits.commit(committer, batch, told)),
    committed: (groupId, member) =>
      held(async () => {
        const refreshed = await log.refresh()
        if (refreshed.kind !== 'fresh') return refreshed
        if (member !== undefined) {
          const check = await answer(groupId, checkReader(member))
          if (check.kind !== 'allowed') return check
        }
        return offsets.committed(groupId)
      }),
    deleteOffsets: (groupId, topics) => held(() => administration.deleteOffsets(groupId, topics)),
    list: () => held(() => administration.list()),
    describe: (groupId) => held(() => administration.describe(groupId)),
    delete: (groupId) => held(() => administration.delete(groupId)),
    sweep: (isOver) => tracked(administration.sweep(isOver)),
    async settle() {
      while (underWay.size > 0) await Promise.allSettled(underWay)
    },
  }
}

/** A random UUID (version 4), as Kafka's member ids end in. */
function uuid(random: Random): string {
  const bytes = random.bytes(16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = Buffer.from(bytes).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
