// One group in one process: the requests that wait for a decision, taken together and in order; the newest view of the
// group's documents; and the turns that load, decide, write and only then answer. Nothing in it must survive, and any number
// of processes may have a room for the same group: a change counts when its compare-and-set was applied, and what lost the
// race is decided again on what won. ⚠ Order: the group's document with its fence, the fence in the journal, the answers.
import { type Clock, sleep } from '../base/clock.ts'
import {
  GROUP_FENCE_DISTANCE,
  GROUP_TURN_REQUESTS_MAX,
  GROUP_TURN_TRIES_MAX,
  GROUP_VIEW_AGE_MS,
} from '../base/limits.ts'
import { type Random, randomFraction, randomOnce } from '../base/random.ts'
import type { Unserved } from '../log/log.ts'
import type { Document, DocumentStore } from '../storage/ports.ts'
import { nextDeadlineMs, tick } from './decide.ts'
import type { Group } from './group.ts'
import { decodeGroup, encodeGroup, groupKey } from './group-document.ts'
import { createSeenTimes } from './seen-times.ts'
import type { GroupEvent, Step, StepContext } from './step.ts'
import { createWaiters } from './waiters.ts'

/** What became of an event: the answer, the group that it rests on, and how long nothing will happen by itself. */
export interface Decided<Answer> {
  readonly kind: 'decided'
  readonly answer: Answer
  readonly group: Group | undefined
  readonly quietMs: number
}

/** What a room needs of its process. */
export interface RoomPorts {
  readonly documents: DocumentStore
  readonly clock: Clock
  readonly random: Random
  /** Everything of a decision's context but what belongs to the one group. */
  context(groupId: string): Omit<StepContext, 'seenMs'>
  /** Brings topics and fences up to a second ago, or up to now. */
  refresh(howOldMsMax: number): Promise<{ readonly kind: 'fresh' } | Unserved>
  /** The fence of the group in the journal, as known here. */
  foldedFence(groupId: string): number
  /** The journal's generation as known now: the origin of what rests on what is read from here on. */
  origin(): number
  raiseFence(
    groupId: string,
    fence: number,
    origin: number,
  ): Promise<{ readonly kind: 'raised' } | { readonly kind: 'limit' } | Unserved>
  /** Told of each write of a group's documents. */
  onWrite(document: 'group' | 'seen'): void
}

export interface Room {
  readonly idle: boolean
  submit<Answer extends { readonly kind: string }>(event: GroupEvent<Answer>): Promise<Decided<Answer> | Unserved>
  /** Resolves when the group has changed so that somebody who waits should look again, or after this time. */
  changed(withinMs: number, signal: AbortSignal): Promise<void>
}

/** A request that waits to be decided. */
interface Queued {
  decide(group: Group | undefined, context: StepContext): Decision
  needsTopicsOfNow(group: Group): boolean
  refuse(outcome: Unserved): void
  /** An invariant is broken, or a document is from another release. */
  fail(error: unknown): void
}

/** What was decided about one request, not yet told. */
interface Decision extends Omit<Step<unknown>, 'answer'> {
  readonly mayBeOld: boolean
  /** It gives somebody a generation, an assignment or a right. */
  readonly restsOnFence: boolean
  tell(group: Group | undefined, quietMs: number): void
}

interface View {
  readonly group: Group | undefined
  /** The document as it is stored: one that is still the same is not taken apart again. */
  readonly body: Uint8Array | undefined
  readonly version: number
  /** When its read or write was sent (monotonic), and its number among the reads, writes and turns of the room. */
  readonly sentAt: number
  readonly order: number
}

interface Decisions {
  readonly group: Group | undefined
  readonly each: readonly Decision[]
  /** The journal's fence was looked at when the group's was raised just now: nobody else has raised it there. */
  readonly raised: boolean
}

const PAUSE_MS_MIN = 5
const PAUSE_MS_MAX = 500
const QUIET_MS_MAX = 60_000

