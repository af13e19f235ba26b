// Sealing: the tail of the head becomes an immutable chunk, in three writes that anyone may repeat or finish. The tail moves
// to `sealed` and the generation rises; the chunk is put, its content only from a head as an update or a strong read showed
// it; and only after that put is acknowledged `sealed` is emptied, on the condition that the generation is still the one
// that followed, or a late finisher would erase the next generation.
import { SEAL_BYTES, SEAL_ENTRIES } from '../base/limits.ts'
import type { Head, JournalStore, UpdateHeadOutcome } from '../storage/ports.ts'
import { chainHash, encodeChunk } from './chunk.ts'

const SEAL_AFTER = { entries: SEAL_ENTRIES, bytes: SEAL_BYTES }

/** True when the tail has grown past what makes appends dear in this store. */
export function isSealDue({ sealAfter = SEAL_AFTER }: JournalStore, head: Head): boolean {
  if (head.tail.length >= sealAfter.entries) return true
  let bytes = 0
  for (const entry of head.tail) bytes += entry.length
  return bytes > sealAfter.bytes
}

/** Moves the tail to `sealed`. Only for a head whose `sealed` is empty and whose tail is not. */
export function beginSeal(journal: JournalStore, { generation, incarnation }: Head): Promise<UpdateHeadOutcome> {
  return journal.beginSeal({ generation, incarnation })
}

/** Puts the chunk of a head whose `sealed` is full, and empties it. `undefined`: the chunk is not acknowledged yet. */
export async function finishSeal(journal: JournalStore, head: Head): Promise<UpdateHeadOutcome | undefined> {
  const chunk = encodeChunk(head.sealed)
  const put = await journal.putChunk(head.generation - 1, chunk)
  if (put.kind !== 'applied' && put.kind !== 'exists') return undefined
  const hash = chainHash(head.hash, chunk)
  return journal.finishSeal({ generation: head.generation, incarnation: head.incarnation, hash })
}
