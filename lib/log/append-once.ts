// The way in for a request that may be sent again by itself: what a repeat finds is what the first try left. Its segment and
// its entry are named after the id that its client chose, and a store accepts an object's name once, so of all tries, in
// whichever processes, exactly the one whose put was applied appends; every other looks for the outcome of that one, and
// says `unknown` when it does not find it. ⚠ A put in doubt counts as another's: two tries that both append could land in
// two generations of the journal, where no condition keeps them apart. ⚠ The whole name of the segment, with the kind that
// says which store holds it, follows from the request's name alone: topics and their settings may change between two tries, and with
// them which batches are good and how long they are.
import { type Clock, sleep } from '../base/clock.ts'
import { HEAD_VIEW_AGE_MS, TINY_SEGMENT_GROWN_BYTES_MAX } from '../base/limits.ts'
import { type Random, randomFraction } from '../base/random.ts'
import type { FlushBatch } from '../journal/entries/flush.ts'
import type { Journal } from '../journal/journal.ts'
import { objectKey } from '../journal/object-keys.ts'
import { readObject } from '../journal/read-object.ts'
import { type ExtentColumns, segmentKey } from '../journal/state/extents.ts'
import type { ObjectKey, ObjectStore } from '../storage/ports.ts'
import type { BatchCache } from './batch-cache.ts'
import type { AppendBatchOutcome, AppendOnceOutcome, BatchToAppend, Log, RequestName } from './log.ts'
import type { Partitions } from './partitions.ts'
import { buildSegment, flushEntry, readSegmentFooter, type Segment } from './segment.ts'

const PUT_TRIES_MAX = 5
const PAUSE_MS_MIN = 20
/** How often a repeat looks for what became of the first try, with pauses that double. */
const LOOKS_MAX = 6
/** Only the segment that a name stands for can hold its batches, and this one is not among them. */
const NOT_WRITTEN: AppendBatchOutcome = { kind: 'unavailable' }

export function createAppendOnce(args: {
  readonly journal: Journal
  readonly objects: ObjectStore
  readonly cache: BatchCache
  readonly partitions: Partitions
  readonly clock: Clock
  readonly random: Random
}): Log['appendOnce'] {
  const { journal, objects, cache, partitions, clock, random } = args
  const { replica } = journal

  const pause = (tries: number): Promise<void> =>
    sleep(clock, PAUSE_MS_MIN * 2 ** tries * (0.5 + randomFraction(random) / 2))

  /** Whether this put was applied: then no other ever will be. */
  async function claim(key: ObjectKey, segment: Segment): Promise<boolean> {
    for (let tries = 0; tries < PUT_TRIES_MAX; tries++) {
      if (tries > 0) await pause(tries)
      const outcome = await objects.put(key, segment.body)
      if (outcome.kind === 'applied') return true
      if (outcome.kind === 'exists') return false
    }
    return false
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
    // This try changed nothing; but a name that old may have been used before, and its segment collected.
    if (outcome.verdict.kind !== 'flush') return batches.map(() => ({ kind: 'unknown' }))
    const verdicts = await outcome.verdict.verdicts
    const outcomes: AppendBatchOutcome[] = batches.map(() => ({ kind: 'unknown' }))
    segment.order.forEach((index, i) => {
      outcomes[index] = verdicts[i] ?? { kind: 'unknown' }
    })
    return outcomes
  }

  /** What another try came to, as its segment and the replica show it; what they do not show is unknown. */
  async function lookFor(
    { frameHash }: RequestName,
    key: ObjectKey,
    batches: readonly BatchToAppend[],
    looksMax: number,
  ): Promise<AppendOnceOutcome> {
    let outcomes: AppendBatchOutcome[] = batches.map(() => ({ kind: 'unknown' }))
    let placed: ReadonlyMap<string, FlushBatch> | undefined
    for (let looks = 0; looks < looksMax && outcomes.some(({ kind }) => kind === 'unknown'); looks++) {
      if (looks > 0) await pause(looks)
      if (placed === undefined) {
        const found = await readObject(objects, key, readSegmentFooter)
        if (found.kind !== 'found') continue
        if (Buffer.compare(found.value.frameHash ?? NO_HASH, frameHash) !== 0) return { kind: 'reused' }
        placed = new Map(found.value.table.map((batch) => [placeOf(batch.topicNumber, batch.partition), batch]))
      }
      if ((await replica.refresh()).kind !== 'fresh') continue
      const stored = placed
      outcomes = await Promise.all(
        batches.map(({ topic, partition }) => {
          const batch = stored.get(placeOf(topic.number, partition))
          return batch === undefined ? NOT_WRITTEN : find(key, batch)
        }),
      )
      // One entry was judged as a whole: whoever of it is still missing was rejected, or has been merged away.
      if (outcomes.some(({ kind }) => kind === 'found')) break
    }
    return { kind: 'answered', outcomes }
  }

  /** Finds a batch of this segment among the newest of its partition. */
  async function find(key: ObjectKey, batch: FlushBatch): Promise<AppendBatchOutcome> {
    const { topicNumber, partition, start, maxTimestamp } = batch
    const found = await partitions.find({ number: topicNumber }, partition)
    if (found.kind !== 'found' || found.state === undefined) return { kind: 'unknown' }
    const { extents, logStartOffset } = found.state
    const last = extents.blocks.at(-1)
    const baseOffset =
      offsetOf(extents.open, key, start) ?? (last && offsetOf(await partitions.columns(last), key, start))
    if (baseOffset === undefined) return { kind: 'unknown' }
    return { kind: 'found', baseOffset, logStartOffset, maxTimestamp }
  }

  return async (name, batches) => {
    const all = (outcome: AppendBatchOutcome): AppendOnceOutcome => ({
      kind: 'answered',
      outcomes: batches.map(() => outcome),
    })
    // What keeps this try from its work says nothing of an earlier one: its outcome is unknown.
    if (replica.haltedBecause !== undefined) return all({ kind: 'unknown' })
    if (name.generation > replica.root.position.generation) {
      if ((await replica.refresh()).kind !== 'fresh') return all({ kind: 'unknown' })
      if (name.generation > replica.root.position.generation) return { kind: 'fromTheFuture' }
    }
    const kind = name.long ? 'segment' : 'tiny'
    const key = objectKey(kind, name.generation, name.id)
    if (name.generation < replica.root.horizon) return lookFor(name, key, batches, 1)
    if (clock.monotonic() - replica.asOf > HEAD_VIEW_AGE_MS) void replica.refresh()
    const segment = buildSegment(batches, name.frameHash)
    if (kind === 'tiny' && segment.sizeBytes > TINY_SEGMENT_GROWN_BYTES_MAX) return all({ kind: 'tooLarge' })
    if (!(await claim(key, segment))) return lookFor(name, key, batches, LOOKS_MAX)
    return { kind: 'answered', outcomes: await appendOurs(name, key, segment, batches) }
  }
}

const NO_HASH = new Uint8Array(0)

const placeOf = (topicNumber: number, partition: number): string => `${topicNumber}/${partition}`

/** The base offset of the batch that lies in this segment at this place, the newest first. */
function offsetOf(columns: ExtentColumns | undefined, key: ObjectKey, start: number): number | undefined {
  if (columns === undefined) return undefined
  for (let i = columns.baseOffset.length - 1; i >= 0; i--) {
    if (columns.start[i] === start && segmentKey(columns.segment[i]!) === key) return columns.baseOffset[i]
  }
  return undefined
}
