// A chunk: the entries of one sealed generation, and the running hash over all chunks that ties them into one sequence. The
// hash is compared after a chunk was applied, so a checksum of its own tells altered bytes before anything rests on them.
import { ByteReader, ByteWriter, openObject, sealObject } from '../base/bytes.ts'
import { sha256 } from './entry.ts'

const MAGIC = 'TLC1'

export const NO_CHUNKS_HASH: Uint8Array = new Uint8Array(32)

/** The bytes of a generation's chunk: the same for everyone who writes it. */
export function encodeChunk(entries: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter(2048).varint(entries.length)
  for (const entry of entries) writer.bytes(entry)
  return sealObject(MAGIC, writer.finish())
}

export function decodeChunk(bytes: Uint8Array): Uint8Array[] {
  const reader = new ByteReader(openObject(MAGIC, bytes))
  const entries = Array.from({ length: reader.count() }, () => reader.bytes())
  reader.end()
  return entries
}

/** The running hash after one more chunk. */
export function chainHash(before: Uint8Array, chunk: Uint8Array): Uint8Array {
  return sha256(before, chunk)
}
