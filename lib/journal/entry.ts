// The envelope of every journal entry: format version, kind, flags, origin generation, ULID, payload. An entry is encoded
// once and kept byte for byte until its outcome is known, because the append compares whole elements. A payload that
// does not fit ENTRY_BYTES_MAX lies elsewhere and the entry holds a reference with its SHA-256; the horizon is judged by
// the envelope alone, before the body is read.
import { createHash } from 'node:crypto'
import { assert } from '../base/assert.ts'
import { ByteReader, ByteWriter, StoredBytesError } from '../base/bytes.ts'
import { type Ulid, ulidFromBytes, ulidToBytes } from '../base/ids.ts'
import { ENTRY_BYTES_MAX } from '../base/limits.ts'
import type { ObjectKey } from '../storage/ports.ts'
import { objectKey } from './object-keys.ts'

const FORMAT = 1
const BY_REFERENCE = 1
const TINY = 2

/** Numbers of the entry kinds as stored. Never renumbered. */
export const ENTRY_KINDS = {
  flush: 1,
  topicCreated: 2,
  topicConfigured: 3,
  partitionsAdded: 4,
  topicDeleted: 5,
  checkpointed: 6,
  horizonAdvanced: 7,
  foldVersion: 8,
  groupFenced: 9,
  offsetsCommitted: 10,
  offsetsDeleted: 11,
  trimmed: 12,
} as const
export type EntryKind = keyof typeof ENTRY_KINDS
const KIND_NAMES = new Map<number, EntryKind>(
  (Object.keys(ENTRY_KINDS) as EntryKind[]).map((name) => [ENTRY_KINDS[name], name]),
)

/** Where the payload of an entry lies when it is not in the entry. */
export interface BodyReference {
  readonly key: ObjectKey
  readonly start: number
  readonly length: number
  readonly sha256: Uint8Array
}

/** An entry taken out of its envelope. */
export interface Envelope {
  readonly kind: EntryKind
  readonly id: Ulid
  readonly origin: number
  /** For a flush: the key of its ingest segment; for others the key that a body by reference has. */
  readonly key: ObjectKey
  /** Present unless the payload is elsewhere. */
  readonly payload: Uint8Array | undefined
  readonly reference: BodyReference | undefined
}

/** Thrown for an entry that a newer release wrote: the process stops serving rather than skip it. */
export class UnknownEntryError extends Error {
  override name = 'UnknownEntryError'
}

/** An entry ready to be appended. */
export interface EncodedEntry {
  /** As in its envelope. No two entries have the same: an id alone may be a client's choice (`log/append-once.ts`). */
  readonly key: ObjectKey
  readonly bytes: Uint8Array
}

interface EntryHeader {
  readonly kind: EntryKind
  readonly id: Ulid
  readonly origin: number
  /** A flush whose segment is a tiny one. */
  readonly tiny?: boolean
}

function header(head: EntryHeader, byReference: boolean): ByteWriter {
  return new ByteWriter(ENTRY_BYTES_MAX)
    .u8(FORMAT)
    .u8(ENTRY_KINDS[head.kind])
    .u8((byReference ? BY_REFERENCE : 0) | (head.tiny ? TINY : 0))
    .varint(head.origin)
    .raw(ulidToBytes(head.id))
}

/** The key of what an entry names: a flush's segment, or the body of another kind's entry. */
function keyOf({ kind, tiny = false, origin, id }: EntryHeader): ObjectKey {
  return objectKey(kind === 'flush' ? (tiny ? 'tiny' : 'segment') : 'body', origin, id)
}

/** Encodes an entry with its payload inside, or answers undefined if that is longer than ENTRY_BYTES_MAX. */
export function encodeEntry(head: EntryHeader, payload: Uint8Array): EncodedEntry | undefined {
  const writer = header(head, false)
  if (writer.length + payload.length > ENTRY_BYTES_MAX) return undefined
  return { key: keyOf(head), bytes: writer.raw(payload).finish() }
}

/** Encodes an entry whose payload is the bytes [start, start + payload.length) of the object that the entry names. */
export function encodeEntryByReference(head: EntryHeader, payload: Uint8Array, start: number): EncodedEntry {
  const writer = header(head, true).varint(start).varint(payload.length).raw(sha256(payload))
  assert(writer.length <= ENTRY_BYTES_MAX, 'a reference fits an entry')
  return { key: keyOf(head), bytes: writer.finish() }
}

/** Takes an entry out of its envelope; throws UnknownEntryError for what only a newer release can know. */
export function decodeEntry(bytes: Uint8Array): Envelope {
  const reader = new ByteReader(bytes)
  const format = reader.u8()
  const number = reader.u8()
  const kind = KIND_NAMES.get(number)
  if (format !== FORMAT || kind === undefined) {
    throw new UnknownEntryError(`the journal holds an entry of format ${format}, kind ${number}`)
  }
  const flags = reader.u8()
  const origin = reader.varint()
  const id = ulidFromBytes(reader.raw(16))
  const key = keyOf({ kind, tiny: (flags & TINY) !== 0, origin, id })
  if ((flags & BY_REFERENCE) === 0) {
    return { kind, id, origin, key, payload: reader.raw(reader.remaining), reference: undefined }
  }
  const start = reader.varint()
  const length = reader.varint()
  const digest = reader.raw(32)
  reader.end()
  return { kind, id, origin, key, payload: undefined, reference: { key, start, length, sha256: digest } }
}

/** Throws unless `body` is what the reference says. */
export function verifyBody(reference: BodyReference, body: Uint8Array): void {
  if (body.length !== reference.length || Buffer.compare(sha256(body), reference.sha256) !== 0) {
    throw new StoredBytesError(`the body of an entry in ${reference.key} is not what its entry says`)
  }
}

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}
