// What nobody inside the system can see: every entry that ever reached the journal, in order, and what is named by it. The
// oracle sits at the stores themselves, after all faults. It checks what must hold there whatever anybody believes (no
// entry twice, no chunk with other content than its generation had, nothing emptied before its chunk is in place), tells
// the collector what is referenced, and folds the whole history once more at the end to compare replicas with it.

import { chainHash, decodeChunk, NO_CHUNKS_HASH } from '../../lib/journal/chunk.ts'
import { decodeCheckpointed } from '../../lib/journal/entries/checkpointed.ts'
import { decodeEntry, type EntryKind, type Envelope } from '../../lib/journal/entry.ts'
import { applyEntry, isBehindHorizon } from '../../lib/journal/fold.ts'
import { parseObjectKey } from '../../lib/journal/object-keys.ts'
import { decodeRootObject, emptyRoot } from '../../lib/journal/state/root.ts'
import type { ObjectKey, Stores } from '../../lib/storage/ports.ts'

export interface Oracle {
  /** The stores with the oracle's eyes on them. */
  readonly stores: Stores
  /** Entries by generation, in order. */
  readonly generations: ReadonlyMap<number, readonly Uint8Array[]>
  /** Every object that was ever stored, deleted or not. */
  readonly archive: ReadonlyMap<ObjectKey, Uint8Array>
  /** Checkpoints that the head was moved to, and when. */
  readonly checkpoints: readonly { readonly key: ObjectKey; readonly generation: number; readonly atMs: number }[]
  readonly collections: () => number
  readonly seals: () => number
  /** Calls back after each seal, move of the checkpoint, and deletion of chunks. */
  onMilestone(callback: () => void): void
  /** Objects among `keys` that nothing refers to or ever will, once the horizon is `generation`. */
  garbage(keys: readonly ObjectKey[], generation: number): Promise<ObjectKey[]>
}

/** Kinds that the horizon hangs on; they never lie elsewhere. */
const JUDGED: ReadonlySet<EntryKind> = new Set(['checkpointed', 'horizonAdvanced'])

function describe(bytes: Uint8Array): string {
  const { kind, id } = decodeEntry(bytes)
  return `${kind} ${id}`
}

