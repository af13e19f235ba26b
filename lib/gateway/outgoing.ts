// The answers of one connection on their way out: counted from the moment they are known, written in the order in which
// their turns come. They are handed to the system in pieces, one at a time, so that what waits for a slow reader is
// forgotten as it is read, and reading slowly can be told from not reading; small answers that wait share a piece. The
// memory that an answer holds is given back exactly once: when all of it was written, or when it never will be. Buffers are
// views; nothing is copied.
import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import { RESPONSE_PIECE_BYTES } from '../base/limits.ts'
import type { BrokerResponse } from '../broker/broker.ts'

/** An answer that is known, before its turn. */
export interface KnownAnswer {
  readonly buffers: readonly Uint8Array[]
  /** Without the length in front. */
  readonly sizeBytes: number
  readonly giveBack: (() => void) | undefined
}

interface Piece {
  readonly buffers: Uint8Array[]
  sizeBytes: number
  /** It was the last of these answers. */
  readonly endOf: KnownAnswer[]
}

export class Outgoing {
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #onTaken: () => void
  readonly #pieces: Piece[] = []
  readonly #held = new Set<() => void>()
  #unwrittenBytes = 0
  #isWriting = false
  #isProven = false
  #isClosed = false
  /** When the reader last took something, or was last given something to take. */
  #takenMs = 0

  /** `onTaken` is called whenever a piece has left the process. */
  constructor(socket: Socket, clock: Clock, onTaken: () => void) {
    this.#socket = socket
    this.#clock = clock
    this.#onTaken = onTaken
  }

  /** Of answers that are known and have not left the process. */
  get unwrittenBytes(): number {
    return this.#unwrittenBytes
  }

  /** Some answer's turn has come, and the reader has not taken it yet. */
  get isWriting(): boolean {
    return this.#isWriting
  }

  /** Answers that are not written hold memory that others may wait for. */
  get holdsMemory(): boolean {
    return this.#held.size > 0
  }

  /** The client has read an answer that held memory, and owes no reading now. */
  get isProven(): boolean {
    return this.#isProven && this.#unwrittenBytes === 0
  }

  /** For how long the reader has taken nothing of what it could take. */
  unreadMs(nowMs: number): number {
    return this.#isWriting ? nowMs - this.#takenMs : 0
  }

  /** Counts an answer from now on. It is to be written or dropped. */
  know({ buffers, written }: BrokerResponse & { readonly kind: 'send' }): KnownAnswer {
    let sizeBytes = 0
    for (const buffer of buffers) sizeBytes += buffer.length
    this.#unwrittenBytes += sizeBytes
    return { buffers, sizeBytes, giveBack: written && this.#hold(written) }
  }

  write(answer: KnownAnswer): void {
    const length = Buffer.allocUnsafe(4)
    length.writeInt32BE(answer.sizeBytes)
    this.#cut([length, ...answer.buffers], answer)
    if (!this.#isWriting) this.#writeNext()
  }

  /** The answer will not be written. */
  drop(answer: KnownAnswer): void {
    this.#unwrittenBytes -= answer.sizeBytes
    answer.giveBack?.()
  }

  /** The socket is gone. */
  close(): void {
    this.#isClosed = true
    this.#isWriting = false
    this.#pieces.length = 0
    for (const giveBack of this.#held) giveBack()
  }

  #hold(written: () => void): () => void {
    const giveBack = (): void => {
      if (this.#held.delete(giveBack)) written()
    }
    this.#held.add(giveBack)
    if (this.#isClosed) giveBack()
    return giveBack
  }

  #cut(buffers: readonly Uint8Array[], answer: KnownAnswer): void {
    let piece: Piece = { buffers: [], sizeBytes: 0, endOf: [] }
    this.#pieces.push(piece)
    for (const buffer of buffers) {
      for (let at = 0; at < buffer.length; ) {
        if (piece.sizeBytes === RESPONSE_PIECE_BYTES) {
          piece = { buffers: [], sizeBytes: 0, endOf: [] }
          this.#pieces.push(piece)
        }
        const part = buffer.subarray(at, at + RESPONSE_PIECE_BYTES - piece.sizeBytes)
        piece.buffers.push(part)
        piece.sizeBytes += part.length
        at += part.length
      }
    }
    piece.endOf.push(answer)
  }

  /** What is to be written next: pieces from the front that together are no longer than one. */
  #take(): Piece | undefined {
    const first = this.#pieces.shift()
    if (first === undefined) return undefined
    for (let next = this.#pieces[0]; next !== undefined; next = this.#pieces[0]) {
      if (first.sizeBytes + next.sizeBytes > RESPONSE_PIECE_BYTES) break
      this.#pieces.shift()
      for (const buffer of next.buffers) first.buffers.push(buffer)
      first.sizeBytes += next.sizeBytes
      first.endOf.push(...next.endOf)
    }
    return first
  }

  /** Hands the system the next piece, its buffers in one `writev`, never joined into one. */
  #writeNext(): void {
    const piece = this.#isClosed ? undefined : this.#take()
    if (piece === undefined) return
    this.#isWriting = true
    this.#takenMs = this.#clock.monotonic()
    const socket = this.#socket
    socket.cork()
    for (const buffer of piece.buffers.slice(0, -1)) socket.write(buffer)
    socket.write(piece.buffers.at(-1)!, () => {
      // What failed is settled by `close`.
      if (this.#isClosed || socket.destroyed) return
      for (const answer of piece.endOf) {
        this.drop(answer)
        if (answer.giveBack !== undefined) this.#isProven = true
      }
      this.#takenMs = this.#clock.monotonic()
      this.#isWriting = this.#pieces.length > 0
      // What the system takes at once it takes in this turn: many large answers would keep everybody else waiting.
      if (this.#isWriting) setImmediate(() => this.#writeNext())
      this.#onTaken()
    })
    socket.uncork()
  }
}
