// The way in for a request that may be sent again by itself: what a repeat finds is what the first try left. Its segment and
// its entry are named after the id that its client chose, and a store accepts an object's name once, so of all tries, in
// whichever processes, exactly the one whose put was applied appends; every other looks for the outcome of that one, and
// says `unknown` when it does not find it. ⚠ A put in doubt counts as another's: two tries that both append could land in
// two generations of the journal, where no condition keeps them apart.
import { type Clock, sleep } from '../base/clock.ts'
import type { Ulid } from '../base/ids.ts'
import { HEAD_VIEW_AGE_MS, TINY_SEGMENT_BYTES_MAX } from '../base/limits.ts'
import { type Random, randomFraction } from '../base/random.ts'
import type { Journal } from '../journal/journal.ts'
import { objectKey } from '../journal/object-keys.ts'
import { type ExtentColumns, segmentKey } from '../journal/state/extents.ts'
import type { ObjectKey, ObjectStore } from '../storage/ports.ts'
import type { BatchCache } from './batch-cache.ts'
import type { AppendBatchOutcome, BatchToAppend } from './log.ts'
import type { Partitions } from './partitions.ts'
import { buildSegment, flushEntry, readSegmentFooter, type Segment } from './segment.ts'

/** A request's own name: its segment's and its entry's. `generation` is what its client knew before it sent it first. */
export interface RequestName {
  readonly generation: number
  readonly id: Ulid
}

export type AppendOnceOutcome =
  | { readonly kind: 'answered'; readonly outcomes: readonly AppendBatchOutcome[] }
  /** The name was used for other batches. Nothing was written. */
  | { readonly kind: 'reused' }
  /** No process can have known this generation yet. Nothing was written. */
  | { readonly kind: 'fromTheFuture' }

export type AppendOnce = (name: RequestName, batches: readonly BatchToAppend[]) => Promise<AppendOnceOutcome>

const PUT_TRIES_MAX = 5
const PAUSE_MS_MIN = 20
/** How often a repeat looks for what became of the first try, with pauses that double. */
const LOOKS_MAX = 6
/** Of a batch, what the way in may have changed lies before this (times, codec, checksum). */
const RECORDS_AT = 61