export function createRoom(groupId: string, ports: RoomPorts): Room {
  const { documents, clock, random } = ports
  const key = groupKey(groupId)
  const seen = createSeenTimes(groupId, ports)
  const waiters = createWaiters(clock)
  const queue: Queued[] = []
  let running: Promise<void> | undefined
  let view: View | undefined
  let orders = 0

  const context = (): StepContext => ({ ...ports.context(groupId), seenMs: seen.of })

  /** The view if it is good enough, or else a new one; undefined when the store does not answer. */
  async function look(isGoodEnough: (known: View) => boolean): Promise<View | undefined> {
    if (view !== undefined && isGoodEnough(view)) return view
    const asked = { sentAt: clock.monotonic(), order: ++orders }
    const [found] = await Promise.all([documents.get(key), seen.known ? undefined : seen.read()])
    if (found.kind === 'unavailable') return undefined
    return learn(found.kind === 'found' ? found.document : undefined, view, asked)
  }

  /** The view that a document gives, by what was known before. */
  function learn(
    document: Document | undefined,
    before: View | undefined,
    asked: Pick<View, 'sentAt' | 'order'>,
  ): View {
    const { body, version = 0 } = document ?? {}
    const isSame = body !== undefined && before?.body !== undefined && Buffer.compare(body, before.body) === 0
    const group = isSame ? before.group : body && decodeGroup(body)
    seen.about(group)
    view = { group, body, version, ...asked }
    return view
  }

  function decideAll(before: Group | undefined, batch: readonly Queued[]): Omit<Decisions, 'raised'> {
    const at = context()
    let group = before === undefined ? undefined : tick(before, at)
    const each = batch.map((request) => {
      const decision = request.decide(group, at)
      group = group === undefined ? begun(decision.group, at) : decision.group
      if (decision.seen !== undefined) seen.note(decision.seen, at.nowMs)
      return decision
    })
    return { group, each }
  }

  /** True once the change is in place; false: look again. */
  async function write(from: View, group: Group | undefined): Promise<boolean> {
    const asked = { sentAt: clock.monotonic(), order: ++orders }
    const body = group && encodeGroup(group)
    const version = from.version === 0 ? randomOnce(random) : from.version + 1
    const put =
      body === undefined
        ? await documents.delete(key, from.version)
        : await documents.put(key, body, from.version, version)
    ports.onWrite('group')
    if (put.kind === 'applied') {
      view = { group, body, version: body === undefined ? 0 : put.version, ...asked }
      return true
    }
    view = undefined
    if (put.kind === 'conflict') learn(put.current, undefined, asked)
    else if (put.kind === 'unknown' && body !== undefined) {
      // Ours, if nobody else can have written these very bytes at this very version.
      const found = await documents.get(key)
      if (found.kind !== 'found' || found.document.version !== version) return false
      if (Buffer.compare(found.document.body, body) !== 0) return false
      view = { group, body, version, ...asked }
      return true
    }
    return false
  }

  /** A group whose fence is lower than the journal's is a state from before it was deleted: there is none. */
  async function current(isGoodEnough: (known: View) => boolean): Promise<View | undefined> {
    let found = await look(isGoodEnough)
    if (found?.group !== undefined && found.group.fence < ports.foldedFence(groupId)) {
      found = await look(() => false)
      if (found?.group !== undefined && found.group.fence < ports.foldedFence(groupId)) {
        seen.about(undefined)
        return { ...found, group: undefined }
      }
    }
    return found
  }

  /** One try to decide a batch: the decisions and what they rest on, or that it must be tried again. */
  async function tryOnce(batch: readonly Queued[], order: number, fresh: boolean): Promise<Decisions | 'again'> {
    const isFresh = (known: View): boolean => known.order > order
    const isYoung = ({ sentAt }: View): boolean => clock.monotonic() - sentAt <= GROUP_VIEW_AGE_MS
    const fenceBefore = ports.foldedFence(groupId)
    const found = await current(fresh ? isFresh : isYoung)
    if (found === undefined) return 'again'
    // What a state made anew starts above must be known as it is now, and topics as they were a second ago.
    const { group: known } = found
    // That there is no group is told as of now, so what follows would be for nothing.
    if (known === undefined && !isFresh(found)) return 'again'
    const needsNow = known === undefined || batch.some((request) => request.needsTopicsOfNow(known))
    if ((await ports.refresh(needsNow ? 0 : GROUP_VIEW_AGE_MS)).kind !== 'fresh') return 'again'
    // ⚠ Somebody made a group since, perhaps: who is let pass because there is none may not pass under that one's fence.
    if (found.group === undefined && ports.foldedFence(groupId) !== fenceBefore) {
      view = undefined
      return 'again'
    }
    if (found.group !== undefined && nextDeadlineMs(found.group, context()) <= context().nowMs) {
      // Somebody seems to be overdue: another process may have heard of them.
      if (!(await seen.read())) return 'again'
    }
    const decisions = decideAll(found.group, batch)
    const { group } = decisions
    if (group === found.group) {
      if (!isFresh(found) && decisions.each.some(({ mayBeOld }) => !mayBeOld)) return 'again'
      await seen.write(group)
      return { ...decisions, raised: false }
    }
    const raised = (group?.fence ?? 0) > (found.group?.fence ?? 0)
    if (raised && found.group !== undefined) {
      // ⚠ With the deletion of the last second unseen, a state from before it that was put back looks like the group.
      if ((await ports.refresh(0)).kind !== 'fresh' || found.group.fence < ports.foldedFence(groupId)) return 'again'
    }
    // Of a group made anew the times come first: older ones of the same numbers may have been left behind.
    if (found.group === undefined) await seen.write(group)
    const [isWritten] = await Promise.all([write(found, group), seen.write(group)])
    if (!isWritten) return 'again'
    if (isNews(found.group, group)) waiters.wakeAll()
    return { ...decisions, raised }
  }

  /** Whoever may be told of a generation or an assignment is told when the journal knows its fence. */
  async function fenceFirst({ group, each, raised: isOurs }: Decisions, origin: number): Promise<Unserved | undefined> {
    if (group === undefined || ports.foldedFence(groupId) >= group.fence) return undefined
    if (!each.some(({ restsOnFence }) => restsOnFence)) return undefined
    if (!isOurs) {
      const refreshed = await ports.refresh(0)
      if (refreshed.kind !== 'fresh') return refreshed
      if (ports.foldedFence(groupId) >= group.fence) return undefined
    }
    const raised = await ports.raiseFence(groupId, group.fence, origin)
    if (raised.kind === 'raised') return undefined
    return raised.kind === 'limit' ? { kind: 'unavailable' } : raised
  }

  async function turn(batch: readonly Queued[]): Promise<void> {
    const order = ++orders
    const origin = ports.origin()
    for (let tries = 0; tries < GROUP_TURN_TRIES_MAX; tries++) {
      if (tries > 1) await pause(tries)
      const decisions = await tryOnce(batch, order, tries > 0)
      if (decisions === 'again') continue
      const failed = await fenceFirst(decisions, origin)
      const quietMs = quietTime(decisions.group)
      decisions.each.forEach(({ restsOnFence, tell }, i) => {
        if (failed !== undefined && restsOnFence) batch[i]!.refuse(failed)
        else tell(decisions.group, quietMs)
      })
      return
    }
    for (const { refuse } of batch) refuse({ kind: 'unavailable' })
  }

  function quietTime(group: Group | undefined): number {
    if (group === undefined) return QUIET_MS_MAX
    const at = context()
    return Math.min(QUIET_MS_MAX, Math.max(1, nextDeadlineMs(group, at) - at.nowMs))
  }

  const pause = (tries: number): Promise<void> =>
    sleep(clock, Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** tries) * (0.5 + randomFraction(random) / 2))

  async function run(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.splice(0, GROUP_TURN_REQUESTS_MAX)
      try {
        await turn(batch)
      } catch (error) {
        for (const { fail } of batch) fail(error)
      }
    }
    running = undefined
  }

  return {
    get idle() {
      return running === undefined && waiters.count === 0
    },
    submit: (event) =>
      new Promise((resolve, reject) => {
        queue.push({
          decide(before, at) {
            const { answer, ...step } = event.decide(before, at)
            return {
              ...step,
              mayBeOld: event.mayBeOld(answer),
              restsOnFence: !WITHOUT_FENCE.has(answer.kind),
              tell: (group, quietMs) => resolve({ kind: 'decided', answer, group, quietMs }),
            }
          },
          needsTopicsOfNow: (group) => event.needsTopicsOfNow?.(group) ?? false,
          refuse: resolve,
          fail: reject,
        })
        running ??= run()
      }),
    changed: waiters.changed,
  }
}

/**
 * A group made anew. ⚠ A process that slept when it was about to make the group that was deleted since may still do so, before
 * or after this one is made. A turn raises a fence by far less than this distance, so what comes late has a fence below the
 * journal's, and counts as missing.
 */
function begun(group: Group | undefined, { foldedFence }: Pick<StepContext, 'foldedFence'>): Group | undefined {
  return group === undefined || foldedFence === 0 ? group : { ...group, fence: group.fence + GROUP_FENCE_DISTANCE }
}

/** Answers that give nobody a generation, an assignment or a right. */
const WITHOUT_FENCE: ReadonlySet<string> = new Set(['wait', 'memberIdRequired'])

/** Whether those who wait for an answer may get one now. */
function isNews(before: Group | undefined, after: Group | undefined): boolean {
  if (before === undefined || after === undefined || before.kind !== after.kind) return true
  if (before.kind === 'classic' && after.kind === 'classic') {
    return before.phase !== after.phase || before.generation !== after.generation
  }
  return true
}
