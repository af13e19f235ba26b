// Versioned documents in LMDB: key `‹collection›/‹name›`, value the version as a varint and the body. The version is
// compared inside the transaction that writes. Lists go in the order of the keys, a page at a time.
import { ByteReader, ByteWriter } from '../../base/bytes.ts'
import { DOCUMENTS_PER_PAGE } from '../../base/limits.ts'
import type { Document, DocumentStore, ListDocumentsOutcome, PutDocumentOutcome } from '../ports.ts'
import { unavailable } from './failures.ts'
import type { Handle } from './handle.ts'

/** The document store of one handle. */
export function createEmbeddedDocuments(handle: Handle): DocumentStore {
  const { environment } = handle
  const { documents } = environment
  const current = (key: string): Document | undefined => {
    const bytes = documents.getBinary(key)
    return bytes && decodeDocument(key, bytes)
  }
  const change = (key: string, expected: number, apply: () => number): Promise<PutDocumentOutcome> =>
    handle.run(async () => {
      const outcome = await environment.commit((): PutDocumentOutcome => {
        const document = current(key)
        if ((document?.version ?? 0) !== expected) return { kind: 'conflict', current: document }
        return { kind: 'applied', version: apply() }
      })
      return outcome.kind === 'committed' ? outcome.value : outcome
    })
  return {
    get: (key) =>
      handle.run(async () => {
        const document = environment.read(() => current(key))
        return document === undefined ? { kind: 'missing' } : { kind: 'found', document }
      }, unavailable),
    put: (key, body, expected, first = 1) => {
      const version = expected === 0 ? first : expected + 1
      const bytes = encodeDocument(version, body)
      return change(key, expected, () => {
        documents.put(key, bytes)
        return version
      })
    },
    delete: (key, expected) =>
      change(key, expected, () => {
        documents.remove(key)
        return 0
      }),
    list: (collection, options) =>
      handle.run(async () => environment.read(() => listDocuments(handle, collection, options?.next)), unavailable),
  }
}

function listDocuments(handle: Handle, collection: string, after: string | undefined): ListDocumentsOutcome {
  const prefix = `${collection}/`
  const documents: Document[] = []
  for (const { key, value } of handle.environment.documents.getRange({ start: after ?? prefix })) {
    if (!key.startsWith(prefix)) break
    if (key === after) continue
    if (documents.length === DOCUMENTS_PER_PAGE) return { kind: 'found', documents, next: documents.at(-1)?.key }
    documents.push(decodeDocument(key, value))
  }
  return { kind: 'found', documents, next: undefined }
}

function encodeDocument(version: number, body: Uint8Array): Buffer {
  return Buffer.from(new ByteWriter(body.length + 8).varint(version).raw(body).finish())
}

function decodeDocument(key: string, bytes: Uint8Array): Document {
  const reader = new ByteReader(bytes)
  const version = reader.varint()
  return { key, version, body: reader.raw(reader.remaining) }
}
