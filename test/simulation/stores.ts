// The network between simulated processes and one set of shared stores. Each call travels to the store, is applied there
// at one moment, and its answer travels back; faults strike on the way. A request that was "applied late" waits for a time
// or for something to have happened in the meantime (seals, a checkpoint, a collection), which is what a request stuck in
// a proxy can do at worst. What a crashed process had already sent may still arrive; what it would send later does not.
import { S3_REQUEST_MS_MAX } from '../../lib/base/limits.ts'
import type {
  DocumentStore,
  GetObjectOutcome,
  JournalStore,
  ObjectStore,
  Stores,
  Unavailable,
  Unknown,
} from '../../lib/storage/ports.ts'
import {
  createFaultTable,
  drawVariant,
  type FaultTable,
  type Mix,
  type ReadCall,
  type StoreCall,
  type Variant,
  type WriteCall,
} from './faults.ts'
import type { Host } from './host.ts'
import type { Oracle } from './oracle.ts'
import type { Seeded } from './random.ts'
import type { World } from './world.ts'

/** What has happened in the journal so far: late requests wait for these to grow. */
interface Milestones {
  readonly seals: number
  readonly checkpoints: number
  readonly collections: number
}

export interface Network {
  /** The stores as one host sees them. */
  storesFor(host: Host): Stores
  readonly table: FaultTable
  /** Faults from now on. */
  setMix(mix: Mix): void
  /** All calls are refused as throttled until then. */
  throttle(forMs: number): void
  /** Late requests not yet applied. */
  pending(): number
  /** Applies what is still pending, in random order. */
  flushLate(): void
}

interface LateRequest {
  readonly label: string
  readonly due: Milestones
  apply: () => void
}

/** No answer is waited for longer: the adapters give up on a request then (S3's is the longest). */
const STORE_TIMEOUT_MS = S3_REQUEST_MS_MAX

const LATENCY_MS: Record<StoreCall, number> = {
  'objects.put': 12,
  'objects.get': 6,
  'objects.delete': 8,
  'objects.list': 10,
  'journal.append': 4,
  'journal.beginSeal': 4,
  'journal.putChunk': 4,
  'journal.finishSeal': 4,
  'journal.moveCheckpoint': 4,
  'journal.deleteChunks': 6,
  'journal.init': 4,
  'journal.readHead': 2,
  'journal.readChunks': 4,
  'documents.get': 2,
  'documents.put': 4,
  'documents.delete': 4,
  'documents.list': 4,
}

const unavailable = (cause: string, throttled = false): Unavailable => ({ kind: 'unavailable', throttled, cause })
const unknown = (cause: string): Unknown => ({ kind: 'unknown', cause })

