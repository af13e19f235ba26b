// Cuts the byte stream of a connection into Kafka frames. A frame gets a buffer that the caller has got the memory for: of
// its announced size, or smaller as long as little of it has come, and enlarged when it is full. So announcing a huge frame
// costs next to nothing, and nearly every byte is copied once, from the chunk that the socket delivered. No socket in here:
// chunks in, steps out.
import { assert } from '../base/assert.ts'

const LENGTH_BYTES = 4

export type FrameStep =
  /** All bytes are used up: wait for the next chunk. */
  | { readonly kind: 'starved' }
  /** A frame of this size begins: call `enlarge` when there is memory for it, or for its beginning. */
  | { readonly kind: 'announced'; readonly sizeBytes: number }
  /** The buffer is full and the frame goes on: call `enlarge`. */
  | { readonly kind: 'full'; readonly sizeBytes: number }
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

  /** As `filledBytes`, with what has been pushed and not yet been looked at. */
  get arrivedBytes(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.length, this.#filled - this.#at)
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

  /** Makes the buffer of the announced frame, or a larger one in its place. */
  enlarge(roomBytes: number): void {
    assert(this.#lengthBytes === LENGTH_BYTES, 'a frame begins after its announcement')
    assert(roomBytes > this.#filled && roomBytes <= this.#length, 'a buffer grows up to the size of its frame')
    const larger = Buffer.allocUnsafe(roomBytes)
    if (this.#frame !== undefined) larger.set(this.#frame)
    this.#frame = larger
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
    if (this.#filled < this.#length) return { kind: 'full', sizeBytes: this.#length }
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
