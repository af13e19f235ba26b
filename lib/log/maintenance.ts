// Background jobs of a process, by the clock: today garbage collection. A lease in a document keeps several processes from
// doing the same work at once; it saves work and nothing rests on it.
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { type Random, randomFraction } from '../base/random.ts'
import type { Stores } from '../storage/ports.ts'
import { COLLECT_DEFAULTS } from './collect.ts'
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

/** Runs the jobs every `everyMs`, give or take a quarter, until the returned function is called. */
export function startMaintenance(args: {
  readonly log: OpenedLog
  readonly stores: Stores
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly graceMs?: number
  readonly everyMs?: number
}): () => Promise<void> {
  const { log, stores, clock, random, logger } = args
  const graceMs = args.graceMs ?? COLLECT_DEFAULTS.graceMs
  const everyMs = args.everyMs ?? graceMs / 8
  let running: Promise<void> = Promise.resolve()
  let stopped = false
  let cancel: () => void = () => {}
  const run = async (): Promise<void> => {
    const now = clock.now()
    if (!(await takeLease(stores, now, now + everyMs * 0.7))) return
    const outcome = await log.collect({ graceMs })
    if (outcome.kind === 'collected') logger.info({ ...outcome }, 'collected garbage')
  }
  const schedule = (): void => {
    cancel = clock.timer(everyMs * (0.75 + randomFraction(random) / 2), () => {
      running = run().then(() => {
        if (!stopped) schedule()
      })
    })
  }
  schedule()
  return async () => {
    stopped = true
    cancel()
    await running
  }
}
