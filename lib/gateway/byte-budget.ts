// The memory that one process gives to requests, handed out first come, first served. Whoever wants to read a frame
// acquires its size before the first byte of its body and gives it back when the request is answered; who has to wait
// leaves the bytes in the socket, so that TCP slows the sender down. Invariant: what is handed out never exceeds the
// capacity, and nobody overtakes, or a large frame could wait for ever behind small ones.
import { assert } from '../base/assert.ts'

interface Waiter {
  readonly sizeBytes: number
  readonly onAcquired: () => void
}

export class ByteBudget {
  readonly #capacityBytes: number
  #usedBytes = 0
  /** In the order of arrival; a `Set` so that a connection that goes away can leave from the middle. */
  readonly #waiters = new Set<Waiter>()

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  get capacityBytes(): number {
    return this.#capacityBytes
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiters.size
  }

  /** Takes `sizeBytes` at once, if they are free and nobody waits. */
  tryAcquire(sizeBytes: number): boolean {
    assert(sizeBytes <= this.#capacityBytes, 'a request fits into the memory budget')
    if (this.#waiters.size > 0 || this.#usedBytes + sizeBytes > this.#capacityBytes) return false
    this.#usedBytes += sizeBytes
    return true
  }

  /** Calls `onAcquired` once `sizeBytes` are taken, never at once. The returned function gives the place up. */
  acquire(sizeBytes: number, onAcquired: () => void): () => void {
    assert(sizeBytes <= this.#capacityBytes, 'a request fits into the memory budget')
    const waiter: Waiter = { sizeBytes, onAcquired }
    this.#waiters.add(waiter)
    queueMicrotask(() => this.#serve())
    return () => {
      if (this.#waiters.delete(waiter)) this.#serve()
    }
  }

  /** Gives bytes back. */
  release(sizeBytes: number): void {
    this.#usedBytes -= sizeBytes
    assert(this.#usedBytes >= 0, 'no more memory is released than was acquired')
    this.#serve()
  }

  #serve(): void {
    for (const waiter of this.#waiters) {
      if (this.#usedBytes + waiter.sizeBytes > this.#capacityBytes) return
      this.#waiters.delete(waiter)
      this.#usedBytes += waiter.sizeBytes
      waiter.onAcquired()
    }
  }
}
