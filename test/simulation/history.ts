// What the clients of a run asked for and were told, in the order in which it happened. The checker knows nothing else of
// the run; it is plain data, so that histories can be written by hand to test the checker. Times are virtual milliseconds;
// `order` numbers invocations and completions together, so that "began after that was answered" is exact.
import type { TopicId } from '../../lib/base/ids.ts'
import type { GroupHistoryOp } from './group-history.ts'

/** A partition of one incarnation of a topic: `‹topic id›/‹partition›`. */
export type PartitionName = string

export const partitionName = (topicId: TopicId | string, partition: number): PartitionName => `${topicId}/${partition}`

/** One batch of one producer; all its tries together. */
export interface Send {
  readonly kind: 'send'
  readonly producer: string
  readonly idempotent: boolean
  readonly partition: PartitionName
  readonly values: readonly string[]
  readonly invoked: number
  completed: number | undefined
  /** `fail`: it definitely did not happen. `info`: nobody knows. */
  outcome: 'ok' | 'fail' | 'info'
  /** Of the first record, when `ok`. */
  offset: number | undefined
  readonly tries: Try[]
}

/** One try of a send, as the process saw it. */
export interface Try {
  readonly connection: string
  /** When the process started it, and when it knew its answer; undefined: never. */
  started: number | undefined
  answered: number | undefined
  outcome: string | undefined
  /** Over HTTPS: it does not fall with the request before it, and what its client gave up may land behind a later one. */
  readonly alone?: boolean
  /** A plain producer may try again although the first try was unknown; then values may be there twice. */
}

export interface Poll {
  readonly kind: 'poll'
  readonly consumer: string
  /** Rises whenever the consumer seeks or is assigned anew: within one, offsets go on without a gap. */
  readonly assignment: number
  /** Process and life. */
  readonly process: string
  readonly partition: PartitionName
  readonly position: number
  readonly invoked: number
  completed: number
  outcome: 'records' | 'outOfRange' | 'unknownTopic' | 'retriable' | 'corrupt'
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly records: readonly { readonly offset: number; readonly value: string; readonly timestamp: number }[]
  readonly final: boolean
  /** Set where the clock is sure to know of freezes: no view of the log was older than this when the request came. */
  readonly viewAgeMsMax?: number
}

/** A question about now: the offsets of a partition, or where a time lies. */
export interface Ask {
  readonly kind: 'ask'
  readonly process: string
  readonly partition: PartitionName
  readonly invoked: number
  readonly completed: number
  readonly answer:
    | { readonly kind: 'offsets'; readonly highWatermark: number; readonly logStartOffset: number }
    | { readonly kind: 'at'; readonly timestamp: number; readonly offset: number | undefined; readonly found: number }
    | { readonly kind: 'newest'; readonly offset: number | undefined; readonly found: number }
    | { readonly kind: 'unknownTopic' }
}

/** Something that was done to a topic, or a fresh look at a name. */
export interface Admin {
  readonly kind: 'admin'
  readonly action: 'create' | 'change' | 'delete' | 'look'
  readonly process: string
  readonly name: string
  readonly invoked: number
  completed: number | undefined
  /** `none`: a look found nothing. */
  outcome: 'ok' | 'fail' | 'info' | 'none'
  topic:
    | { readonly id: string; readonly number: number; readonly version: number; readonly partitions: number }
    | undefined
}

/**
 * A change of a topic that is asked for by a request with an id, over HTTPS. Nobody else touches these topics, so every
 * effect is one of such a request, and no request has two.
 */
export interface Once {
  readonly kind: 'once'
  readonly action: 'create' | 'delete'
  readonly name: string
  readonly requestId: string
  readonly invoked: number
  completed: number | undefined
  outcome: 'ok' | 'fail' | 'info'
}

/** A topic that was made or deleted, as the journal has it. */
export interface Effect {
  readonly kind: 'effect'
  readonly action: Once['action']
  readonly name: string
}

/** What was seen with the eyes of the simulation itself, beyond any client. */
export interface Sight {
  readonly kind: 'sight'
  readonly anomaly: string
  readonly detail: string
}

export type Op = Send | Poll | Ask | Admin | Once | Effect | Sight | GroupHistoryOp

export interface History {
  readonly ops: Op[]
  /** Virtual milliseconds by number in the order of happening. */
  readonly times: readonly number[]
  /** The next number in the order of happening. */
  tick(): number
  add<T extends Op>(op: T): T
}

export function createHistory(now: () => number): History {
  const ops: Op[] = []
  const times: number[] = []
  return {
    ops,
    times,
    tick: () => times.push(now()) - 1,
    add(op) {
      ops.push(op)
      return op
    },
  }
}
