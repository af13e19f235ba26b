// The head as one LMDB record, under the key `head` of the database `journal`. Written by every update of the head in the
// transaction that judged its condition, never deleted. A version byte, then the fields of `Head` in order.
import { ByteReader, ByteWriter, StoredBytesError } from '../../base/bytes.ts'
import type { Head, HeadCheckpoint } from '../ports.ts'

const VERSION = 1

/** The record of a head. */
export function encodeHead(head: Head): Buffer {
  const writer = new ByteWriter(2048).u8(VERSION).varint(head.generation).varint(head.incarnation).raw(head.hash)
  writeEntries(writer, head.tail)
  writeEntries(writer, head.sealed)
  writer.u8(head.checkpoint === undefined ? 0 : 1)
  if (head.checkpoint !== undefined) {
    writer.string(head.checkpoint.key).varint(head.checkpoint.generation).varint(head.checkpoint.index)
  }
  const bytes = writer.finish()
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** The head of a record. Its entries are views into `record`. */
export function decodeHead(record: Uint8Array): Head {
  const reader = new ByteReader(new Uint8Array(record.buffer, record.byteOffset, record.length))
  if (reader.u8() !== VERSION) throw new StoredBytesError('the head is of a version that this release does not know')
  const generation = reader.varint()
  const incarnation = reader.varint()
  const hash = reader.raw(32)
  const tail = readEntries(reader)
  const sealed = readEntries(reader)
  const checkpoint = reader.u8() === 1 ? readCheckpoint(reader) : undefined
  reader.end()
  return { generation, incarnation, tail, sealed, hash, checkpoint }
}

function writeEntries(writer: ByteWriter, entries: readonly Uint8Array[]): void {
  writer.varint(entries.length)
  for (const entry of entries) writer.bytes(entry)
}

function readEntries(reader: ByteReader): Uint8Array[] {
  return Array.from({ length: reader.count() }, () => reader.bytes())
}

function readCheckpoint(reader: ByteReader): HeadCheckpoint {
  return { key: reader.string(), generation: reader.varint(), index: reader.varint() }
}
