// Which failures of LMDB and of the file system mean what. A write that failed before anything could become visible is
// `unavailable`; any other failure of a write is `unknown`, because what was handed to the disk may still be there.
import type { Unavailable, Unknown } from '../ports.ts'

/** The answer of a closed handle. */
export const CLOSED: Unavailable = { kind: 'unavailable', throttled: false, cause: 'the store is closed' }

/** Nothing was changed or read. */
export function unavailable(error: unknown): Unavailable {
  return { kind: 'unavailable', throttled: false, cause: describe(error) }
}

/** The write may have happened. */
export function unknown(error: unknown): Unknown {
  return { kind: 'unknown', cause: describe(error) }
}

/**
 * What became of a commit that LMDB refused. `thrown` is what its work threw: a put that failed spoils the transaction, so
 * nothing of it is there. No space is found out while data pages are written, before the page that makes them visible.
 */
export async function commitFailure(error: unknown, thrown: unknown): Promise<Unavailable | Unknown> {
  const cause = thrown ?? (await reasonOf(error))
  if (thrown !== undefined || /no space|quota|MAP_FULL|mapsize|file too large/i.test(describe(cause))) {
    return unavailable(cause)
  }
  return unknown(cause)
}

/** lmdb-js puts the reason into a promise that rejects, now or soon. */
async function reasonOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error
  const late = new Promise((resolve) => setTimeout(() => resolve(error), 100).unref())
  return Promise.race([Promise.resolve(error.commitError).catch((reason: unknown) => reason), late])
}

/** The `code` of a file system error. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

/** One line about an error. */
export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
