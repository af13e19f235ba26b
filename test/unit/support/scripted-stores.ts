// One process's way to the stores, under the control of a test: each call is counted and may, by name, fail before it
// arrives, be applied and lose its answer, be applied late, or be held back until the test lets it go. Behind it are the
// real memory stores; only the way there is bad.
import type { Stores, Unavailable, Unknown } from '../../../lib/storage/ports.ts'

export type StoreCall =
  | 'put'
  | 'get'
  | 'delete'
  | 'list'
  | 'init'
  | 'readHead'
  | 'append'
  | 'beginSeal'
  | 'putChunk'
  | 'finishSeal'
  | 'moveCheckpoint'
  | 'readChunks'
  | 'deleteChunks'
  | 'getDocument'
  | 'putDocument'
  | 'deleteDocument'
  | 'listDocuments'

export type Fault =
  /** Certainly not applied. */
  | 'before'
  /** Applied; the caller gets `unknown`. */
  | 'lost'
  /** Never applied; the caller gets `unknown`. */
  | 'vanished'
  /** The caller gets `unknown`; applied when the test says so (`runLate`). */
  | 'late'
  /** Travels until `release`, then is applied and answered. */
  | 'hold'
  /** Applied at once; the answer travels until `release`. */
  | 'holdAnswer'

interface Rule {
  readonly call: StoreCall
  readonly fault: Fault
  left: number
  readonly matches: (args: readonly unknown[]) => boolean
}

export interface Script {
  readonly stores: Stores
  /** Every call so far, in order. */
  readonly calls: { readonly call: StoreCall; readonly args: readonly unknown[] }[]
  /** How often each of these was called since the last `forget`. */
  count(...calls: StoreCall[]): number
  /** All counts since the last `forget`. */
  counts(): Partial<Record<StoreCall, number>>
  forget(): void
  /** The next `times` calls of this name (that match) go wrong in this way. */
  next(call: StoreCall, fault: Fault, times?: number, matches?: (args: readonly unknown[]) => boolean): void
  /** No faults from now on; what is held stays held. */
  heal(): void
  /** Lets go what is held, in order. */
  release(call?: StoreCall): void
  readonly held: number
  /** Applies what was to be applied late, in order. */
  runLate(): Promise<void>
  /** Changes the bytes that a read answers with. */
  alter: ((call: 'get' | 'readChunks', bytes: Uint8Array, args: readonly unknown[]) => Uint8Array) | undefined
}

const NOT_DONE: Unavailable = { kind: 'unavailable', throttled: false, cause: 'scripted' }
/** What a caller gets whose answer was lost: of a read, which is nothing to be unsure about, and of a write. */
const READ = NOT_DONE
const WRITE: Unknown = { kind: 'unknown', cause: 'scripted' }

export function scripted(inner: Stores, options: { readonly watch?: boolean } = {}): Script {
  const calls: { call: StoreCall; args: readonly unknown[] }[] = []
  const rules: Rule[] = []
  const held: { readonly call: StoreCall; readonly go: () => void }[] = []
  const late: (() => Promise<unknown>)[] = []
  let from = 0

  const wait = (call: StoreCall): Promise<void> => new Promise((resolve) => held.push({ call, go: resolve }))

  function wrap<A extends readonly unknown[], T extends { readonly kind: string }, L extends Unavailable | Unknown>(
    call: StoreCall,
    lost: L,
    apply: (...args: A) => Promise<T>,
  ): (...args: A) => Promise<T | L | Unavailable> {
    return async (...args) => {
      calls.push({ call, args })
      const rule = rules.find((r) => r.call === call && r.left > 0 && r.matches(args))
      if (rule === undefined) return altered(call, args, await apply(...args))
      rule.left--
      switch (rule.fault) {
        case 'before':
          return NOT_DONE
        case 'lost':
          await apply(...args)
          return lost
        case 'vanished':
          return lost
        case 'late':
          late.push(() => apply(...args))
          return lost
        case 'hold':
          await wait(call)
          return apply(...args)
        case 'holdAnswer': {
          const outcome = await apply(...args)
          await wait(call)
          return outcome
        }
      }
    }
  }

  function altered<T extends { readonly kind: string }>(call: StoreCall, args: readonly unknown[], outcome: T): T {
    const { alter } = script
    if (alter === undefined || outcome.kind !== 'found') return outcome
    if (call === 'get' && 'bytes' in outcome) {
      return { ...outcome, bytes: alter('get', outcome.bytes as Uint8Array, args) }
    }
    if (call === 'readChunks' && 'chunks' in outcome) {
      const chunks = outcome.chunks as readonly { generation: number; bytes: Uint8Array }[]
      return {
        ...outcome,
        chunks: chunks.map(({ generation, bytes }) => ({
          generation,
          bytes: alter('readChunks', bytes, [generation]),
        })),
      }
    }
    return outcome
  }

  const { objects, journal, documents } = inner
  const script: Script = {
    calls,
    alter: undefined,
    count: (...names) => calls.slice(from).filter(({ call }) => names.includes(call)).length,
    counts() {
      const counts: Partial<Record<StoreCall, number>> = {}
      for (const { call } of calls.slice(from)) counts[call] = (counts[call] ?? 0) + 1
      return counts
    },
    forget() {
      from = calls.length
    },
    next(call, fault, times = 1, matches = () => true) {
      rules.push({ call, fault, left: times, matches })
    },
    heal() {
      rules.length = 0
    },
    release(call) {
      for (const waiting of held.filter((h) => call === undefined || h.call === call)) {
        held.splice(held.indexOf(waiting), 1)
        waiting.go()
      }
    },
    get held() {
      return held.length
    },
    async runLate() {
      for (const apply of late.splice(0)) await apply()
    },
    stores: {
      objects: {
        put: wrap('put', WRITE, objects.put),
        get: wrap('get', READ, objects.get),
        delete: wrap('delete', WRITE, objects.delete),
        list: wrap('list', READ, objects.list),
      },
      journal: {
        init: wrap('init', WRITE, journal.init),
        readHead: wrap('readHead', READ, journal.readHead),
        append: wrap('append', WRITE, journal.append),
        beginSeal: wrap('beginSeal', WRITE, journal.beginSeal),
        putChunk: wrap('putChunk', WRITE, journal.putChunk),
        finishSeal: wrap('finishSeal', WRITE, journal.finishSeal),
        moveCheckpoint: wrap('moveCheckpoint', WRITE, journal.moveCheckpoint),
        readChunks: wrap('readChunks', READ, journal.readChunks),
        deleteChunks: wrap('deleteChunks', WRITE, journal.deleteChunks),
        ...(options.watch === true && journal.watch !== undefined ? { watch: journal.watch } : {}),
      },
      documents: {
        get: wrap('getDocument', READ, documents.get),
        put: wrap('putDocument', WRITE, documents.put),
        delete: wrap('deleteDocument', WRITE, documents.delete),
        list: wrap('listDocuments', READ, documents.list),
      },
      close: () => inner.close(),
    },
  }
  return script
}
