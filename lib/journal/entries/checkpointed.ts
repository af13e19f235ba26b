// `checkpointed`: announces a checkpoint whose objects are all in place. Accepted only while the checkpoint that it builds
// on is the last accepted one and its position grows: so of two checkpointers one is the next link, and no page that an
// accepted checkpoint re-uses was ever left out.
import { ByteReader, ByteWriter } from '../../base/bytes.ts'
import type { ObjectKey } from '../../storage/ports.ts'
import { comparePositions, type Position } from '../position.ts'
import type { RootState } from '../state/root.ts'

export interface Checkpointed {
  /** Key of the checkpoint root; it carries the same origin as the entry. */
  readonly key: ObjectKey
  readonly position: Position
  readonly stateHash: Uint8Array
  /** The checkpoint whose unchanged pages it re-uses; empty for the first. */
  readonly base: ObjectKey | undefined
}

export type CheckpointedVerdict = { readonly kind: 'accepted' } | { readonly kind: 'stale' }

export function encodeCheckpointed(entry: Checkpointed): Uint8Array {
  const { key, position, stateHash, base } = entry
  const writer = new ByteWriter().string(key).varint(position.generation).varint(position.index)
  return writer
    .raw(stateHash)
    .string(base ?? '')
    .finish()
}

export function decodeCheckpointed(payload: Uint8Array): Checkpointed {
  const reader = new ByteReader(payload)
  const key = reader.string()
  const position = { generation: reader.varint(), index: reader.varint() }
  const stateHash = reader.raw(32)
  const base = reader.string()
  reader.end()
  return { key, position, stateHash, base: base === '' ? undefined : base }
}

export function applyCheckpointed(root: RootState, entry: Checkpointed): CheckpointedVerdict {
  const last = root.checkpoint
  if (entry.base !== last?.key) return { kind: 'stale' }
  if (last !== undefined && comparePositions(entry.position, last.position) <= 0) return { kind: 'stale' }
  root.checkpoint = { key: entry.key, position: entry.position, stateHash: entry.stateHash }
  return { kind: 'accepted' }
}
