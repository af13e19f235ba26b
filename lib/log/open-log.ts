// Builds a log from the three stores: journal replica and appender, ingest, fetch, topics, and the checkpoint that is due
// from time to time. One log per process and deployment; nothing in it must survive the process.
import { type Clock, sleep } from '../base/clock.ts'
import { CHECKPOINT_BYTES, CHECKPOINT_ENTRIES, DRAIN_MS_MAX } from '../base/limits.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import { type Random, randomInt } from '../base/random.ts'
import { writeCheckpoint } from '../journal/checkpoint.ts'
import { createJournal, type Journal } from '../journal/journal.ts'
import type { Stores } from '../storage/ports.ts'
import type { Compression } from '../wire/compression.ts'
import { createAppendOnce } from './append-once.ts'
import { type CollectOptions, type CollectOutcome, collect } from './collect.ts'
import { createFetcher } from './fetch.ts'
import { createFetchMemory, type FetchMemory } from './fetch-memory.ts'
import { createIngest, INGEST_DEFAULTS, type IngestOptions } from './ingest.ts'
import { createLiveBytes } from './live-bytes.ts'
import type { Log } from './log.ts'
import { createOffsetLookups } from './offsets.ts'
import { createPartitions } from './partitions.ts'
import { createBatchReader } from './read-batches.ts'
import { createTopics } from './topics.ts'
import { createTrim } from './trim.ts'
import { createWaiters, type Waiters } from './waiters.ts'

export interface OpenLogArgs {
  readonly stores: Stores
  readonly clock: Clock
  readonly random: Random
  readonly compression: Compression
  readonly logger?: Logger
  readonly options?: Partial<IngestOptions> & {
    /** A checkpoint is due after this many entries. */
    readonly checkpointEntries?: number
    readonly cacheBytesMax?: number
    readonly fetchMemoryBytesMax?: number
  }
  /** Told once when this process stops serving. */
  readonly onHalt?: (reason: string) => void
}

/** A log, and its journal for jobs and tests. */
export interface OpenedLog extends Log {
  readonly journal: Journal
  /** For metrics, and for a door that cuts off those who do not read while others wait. */
  readonly fetchMemory: Pick<FetchMemory, 'usedBytes' | 'capacityBytes' | 'waiting'>
  /** Writes a checkpoint now, if anything changed. */
  checkpoint(): ReturnType<typeof writeCheckpoint>
  /** Runs garbage collection once. */
  collect(options?: CollectOptions): Promise<CollectOutcome>
}

