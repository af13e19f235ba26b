// The slots of a page: up to 64 parts of the state of one kind, partitions or groups. A slot is decoded at its first use, and
// one that was not touched since goes into the next checkpoint as the bytes it came from; so the cost of a page is that of
// what is looked at. A part that holds nothing has no slot, or the same state would have two encodings.
import { assert } from '../../base/assert.ts'
import { type ByteReader, ByteWriter, StoredBytesError } from '../../base/bytes.ts'
import type { ObjectKey } from '../../storage/ports.ts'

export interface Slot<S> {
  state: S | undefined
  /** The canonical bytes while they are those of the state. */
  encoded: Uint8Array | undefined
  /** Of a partition that is not decoded yet: the keys of its blocks, which are no part of its bytes. */
  blockKeys: readonly ObjectKey[]
}
/** Number `n` is slot `n % size`; one that holds nothing is undefined. */
export type Slots<S> = (Slot<S> | undefined)[]

/** The state of a slot, decoded if need be. */
export function readSlot<S>(slots: Slots<S>, index: number, decode: (slot: EncodedSlot) => S): S | undefined {
  const slot = slots[index]
  if (slot === undefined) return undefined
  if (slot.state === undefined) {
    assert(slot.encoded !== undefined, 'a slot is decoded or encoded')
    slot.state = decode({ encoded: slot.encoded, blockKeys: slot.blockKeys })
  }
  return slot.state
}
export interface EncodedSlot {
  readonly encoded: Uint8Array
  readonly blockKeys: readonly ObjectKey[]
}

/** Puts a state that changed into its slot; undefined empties it. */
export function writeSlot<S>(slots: Slots<S>, index: number, state: S | undefined): void {
  slots[index] = state === undefined ? undefined : { state, encoded: undefined, blockKeys: [] }
}

/** The same bytes for the same state. */
export function encodeSlots<S>(slots: Slots<S>, encode: (state: S) => Uint8Array): Uint8Array {
  const writer = new ByteWriter(4096)
  const used = slots.flatMap((slot, index) => (slot === undefined ? [] : [{ slot, index }]))
  writer.varint(used.length)
  for (const { slot, index } of used) {
    slot.encoded ??= encode(slot.state!)
    writer.varint(index).bytes(slot.encoded)
  }
  return writer.finish()
}

export function decodeSlots<S>(reader: ByteReader, slotsMax: number): Slots<S> {
  const slots: Slots<S> = []
  const used = reader.count(2)
  for (let i = 0; i < used; i++) {
    const index = reader.varint()
    if (index >= slotsMax) throw new StoredBytesError('a page holds a slot that is not one of its own')
    slots[index] = { state: undefined, encoded: reader.bytes(), blockKeys: [] }
  }
  reader.end()
  return slots
}
