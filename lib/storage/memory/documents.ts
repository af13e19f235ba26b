// Versioned documents in a map, changed by compare-and-set. Lists go in the order of the keys, one page of at most
// DOCUMENTS_PER_PAGE after the other.
import { DOCUMENTS_PER_PAGE } from '../../base/limits.ts'
import type { Document, DocumentStore, PutDocumentOutcome } from '../ports.ts'
import { CLOSED, type MemoryHandle, type MemoryState } from './state.ts'

/** The document store of one handle. */
export function createMemoryDocuments(state: MemoryState, handle: MemoryHandle): DocumentStore {
  const current = (key: string): Document | undefined => {
    const stored = state.documents.get(key)
    return stored && { key, version: stored.version, body: new Uint8Array(stored.body) }
  }
  const refuse = (key: string, expected: number): PutDocumentOutcome | undefined => {
    if (handle.closed) return CLOSED
    if ((state.documents.get(key)?.version ?? 0) === expected) return undefined
    return { kind: 'conflict', current: current(key) }
  }
  return {
    get: async (key) => {
      if (handle.closed) return CLOSED
      const document = current(key)
      return document === undefined ? { kind: 'missing' } : { kind: 'found', document }
    },
    put: async (key, body, expected, first = 1) => {
      const refused = refuse(key, expected)
      if (refused !== undefined) return refused
      const version = expected === 0 ? first : expected + 1
      state.documents.set(key, { version, body: new Uint8Array(body) })
      return { kind: 'applied', version }
    },
    delete: async (key, expected) => {
      const refused = refuse(key, expected)
      if (refused !== undefined) return refused
      state.documents.delete(key)
      return { kind: 'applied', version: 0 }
    },
    list: async (collection, options) => {
      if (handle.closed) return CLOSED
      const prefix = `${collection}/`
      const after = options?.next ?? ''
      const keys = [...state.documents.keys()].filter((key) => key.startsWith(prefix) && key > after).sort()
      const page = keys.slice(0, DOCUMENTS_PER_PAGE)
      const documents = page.map((key) => current(key)!)
      return { kind: 'found', documents, next: keys.length > page.length ? page.at(-1) : undefined }
    },
  }
}