export function createAppendOnce(args: {
  readonly journal: Journal
  readonly objects: ObjectStore
  readonly cache: BatchCache
  readonly partitions: Partitions
  readonly clock: Clock
  readonly random: Random
}): AppendOnce {
  const { journal, objects, cache, partitions, clock, random } = args
  const { replica } = journal

  const pause = (tries: number): Promise<void> =>
    sleep(clock, PAUSE_MS_MIN * 2 ** tries * (0.5 + randomFraction(random) / 2))

  /** `ours`: this put was applied, and no other ever will be. */
  async function claim(key: ObjectKey, segment: Segment): Promise<'ours' | 'doubtful' | 'failed'> {
    let doubtful = false
    for (let tries = 0; tries < PUT_TRIES_MAX; tries++) {
      if (tries > 0) await pause(tries)
      const outcome = await objects.put(key, segment.body)
      if (outcome.kind === 'applied') return 'ours'
      if (outcome.kind === 'exists') return 'doubtful'
      if (outcome.kind === 'unknown') doubtful = true
    }
    return doubtful ? 'doubtful' : 'failed'
  }

  async function appendOurs(
    { id, generation }: RequestName,
    key: ObjectKey,
    segment: Segment,
    batches: readonly BatchToAppend[],
  ): Promise<AppendBatchOutcome[]> {
    segment.order.forEach((index, i) => {
      cache.put(key, segment.table[i]!.start, batches[index]!.bytes)
    })
    const entry = flushEntry({ id, origin: generation, tiny: key.startsWith('tiny/') }, segment, () => true)!
    const outcome = await journal.appender.append([entry])[0]!
    if (outcome.kind !== 'folded') return batches.map(() => ({ kind: outcome.kind }))
    // What the horizon rejected changed nothing, and the client may send it again under a new name.
    if (outcome.verdict.kind !== 'flush') return batches.map(() => ({ kind: 'unavailable' }))
    const verdicts = await outcome.verdict.batches
    const outcomes: AppendBatchOutcome[] = batches.map(() => ({ kind: 'unknown' }))
    segment.order.forEach((index, i) => {
      outcomes[index] = verdicts[i] ?? { kind: 'unknown' }
    })
    return outcomes
  }

  /** Whether the stored segment holds these batches. Undefined: it could not be read. */
  async function holds(key: ObjectKey, segment: Segment): Promise<boolean | undefined> {
    const found = await objects.get(key)
    if (found.kind !== 'found') return undefined
    const { table } = readSegmentFooter(found.bytes)
    if (table.length !== segment.table.length) return false
    return segment.table.every((batch, i) => {
      const stored = table[i]!
      const alike =
        stored.topicNumber === batch.topicNumber &&
        stored.partition === batch.partition &&
        stored.length === batch.length &&
        stored.producerId === batch.producerId &&
        stored.producerEpoch === batch.producerEpoch &&
        stored.baseSequence === batch.baseSequence
      const records = (bytes: Uint8Array): Uint8Array =>
        bytes.subarray(batch.start + RECORDS_AT, batch.start + batch.length)
      return alike && Buffer.compare(records(found.bytes), recordsOf(segment, i)) === 0
    })
  }

  /** The outcome of another try as the replica shows it; what it does not show is unknown. */
  async function lookFor(key: ObjectKey, segment: Segment): Promise<AppendBatchOutcome[]> {
    const outcomes: AppendBatchOutcome[] = segment.table.map(() => ({ kind: 'unknown' }))
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      if (looks > 0) await pause(looks)
      if ((await replica.refresh()).kind !== 'fresh') continue
      for (const [i, { topicNumber, partition, start }] of segment.table.entries()) {
        const found = await partitions.find({ number: topicNumber }, partition)
        if (found.kind !== 'found' || found.state === undefined) continue
        const { extents, logStartOffset } = found.state
        const baseOffset = offsetOf(extents.open, key, start) ?? offsetOf(extents.blocks.at(-1)?.columns, key, start)
        if (baseOffset !== undefined) outcomes[segment.order[i]!] = { kind: 'appended', baseOffset, logStartOffset }
      }
      // One entry was judged as a whole: whoever of it is still missing was rejected, or has been merged away.
      if (outcomes.some(({ kind }) => kind === 'appended')) break
    }
    return outcomes
  }

  return async (name, batches) => {
    const all = (outcome: AppendBatchOutcome): AppendOnceOutcome => ({
      kind: 'answered',
      outcomes: batches.map(() => outcome),
    })
    if (replica.haltedBecause !== undefined) return all({ kind: 'halted' })
    if (name.generation > replica.root.position.generation) {
      const refreshed = await replica.refresh()
      if (refreshed.kind !== 'fresh') return all(refreshed)
      if (name.generation > replica.root.position.generation) return { kind: 'fromTheFuture' }
    }
    if (name.generation < replica.root.horizon) return all({ kind: 'unavailable' })
    if (clock.monotonic() - replica.asOf > HEAD_VIEW_AGE_MS) void replica.refresh()
    const segment = buildSegment(batches)
    const kind = segment.sizeBytes <= TINY_SEGMENT_BYTES_MAX ? 'tiny' : 'segment'
    const key = objectKey(kind, name.generation, name.id)
    const claimed = await claim(key, segment)
    if (claimed === 'failed') return all({ kind: 'unavailable' })
    if (claimed === 'ours') return { kind: 'answered', outcomes: await appendOurs(name, key, segment, batches) }
    if ((await holds(key, segment)) === false) return { kind: 'reused' }
    return { kind: 'answered', outcomes: await lookFor(key, segment) }
  }
}

/** The records of the table's batch `i`, as they are about to be stored: `body` is in the table's order. */
function recordsOf({ body }: Segment, i: number): Uint8Array {
  return body[i]!.subarray(RECORDS_AT)
}

/** The base offset of the batch that lies in this segment at this place, the newest first. */
function offsetOf(columns: ExtentColumns | undefined, key: ObjectKey, start: number): number | undefined {
  if (columns === undefined) return undefined
  for (let i = columns.baseOffset.length - 1; i >= 0; i--) {
    if (columns.start[i] === start && segmentKey(columns.segment[i]!) === key) return columns.baseOffset[i]
  }
  return undefined
}
