// Reading one of our own stored objects whole: decoded and verified, read once more if its bytes were torn or altered on
// the way.
import { StoredBytesError } from '../base/bytes.ts'
import type { ObjectKey, ObjectStore } from '../storage/ports.ts'

export type ReadObjectOutcome<T> =
  | { readonly kind: 'found'; readonly value: T }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unavailable' }
  /** Twice not what was written. */
  | { readonly kind: 'damaged'; readonly cause: string }

export async function readObject<T>(
  objects: ObjectStore,
  key: ObjectKey,
  decode: (bytes: Uint8Array) => T,
  range?: { readonly start: number; readonly end: number },
): Promise<ReadObjectOutcome<T>> {
  let cause = ''
  for (let tries = 0; tries < 2; tries++) {
    const outcome = await objects.get(key, range)
    if (outcome.kind !== 'found') return { kind: outcome.kind }
    try {
      return { kind: 'found', value: decode(outcome.bytes) }
    } catch (error) {
      if (!(error instanceof StoredBytesError)) throw error
      cause = error.message
    }
  }
  return { kind: 'damaged', cause }
}
