// A position in the journal: how many entries of which generation were applied. It stays the same when a tail is sealed.
// An entry stands at the position at which it is applied; who has read up to a later one has seen it.
import type { ByteReader, ByteWriter } from '../base/bytes.ts'

/** Everything before `index` of `generation`, and all earlier generations. */
export interface Position {
  readonly generation: number
  readonly index: number
}

export const START: Position = { generation: 1, index: 0 }

/** Negative if `a` lies before `b`, 0 if they are the same. */
export function comparePositions(a: Position, b: Position): number {
  return a.generation - b.generation || a.index - b.index
}

export function writePosition(writer: ByteWriter, { generation, index }: Position): ByteWriter {
  return writer.varint(generation).varint(index)
}

export function readPosition(reader: ByteReader): Position {
  return { generation: reader.varint(), index: reader.varint() }
}
