// `foldVersion`: the rules that hold from here on. A process whose code does not know that version stops serving; it never
// guesses and never skips.
import { ByteReader, ByteWriter } from '../../base/bytes.ts'
import { UnknownEntryError } from '../entry.ts'
import type { RootState } from '../state/root.ts'

/** The newest rules that this code knows; it keeps the older ones. */
export const FOLD_VERSION_MAX = 1

export interface FoldVersion {
  readonly version: number
}
export type FoldVersionVerdict = { readonly kind: 'accepted' } | { readonly kind: 'stale' }

export function encodeFoldVersion(entry: FoldVersion): Uint8Array {
  return new ByteWriter().varint(entry.version).finish()
}

export function decodeFoldVersion(payload: Uint8Array): FoldVersion {
  const reader = new ByteReader(payload)
  const entry = { version: reader.varint() }
  reader.end()
  return entry
}

export function applyFoldVersion(root: RootState, entry: FoldVersion): FoldVersionVerdict {
  if (entry.version <= root.foldVersion) return { kind: 'stale' }
  if (entry.version > FOLD_VERSION_MAX) throw new UnknownEntryError(`the journal asks for fold rules ${entry.version}`)
  root.foldVersion = entry.version
  return { kind: 'accepted' }
}