/** Watches `stores`; tells of what must not happen. */
export function createOracle(
  stores: Stores,
  now: () => number,
  report: (anomaly: string, detail: string) => void,
): Oracle {
  const generations = new Map<number, Uint8Array[]>()
  const chunks = new Map<number, Uint8Array>()
  const seen = new Set<string>()
  const names = new Set<string>()
  const named = new Set<ObjectKey>()
  const announced: ObjectKey[] = []
  const checkpoints: { key: ObjectKey; generation: number; atMs: number }[] = []
  const callbacks: (() => void)[] = []
  const root = emptyRoot()
  const archive = new Map<ObjectKey, Uint8Array>()
  let collections = 0
  let seals = 0
  let chain = NO_CHUNKS_HASH

  const tell = (): void => {
    for (const callback of callbacks) callback()
  }

  /** An entry is there once, a name stands for one entry, and nobody can know a generation before it begins. */
  function noteOnce({ id, origin }: Envelope, bytes: Uint8Array, generation: number): void {
    const hex = Buffer.from(bytes).toString('latin1')
    const what = `${describe(bytes)} of generation ${generation}`
    if (seen.has(hex)) report('appended-twice', `${what} was in the journal already`)
    else if (names.has(id)) report('appended-twice', `${what} is another one of its name`)
    seen.add(hex)
    names.add(id)
    if (origin > generation) report('from-the-future', `${what} has the origin ${origin}`)
  }
  function noteAppended(generation: number, entries: readonly Uint8Array[]): void {
    let list = generations.get(generation)
    if (list === undefined) {
      list = []
      generations.set(generation, list)
    }
    for (const bytes of entries) {
      list.push(bytes)
      try {
        const envelope = decodeEntry(bytes)
        // Behind the horizon it is rejected unread, and what it names may go: also the object that keeps a request's name
        // from being used again.
        if (isBehindHorizon(root, envelope)) continue
        noteOnce(envelope, bytes, generation)
        named.add(envelope.key)
        if (envelope.kind === 'checkpointed') announced.push(decodeCheckpointed(envelope.payload!).key)
        if (JUDGED.has(envelope.kind)) applyEntry(root, envelope, envelope.payload!)
      } catch {
        // An entry of a newer release, put there by the simulation itself.
      }
    }
  }
  function noteChunk(generation: number, bytes: Uint8Array): void {
    const truth = generations.get(generation) ?? []
    const content = decodeChunk(bytes)
    const same = content.length === truth.length && content.every((entry, i) => Buffer.compare(entry, truth[i]!) === 0)
    if (!same) report('wrong-chunk', `generation ${generation}: ${content.length} entries instead of ${truth.length}`)
    chunks.set(generation, bytes)
  }
  function noteFinished(generation: number, hash: Uint8Array): void {
    const chunk = chunks.get(generation - 1)
    if (chunk === undefined) {
      report('sealed-lost', `the entries of generation ${generation - 1} left the head without a chunk`)
      return
    }
    chain = chainHash(chain, chunk)
    if (Buffer.compare(chain, hash) !== 0) report('wrong-hash', `the running hash at generation ${generation} is wrong`)
  }

  const { journal, objects } = stores
  let finished = 1
  const watched: Stores = {
    ...stores,
    objects: {
      ...objects,
      async put(key, body, options) {
        const outcome = await objects.put(key, body, options)
        if (outcome.kind === 'applied') archive.set(key, Buffer.concat(body))
        return outcome
      },
    },
    journal: {
      ...journal,
      async append(args) {
        const outcome = await journal.append(args)
        if (outcome.kind === 'applied') noteAppended(args.generation, args.entries)
        return outcome
      },
      async putChunk(generation, bytes) {
        const outcome = await journal.putChunk(generation, bytes)
        if (outcome.kind === 'applied' && !chunks.has(generation)) noteChunk(generation, bytes)
        return outcome
      },
      async finishSeal(args) {
        const outcome = await journal.finishSeal(args)
        if (outcome.kind === 'applied' && args.generation > finished) {
          finished = args.generation
          noteFinished(args.generation, args.hash)
          seals++
          tell()
        }
        return outcome
      },
      async moveCheckpoint(args) {
        const outcome = await journal.moveCheckpoint(args)
        if (outcome.kind === 'applied') {
          const { key, generation } = args.checkpoint
          if (!announced.includes(key)) report('checkpoint-early', `${key} was never announced`)
          checkpoints.push({ key, generation, atMs: now() })
          tell()
        }
        return outcome
      },
      async deleteChunks(from, to) {
        const outcome = await journal.deleteChunks(from, to)
        if (outcome.kind === 'applied') {
          collections++
          tell()
        }
        return outcome
      },
    },
  }

  /** Roots from the head's checkpoint on, and their pages. */
  async function liveCheckpoints(): Promise<Set<ObjectKey>> {
    const live = new Set<ObjectKey>()
    const head = await journal.readHead()
    const current = head.kind === 'found' ? head.head.checkpoint?.key : undefined
    const from = current === undefined ? 0 : announced.indexOf(current)
    for (const key of announced.slice(Math.max(0, from))) {
      live.add(key)
      const root = await objects.get(key)
      if (root.kind === 'found') for (const page of decodeRootObject(root.bytes).pages.values()) live.add(page.key)
    }
    return live
  }

  return {
    stores: watched,
    generations,
    archive,
    checkpoints,
    collections: () => collections,
    seals: () => seals,
    onMilestone: (callback) => void callbacks.push(callback),
    async garbage(keys, generation) {
      const live = await liveCheckpoints()
      return keys.filter((key) => {
        const parts = parseObjectKey(key)
        return parts !== undefined && parts.origin < generation && !named.has(key) && !live.has(key)
      })
    },
  }
}
