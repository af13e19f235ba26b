// The way in: batches of all connections gather in the open ingest segment, segments upload side by side, and are appended
// to the journal in the order in which their batches arrived. The first batch on an idle process leaves at once, the rest
// gathers while it travels. When a segment cannot be committed, its batches and all later ones of the same connections
// that are not yet appended fail, so that nothing of a connection ever overtakes.
import type { Clock } from '../base/clock.ts'
import type { Ulid } from '../base/ids.ts'
import {
  HEAD_VIEW_AGE_MS,
  REQUEST_MEMORY_BYTES_MAX,
  SEGMENT_BATCHES_MAX,
  SEGMENT_BYTES_MAX,
  TINY_SEGMENT_BYTES_MAX,
  UPLOADS_IN_FLIGHT_MAX,
} from '../base/limits.ts'
import type { Random } from '../base/random.ts'
import type { AppendOutcome, EntryToAppend } from '../journal/appender.ts'
import type { Journal } from '../journal/journal.ts'
import { objectKey } from '../journal/object-keys.ts'
import type { ObjectKey, ObjectStore } from '../storage/ports.ts'
import type { BatchCache } from './batch-cache.ts'
import type { Append, AppendBatchOutcome, BatchToAppend } from './log.ts'
import { buildSegment, flushEntry, type Segment } from './segment.ts'
import { UPLOAD_DEFAULTS, type UploadOptions, uploadObject } from './upload.ts'

export interface IngestOptions extends UploadOptions {
  /** How long the open segment gathers while others are under way. */
  readonly lingerMs: number
}
export const INGEST_DEFAULTS: IngestOptions = { lingerMs: 20, ...UPLOAD_DEFAULTS }

export interface Ingest {
  append(connection: string, batches: readonly BatchToAppend[]): Append
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
  /** Refuses what comes from now on; resolves when all that came before is settled. */
  close(): Promise<void>
}

interface Submission {
  readonly connection: string
  readonly outcomes: (AppendBatchOutcome | undefined)[]
  open: number
  readonly finish: (outcomes: readonly AppendBatchOutcome[]) => void
}
interface Item {
  readonly submission: Submission
  readonly index: number
  readonly batch: BatchToAppend
  /** Counted in `heldBytes`. */
  held: boolean
}
/** A submission on its way into open segments; it may fill several. */
interface Waiting {
  readonly items: readonly Item[]
  /** The first item that is in no segment yet. */
  next: number
  readonly admit: () => void
}
interface Flush {
  readonly items: readonly Item[]
  readonly bytes: number
  state: 'uploading' | 'stored' | 'failed'
  id: Ulid
  origin: number
  key: ObjectKey
  segment: Segment | undefined
}

/** Origins may be older than need be; sharing one lets segments go into one append, to be judged alike by the horizon. */
const ORIGIN_GENERATIONS_MAX = 64
/** A view older than this is refreshed before an upload, so that its origin is young (a quarter of the grace is far more). */
const ORIGIN_AGE_MS_MAX = 60_000
const FLUSHES_PER_APPEND_MAX = 16

