// What the maintenance function does each time it is woken, by the table's stream after a new chunk or by the clock: brings
// its replica to now, finishes a seal that was left, writes a checkpoint when one is due, and now and then (under a lease)
// collects garbage and forgets old answers. Every step may be repeated, abandoned or done by two at once. A job is cut to
// end within the invocation: once its time is over the stores answer it `unavailable`, which every job takes as "later".
import type { Clock } from '../base/clock.ts'
import { CHECKPOINT_BYTES, CHECKPOINT_ENTRIES, MAINTENANCE_RESERVE_MS } from '../base/limits.ts'
import type { Logger } from '../base/logger.ts'
import { type CheckpointOutcome, writeCheckpoint } from '../journal/checkpoint.ts'
import { beginSeal, finishSeal, isSealDue } from '../journal/seal.ts'
import { runJobs } from '../log/maintenance.ts'
import type { OpenedLog } from '../log/open-log.ts'
import type { Stores, Unavailable, UpdateHeadOutcome } from '../storage/ports.ts'
import { forgetAnswers } from './remembered-answers.ts'

export interface MaintainPorts {
  readonly log: OpenedLog
  readonly stores: Stores
  readonly clock: Clock
  readonly logger: Logger
  readonly graceMs?: number
  /** See `JobArgs`. */
  readonly everyMs?: number
  /** In place of `CHECKPOINT_ENTRIES`. */
  readonly checkpointEntries?: number
}

export type MaintainOutcome =
  | {
      readonly kind: 'done'
      /** Whether this run moved a seal on. */
      readonly sealed: boolean
      readonly checkpoint: CheckpointOutcome['kind'] | 'notDue'
      /** What the collection came to; `held` = another process ran it lately. */
      readonly collection: 'collected' | 'nothing' | 'postponed' | 'held'
      /** Answers that were forgotten. */
      readonly forgotten: number
    }
  /** The replica could not be brought to now: worth waking again soon. */
  | { readonly kind: 'unavailable' }
  /** This release must not touch the journal. */
  | { readonly kind: 'halted' }

/** One run, within `remainingMs`. */
export async function maintain(ports: MaintainPorts, remainingMs: number): Promise<MaintainOutcome> {
  const { log, clock, logger } = ports
  const until = clock.monotonic() + remainingMs - Math.min(MAINTENANCE_RESERVE_MS, remainingMs / 4)
  const stores = storesUntil(ports.stores, clock, until)
  const fresh = await log.refresh()
  if (fresh.kind === 'halted') return { kind: 'halted' }
  if (fresh.kind !== 'fresh') return { kind: 'unavailable' }
  const sealed = await sealLeft(log, stores, clock)
  const checkpoint = await checkpointIfDue(ports, stores)
  let forgotten = 0
  const also = async (): Promise<void> => {
    forgotten = await forgetAnswers(log, stores.documents, clock)
  }
  const optional = {
    ...(ports.graceMs === undefined ? {} : { graceMs: ports.graceMs }),
    ...(ports.everyMs === undefined ? {} : { everyMs: ports.everyMs }),
  }
  const collection = await runJobs({ log, stores, clock, logger, also, ...optional })
  return { kind: 'done', sealed, checkpoint, collection: collection.kind, forgotten }
}

/** Moves on a seal that its writer did not: the one that was begun, or the one that is due. */
async function sealLeft({ journal }: OpenedLog, stores: Stores, clock: Clock): Promise<boolean> {
  const { replica } = journal
  const learn = async (outcome: UpdateHeadOutcome | undefined, sentAt: number): Promise<boolean> => {
    if (outcome?.kind !== 'applied') return false
    return (await replica.observe(outcome.head, sentAt)).kind === 'fresh'
  }
  const { head } = replica
  if (head === undefined) return false
  let sentAt = clock.monotonic()
  let moved = false
  if (head.sealed.length === 0) {
    if (!isSealDue(stores.journal, head)) return false
    moved = await learn(await beginSeal(stores.journal, head), sentAt)
  }
  const begun = replica.head
  if (begun === undefined || begun.sealed.length === 0) return moved
  sentAt = clock.monotonic()
  return (await learn(await finishSeal(stores.journal, begun), sentAt)) || moved
}

async function checkpointIfDue(
  { log, logger, checkpointEntries = CHECKPOINT_ENTRIES }: MaintainPorts,
  stores: Stores,
): Promise<CheckpointOutcome['kind'] | 'notDue'> {
  const { entries, bytes } = log.journal.replica.sinceCheckpoint
  if (entries < checkpointEntries && bytes < CHECKPOINT_BYTES) return 'notDue'
  const outcome = await writeCheckpoint(log.journal, stores)
  logger.info({ outcome: outcome.kind, entries, bytes }, 'wrote a checkpoint')
  return outcome.kind
}

const OVER: Unavailable = { kind: 'unavailable', throttled: false, cause: 'the time of this job is over' }

/** The same stores, which begin nothing any more once the monotonic time `until` is past. */
export function storesUntil(stores: Stores, clock: Clock, until: number): Stores {
  const bounded = <T extends object>(store: T): T =>
    new Proxy(store, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function' || name === 'watch') return member
        return (...args: unknown[]) =>
          clock.monotonic() < until ? Reflect.apply(member, target, args) : Promise.resolve(OVER)
      },
    })
  return {
    objects: bounded(stores.objects),
    journal: bounded(stores.journal),
    documents: bounded(stores.documents),
    close: () => stores.close(),
  }
}
