// Stored item: the entries of one sealed generation.
//
//   pk `JOURNAL#1#CHUNKS`, sk `CHUNK#‹generation, 12 digits›`
//   body  B
//
// Immutable: put once, if absent, by whoever seals; its content follows from the head, so all who put it put the same.
// Deleted by range, only behind the horizon and behind the checkpoint that the head names. It has a partition key of its
// own, so that reading chunks takes nothing from the head's throughput.
import { assert } from '../../base/assert.ts'
import { bytesIn, type ItemKey, itemKey, textIn } from './keys.ts'
import type { Item } from './outcomes.ts'

export const CHUNKS_PK = 'JOURNAL#1#CHUNKS'

export function chunkSk(generation: number): string {
  assert(Number.isSafeInteger(generation) && generation >= 0 && generation < 1e12, 'a generation has at most 12 digits')
  return `CHUNK#${String(generation).padStart(12, '0')}`
}

export function chunkKey(generation: number): ItemKey {
  return itemKey(CHUNKS_PK, chunkSk(generation))
}

export function chunkItem(generation: number, body: Uint8Array): Item {
  return { ...chunkKey(generation), body: { B: body } }
}

export function chunkIn(item: Item): { generation: number; bytes: Uint8Array } {
  return { generation: Number(textIn(item, 'sk').slice('CHUNK#'.length)), bytes: bytesIn(item, 'body') }
}
