// How often one connection asks for records while there are none. The pace belongs to the connection, not to the request:
// a consumer whose wait is 500 ms asks the same question again as soon as it was answered, so a pace that began anew with
// each request would cost many requests a second, for ever, where nothing happens. So a question that was last answered with
// nothing is not asked again before its turn, even if that holds it longer than its client wanted to wait (2 s at most: far
// below the time after which clients give a request up). Any other question is asked at once.
import { HTTPS_EMPTY_PARTITIONS_MAX, HTTPS_POLL_MS_MAX, HTTPS_POLL_MS_MIN } from '../../base/limits.ts'
import { ErrorCode } from '../../wire/errors.ts'
import type { RequestHeader } from '../../wire/frame.ts'
import { decodeResponseHeader } from '../../wire/frame.ts'
import { fetch } from '../../wire/messages/fetch.ts'
import { decodeRequest, decodeResponse, WireError } from '../../wire/reader.ts'
import { isServed } from '../../wire/schema.ts'

/** What a fetch asks, apart from everything that differs each time. */
export interface FetchQuestion {
  readonly maxWaitMs: number
  /** Partitions (`topic partition`) and the offsets from which they are read. */
  readonly positions: readonly (readonly [string, number])[]
}

/** Undefined: we cannot read it; the server will say why. */
export function fetchQuestion({ apiVersion }: RequestHeader, body: Uint8Array): FetchQuestion | undefined {
  if (!isServed(fetch, apiVersion)) return undefined
  try {
    const { maxWaitMs, topics } = decodeRequest(fetch, apiVersion, body)
    const positions = topics.flatMap(({ topic, topicId, partitions }) =>
      partitions.map(({ partition, fetchOffset }) => [`${topic} ${topicId} ${partition}`, fetchOffset] as const),
    )
    return { maxWaitMs: Math.max(0, maxWaitMs), positions }
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}

/** Whether a response frame holds neither records nor an error. */
export function isEmptyAnswer(apiVersion: number, frame: Uint8Array): boolean {
  if (!isServed(fetch, apiVersion)) return false
  try {
    const { bodyOffset } = decodeResponseHeader(fetch, apiVersion, frame)
    const answer = decodeResponse(fetch, apiVersion, frame.subarray(bodyOffset))
    if (answer.errorCode !== ErrorCode.NONE) return false
    return answer.responses.every(({ partitions }) =>
      partitions.every(({ errorCode, records }) => errorCode === ErrorCode.NONE && (records?.length ?? 0) === 0),
    )
  } catch (error) {
    if (error instanceof WireError) return false
    throw error
  }
}

export class FetchPace {
  /** The pause after an answer with nothing; 0 after one with something. */
  #pollMs = 0
  /** The same when something was written meanwhile: it grows only where that was of no use. */
  #wakeMs = 0
  #lastMs = Number.NEGATIVE_INFINITY
  #writesSeen = 0
  /** Where partitions were last seen to have nothing. */
  readonly #empty = new Map<string, number>()

  /** The question was last answered with nothing. */
  isKnown({ positions }: FetchQuestion): boolean {
    return positions.length > 0 && positions.every(([partition, offset]) => this.#empty.get(partition) === offset)
  }

  /** When to ask, if `writes` writes have been acknowledged to clients of the same listener so far. */
  dueMs(writes: number): number {
    return this.#lastMs + (writes > this.#writesSeen ? Math.min(this.#wakeMs, this.#pollMs) : this.#pollMs)
  }

  /** A question that is not known is about to be asked: nothing is known of how often it should be. */
  begin(): void {
    this.#pollMs = 0
    this.#wakeMs = 0
  }

  /** There was nothing. `writes` is the number of them when it was asked. */
  nothing(question: FetchQuestion, writes: number, nowMs: number): void {
    this.#pollMs = next(this.#pollMs)
    if (writes > this.#writesSeen) this.#wakeMs = next(this.#wakeMs)
    this.#writesSeen = writes
    this.#lastMs = nowMs
    if (this.#empty.size + question.positions.length > HTTPS_EMPTY_PARTITIONS_MAX) this.#empty.clear()
    if (question.positions.length > HTTPS_EMPTY_PARTITIONS_MAX) return
    for (const [partition, offset] of question.positions) this.#empty.set(partition, offset)
  }

  /** There was something: whatever is asked next is asked at once. */
  something(): void {
    this.#empty.clear()
  }
}

function next(pauseMs: number): number {
  return pauseMs === 0 ? HTTPS_POLL_MS_MIN : Math.min(2 * pauseMs, HTTPS_POLL_MS_MAX)
}
