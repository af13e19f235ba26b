// Fetch: which batches answer a request, whether that is enough or the request waits, and how fresh the view must be. A
// fetch below the end may be answered from a view confirmed within the last second; one at or beyond the end, before the
// start, or of an unknown topic only after a head read that began after the request arrived. What is read fits the memory
// that the request was given for it. Where reads are cheap, a client that is served alone has its next answer read into the
// cache while it works on the last one: Java consumers ask for more only when they have used up what they got.
import type { Clock } from '../base/clock.ts'
import { FETCH_VIEW_AGE_MS } from '../base/limits.ts'
import type { Position } from '../journal/position.ts'
import type { JournalReplica } from '../journal/replica.ts'
import type { Extent } from '../journal/state/extents.ts'
import type { PartitionState } from '../journal/state/partition-page.ts'
import { PATCHED_HEADER_BYTES, patchedHeader } from '../wire/record-batch.ts'
import type { FetchMemory } from './fetch-memory.ts'
import type { FetchPartition, FetchPartitionOutcome, FetchRequest, PartitionOffsets, Unserved } from './log.ts'
import { type FindPartitionOutcome, offsetsOf, type Partitions } from './partitions.ts'
import { type BatchReader, createReadCost } from './read-batches.ts'
import type { Waiters } from './waiters.ts'

interface PlannedRecords {
  readonly kind: 'planned'
  readonly offsets: PartitionOffsets
  readonly extents: readonly Extent[]
}
type Planned = PlannedRecords | Exclude<FetchPartitionOutcome, { kind: 'records' }>

/** A partition at the position from which a whole request is answered. */
type View =
  | { readonly kind: 'found'; readonly state: PartitionState | undefined; readonly offsets: PartitionOffsets }
  | Exclude<FindPartitionOutcome, { kind: 'found' }>

export interface Fetcher {
  fetch(request: FetchRequest): Promise<readonly FetchPartitionOutcome[]>
  /** Ends all waits: parked requests are answered with what there is. */
  close(): void
}

/** After this many looks at objects that are gone the answer is a retriable error. */
const LOOKS_MAX = 3

