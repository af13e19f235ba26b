// The memory of records that were read for answers and have not left the process yet. A fetch takes from it after it
// stopped waiting for records, so a long poll holds nothing; it gets what its first batch needs, and beyond that a share of
// what is free, so that many large fetches become smaller ones instead of waiting for each other. First come, first served.
// Half of it is for clients that have shown that they read what they are sent: whoever asks and does not read can take the
// other half only, until the door cuts him off.
import { assert } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'
import { FETCH_MEMORY_BYTES_MAX, FETCH_MEMORY_WAIT_MS_MAX } from '../base/limits.ts'

/** A single fetch takes at most this part of what is free, less while others wait, unless its first batch is longer. */
const SHARE = 4

export interface MemoryRequest {
  /** What its first batch costs: less than this makes no progress. */
  readonly leastBytes: number
  readonly wantedBytes: number
  /** The client has read an earlier answer. */
  readonly proven: boolean
  readonly signal: AbortSignal
}

export interface MemoryGrant {
  /** From `leastBytes` to `wantedBytes`. */
  readonly sizeBytes: number
  /** Gives it back; once is enough, more often is harmless. */
  release(): void
}

export interface FetchMemory {
  /** Undefined if nothing became free in time, or nobody waits for it any more. */
  take(request: MemoryRequest): Promise<MemoryGrant | undefined>
  readonly usedBytes: number
  readonly capacityBytes: number
  /** How many fetches wait. */
  readonly waiting: number
  /** Nobody waits any more. */
  close(): void
}

interface Pool {
  take(request: MemoryRequest): Promise<MemoryGrant | undefined>
  usedBytes(): number
  waiting(): number
  close(): void
}

export function createFetchMemory(clock: Clock, capacityBytes = FETCH_MEMORY_BYTES_MAX): FetchMemory {
  const half = Math.floor(capacityBytes / 2)
  const newcomers = createPool(clock, half)
  const proven = createPool(clock, half)
  return {
    take: (request) => (request.proven ? proven : newcomers).take(request),
    get usedBytes() {
      return newcomers.usedBytes() + proven.usedBytes()
    },
    capacityBytes: 2 * half,
    get waiting() {
      return newcomers.waiting() + proven.waiting()
    },
    close() {
      newcomers.close()
      proven.close()
    },
  }
}

function createPool(clock: Clock, capacityBytes: number): Pool {
  interface Waiter {
    readonly request: MemoryRequest
    readonly settle: (grant: MemoryGrant | undefined) => void
  }
  let usedBytes = 0
  let closed = false
  /** In the order of arrival. */
  const waiters = new Set<Waiter>()

  function grant({ leastBytes, wantedBytes }: MemoryRequest): MemoryGrant | undefined {
    const freeBytes = capacityBytes - usedBytes
    // A batch that is longer than all of the pool is read when nothing else is.
    const neededBytes = Math.min(leastBytes, capacityBytes)
    if (neededBytes > freeBytes) return undefined
    const takenBytes = Math.max(neededBytes, Math.min(wantedBytes, Math.floor(freeBytes / (SHARE + waiters.size))))
    usedBytes += takenBytes
    let held = true
    return {
      sizeBytes: Math.max(leastBytes, takenBytes),
      release() {
        if (!held) return
        held = false
        usedBytes -= takenBytes
        assert(usedBytes >= 0, 'no more memory is given back than was taken')
        serve()
      },
    }
  }

  function serve(): void {
    for (const waiter of waiters) {
      const granted = grant(waiter.request)
      if (granted === undefined) return
      waiter.settle(granted)
    }
  }

  return {
    take(request) {
      const now = waiters.size === 0 ? grant(request) : undefined
      if (now !== undefined || closed || request.signal.aborted) return Promise.resolve(now)
      return new Promise((resolve) => {
        const giveUp = (): void => {
          waiter.settle(undefined)
          // Who comes next may need less.
          serve()
        }
        const waiter: Waiter = {
          request,
          settle: (granted) => {
            waiters.delete(waiter)
            cancel()
            request.signal.removeEventListener('abort', giveUp)
            resolve(granted)
          },
        }
        waiters.add(waiter)
        const cancel = clock.timer(FETCH_MEMORY_WAIT_MS_MAX, giveUp)
        request.signal.addEventListener('abort', giveUp, { once: true })
      })
    },
    usedBytes: () => usedBytes,
    waiting: () => waiters.size,
    close() {
      closed = true
      for (const waiter of waiters) waiter.settle(undefined)
    },
  }
}