/** Puts a faulty network in front of the stores that the oracle watches. */
export function createNetwork(world: World, oracle: Oracle, random: Seeded, calm: Mix): Network {
  const backend = oracle.stores
  const table = createFaultTable()
  let mix = calm
  let throttledUntilMs = 0
  let late: LateRequest[] = []

  const milestones = (): Milestones => ({
    seals: oracle.seals(),
    checkpoints: oracle.checkpoints.length,
    collections: oracle.collections(),
  })
  function runDue(): void {
    const now = milestones()
    const due = late.filter((request) => isDue(request.due, now))
    if (due.length === 0) return
    late = late.filter((request) => !due.includes(request))
    for (const request of due) world.at(random.duration(3), `late ${request.label}`, request.apply)
  }
  /** Keeps a request back until a time or an event, whichever was drawn. */
  function keepBack(label: string, apply: () => void): void {
    let applied = false
    const once = (): void => {
      if (applied) return
      applied = true
      apply()
    }
    const draw = random.int(0, 10)
    if (draw < 3) {
      world.at(random.duration(random.pick([5, 50, 500, 5_000, 60_000])), `late ${label}`, once)
      return
    }
    const now = milestones()
    const due: Milestones = {
      seals: now.seals + (draw < 7 ? random.int(1, 6) : 0),
      checkpoints: now.checkpoints + (draw >= 7 && draw < 9 ? random.int(1, 3) : 0),
      collections: now.collections + (draw === 9 ? 1 : 0),
    }
    late.push({ label, due, apply: once })
  }

  /** One call of a host: travels there, is applied, travels back. */
  function call<T extends { readonly kind: string }>(
    host: Host,
    name: StoreCall,
    fault: Variant | undefined,
    apply: () => Promise<T>,
    refuse: (cause: string, throttled: boolean) => T,
    loseAnswer: (cause: string) => T,
    bend: (outcome: T) => T = (outcome) => outcome,
  ): Promise<T> {
    if (host.state() === 'dead') return new Promise(() => {})
    table.called(name)
    if (fault !== undefined) table.count(name, fault)
    const label = `${host.name} ${name}`
    const there = random.duration(LATENCY_MS[name] / 2)
    const end = host.begin()
    return new Promise((resolve) => {
      const answer = (outcome: T, afterMs: number): void => {
        world.at(afterMs, `${label} ${outcome.kind}`, () =>
          host.deliver(() => {
            end()
            resolve(outcome)
          }, 1),
        )
      }
      const arrive = async (reply: (outcome: T) => void): Promise<void> => {
        try {
          const outcome = await apply()
          world.trace(`${label} -> ${outcome.kind}`)
          reply(outcome)
        } catch (error) {
          world.fail(error)
        }
      }
      const slowMs = (): number => Math.min(STORE_TIMEOUT_MS, random.duration(random.pick([40, 400, 4_000])))
      if (fault === 'before') return answer(refuse('injected', random.chance(0.3)), there + random.duration(5))
      if (world.now() < throttledUntilMs) return answer(refuse('throttling burst', true), there)
      if (fault === 'late') {
        keepBack(label, () => void arrive(() => {}))
        return answer(loseAnswer('late'), slowMs())
      }
      world.at(there, `${label} arrives${fault === undefined ? '' : ` (${fault})`}`, () => {
        if (host.state() === 'dead' && random.chance(0.3)) return
        void arrive((outcome) => {
          if (fault === 'lost') answer(loseAnswer('answer lost'), slowMs())
          else if (fault === 'slow') answer(outcome, slowMs())
          else answer(bend(outcome), random.duration(LATENCY_MS[name] / 2))
        })
      })
    })
  }

  function write<T extends { readonly kind: string }>(
    host: Host,
    name: WriteCall,
    apply: () => Promise<T | Unavailable | Unknown>,
  ): Promise<T | Unavailable | Unknown> {
    const fault = drawVariant(random, mix, name)
    // A request that never arrived and one whose connection broke before look the same to the caller now and then.
    const refuse = (cause: string, throttled: boolean): Unavailable | Unknown =>
      !throttled && random.chance(0.3) ? unknown(cause) : unavailable(cause, throttled)
    return call<T | Unavailable | Unknown>(host, name, fault, apply, refuse, unknown)
  }
  function read<T extends { readonly kind: string }>(
    host: Host,
    name: ReadCall,
    apply: () => Promise<T | Unavailable>,
    bend?: (fault: Variant | undefined) => (outcome: T | Unavailable) => T | Unavailable,
  ): Promise<T | Unavailable> {
    const fault = drawVariant(random, mix, name)
    return call<T | Unavailable>(host, name, fault, apply, unavailable, unavailable, bend?.(fault))
  }

  function objectsFor(host: Host): ObjectStore {
    const { objects } = backend
    // Bytes are damaged on the way, not where they lie: whoever reads again gets them whole.
    let tornKey = ''
    return {
      put(key, body, options) {
        // On the wire from here on: what the caller does to its buffers later does not matter.
        const sent = Buffer.concat(body)
        return write(host, 'objects.put', () => objects.put(key, [sent], options))
      },
      get: (key, range) =>
        read(
          host,
          'objects.get',
          () => objects.get(key, range),
          (fault) => (outcome) => {
            const torn = key === tornKey ? outcome : tear(random, fault, outcome)
            tornKey = torn === outcome ? '' : key
            return torn
          },
        ),
      delete: (keys) => write(host, 'objects.delete', () => objects.delete(keys)),
      list: (kind, options) => read(host, 'objects.list', () => objects.list(kind, options)),
    }
  }
  function journalFor(host: Host): JournalStore {
    const { journal } = backend
    return {
      init: () => write(host, 'journal.init', () => journal.init()),
      readHead: () => read(host, 'journal.readHead', () => journal.readHead()),
      append(args) {
        const sent = { ...args, entries: args.entries.map((entry) => Uint8Array.from(entry)) }
        return write(host, 'journal.append', () => journal.append(sent))
      },
      beginSeal: (args) => write(host, 'journal.beginSeal', () => journal.beginSeal(args)),
      putChunk(generation, bytes) {
        const sent = Uint8Array.from(bytes)
        return write(host, 'journal.putChunk', () => journal.putChunk(generation, sent))
      },
      finishSeal(args) {
        const sent = { ...args, hash: Uint8Array.from(args.hash) }
        return write(host, 'journal.finishSeal', () => journal.finishSeal(sent))
      },
      moveCheckpoint: (args) => write(host, 'journal.moveCheckpoint', () => journal.moveCheckpoint(args)),
      readChunks: (from, to) => read(host, 'journal.readChunks', () => journal.readChunks(from, to)),
      deleteChunks: (from, to) => write(host, 'journal.deleteChunks', () => journal.deleteChunks(from, to)),
    }
  }
  function documentsFor(host: Host): DocumentStore {
    const { documents } = backend
    return {
      get: (key) => read(host, 'documents.get', () => documents.get(key)),
      put(key, body, expected, first) {
        const sent = Uint8Array.from(body)
        return write(host, 'documents.put', () => documents.put(key, sent, expected, first))
      },
      delete: (key, expected) => write(host, 'documents.delete', () => documents.delete(key, expected)),
      list: (collection, options) => read(host, 'documents.list', () => documents.list(collection, options)),
    }
  }

  oracle.onMilestone(runDue)

  return {
    table,
    storesFor: (host) => ({
      objects: objectsFor(host),
      journal: journalFor(host),
      documents: documentsFor(host),
      close: async () => {},
    }),
    setMix(next) {
      mix = next
    },
    throttle(forMs) {
      throttledUntilMs = Math.max(throttledUntilMs, world.now() + forMs)
      world.trace(`throttling for ${forMs.toFixed(0)}`)
    },
    pending: () => late.length,
    flushLate() {
      for (const request of late) world.at(random.fraction() * 200, `late ${request.label}`, request.apply)
      late = []
    },
  }
}

function isDue(due: Milestones, now: Milestones): boolean {
  return now.seals >= due.seals && now.checkpoints >= due.checkpoints && now.collections >= due.collections
}

/** Cuts bytes short or flips a bit, on a copy. */
function tear<T extends { readonly kind: string }>(
  random: Seeded,
  fault: Variant | undefined,
  outcome: T | GetObjectOutcome,
): T | GetObjectOutcome {
  if ((fault !== 'short' && fault !== 'flipped') || !('bytes' in outcome) || outcome.bytes.length === 0) return outcome
  const { bytes } = outcome
  if (fault === 'short')
    return { kind: 'found', bytes: Uint8Array.from(bytes.subarray(0, random.int(0, bytes.length))) }
  const copy = Uint8Array.from(bytes)
  const at = random.int(0, copy.length)
  copy[at] = copy[at]! ^ (1 << random.int(0, 8))
  return { kind: 'found', bytes: copy }
}
