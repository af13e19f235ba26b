// What a replica reads from the stores: head, chunks, bodies of entries, roots of checkpoints. Everything is verified here,
// and read once more if its bytes were altered on the way. What is not there is a gap, which the replica closes from a
// checkpoint; a store that does not answer is none, and is asked again later.
import { StoredBytesError } from '../base/bytes.ts'
import type { Head, ObjectKey, Stores } from '../storage/ports.ts'
import { decodeChunk } from './chunk.ts'
import { type BodyReference, verifyBody } from './entry.ts'
import { readObject } from './read-object.ts'
import { decodeRootObject, type PageTable, type RootState } from './state/root.ts'

/** Chunks, a body or a root are gone. */
export class GapError extends Error {
  override name = 'GapError'
}
/** A store did not answer. */
export class UnavailableError extends Error {
  override name = 'UnavailableError'
}

export interface LoadedChunks {
  readonly chunks: readonly {
    readonly generation: number
    readonly bytes: Uint8Array
    readonly entries: readonly Uint8Array[]
  }[]
  /** False when there may be more: ask again from behind the last one. */
  readonly complete: boolean
}

/** Each throws GapError, UnavailableError, or StoredBytesError for bytes that were altered for good. */
export interface JournalReader {
  head(): Promise<Head>
  /** Chunks from `from` on, up to `to` or less far. */
  chunks(from: number, to: number): Promise<LoadedChunks>
  body(reference: BodyReference): Promise<Uint8Array>
  root(key: ObjectKey): Promise<{ readonly root: RootState; readonly pages: PageTable }>
}

export function createJournalReader(stores: Pick<Stores, 'objects' | 'journal'>): JournalReader {
  const { journal, objects } = stores

  async function loadChunks(from: number, to: number, again: boolean): Promise<LoadedChunks> {
    const outcome = await journal.readChunks(from, to)
    if (outcome.kind === 'unavailable') throw new UnavailableError()
    try {
      const chunks = outcome.chunks.map((chunk) => ({ ...chunk, entries: decodeChunk(chunk.bytes) }))
      return { chunks, complete: outcome.complete }
    } catch (error) {
      if (again || !(error instanceof StoredBytesError)) throw error
      return loadChunks(from, to, true)
    }
  }

  return {
    async head() {
      const outcome = await journal.readHead()
      if (outcome.kind === 'unavailable') throw new UnavailableError()
      if (outcome.kind === 'missing') throw new StoredBytesError('there is no journal here')
      return outcome.head
    },
    chunks: (from, to) => loadChunks(from, to, false),
    async body(reference) {
      const { key, start, length } = reference
      const decode = (bytes: Uint8Array): Uint8Array => {
        verifyBody(reference, bytes)
        return bytes
      }
      const found = await readObject(objects, key, decode, { start, end: start + length })
      if (found.kind === 'found') return found.value
      throw found.kind === 'missing' ? new GapError() : new UnavailableError()
    },
    async root(key) {
      const found = await readObject(objects, key, decodeRootObject)
      if (found.kind === 'unavailable') throw new UnavailableError()
      if (found.kind === 'missing') throw new GapError()
      if (found.kind === 'damaged') throw new StoredBytesError(found.cause)
      return found.value
    },
  }
}
