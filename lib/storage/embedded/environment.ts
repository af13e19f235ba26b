// One LMDB environment per directory and process, and the only way to write to it: `commit` gathers the work of all callers
// into one transaction with one fsync. Work that arrives while a transaction is under way waits for the next. LMDB's
// overlapping sync is off, so nothing is visible to anybody before it is durable. A transaction also carries every deferred
// put, so a commit that resolved can never be durable without the puts that were deferred before it. The environment is
// shared by all handles of the process, because one process must not open the same LMDB file twice.
import { type Database, open, type RootDatabase } from 'lmdb'
import { EMBEDDED_DEFERRED_BYTES_MAX } from '../../base/limits.ts'
import type { Unavailable, Unknown } from '../ports.ts'
import { commitFailure } from './failures.ts'

export type Committed<T> = { readonly kind: 'committed'; readonly value: T } | Unavailable | Unknown

/** The databases of one directory, shared by the handles of this process. */
export interface Environment {
  readonly objects: Database<Buffer, string>
  /** `head` and the chunks, whose keys are their generations. */
  readonly journal: Database<Buffer, string | number>
  readonly documents: Database<Buffer, string>
  /** Small objects that wait for the next commit. */
  readonly deferred: Map<string, Buffer>
  /** Runs `work` in the next transaction; resolves when that is durable. `work` must check before it writes. */
  commit<T>(work: () => T): Promise<Committed<T>>
  /** Leaves an object to the next commit. False: too much waits already. */
  defer(key: string, bytes: Buffer): boolean
  /** Reads from what is committed by now, by any process. */
  read<T>(look: () => T): T
  /** Gives up one handle's share; the last one closes LMDB, after everything is written. */
  release(): Promise<void>
}

interface Job {
  /** Does the work inside the transaction; what it returns reports the outcome once that is known. */
  readonly run: () => (failure: Unavailable | Unknown | undefined) => void
}

const shared = new Map<string, { readonly environment: Environment; handles: number }>()
const closing = new Map<string, Promise<void>>()

/** Opens the environment in `path`, or shares the one that this process has open. Throws what LMDB throws. */
export async function openEnvironment(path: string, mapSizeBytes: number): Promise<Environment> {
  await closing.get(path)
  const known = shared.get(path)
  if (known !== undefined) {
    known.handles++
    return known.environment
  }
  const environment = createEnvironment(openRoot(path, mapSizeBytes), async (close) => {
    const entry = shared.get(path)
    if (entry === undefined || --entry.handles > 0) return
    shared.delete(path)
    const closed = close().finally(() => closing.delete(path))
    closing.set(path, closed)
    await closed
  })
  shared.set(path, { environment, handles: 1 })
  return environment
}

function openRoot(path: string, mapSizeBytes: number): RootDatabase<Buffer, string> {
  return open<Buffer, string>({
    path,
    encoding: 'binary',
    overlappingSync: false,
    // Our own queue gathers writes. With it on, a failed commit also rejects a promise that nobody can reach.
    eventTurnBatching: false,
    mapSize: mapSizeBytes,
    maxReaders: 512,
    maxDbs: 4,
    noSubdir: false,
  })
}

function createEnvironment(
  root: RootDatabase<Buffer, string>,
  release: (close: () => Promise<void>) => Promise<void>,
): Environment {
  const objects = root.openDB<Buffer, string>({ name: 'objects', encoding: 'binary' })
  const journal = root.openDB<Buffer, string | number>({ name: 'journal', encoding: 'binary' })
  const documents = root.openDB<Buffer, string>({ name: 'documents', encoding: 'binary' })
  const deferred = new Map<string, Buffer>()
  let deferredBytes = 0
  let queue: Job[] = []
  let draining: Promise<void> | undefined

  const forget = (carried: ReadonlyMap<string, Buffer>): void => {
    for (const [key, bytes] of carried) if (deferred.get(key) === bytes) deferred.delete(key)
    deferredBytes = 0
    for (const bytes of deferred.values()) deferredBytes += bytes.length
  }

  /** One transaction with everything that waits when LMDB calls back. */
  const transact = async (): Promise<void> => {
    let taken: Job[] = []
    const settle: ((failure: Unavailable | Unknown | undefined) => void)[] = []
    const carried = new Map<string, Buffer>()
    let thrown: unknown
    let failure: Unavailable | Unknown | undefined
    try {
      await journal.transaction(() => {
        taken = queue
        queue = []
        try {
          for (const [key, bytes] of deferred) {
            if (!objects.doesExist(key)) objects.put(key, bytes)
            carried.set(key, bytes)
          }
          for (const job of taken) settle.push(job.run())
        } catch (error) {
          thrown = error
        }
      })
      // Without a rollback the transaction went through although a part of it did not: nobody may rely on either.
      if (thrown !== undefined) failure = { kind: 'unknown', cause: String(thrown) }
    } catch (error) {
      failure = await commitFailure(error, thrown)
    }
    if (failure === undefined) forget(carried)
    for (const report of settle) report(failure)
    // Jobs behind the one that threw, and all of them where the transaction never began.
    const rest = failure === undefined ? [] : taken.slice(settle.length)
    if (failure !== undefined && taken.length === 0) {
      rest.push(...queue)
      queue = []
    }
    for (const job of rest) unrun.get(job)?.(failure!)
  }

  const unrun = new WeakMap<Job, (failure: Unavailable | Unknown) => void>()

  const drain = async (): Promise<void> => {
    while (queue.length > 0) await transact()
    draining = undefined
  }

  const commit = <T>(work: () => T): Promise<Committed<T>> =>
    new Promise((resolve) => {
      const job: Job = {
        run: () => {
          const value = work()
          return (failure) => resolve(failure ?? { kind: 'committed', value })
        },
      }
      unrun.set(job, resolve)
      queue.push(job)
      draining ??= drain()
    })

  return {
    objects,
    journal,
    documents,
    deferred,
    commit,
    defer: (key, bytes) => {
      if (deferredBytes + bytes.length > EMBEDDED_DEFERRED_BYTES_MAX) return false
      deferred.set(key, bytes)
      deferredBytes += bytes.length
      return true
    },
    read: (look) => {
      root.resetReadTxn()
      return look()
    },
    release: () =>
      release(async () => {
        if (deferred.size > 0) await commit(() => undefined)
        await draining
        await root.close()
      }),
  }
}
