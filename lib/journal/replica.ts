// A replica of the journal's state: it follows the head, applies every entry once and in order, and keeps what the fold
// made of them. All that serves a client is answered from here. Heads may arrive from reads and from own appends, in any
// order; one queue applies them. When chunks it needs are gone it starts again from the head's checkpoint, and it halts
// rather than guess: at an entry it does not know, a broken hash chain, another incarnation, a checkpoint that is lost.
import { assert } from '../base/assert.ts'
import { StoredBytesError } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import type { Head, HeadCheckpoint, ObjectKey, Stores } from '../storage/ports.ts'
import { chainHash, encodeChunk } from './chunk.ts'
import { decodeEntry, type Envelope, UnknownEntryError } from './entry.ts'
import { applyEntry, isBehindHorizon, type Verdict } from './fold.ts'
import { gatherVerdicts, type OwnVerdict } from './page-verdicts.ts'
import { createPages, type Pages } from './pages.ts'
import { comparePositions } from './position.ts'
import { createJournalReader, GapError, UnavailableError } from './read-journal.ts'
import { shareReads } from './share-reads.ts'
import type { PageWork } from './state/page.ts'
import { emptyRoot, type PageTable, type RootState } from './state/root.ts'

/** What became of a refresh. `unavailable`: try again later. */
export type RefreshOutcome = { readonly kind: 'fresh' } | { readonly kind: 'unavailable' } | { readonly kind: 'halted' }

export interface ReplicaEvents {
  /** A partition has new records, or a new log start. */
  advanced(topicNumber: number, partition: number): void
  topicDeleted(topicNumber: number): void
  /** Entries were applied. */
  applied(): void
  /** Said once. */
  halted(reason: string): void
}

export interface JournalReplica {
  readonly root: RootState
  readonly pages: Pages
  /** The newest head that was applied. */
  readonly head: Head | undefined
  readonly haltedBecause: string | undefined
  /** How often it had to start again from a checkpoint: what lay between was not seen. */
  readonly restarts: number
  /** Entries applied since the last accepted checkpoint, and bytes of their chunks. */
  readonly sinceCheckpoint: { readonly entries: number; readonly bytes: number }
  /** Monotonic time before which everything committed is known here. */
  readonly asOf: number
  /** Reads the head, in a read that begins after this call, and applies what is new. Concurrent calls share one. */
  refresh(): Promise<RefreshOutcome>
  /** Applies a head that an own update returned; the request was sent at `sentAt` (monotonic). */
  observe(head: Head, sentAt: number): Promise<RefreshOutcome>
  /** Announces an own entry by its key before it is sent; its verdict can be taken once the replica has passed it. */
  expect(key: ObjectKey, body?: Uint8Array): void
  /** The verdict of an announced entry if it was passed, and forgets it. */
  take(key: ObjectKey): OwnVerdict | undefined
  /** True once the replica has passed an announced entry. */
  passed(key: ObjectKey): boolean
  /** Resolves when no read is under way and everything read is applied. */
  idle(): Promise<void>
  halt(reason: string): void
}

interface Expected {
  readonly body: Uint8Array | undefined
  verdict: OwnVerdict | undefined
}