export type OpenLogOutcome =
  | { readonly kind: 'opened'; readonly log: OpenedLog }
  /** There is no journal in these stores: run `init`. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'unavailable' }
  | { readonly kind: 'halted'; readonly reason: string }

const OPEN_TRIES_MAX = 6

/** Opens the log: reads the head, the last checkpoint's root and the chunks since. */
export async function openLog(args: OpenLogArgs): Promise<OpenLogOutcome> {
  const { stores, clock, random, compression } = args
  const logger = args.logger ?? silentLogger
  let waiters: Waiters | undefined
  const journal = createJournal({
    stores,
    clock,
    random,
    events: {
      advanced: (topicNumber, partition) => waiters?.advanced(topicNumber, partition),
      topicDeleted: (topicNumber) => waiters?.topicDeleted(topicNumber),
      applied: () => checkpoints.look(),
      halted: (reason) => {
        logger.error({ reason }, 'this process stops serving')
        waiters?.wakeAll()
        args.onHalt?.(reason)
      },
    },
  })
  const { replica } = journal
  const checkpoints = scheduleCheckpoints(journal, stores, random, logger, args.options?.checkpointEntries)
  const opened = await firstRefresh(journal, stores, clock)
  if (opened !== undefined) return opened

  waiters = createWaiters(() => replica, stores.journal, clock)
  const reader = createBatchReader(stores.objects, logger, args.options?.cacheBytesMax)
  const partitions = createPartitions(replica, stores.objects)
  const ingestOptions = { ...INGEST_DEFAULTS, ...args.options }
  const ingest = createIngest({
    journal,
    objects: stores.objects,
    cache: reader.cache,
    clock,
    random,
    options: ingestOptions,
  })
  const fetchMemory = createFetchMemory(clock, args.options?.fetchMemoryBytesMax)
  const readsAhead = stores.objects.readsAreCheap === true
  const fetcher = createFetcher({ replica, partitions, reader, waiters, memory: fetchMemory, clock, readsAhead })
  const log: OpenedLog = {
    journal,
    fetchMemory,
    checkpoint: () => writeCheckpoint(journal, stores),
    collect: (collectOptions) => collect(journal, stores, clock, collectOptions),
    refresh: () => replica.refresh(),
    ...createTopics(journal, random),
    append: ingest.append,
    appendOnce: createAppendOnce({ journal, objects: stores.objects, cache: reader.cache, partitions, clock, random }),
    fetch: fetcher.fetch,
    ...createOffsetLookups({ replica, partitions, reader, compression }),
    ...createTrim(journal, partitions),
    ...createLiveBytes(partitions),
    status() {
      let count = 0
      for (const topic of replica.root.topics.values()) count += topic.partitions
      return {
        generation: replica.root.position.generation,
        position: replica.root.position,
        tailEntries: replica.head?.tail.length ?? 0,
        headAgeMs: clock.monotonic() - replica.asOf,
        topics: replica.root.topics.size,
        partitions: count,
        halted: replica.haltedBecause !== undefined,
      }
    },
    async settle() {
      await ingest.idle()
      await journal.appender.idle()
      await checkpoints.idle()
      await replica.idle()
    },
    async close() {
      fetcher.close()
      const drained = ingest.close()
      // An entry in doubt is tried until it is resolved. Where the store does not come back, its outcome stays unknown.
      const inTime = new AbortController()
      void drained.then(() => inTime.abort())
      await sleep(clock, DRAIN_MS_MAX, inTime.signal)
      await journal.appender.close()
      await drained
      await checkpoints.close()
    },
  }
  return { kind: 'opened', log }
}

/** Brings the replica to now; answers what is wrong if that cannot be done. */
async function firstRefresh(
  { replica }: Journal,
  stores: Stores,
  clock: Clock,
): Promise<Exclude<OpenLogOutcome, { kind: 'opened' }> | undefined> {
  for (let tries = 0; tries < OPEN_TRIES_MAX; tries++) {
    if (tries > 0) await sleep(clock, 50 * 2 ** tries)
    const sentAt = clock.monotonic()
    const read = await stores.journal.readHead()
    if (read.kind === 'missing') return { kind: 'missing' }
    if (read.kind === 'unavailable') continue
    const outcome = await replica.observe(read.head, sentAt)
    if (outcome.kind === 'fresh') return undefined
    if (outcome.kind === 'halted') return { kind: 'halted', reason: replica.haltedBecause ?? '' }
  }
  return { kind: 'unavailable' }
}

/** Writes a checkpoint whenever one is due, one at a time; processes draw different numbers so that they rarely collide. */
function scheduleCheckpoints(
  journal: Journal,
  stores: Stores,
  random: Random,
  logger: Logger,
  entriesMax = CHECKPOINT_ENTRIES,
): { look: () => void; idle: () => Promise<void>; close: () => Promise<void> } {
  const draw = (): number => entriesMax - randomInt(random, 0, Math.max(1, entriesMax >>> 2))
  let due = draw()
  let dueBytes = CHECKPOINT_BYTES
  let running: Promise<void> | undefined
  let closed = false
  return {
    look() {
      const { entries, bytes } = journal.replica.sinceCheckpoint
      if (running !== undefined || closed || (entries < due && bytes < dueBytes)) return
      running = writeCheckpoint(journal, stores).then((outcome) => {
        running = undefined
        due = draw()
        dueBytes = CHECKPOINT_BYTES
        if (outcome.kind !== 'unavailable') return
        // Nobody's came through: try again a while later.
        const since = journal.replica.sinceCheckpoint
        due = since.entries + (entriesMax >>> 3) + 1
        dueBytes = since.bytes + (CHECKPOINT_BYTES >>> 3)
        logger.warn({}, 'a checkpoint could not be written and is tried again')
      })
    },
    async idle() {
      await running
    },
    async close() {
      closed = true
      await running
    },
  }
}
