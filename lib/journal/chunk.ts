// A chunk: the entries of one sealed generation, and the running hash over all chunks that ties them into one sequence.
import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { sha256 } from './entry.ts'

export const NO_CHUNKS_HASH: Uint8Array = new Uint8Array(32)

/** The bytes of a generation's chunk: the same for everyone who writes it. */
export function encodeChunk(entries: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter(2048).u8(1).varint(entries.length)
  for (const entry of entries) writer.bytes(entry)
  return writer.finish()
}

export function decodeChunk(bytes: Uint8Array): Uint8Array[] {
  const reader = new ByteReader(bytes)
  reader.u8()
  const entries = Array.from({ length: reader.count() }, () => reader.bytes())
  reader.end()
  return entries
}

/** The running hash after one more chunk. */
export function chainHash(before: Uint8Array, chunk: Uint8Array): Uint8Array {
  return sha256(before, chunk)
}
