// The embedded adapter: the three stores in one directory, LMDB for the journal, the documents and small objects, files for
// large ones. Several processes, and several handles of one process, may have the same directory open. A write resolves
// only when it is durable; nothing is visible to anybody before that.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { EMBEDDED_MAP_BYTES, EMBEDDED_WATCH_INTERVAL_MS } from '../../base/limits.ts'
import type { Stores, Unavailable, Unknown } from '../ports.ts'
import { databaseProblem } from './database-file.ts'
import { claimDirectory } from './directory.ts'
import { createEmbeddedDocuments } from './documents.ts'
import { type Environment, openEnvironment } from './environment.ts'
import { CLOSED, codeOf, describe, unknown } from './failures.ts'
import { createFileStore, type FileStore, syncDirectory } from './files.ts'
import type { Handle } from './handle.ts'
import { createEmbeddedJournal, raiseIncarnation } from './journal.ts'
import { createEmbeddedObjects } from './objects.ts'
import { createWatch } from './watch.ts'

export interface EmbeddedOptions {
  /** The data directory; made if it is not there. */
  readonly dir: string
  /** Address space for LMDB. It grows by itself; starting large spares that. */
  readonly mapSizeBytes?: number
  /** How often a watched journal is looked at. */
  readonly watchIntervalMs?: number
}

export type OpenOutcome =
  | {
      readonly kind: 'opened'
      readonly stores: Stores
      /** Random, made with the directory, the same for everyone who opens it. */
      readonly clusterId: string
      /** The directory's real path. */
      readonly dir: string
      /** Raises the journal's incarnation, as an operator does after a restore from backup. */
      readonly raiseIncarnation: () => Promise<void>
    }
  /** One clear sentence why not. Nothing was changed. */
  | { readonly kind: 'refused'; readonly message: string }

/**
 * Opens the stores in a directory.
 *
 * @example
 * const outcome = await openEmbeddedStores({ dir: './tidelog-data' })
 * if (outcome.kind === 'refused') throw new Error(outcome.message)
 */
export async function openEmbeddedStores(options: EmbeddedOptions): Promise<OpenOutcome> {
  const claim = await claimDirectory(options.dir)
  if (claim.kind === 'refused') return claim
  const folder = join(claim.dir, 'objects')
  let environment: Environment
  try {
    const lmdb = join(claim.dir, 'lmdb')
    await mkdir(folder, { recursive: true })
    await mkdir(lmdb, { recursive: true })
    const problem = await databaseProblem(lmdb)
    if (problem !== undefined) return { kind: 'refused', message: explain(options.dir, problem) }
    environment = await openEnvironment(lmdb, options.mapSizeBytes ?? EMBEDDED_MAP_BYTES)
    await syncDirectory(lmdb)
    await syncDirectory(claim.dir)
  } catch (error) {
    return { kind: 'refused', message: explain(options.dir, error) }
  }
  const handle = createHandle(environment, createFileStore(folder), options.watchIntervalMs)
  const stores: Stores = {
    objects: createEmbeddedObjects(handle),
    journal: createEmbeddedJournal(handle),
    documents: createEmbeddedDocuments(handle),
    close: handle.close,
  }
  return {
    kind: 'opened',
    stores,
    clusterId: claim.clusterId,
    dir: claim.dir,
    raiseIncarnation: async () => {
      await raiseIncarnation(handle)
    },
  }
}

function createHandle(
  environment: Environment,
  files: FileStore,
  watchIntervalMs = EMBEDDED_WATCH_INTERVAL_MS,
): Handle & { close(): Promise<void> } {
  const underWay = new Set<Promise<unknown>>()
  const watch = createWatch(environment, watchIntervalMs)
  let closed: Promise<void> | undefined
  return {
    environment,
    files,
    run: async <T>(operation: () => Promise<T>, onError: (error: unknown) => Unavailable | Unknown = unknown) => {
      if (closed !== undefined) return CLOSED
      const running = operation()
      underWay.add(running)
      try {
        return await running
      } catch (error) {
        return onError(error) as Unavailable
      } finally {
        underWay.delete(running)
      }
    },
    changed: watch.changed,
    watch: (onChange) => (closed === undefined ? watch.add(onChange) : () => undefined),
    close: () => {
      closed ??= (async () => {
        watch.stop()
        await Promise.allSettled(underWay)
        await environment.release()
      })()
      return closed
    },
  }
}

function explain(dir: string, error: unknown): string {
  if (codeOf(error) === 'EACCES' || /permission denied/i.test(describe(error))) {
    return `The directory ${dir} cannot be read and written: permission denied.`
  }
  return `The journal in ${dir} cannot be opened: ${describe(error)}.`
}
