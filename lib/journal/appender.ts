// Appends of one process: at most one in flight, carrying every entry that waits. The outcome of each entry is known before
// the next append is sent. `unknown` is resolved by looking: while the generation stands the same conditional append can be
// sent again, since it cannot land twice; once it has passed the entry is either among what the replica saw since, or it
// can never land and may be sent under the new generation. If any generation since then was not seen, the entry stays
// `unknown` and is never sent again.
import { assert } from '../base/assert.ts'
import { type Clock, sleep } from '../base/clock.ts'
import { TAIL_ENTRIES_MAX } from '../base/limits.ts'
import { type Random, randomFraction } from '../base/random.ts'
import type { Head, JournalStore, UpdateHeadOutcome } from '../storage/ports.ts'
import type { EncodedEntry } from './entry.ts'
import type { OwnVerdict } from './page-verdicts.ts'
import type { JournalReplica } from './replica.ts'
import { beginSeal, finishSeal, isSealDue } from './seal.ts'

export type AppendOutcome =
  | { readonly kind: 'folded'; readonly verdict: OwnVerdict }
  /** Nothing was appended. */
  | { readonly kind: 'unavailable' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'halted' }

export interface Appender {
  /**
   * Appends up to 64 entries in one update, in this order: all of them or none. `body` is what an entry refers to, if it
   * does so by reference.
   */
  append(entries: readonly EntryToAppend[]): Promise<AppendOutcome>[]
  /** Resolves when nothing is under way, seals included. */
  idle(): Promise<void>
  /** Ends retries: what is not resolved becomes `unknown` or `unavailable`. Resolves when nothing is under way. */
  close(): Promise<void>
}

export interface EntryToAppend {
  readonly entry: EncodedEntry
  readonly body?: Uint8Array | undefined
}

interface Waiting {
  readonly entry: EncodedEntry
  readonly settle: (outcome: AppendOutcome) => void
  /** An earlier try may have been applied, or may still be. */
  doubtful: boolean
}

/** How long tries that certainly changed nothing go on before the entry fails as `unavailable`. */
const GIVE_UP_MS = 30_000
const BACKOFF_MS_MIN = 5
const BACKOFF_MS_MAX = 1000

export function createAppender(args: {
  readonly journal: JournalStore
  readonly replica: JournalReplica
  readonly clock: Clock
  readonly random: Random
}): Appender {
  const { journal, replica, clock, random } = args
  /** Groups that go into one update together. */
  const queue: Waiting[][] = []
  let running: Promise<void> | undefined
  let sealing: Promise<void> | undefined
  let closed = false

  const pause = (tries: number): Promise<void> => {
    const limit = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(tries, 16))
    return sleep(clock, limit * (0.5 + randomFraction(random) / 2))
  }

  function settle(waiting: Waiting, outcome: AppendOutcome): void {
    replica.take(waiting.entry.key)
    waiting.settle(outcome)
  }

  /** Answers those that the replica has passed; returns the others. */
  function settlePassed(batch: readonly Waiting[]): Waiting[] {
    return batch.filter((waiting) => {
      if (!replica.passed(waiting.entry.key)) return true
      waiting.settle({ kind: 'folded', verdict: replica.take(waiting.entry.key)! })
      return false
    })
  }

  /** Chunk and `sealed` go their way while appends to the new generation go on. */
  function finishInBackground(head: Head): Promise<void> {
    sealing ??= (async () => {
      const sentAt = clock.monotonic()
      const outcome = await finishSeal(journal, head)
      if (outcome?.kind === 'applied') await replica.observe(outcome.head, sentAt)
    })().finally(() => {
      sealing = undefined
    })
    return sealing
  }

  /** Seals if the tail asks for it. Whoever finds `sealed` full finishes that first. */
  async function sealIfDue(): Promise<void> {
    const head = replica.head
    if (head === undefined || replica.haltedBecause !== undefined || !isSealDue(journal, head)) return
    if (head.sealed.length > 0) return finishInBackground(head)
    const sentAt = clock.monotonic()
    const outcome = await beginSeal(journal, head)
    await learn(outcome, sentAt)
    const sealed = replica.head
    if (sealed !== undefined && sealed.sealed.length > 0) void finishInBackground(sealed)
  }

  async function learn(outcome: UpdateHeadOutcome, sentAt: number): Promise<void> {
    if (outcome.kind === 'applied' || (outcome.kind === 'rejected' && outcome.head !== undefined)) {
      await replica.observe(outcome.head!, sentAt)
    } else if (outcome.kind === 'rejected') replica.halt('the journal is gone')
    else if (outcome.kind === 'unknown') await replica.refresh()
  }

  /** Brings a batch to its end. */
  async function resolve(batch: Waiting[]): Promise<void> {
    const startedAt = clock.monotonic()
    const { restarts } = replica
    let open = batch
    for (let tries = 0; open.length > 0; tries++) {
      if (tries > 0) await pause(tries - 1)
      // Another read may have brought an entry meanwhile. From this look to the send nothing may come in between: the
      // head that is sent must be the one up to which the entries were looked for.
      open = settlePassed(open)
      if (open.length === 0) return
      const doubtful = open.some((waiting) => waiting.doubtful)
      if (replica.haltedBecause !== undefined) return settleAll(open, { kind: doubtful ? 'unknown' : 'halted' })
      if (replica.restarts !== restarts) return settleAll(open, { kind: doubtful ? 'unknown' : 'unavailable' })
      if (closed || (!doubtful && clock.monotonic() - startedAt > GIVE_UP_MS)) {
        return settleAll(open, { kind: doubtful ? 'unknown' : 'unavailable' })
      }
      const { head } = replica
      assert(head !== undefined, 'a process reads the head before it appends')
      if (head.tail.length >= TAIL_ENTRIES_MAX) await makeRoom(head)
      else await tryOnce(open, head)
      open = settlePassed(open)
    }
  }

  /** A full tail refuses appends until it is sealed. */
  async function makeRoom(head: Head): Promise<void> {
    if (head.sealed.length > 0) await finishInBackground(head)
    await sealIfDue()
    await replica.refresh()
  }

  async function tryOnce(open: readonly Waiting[], head: Head): Promise<void> {
    const sentAt = clock.monotonic()
    const entries = open.map((waiting) => waiting.entry.bytes)
    const { generation, incarnation } = head
    const outcome = await journal.append({ generation, incarnation, entries })
    if (outcome.kind === 'unavailable') return
    if (outcome.kind !== 'rejected') for (const waiting of open) waiting.doubtful = true
    await learn(outcome, sentAt)
  }

  function settleAll(open: readonly Waiting[], outcome: AppendOutcome): void {
    for (const waiting of open) settle(waiting, outcome)
  }

  async function run(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.shift()!
      while (queue.length > 0 && batch.length + queue[0]!.length <= TAIL_ENTRIES_MAX) batch.push(...queue.shift()!)
      await resolve(batch)
      await sealIfDue()
    }
    running = undefined
  }

  return {
    append(entries) {
      assert(entries.length <= TAIL_ENTRIES_MAX, 'a group fits one append')
      const group: Waiting[] = []
      const outcomes = entries.map(({ entry, body }) => {
        replica.expect(entry.key, body)
        return new Promise<AppendOutcome>((settled) => {
          group.push({ entry, settle: settled, doubtful: false })
        })
      })
      queue.push(group)
      running ??= run()
      return outcomes
    },
    async idle() {
      while (running !== undefined || sealing !== undefined) {
        await running
        await sealing
      }
    },
    async close() {
      closed = true
      await running
      await sealing
    },
  }
}
