// Cuts the byte stream of a connection into Kafka frames. Each frame gets one buffer of its announced size and every byte
// is copied once, from the chunk that the socket delivered. The buffer is made only when the caller says so (after it got
// the memory for it), and the operating system backs it page by page as bytes arrive: announcing a huge frame costs the
// sender's bytes, not ours. No socket in here: chunks in, steps out.
import { assert } from '../base/assert.ts'

const LENGTH_BYTES = 4

export type FrameStep =
  /** All bytes are used up: wait for the next chunk. */
  | { readonly kind: 'starved' }
  /** A frame of this size begins: call `begin` when there is memory for it. */
  | { readonly kind: 'announced'; readonly sizeBytes: number }
  /** Header and body of a request, without the length. */
  | { readonly kind: 'frame'; readonly frame: Uint8Array }
  /** No Kafka client sends this: close the connection. */
  | { readonly kind: 'invalid'; readonly reason: string }

export class FrameAssembler {
  readonly #frameBytesMax: number
  #chunks: Uint8Array[] = []
  /** Where the unread part of the first chunk begins. */
  #at = 0
  #lengthBytes = 0
  #length = 0
  #frame: Buffer | undefined
  #filled = 0

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax
  }

  /** True in the middle of a frame or its length. */
  get partial(): boolean {
    return this.#lengthBytes > 0
  }

  /** Bytes of the frame under way that have arrived. */
  get filledBytes(): number {
    return this.#filled
  }

  push(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#chunks.push(chunk)
  }

  /** What the bytes so far amount to. To be called until it says `starved` or `invalid`. */
  step(): FrameStep {
    while (this.#lengthBytes < LENGTH_BYTES) {
      const byte = this.#nextByte()
      if (byte === undefined) return { kind: 'starved' }
      this.#length = (this.#length << 8) | byte
      this.#lengthBytes++
    }
    if (this.#length <= 0 || this.#length > this.#frameBytesMax) {
      return { kind: 'invalid', reason: `a frame of ${this.#length} bytes` }
    }
    if (this.#frame === undefined) return { kind: 'announced', sizeBytes: this.#length }
    return this.#fill(this.#frame)
  }

  /** Makes the buffer of the announced frame. */
  begin(): void {
    assert(this.#frame === undefined && this.#lengthBytes === LENGTH_BYTES, 'a frame begins after its announcement')
    this.#frame = Buffer.allocUnsafe(this.#length)
    this.#filled = 0
  }

  /** Forgets everything. */
  drop(): void {
    this.#chunks = []
    this.#at = 0
    this.#reset()
  }

  #fill(frame: Buffer): FrameStep {
    while (this.#filled < frame.length) {
      const chunk = this.#chunks[0]
      if (chunk === undefined) return { kind: 'starved' }
      const take = Math.min(chunk.length - this.#at, frame.length - this.#filled)
      frame.set(
        this.#at === 0 && take === chunk.length ? chunk : chunk.subarray(this.#at, this.#at + take),
        this.#filled,
      )
      this.#filled += take
      this.#advance(take)
    }
    this.#reset()
    return { kind: 'frame', frame }
  }

  #reset(): void {
    this.#frame = undefined
    this.#filled = 0
    this.#length = 0
    this.#lengthBytes = 0
  }

  #nextByte(): number | undefined {
    const byte = this.#chunks[0]?.[this.#at]
    if (byte !== undefined) this.#advance(1)
    return byte
  }

  #advance(count: number): void {
    this.#at += count
    if (this.#at < this.#chunks[0]!.length) return
    this.#chunks.shift()
    this.#at = 0
  }
}
