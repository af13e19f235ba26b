// `horizonAdvanced`: from here on an entry whose origin generation is older is rejected. It never passes the last accepted
// checkpoint, so what garbage collection deletes behind it can neither be needed nor be named anew by a late writer. Groups
// that were deleted before it are forgotten with their fences: whoever was fenced off is rejected by the horizon now.
import { ByteReader, ByteWriter } from '../../base/bytes.ts'
import { forgetDeletedGroups } from '../state/groups.ts'
import type { RootState } from '../state/root.ts'

export interface HorizonAdvanced {
  readonly generation: number
}
export type HorizonAdvancedVerdict = { readonly kind: 'accepted' } | { readonly kind: 'stale' }

export function encodeHorizonAdvanced(entry: HorizonAdvanced): Uint8Array {
  return new ByteWriter().varint(entry.generation).finish()
}

export function decodeHorizonAdvanced(payload: Uint8Array): HorizonAdvanced {
  const reader = new ByteReader(payload)
  const entry = { generation: reader.varint() }
  reader.end()
  return entry
}

export function applyHorizonAdvanced(root: RootState, entry: HorizonAdvanced): HorizonAdvancedVerdict {
  const limit = root.checkpoint?.position.generation ?? 0
  if (entry.generation <= root.horizon || entry.generation > limit) return { kind: 'stale' }
  root.horizon = entry.generation
  forgetDeletedGroups(root, root.horizon)
  return { kind: 'accepted' }
}
