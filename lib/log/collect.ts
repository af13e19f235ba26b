// Garbage collection, in the order that makes it safe: the head names the last accepted checkpoint; the horizon advances to
// the generation of a checkpoint accepted longer ago than the grace period, so that no late writer can name anything older
// from then on; a checkpoint covers the entry that said so; only then what is older than the horizon goes, if neither that
// first checkpoint nor the newest refers to it, and the chunks behind both. Every step can be repeated, abandoned or done by
// two at once. What the job must remember between runs lies in one document.
import type { Clock } from '../base/clock.ts'
import { moveHeadCheckpoint, writeCheckpoint } from '../journal/checkpoint.ts'
import { encodeHorizonAdvanced } from '../journal/entries/horizon-advanced.ts'
import type { Journal } from '../journal/journal.ts'
import { parseObjectKey } from '../journal/object-keys.ts'
import { comparePositions, type Position } from '../journal/position.ts'
import { OBJECT_KINDS, type ObjectKey, type Stores } from '../storage/ports.ts'
import { addReferences } from './references.ts'

export interface CollectOptions {
  /** How long a writer may sleep and still land what it began: default one hour. */
  readonly graceMs: number
}
export const COLLECT_DEFAULTS: CollectOptions = { graceMs: 3_600_000 }

export type CollectOutcome =
  | { readonly kind: 'collected'; readonly horizon: number; readonly objects: number }
  /** No checkpoint is old enough yet, or nothing changed since the last sweep. */
  | { readonly kind: 'nothing' }
  /** Somebody else was faster, or a store did not answer: the next run goes on. */
  | { readonly kind: 'postponed' }

/** Document `maintenance/collect`: accepted checkpoints that were seen, oldest first, and how far the last sweep came. */
interface Memory {
  readonly seen: readonly { readonly key: ObjectKey; readonly generation: number; readonly at: number }[]
  readonly swept: number
}
const DOCUMENT = 'maintenance/collect'
const SEEN_MAX = 64
const LIST_LIMIT = 1000

async function recall(stores: Stores): Promise<{ memory: Memory; version: number } | undefined> {
  const found = await stores.documents.get(DOCUMENT)
  if (found.kind === 'missing') return { memory: { seen: [], swept: 0 }, version: 0 }
  if (found.kind !== 'found') return undefined
  return { memory: JSON.parse(Buffer.from(found.document.body).toString()) as Memory, version: found.document.version }
}

async function remember(stores: Stores, memory: Memory, version: number): Promise<boolean> {
  const outcome = await stores.documents.put(DOCUMENT, Buffer.from(JSON.stringify(memory)), version)
  return outcome.kind === 'applied'
}

/** Adds the last accepted checkpoint to those that were seen, keeping enough to find one of the right age. */
function see(memory: Memory, journal: Journal, now: number, graceMs: number): Memory {
  const last = journal.replica.root.checkpoint
  const newest = memory.seen[memory.seen.length - 1]
  if (last === undefined || last.key === newest?.key) return memory
  if (newest !== undefined && memory.seen.length > 1 && now - newest.at < graceMs / (SEEN_MAX / 2)) return memory
  return {
    ...memory,
    seen: [...memory.seen, { key: last.key, generation: last.position.generation, at: now }].slice(-SEEN_MAX),
  }
}

/** Makes the horizon at least `generation` and answers a position behind which that is folded. */
async function advanceHorizon(journal: Journal, generation: number): Promise<Position | undefined> {
  if (journal.replica.root.horizon < generation) {
    const outcome = await journal.write('horizonAdvanced', journal.origin(), encodeHorizonAdvanced({ generation }))
    if (outcome.kind !== 'folded') return undefined
  }
  return journal.replica.root.horizon >= generation ? journal.replica.root.position : undefined
}

async function sweepKind(stores: Stores, kind: (typeof OBJECT_KINDS)[number], isGarbage: (key: ObjectKey) => boolean) {
  let next: string | undefined
  let deleted = 0
  do {
    const listed = await stores.objects.list(
      kind,
      next === undefined ? { limit: LIST_LIMIT } : { limit: LIST_LIMIT, next },
    )
    if (listed.kind !== 'found') return undefined
    const garbage = listed.objects.map(({ key }) => key).filter(isGarbage)
    if (garbage.length > 0 && (await stores.objects.delete(garbage)).kind !== 'applied') return undefined
    deleted += garbage.length
    next = listed.next
  } while (next !== undefined)
  return deleted
}

/** One run of the job. */
export async function collect(
  journal: Journal,
  stores: Stores,
  clock: Clock,
  { graceMs }: CollectOptions = COLLECT_DEFAULTS,
): Promise<CollectOutcome> {
  if ((await journal.replica.refresh()).kind !== 'fresh') return { kind: 'postponed' }
  await moveHeadCheckpoint(journal, stores)
  const recalled = await recall(stores)
  if (recalled === undefined) return { kind: 'postponed' }
  const now = clock.now()
  const memory = see(recalled.memory, journal, now, graceMs)
  const old = memory.seen.filter(({ at }) => now - at > graceMs)
  const from = old[old.length - 1]
  if (from === undefined || from.generation <= memory.swept) {
    if (memory !== recalled.memory && !(await remember(stores, memory, recalled.version))) return { kind: 'postponed' }
    return { kind: 'nothing' }
  }
  const folded = await advanceHorizon(journal, from.generation)
  if (folded === undefined) return { kind: 'postponed' }
  const head = await coverWithCheckpoint(journal, stores, folded)
  if (head === undefined) return { kind: 'postponed' }

  const referenced = new Set<ObjectKey>()
  const complete = await addReferences(stores.objects, head.key, referenced)
  if (!complete || !(await addReferences(stores.objects, from.key, referenced))) return { kind: 'postponed' }
  const isGarbage = (key: ObjectKey): boolean => {
    const parts = parseObjectKey(key)
    return parts !== undefined && parts.origin < from.generation && !referenced.has(key)
  }
  let objects = 0
  for (const kind of OBJECT_KINDS) {
    const deleted = await sweepKind(stores, kind, isGarbage)
    if (deleted === undefined) return { kind: 'postponed' }
    objects += deleted
  }
  const chunks = await stores.journal.deleteChunks(Math.max(1, memory.swept), from.generation - 1)
  if (chunks.kind !== 'applied') return { kind: 'postponed' }
  const seen = memory.seen.filter(({ generation }) => generation >= from.generation)
  await remember(stores, { seen, swept: from.generation }, recalled.version)
  return { kind: 'collected', horizon: from.generation, objects }
}

/** Sees to it that the head names a checkpoint that covers `position`: until then bodies before it may be needed. */
async function coverWithCheckpoint(journal: Journal, stores: Stores, position: Position) {
  const covered = () => {
    const named = journal.replica.head?.checkpoint
    return named !== undefined && comparePositions(named, position) >= 0 ? named : undefined
  }
  if (covered() === undefined) await writeCheckpoint(journal, stores)
  return covered()
}