export function createFetcher(args: {
  readonly replica: JournalReplica
  readonly partitions: Partitions
  readonly reader: BatchReader
  readonly waiters: Waiters
  readonly memory: FetchMemory
  readonly clock: Clock
  readonly readsAhead?: boolean
}): Fetcher {
  const { replica, partitions, reader, waiters, memory, clock, readsAhead = false } = args
  let closed = false

  /** True if the answer may be given from the view as it is. */
  async function isFreshEnough(request: FetchRequest, arrivedAt: number): Promise<boolean> {
    // At the same reading of the clock nobody can tell which came first.
    if (replica.asOf > arrivedAt) return true
    if (replica.asOf < arrivedAt - FETCH_VIEW_AGE_MS) return false
    for (const { topic, partition, offset } of request.partitions) {
      const found = partitions.findNow(topic, partition) ?? (await partitions.find(topic, partition))
      if (found.kind !== 'found') return false
      const { logStartOffset, lastStableOffset } = offsetsOf(found.state)
      if (offset < logStartOffset || offset >= lastStableOffset) return false
    }
    return true
  }

  /** All partitions of a request at one position. Pages that are not in memory are loaded before it is taken. */
  async function look(request: FetchRequest): Promise<{ position: Position; views: View[] }> {
    const loaded = new Map<FetchPartition, FindPartitionOutcome>()
    for (const wanted of request.partitions) {
      if (partitions.findNow(wanted.topic, wanted.partition) !== undefined) continue
      loaded.set(wanted, await partitions.find(wanted.topic, wanted.partition))
    }
    const views = request.partitions.map((wanted): View => {
      // A request of more pages than memory holds has lost the first when the last is loaded.
      const found = partitions.findNow(wanted.topic, wanted.partition) ??
        loaded.get(wanted) ?? { kind: 'unavailable' as const }
      return found.kind === 'found' ? { ...found, offsets: offsetsOf(found.state) } : found
    })
    return { position: replica.root.position, views }
  }

  async function planPartition(wanted: FetchPartition, view: View, left: number, first: boolean): Promise<Planned> {
    if (view.kind !== 'found') return view
    const { state, offsets } = view
    if (wanted.offset < offsets.logStartOffset || wanted.offset > offsets.highWatermark) {
      return { kind: 'outOfRange', ...offsets }
    }
    if (state === undefined || wanted.offset === offsets.lastStableOffset || (left <= 0 && !first)) {
      return { kind: 'planned', offsets, extents: [] }
    }
    const limit = Math.max(0, Math.min(wanted.bytesMax, left))
    const extents = await partitions.extentsFrom(state, wanted.offset, limit)
    if (extents === undefined) return { kind: 'unavailable' }
    // The log start may have moved while a block was read.
    if (wanted.offset < state.logStartOffset) return { kind: 'outOfRange', ...offsetsOf(state) }
    // What was appended since the position was taken belongs to a later answer.
    const visible = extents.filter((extent) => extent.baseOffset < offsets.lastStableOffset)
    if (!first && visible.length > 0 && visible[0]!.length > left) return { kind: 'planned', offsets, extents: [] }
    return { kind: 'planned', offsets, extents: visible }
  }

  interface Plan {
    readonly position: Position
    readonly planned: readonly Planned[]
    readonly bytes: number
    readonly failed: boolean
  }
  async function plan(request: FetchRequest): Promise<Plan> {
    const { position, views } = await look(request)
    const planned: Planned[] = []
    let bytes = 0
    let failed = false
    for (const [i, wanted] of request.partitions.entries()) {
      const part = await planPartition(wanted, views[i]!, request.bytesMax - bytes, bytes === 0)
      planned.push(part)
      if (part.kind !== 'planned') failed = true
      else for (const extent of part.extents) bytes += extent.length
    }
    return { position, planned, bytes, failed }
  }

  /** True if a request should wait for more than was planned for it. */
  function isIncomplete(request: FetchRequest, { bytes, failed }: Plan): boolean {
    if (failed || closed || request.signal.aborted || request.partitions.length === 0) return false
    return bytes < request.bytesMin
  }

  /** Reads what was planned; undefined when an object is gone and the caller should look again. */
  async function read(planned: readonly Planned[], leaderEpoch: number): Promise<FetchPartitionOutcome[] | undefined> {
    const outcome = await reader.read(extentsOf(planned))
    if (outcome.kind === 'missing') return undefined
    let next = 0
    return planned.map((part): FetchPartitionOutcome => {
      if (part.kind !== 'planned') return part
      if (part.extents.length > 0 && outcome.kind !== 'found') return { kind: 'unavailable' }
      const records: Uint8Array[] = []
      let sizeBytes = 0
      for (const extent of part.extents) {
        const batch = outcome.kind === 'found' ? outcome.batches[next++]! : new Uint8Array()
        records.push(patchedHeader(batch, extent.baseOffset, leaderEpoch), batch.subarray(PATCHED_HEADER_BYTES))
        sizeBytes += batch.length
      }
      return { kind: 'records', ...part.offsets, records, sizeBytes }
    })
  }

  /** Takes memory and reads as much of the plan as fits; undefined as for `read`. */
  async function readWithinMemory(request: FetchRequest, planned: readonly Planned[]) {
    const { leastBytes, wantedBytes } = costOf(planned)
    if (wantedBytes === 0) return read(planned, request.leaderEpoch)
    const { signal, proven = false, takeOver } = request
    const grant = await memory.take({ leastBytes, wantedBytes, proven, signal })
    let handedOver = false
    try {
      const given = fitted(planned, grant?.sizeBytes ?? 0)
      const outcomes = await read(given, request.leaderEpoch)
      if (grant !== undefined && outcomes !== undefined && takeOver !== undefined) {
        handedOver = true
        takeOver(() => {
          grant.release()
          // What breaks here breaks for the fetch that needs it, which can tell somebody.
          if (readsAhead) readAhead(request, given).catch(() => {})
        })
      }
      return outcomes
    } finally {
      if (!handedOver) grant?.release()
    }
  }

  /** Reads what a client will ask for that has taken this answer, unless others need the memory or the time. */
  async function readAhead(request: FetchRequest, answered: readonly Planned[]): Promise<void> {
    const { signal, proven = false } = request
    const mayRead = (): boolean => !closed && !signal.aborted && memory.usedBytes === 0 && memory.waiting === 0
    if (!mayRead()) return
    const next = request.partitions.map((wanted, i): FetchPartition => {
      const part = answered[i]!
      const last = part.kind === 'planned' ? part.extents.at(-1) : undefined
      return last === undefined ? wanted : { ...wanted, offset: last.baseOffset + last.recordCount }
    })
    const { planned } = await plan({ ...request, partitions: next })
    const cost = costOf(planned)
    if (cost.wantedBytes === 0 || !mayRead()) return
    const grant = await memory.take({ ...cost, proven, signal })
    if (grant === undefined) return
    try {
      await reader.read(extentsOf(fitted(planned, grant.sizeBytes)))
    } finally {
      grant.release()
    }
  }

  /** Waits until a partition grows, the time is over, the client is gone or the log closes. */
  function park(request: FetchRequest, leftMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel()
        endWait()
        request.signal.removeEventListener('abort', wake)
        resolve()
      }
      const watched = request.partitions.map(({ topic, partition }) => ({ topicNumber: topic.number, partition }))
      const cancel = clock.timer(leftMs, wake)
      const endWait = waiters.wait(watched, wake)
      request.signal.addEventListener('abort', wake, { once: true })
    })
  }

  const failAll = (request: FetchRequest, outcome: Unserved): FetchPartitionOutcome[] =>
    request.partitions.map(() => outcome)

  return {
    async fetch(request) {
      const arrivedAt = clock.monotonic()
      const deadline = arrivedAt + request.waitMsMax
      if (!(await isFreshEnough(request, arrivedAt))) {
        const refreshed = await replica.refresh()
        if (refreshed.kind !== 'fresh') return failAll(request, refreshed)
      }
      for (let looks = 0; ; ) {
        const planned = await plan(request)
        const leftMs = deadline - clock.monotonic()
        if (leftMs > 0 && isIncomplete(request, planned)) {
          // What was applied while this was planned wakes nobody who was not waiting yet: look again.
          if (replica.root.position === planned.position) await park(request, leftMs)
          continue
        }
        const outcomes = await readWithinMemory(request, planned.planned)
        if (outcomes !== undefined) return outcomes
        if (++looks === LOOKS_MAX) return failAll(request, { kind: 'unavailable' })
        const refreshed = await replica.refresh()
        if (refreshed.kind !== 'fresh') return failAll(request, refreshed)
      }
    },
    close() {
      closed = true
      waiters.wakeAll()
      memory.close()
    },
  }
}

function extentsOf(planned: readonly Planned[]): Extent[] {
  return planned.flatMap((part) => (part.kind === 'planned' ? part.extents : []))
}

/** What the first batch of a plan costs, and all of them. */
function costOf(planned: readonly Planned[]): { leastBytes: number; wantedBytes: number } {
  const cost = createReadCost()
  let leastBytes = 0
  let wantedBytes = 0
  for (const part of planned) {
    if (part.kind !== 'planned') continue
    for (const extent of part.extents) {
      wantedBytes += cost(extent)
      if (leastBytes === 0) leastBytes = wantedBytes
    }
  }
  return { leastBytes, wantedBytes }
}

/** As much of a plan, from its beginning, as costs at most this. */
function fitted(planned: readonly Planned[], sizeBytes: number): Planned[] {
  const cost = createReadCost()
  let leftBytes = sizeBytes
  return planned.map((part) => {
    if (part.kind !== 'planned') return part
    const extents: Extent[] = []
    for (const extent of part.extents) {
      if (leftBytes >= 0) leftBytes -= cost(extent)
      if (leftBytes < 0) break
      extents.push(extent)
    }
    return { ...part, extents }
  })
}