export function createReplica(args: {
  readonly stores: Pick<Stores, 'objects' | 'journal'>
  readonly clock: Clock
  readonly events: ReplicaEvents
}): JournalReplica {
  const { stores, clock, events } = args
  const reader = createJournalReader(stores)
  const expected = new Map<ObjectKey, Expected>()
  let root = emptyRoot()
  let pages = createPages(stores.objects, undefined)
  let head: Head | undefined
  let incarnation: number | undefined
  let asOf = Number.NEGATIVE_INFINITY
  let restarts = 0
  let sinceCheckpoint = { entries: 0, bytes: 0 }
  let haltedBecause: string | undefined
  /** The refresh that was asked for last: it ends last, also while it waits for the one before it. */
  let reading: Promise<unknown> = Promise.resolve()
  let applying: Promise<unknown> = Promise.resolve()
  /** Pages that are read for a verdict; it may be given up before they are there. */
  const loads = new Set<Promise<void>>()

  function halt(reason: string): void {
    if (haltedBecause !== undefined) return
    haltedBecause = reason
    pages.close()
    events.halted(reason)
  }

  function applyVerdict(envelope: Envelope, verdict: Verdict, own: Expected | undefined): void {
    const gathered = own !== undefined && 'verdicts' in verdict ? gatherVerdicts(verdict) : undefined
    if (own !== undefined) own.verdict = gathered?.own ?? (verdict as OwnVerdict)
    if (verdict.kind === 'deleted') {
      pages.dropTopic(verdict.topic.number)
      events.topicDeleted(verdict.topic.number)
    }
    if (verdict.kind === 'accepted' && envelope.kind === 'checkpointed') {
      pages.checkpointAccepted(root.checkpoint!)
      sinceCheckpoint = { entries: 0, bytes: 0 }
    }
    if (!('works' in verdict)) return
    for (const work of verdict.works) {
      pages.apply(root.position, work, gathered?.settle)
      if (gathered !== undefined && pages.loaded(work.pageKey) === undefined) {
        const load = loadForVerdict(work.pageKey).finally(() => loads.delete(load))
        loads.add(load)
      }
    }
    for (const work of verdict.works) announce(work)
  }

  function announce(work: PageWork): void {
    if (work.kind === 'trim') events.advanced(work.topicNumber, work.partition)
    if (work.kind !== 'batches') return
    const { batches, from, to } = work
    for (let i = from; i < to; i++) {
      const { topicNumber, partition } = batches[i]!
      if (i + 1 < to && batches[i + 1]!.partition === partition) continue
      events.advanced(topicNumber, partition)
    }
  }

  /** Whoever waits for verdicts in a page that cannot be loaded now learns that they are unknown. */
  async function loadForVerdict(key: string): Promise<void> {
    const used = pages
    if ((await used.load(key)) === undefined) used.giveUpVerdicts(key)
  }

  async function applyOne(bytes: Uint8Array): Promise<void> {
    const envelope = decodeEntry(bytes)
    const own = expected.get(envelope.key)
    if (isBehindHorizon(root, envelope)) applyVerdict(envelope, { kind: 'behindHorizon' }, own)
    else {
      const payload = envelope.payload ?? own?.body ?? (await reader.body(envelope.reference!))
      applyVerdict(envelope, applyEntry(root, envelope, payload), own)
    }
    const { generation, index } = root.position
    root.position = { generation, index: index + 1 }
    sinceCheckpoint = { entries: sinceCheckpoint.entries + 1, bytes: sinceCheckpoint.bytes + bytes.length }
  }

  async function applyFrom(entries: readonly Uint8Array[]): Promise<void> {
    for (let i = root.position.index; i < entries.length; i++) await applyOne(entries[i]!)
  }

  /** Applies what is missing of the current generation, whose chunk this is, and goes on to the next. */
  async function finishGeneration(entries: readonly Uint8Array[], chunk: Uint8Array): Promise<void> {
    assert(root.position.index <= entries.length, 'no entry ever leaves a generation')
    await applyFrom(entries)
    root.chunksHash = chainHash(root.chunksHash, chunk)
    root.position = { generation: root.position.generation + 1, index: 0 }
  }

  async function readChunks(to: number): Promise<void> {
    while (root.position.generation <= to) {
      const from = root.position.generation
      const { chunks, complete } = await reader.chunks(from, to)
      for (const { generation, bytes, entries } of chunks) {
        if (generation !== root.position.generation) throw new GapError()
        await finishGeneration(entries, bytes)
      }
      if (root.position.generation === from || (complete && root.position.generation <= to)) throw new GapError()
    }
  }

  /** Everything up to `next`: chunks, then `sealed`, then `tail` (DESIGN: in this order). */
  async function follow(next: Head): Promise<void> {
    const { generation } = root.position
    if (next.generation < generation) return
    if (next.generation > generation) {
      const inChunks = next.sealed.length > 0 ? next.generation - 2 : next.generation - 1
      await readChunks(inChunks)
      const chained = root.position.generation === inChunks + 1 ? root.chunksHash : undefined
      if (next.sealed.length > 0 && root.position.generation === next.generation - 1) {
        await finishGeneration(next.sealed, encodeChunk(next.sealed))
      }
      if (chained !== undefined && Buffer.compare(chained, next.hash) !== 0) {
        throw new StoredBytesError('the running hash of the chunks does not match the head')
      }
    }
    await applyFrom(next.tail)
    if (head === undefined || next.generation > head.generation || next.tail.length >= head.tail.length) head = next
    else if (next.generation === head.generation && next.sealed.length < head.sealed.length) head = next
  }

  /** Starts again from the checkpoint that the head names. */
  async function restart(checkpoint: HeadCheckpoint | undefined): Promise<void> {
    let next = emptyRoot()
    let table: PageTable = new Map()
    if (checkpoint !== undefined) {
      const found = await reader.root(checkpoint.key)
      next = found.root
      table = found.pages
    }
    restarts++
    pages.close()
    root = next
    pages = createPages(stores.objects, checkpoint && { key: checkpoint.key, position: next.position })
    if (checkpoint !== undefined) pages.rememberTable(checkpoint.key, table)
    sinceCheckpoint = { entries: 0, bytes: 0 }
  }

  async function advance(first: Head): Promise<void> {
    let next = first
    if (incarnation === undefined) {
      incarnation = next.incarnation
      if (next.checkpoint !== undefined) next = await restartFromHead(next)
    }
    if (next.incarnation !== incarnation) throw new StoredBytesError('the journal was restored to another incarnation')
    for (let tries = 0; tries < 5; tries++) {
      try {
        return await follow(next)
      } catch (error) {
        if (!(error instanceof GapError)) throw error
        next = await reader.head()
        // Collected is only what the head's checkpoint covers. Anything else that is missing is lost, and to start again
        // from a checkpoint behind us would take back what was served already.
        if (next.checkpoint === undefined || comparePositions(next.checkpoint, root.position) <= 0) {
          const { generation, index } = root.position
          throw new StoredBytesError(
            `entry ${index} of generation ${generation}, or its body, is missing and no checkpoint covers it: the stores lost data; restore them from a backup`,
          )
        }
        next = await restartFromHead(next)
      }
    }
    throw new UnavailableError()
  }

  /**
   * Restarts; if the checkpoint that a head names is missing, the head is read again, and if it is still named, all stops.
   * Answers the head that it started from: an older one would lie behind the state.
   */
  async function restartFromHead(first: Head): Promise<Head> {
    let from = first
    for (;;) {
      try {
        await restart(from.checkpoint)
        return from
      } catch (error) {
        if (!(error instanceof GapError)) throw error
        const again = await reader.head()
        if (again.checkpoint?.key === from.checkpoint?.key) {
          throw new StoredBytesError(
            `the checkpoint ${from.checkpoint?.key} that the head names is missing: the object store lost data; restore it from a backup`,
          )
        }
        from = again
      }
    }
  }

  function apply(next: Head, sentAt: number): Promise<RefreshOutcome> {
    const done = applying.then(async (): Promise<RefreshOutcome> => {
      if (haltedBecause !== undefined) return { kind: 'halted' }
      try {
        const before = root.position
        await advance(next)
        if (root.position !== before) events.applied()
        if (sentAt > asOf) asOf = sentAt
        return { kind: 'fresh' }
      } catch (error) {
        if (error instanceof UnavailableError) return { kind: 'unavailable' }
        if (error instanceof UnknownEntryError || error instanceof StoredBytesError) halt(error.message)
        else halt(error instanceof Error ? (error.stack ?? error.message) : String(error))
        return { kind: 'halted' }
      }
    })
    applying = done
    return done
  }

  async function read(): Promise<RefreshOutcome> {
    if (haltedBecause !== undefined) return { kind: 'halted' }
    const sentAt = clock.monotonic()
    const outcome = await stores.journal.readHead()
    if (outcome.kind === 'unavailable') return { kind: 'unavailable' }
    if (outcome.kind === 'missing') {
      halt('there is no journal here: run tidelog init')
      return { kind: 'halted' }
    }
    return apply(outcome.head, sentAt)
  }

  const refresh = shareReads(read)

  async function idle(): Promise<void> {
    const [read, applied] = [reading, applying]
    await read
    await applied
    await Promise.allSettled(loads)
    // Somebody may have asked, or brought a head, in the meantime.
    if (reading !== read || applying !== applied) await idle()
  }

  return {
    get root() {
      return root
    },
    get pages() {
      return pages
    },
    get head() {
      return head
    },
    get haltedBecause() {
      return haltedBecause
    },
    get restarts() {
      return restarts
    },
    get sinceCheckpoint() {
      return sinceCheckpoint
    },
    get asOf() {
      return asOf
    },
    refresh() {
      const outcome = refresh()
      reading = outcome
      return outcome
    },
    idle,
    observe: apply,
    expect(key, body) {
      assert(!expected.has(key), 'an entry is announced once')
      expected.set(key, { body, verdict: undefined })
    },
    take(key) {
      const verdict = expected.get(key)?.verdict
      expected.delete(key)
      return verdict
    },
    passed: (key) => expected.get(key)?.verdict !== undefined,
    halt,
  }
}
