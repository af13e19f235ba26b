// Background jobs that only one process at a time should do, today garbage collection, and the scheduler that runs them in a
// gateway; functions are woken from outside and use the same jobs (`lib/http/maintain.ts`). A lease in a document keeps
// several processes from doing the same work at once; it saves work and nothing rests on it. It is not given back: it also
// keeps the jobs apart in time.
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import { startRepeating } from '../base/repeat.ts'
import type { Stores } from '../storage/ports.ts'
import { COLLECT_DEFAULTS, type CollectOutcome, collect } from './collect.ts'
import type { OpenedLog } from './open-log.ts'

const LEASE = 'maintenance/lease'

interface Lease {
  readonly until: number
}

/** Takes the lease until `until` if it is free. */
async function takeLease(stores: Stores, now: number, until: number): Promise<boolean> {
  const found = await stores.documents.get(LEASE)
  if (found.kind === 'unavailable') return false
  const held =
    found.kind === 'found' ? (JSON.parse(Buffer.from(found.document.body).toString()) as Lease) : { until: 0 }
  if (held.until > now && held.until < now + (until - now) * 2) return false
  const version = found.kind === 'found' ? found.document.version : 0
  return (await stores.documents.put(LEASE, Buffer.from(JSON.stringify({ until })), version)).kind === 'applied'
}

/** How often the jobs are worth running, where the grace period is this. */
export const jobsEveryMs = (graceMs: number): number => graceMs / 8

export interface JobArgs {
  readonly log: OpenedLog
  readonly stores: Stores
  readonly clock: Clock
  readonly logger: Logger
  readonly graceMs?: number
  /** Run about this often in the whole deployment. */
  readonly everyMs?: number
  /** More that is done under the same lease, after the collection. */
  readonly also?: () => Promise<void>
}

/** Runs the jobs now, unless another process did lately. */
export async function runJobs(args: JobArgs): Promise<CollectOutcome | { readonly kind: 'held' }> {
  const { log, stores, clock, logger } = args
  const graceMs = args.graceMs ?? COLLECT_DEFAULTS.graceMs
  const now = clock.now()
  if (!(await takeLease(stores, now, now + (args.everyMs ?? jobsEveryMs(graceMs)) * 0.7))) return { kind: 'held' }
  const outcome = await collect(log.journal, stores, clock, { graceMs })
  if (outcome.kind === 'collected') logger.info({ ...outcome }, 'collected garbage')
  await args.also?.()
  return outcome
}

/** Runs the jobs every `everyMs`, give or take a quarter, until the returned function is called. */
export function startMaintenance(args: JobArgs & { readonly random: Random }): () => Promise<void> {
  const { clock, random } = args
  const everyMs = args.everyMs ?? jobsEveryMs(args.graceMs ?? COLLECT_DEFAULTS.graceMs)
  return startRepeating({
    everyMs,
    clock,
    random,
    job: () => runJobs({ ...args, everyMs }),
    onError: (error) => args.logger.error({ err: error }, 'maintenance broke down and is tried again'),
  })
}
