// The memory that one process gives to requests, handed out first come, first served. Whoever wants to read a frame
// acquires memory before bytes of its body, in few steps as they come, and gives it back when the request is answered; who
// has to wait leaves the bytes in the socket, so that TCP slows the sender down. Invariants: nobody overtakes, or a large
// frame could wait for ever behind small ones; and what is handed out never exceeds the capacity, with one exception: when
// all of it is held by frames that need more, so that nothing would ever come back, one of them gets what it lacks.
import { assert } from '../base/assert.ts'

interface Waiter {
  readonly sizeBytes: number
  /** What the frame would need to become complete; 0 for one that holds nothing yet. */
  readonly restBytes: number
  readonly onAcquired: (acquiredBytes: number) => void
}

export class ByteBudget {
  readonly #capacityBytes: number
  #usedBytes = 0
  /** Frames and requests that need no more: they end by themselves, and give back what they hold. */
  #settled = 0
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

  /**
   * Calls `onAcquired` once `sizeBytes` are taken, never at once; with a frame's `restBytes` it may be told that all of them
   * were. The returned function gives the place up.
   */
  acquire(sizeBytes: number, onAcquired: (acquiredBytes: number) => void, restBytes = 0): () => void {
    assert(sizeBytes <= this.#capacityBytes, 'a request fits into the memory budget')
    const waiter: Waiter = { sizeBytes, restBytes, onAcquired }
    this.#waiters.add(waiter)
    queueMicrotask(() => this.#serve())
    return () => {
      if (this.#waiters.delete(waiter)) this.#serve()
    }
  }

  /** A frame has all the memory it needs: it comes back with `release`. */
  settle(): void {
    this.#settled++
  }

  /** Gives back the bytes of a frame that had all it needed. */
  release(sizeBytes: number): void {
    this.#settled--
    assert(this.#settled >= 0, 'what is released was settled')
    this.abandon(sizeBytes)
  }

  /** Gives back the bytes of a frame that needed more. */
  abandon(sizeBytes: number): void {
    this.#usedBytes -= sizeBytes
    assert(this.#usedBytes >= 0, 'no more memory is released than was acquired')
    this.#serve()
  }

  #serve(): void {
    for (const waiter of this.#waiters) {
      if (this.#usedBytes + waiter.sizeBytes > this.#capacityBytes) {
        this.#overdraw()
        return
      }
      this.#grant(waiter, waiter.sizeBytes)
    }
  }

  /** Lets one frame become complete where all wait for each other. */
  #overdraw(): void {
    if (this.#settled > 0 || this.#usedBytes > this.#capacityBytes) return
    for (const waiter of this.#waiters) {
      if (waiter.restBytes === 0) continue
      this.#grant(waiter, waiter.restBytes)
      return
    }
  }

  #grant(waiter: Waiter, bytes: number): void {
    this.#waiters.delete(waiter)
    this.#usedBytes += bytes
    waiter.onAcquired(bytes)
  }
}