export function createIngest(args: {
  readonly journal: Journal
  readonly objects: ObjectStore
  readonly cache: BatchCache
  readonly clock: Clock
  readonly random: Random
  readonly options: IngestOptions
}): Ingest {
  const { journal, objects, cache, clock, random, options } = args
  const { replica } = journal
  let closed = false
  let open: Item[] = []
  let openBytes = 0
  let heldBytes = 0
  let cancelLinger: (() => void) | undefined
  let lingered = false
  /** Submissions that wait for memory, in order of arrival. */
  const backlog: Waiting[] = []
  /** In order of arrival, from closing to settling. */
  const flushes: Flush[] = []
  let committing = false
  let origin = { generation: 0, takenAt: Number.NEGATIVE_INFINITY }
  /** Flushes whose verdicts wait for a page. */
  let settling = 0
  const idle: (() => void)[] = []

  function settle(item: Item, outcome: AppendBatchOutcome): void {
    const { submission, index, batch } = item
    if (submission.outcomes[index] !== undefined) return
    submission.outcomes[index] = outcome
    if (item.held) heldBytes -= batch.bytes.length
    if (--submission.open === 0) submission.finish(submission.outcomes as AppendBatchOutcome[])
  }
  const isSettled = (item: Item): boolean => item.submission.outcomes[item.index] !== undefined

  /** Fails what a segment still holds, and all later batches of the same connections. */
  function fail(flush: Flush, outcome: AppendBatchOutcome): void {
    const failed = flush.items.filter((item) => !isSettled(item))
    const connections = new Set(failed.map((item) => item.submission.connection))
    for (const item of failed) settle(item, outcome)
    const later = [...flushes.slice(flushes.indexOf(flush) + 1).flatMap((next) => next.items), ...open]
    for (const { items } of backlog) later.push(...items)
    for (const item of later) {
      if (connections.has(item.submission.connection)) settle(item, { kind: 'unavailable' })
    }
  }

  const isFull = (): boolean => openBytes >= SEGMENT_BYTES_MAX || open.length >= SEGMENT_BATCHES_MAX

  function admit(): void {
    while (backlog.length > 0 && heldBytes < REQUEST_MEMORY_BYTES_MAX && !isFull()) {
      const first = backlog[0]!
      while (first.next < first.items.length && !isFull()) {
        const item = first.items[first.next++]!
        if (isSettled(item)) continue
        item.held = true
        heldBytes += item.batch.bytes.length
        open.push(item)
        openBytes += item.batch.bytes.length
      }
      if (first.next === first.items.length) {
        backlog.shift()
        first.admit()
      }
      if (isFull()) pump()
    }
    pump()
  }

  /** Closes the open segment when it is full, when nothing is under way, or when it has gathered long enough. */
  function pump(): void {
    if (open.length === 0) return
    const uploading = flushes.filter((flush) => flush.state === 'uploading').length
    if (uploading >= UPLOADS_IN_FLIGHT_MAX) return
    if (isFull() || flushes.length === 0 || lingered || closed) {
      closeSegment()
      return
    }
    cancelLinger ??= clock.timer(options.lingerMs, () => {
      cancelLinger = undefined
      lingered = true
      pump()
    })
  }

  function closeSegment(): void {
    cancelLinger?.()
    cancelLinger = undefined
    lingered = false
    const items = open.filter((item) => !isSettled(item))
    const bytes = openBytes
    open = []
    openBytes = 0
    if (items.length === 0) return
    const flush: Flush = {
      items,
      bytes,
      state: 'uploading',
      id: journal.newId(),
      origin: 0,
      key: '',
      segment: undefined,
    }
    flushes.push(flush)
    void upload(flush).then((stored) => {
      flush.state = stored ? 'stored' : 'failed'
      admit()
      void commit()
    })
  }

  function currentOrigin(): number {
    const generation = journal.origin()
    const now = clock.monotonic()
    const tooOld = generation - origin.generation > ORIGIN_GENERATIONS_MAX || now - origin.takenAt > ORIGIN_AGE_MS_MAX
    if (tooOld || origin.generation < replica.root.horizon) {
      origin = { generation, takenAt: now }
    }
    return origin.generation
  }

  async function upload(flush: Flush): Promise<boolean> {
    const age = clock.monotonic() - replica.asOf
    if (age > ORIGIN_AGE_MS_MAX) {
      if ((await replica.refresh()).kind !== 'fresh') return false
    } else if (age > HEAD_VIEW_AGE_MS) void replica.refresh()
    const segment = buildSegment(flush.items.map((item) => item.batch))
    flush.segment = segment
    flush.origin = currentOrigin()
    flush.key = objectKey(segment.sizeBytes <= TINY_SEGMENT_BYTES_MAX ? 'tiny' : 'segment', flush.origin, flush.id)
    return uploadObject({ objects, clock, random, options, isClosed: () => closed }, flush.key, segment.body)
  }

  /** Appends what is stored, in order of arrival, one group at a time. */
  async function commit(): Promise<void> {
    if (committing) return
    committing = true
    for (;;) {
      const first = flushes[0]
      if (first === undefined || first.state === 'uploading') break
      if (first.state === 'failed') {
        fail(first, { kind: 'unavailable' })
        flushes.shift()
      } else await commitGroup(first)
      admit()
    }
    committing = false
    wakeIfIdle()
  }

  function wakeIfIdle(): void {
    if (flushes.length === 0 && settling === 0) for (const wake of idle.splice(0)) wake()
  }

  async function commitGroup(first: Flush): Promise<void> {
    const group: Flush[] = []
    for (const flush of flushes) {
      if (flush.state !== 'stored' || flush.origin !== first.origin || group.length === FLUSHES_PER_APPEND_MAX) break
      group.push(flush)
    }
    const entries: { flush: Flush; entry: EntryToAppend; items: Item[] }[] = []
    for (const flush of group) {
      const prepared = prepare(flush)
      if (prepared === undefined) continue
      entries.push({ flush, ...prepared })
      remember(flush)
    }
    const appended = entries.length === 0 ? [] : journal.appender.append(entries.map(({ entry }) => entry))
    const outcomes = await Promise.all(appended)
    // From the last on, so that what was in the same append fails for its own reason and not as a follower.
    for (let i = entries.length - 1; i >= 0; i--) finish(entries[i]!.flush, entries[i]!.items, outcomes[i]!)
    flushes.splice(0, group.length)
  }

  /** For readers here, who are woken in the moment in which the fold accepts what is about to be appended. */
  function remember({ segment, items, key }: Flush): void {
    segment!.order.forEach((index, i) => {
      const item = items[index]!
      if (!isSettled(item)) cache.put(key, segment!.table[i]!.start, item.batch.bytes)
    })
  }

  /** The entry of a stored segment, without the batches that failed meanwhile; undefined when none is left. */
  function prepare(flush: Flush): { entry: EntryToAppend; items: Item[] } | undefined {
    const { segment, id, origin: from, key } = flush
    const all = segment!.order.map((index) => flush.items[index]!)
    const items = all.filter((item) => !isSettled(item))
    const entry = flushEntry({ id, origin: from, tiny: key.startsWith('tiny/') }, segment!, (i) => !isSettled(all[i]!))
    if (entry !== undefined) return { entry, items }
    fail(flush, { kind: 'unavailable' })
    return undefined
  }

  function finish(flush: Flush, items: readonly Item[], outcome: AppendOutcome): void {
    if (outcome.kind !== 'folded' || outcome.verdict.kind !== 'flush') {
      // What the horizon rejected changed nothing, and the client may send it again.
      fail(flush, { kind: outcome.kind === 'folded' ? 'unavailable' : outcome.kind })
      return
    }
    settling++
    void outcome.verdict.verdicts.then((verdicts) => {
      items.forEach((item, i) => {
        settle(item, verdicts[i] ?? { kind: 'unknown' })
      })
      settling--
      admit()
      wakeIfIdle()
    })
  }

  async function untilIdle(): Promise<void> {
    while (flushes.length > 0 || open.length > 0 || backlog.length > 0 || settling > 0) {
      await new Promise<void>((resolve) => {
        idle.push(resolve)
        admit()
      })
    }
  }

  return {
    append(connection, batches) {
      let finished: (outcomes: readonly AppendBatchOutcome[]) => void = () => {}
      const outcomes = new Promise<readonly AppendBatchOutcome[]>((resolve) => {
        finished = resolve
      })
      if (batches.length === 0 || closed || replica.haltedBecause !== undefined) {
        finished(batches.map(() => ({ kind: closed ? 'unavailable' : 'halted' })))
        return { admitted: Promise.resolve(), outcomes }
      }
      const submission: Submission = {
        connection,
        outcomes: new Array(batches.length),
        open: batches.length,
        finish: finished,
      }
      const items = batches.map((batch, index) => ({ submission, index, batch, held: false }))
      const admitted = new Promise<void>((resolve) => {
        backlog.push({ items, next: 0, admit: resolve })
      })
      admit()
      return { admitted, outcomes }
    },
    idle: untilIdle,
    close() {
      closed = true
      admit()
      return untilIdle()
    },
  }
}
