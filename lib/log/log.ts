// The log as the broker's handlers see it: topics, appends, reads. This file holds the contract only; `open-log.ts` builds
// it from a journal replica and the stores. Expected outcomes are values. A method that answers about *now* says so and
// reads the head first (DESIGN.md section 6, "Freshness"); the others answer from the replica as it is.

import type { TopicId, Ulid } from '../base/ids.ts'
import type { Position } from '../journal/position.ts'
import type { BatchVerdict } from '../journal/state/partition-page.ts'
import type { TopicState } from '../journal/state/root.ts'

/** A topic as the fold has it. */
export type Topic = TopicState

/** Why something could not be done now; all are answered with a retriable error. */
export type Unserved =
  /** A store did not answer, or refused; nothing was changed. */
  | { readonly kind: 'unavailable' }
  /** It may have been applied, or not. */
  | { readonly kind: 'unknown' }
  /** This process met an entry it does not understand, or the journal was restored: it serves nothing any more. */
  | { readonly kind: 'halted' }

export type CreateTopicOutcome =
  | { readonly kind: 'created'; readonly topic: Topic }
  | { readonly kind: 'exists' }
  | { readonly kind: 'limit' }
  | Unserved
export type ChangeTopicOutcome =
  | { readonly kind: 'changed'; readonly topic: Topic }
  /** Another change came first: read the topic again (it is in the replica now) and decide anew. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'unknownTopic' }
  | { readonly kind: 'limit' }
  | Unserved
export type DeleteTopicOutcome = { readonly kind: 'deleted' } | { readonly kind: 'unknownTopic' } | Unserved

/** One record batch on its way in; `bytes` is exactly one valid batch v2 (checked by the caller), kept by reference. */
export interface BatchToAppend {
  readonly topic: Topic
  readonly partition: number
  readonly bytes: Uint8Array
  readonly recordCount: number
  readonly maxTimestamp: number
  /** -1 without idempotence. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
}
/** What became of one batch: the fold's verdict, or why there is none. `limit` is retriable. */
export type AppendBatchOutcome =
  | BatchVerdict
  | Unserved
  /** An earlier try of the request appended it, with this timestamp. Only of `appendOnce`. */
  | {
      readonly kind: 'found'
      readonly baseOffset: number
      readonly logStartOffset: number
      readonly maxTimestamp: number
    }
  /** Compressing it anew made it too long for the object of its request. Only of `appendOnce`. */
  | { readonly kind: 'tooLarge' }

/** What one produce request becomes. */
export interface Append {
  /** Resolves when the batches have their place in the order: the next request of the connection may be started. */
  readonly admitted: Promise<void>
  /** One outcome per batch, in order. */
  readonly outcomes: Promise<readonly AppendBatchOutcome[]>
}

/** A request's own name, and what tells it from another one that was given the same name. Each try has all of it. */
export interface RequestName {
  /** What its client knew before it sent the request first. */
  readonly generation: number
  readonly id: Ulid
  /** Whether its segment is an object of the object store rather than a tiny one. */
  readonly long: boolean
  /** SHA-256 of the frame. */
  readonly frameHash: Uint8Array
}

export type AppendOnceOutcome =
  | { readonly kind: 'answered'; readonly outcomes: readonly AppendBatchOutcome[] }
  /** The name was used for another frame. Nothing was written. */
  | { readonly kind: 'reused' }
  /** No process can have known this generation yet. Nothing was written. */
  | { readonly kind: 'fromTheFuture' }

export interface FetchPartition {
  readonly topic: Topic
  readonly partition: number
  readonly offset: number
  /** Soft limit: the first batch of the answer is returned whole even if it is longer. */
  readonly bytesMax: number
}
export interface FetchRequest {
  readonly partitions: readonly FetchPartition[]
  readonly bytesMin: number
  readonly bytesMax: number
  readonly waitMsMax: number
  /** read_committed. */
  readonly committedOnly: boolean
  /** Written into the header of each batch. */
  readonly leaderEpoch: number
  /** Aborts the wait when the client is gone. */
  readonly signal: AbortSignal
  /**
   * Set by a caller that says when the records of the answer have left the process: called at most once, before the answer,
   * with what gives back the memory they hold (see `fetch-memory.ts`). Without it the answer gives it back.
   */
  readonly takeOver?: (giveBack: () => void) => void
  /** The client has read an earlier answer: it is served beside those of whom nobody knows. */
  readonly proven?: boolean
}
export type FetchPartitionOutcome =
  | {
      readonly kind: 'records'
      readonly highWatermark: number
      readonly lastStableOffset: number
      readonly logStartOffset: number
      /** Whole batches, base offset and leader epoch patched; empty when there is nothing at the offset. */
      readonly records: readonly Uint8Array[]
      readonly sizeBytes: number
    }
  | {
      readonly kind: 'outOfRange'
      readonly highWatermark: number
      readonly lastStableOffset: number
      readonly logStartOffset: number
    }
  | { readonly kind: 'unknownTopic' }
  | Unserved

/** `timestamp` -1 where there is none to tell. */
export type ListOffsetOutcome =
  | { readonly kind: 'found'; readonly offset: number; readonly timestamp: number }
  /** No record fits (offset -1 on the wire). */
  | { readonly kind: 'none' }
  | { readonly kind: 'unknownTopic' }
  | Unserved

export interface PartitionOffsets {
  readonly logStartOffset: number
  readonly highWatermark: number
  readonly lastStableOffset: number
}

export type TrimOutcome =
  /** The log start from now on: at least what was asked for, unless that is beyond the last stable offset. */
  | { readonly kind: 'trimmed'; readonly logStartOffset: number }
  | { readonly kind: 'unknownTopic' }
  /** Beyond the high watermark, or negative. */
  | { readonly kind: 'outOfRange' }
  | Unserved

/** `sizeBytes` may be an estimate where much would have to be read. */
export type LiveBytesOutcome =
  | { readonly kind: 'found'; readonly sizeBytes: number }
  | { readonly kind: 'unknownTopic' }
  | Unserved

export interface Log {
  /**
   * Brings the replica to a head read that begins after this call (concurrent callers share one). After it, the
   * synchronous look-ups below are facts about now. Unserved when the stores do not answer.
   */
  refresh(): Promise<{ readonly kind: 'fresh' } | Unserved>
  topics(): Iterable<Topic>
  topicByName(name: string): Topic | undefined
  topicById(id: TopicId): Topic | undefined

  createTopic(args: {
    readonly name: string
    readonly partitions: number
    readonly configs: ReadonlyMap<string, string>
  }): Promise<CreateTopicOutcome>
  /** Replaces all explicit configs of the topic, if it is still at this version. */
  configureTopic(topic: Topic, configs: ReadonlyMap<string, string>): Promise<ChangeTopicOutcome>
  /** Raises the number of partitions, if the topic is still at this version. */
  addPartitions(topic: Topic, partitions: number): Promise<ChangeTopicOutcome>
  deleteTopic(topic: Topic): Promise<DeleteTopicOutcome>

  /**
   * Appends the batches in order. `connection` identifies who sends: batches of one connection never overtake each
   * other, and when some cannot be committed, later ones of it that are not yet appended fail as `unavailable`.
   */
  append(connection: string, batches: readonly BatchToAppend[]): Append
  /**
   * Appends the batches of a request, at most one of each partition, that may be sent again under the same name, to any
   * process: it is written once. No order is kept between requests; whoever sends waits for one before the next.
   */
  appendOnce(name: RequestName, batches: readonly BatchToAppend[]): Promise<AppendOnceOutcome>
  /** Reads and waits as Kafka's Fetch does; one outcome per partition, in order. Fresh where DESIGN.md asks for it. */
  fetch(request: FetchRequest): Promise<readonly FetchPartitionOutcome[]>
  /** Fresh. The offsets of a partition now. */
  offsets(
    topic: Topic,
    partition: number,
  ): Promise<({ readonly kind: 'found' } & PartitionOffsets) | { readonly kind: 'unknownTopic' } | Unserved>
  /** Fresh. The first record with a timestamp of at least this, exact to the record. */
  offsetForTimestamp(topic: Topic, partition: number, timestamp: number): Promise<ListOffsetOutcome>
  /** Fresh. The record with the largest timestamp (the first of them). */
  offsetOfMaxTimestamp(topic: Topic, partition: number): Promise<ListOffsetOutcome>
  /** Fresh. Moves the log start forward to `offset`, -1 for the high watermark; one that lies there already changes nothing. */
  trim(topic: Topic, partition: number, offset: number): Promise<TrimOutcome>
  /** How many bytes of batches these partitions hold from their log starts on; one outcome for each, in order. */
  liveBytes(
    wanted: readonly { readonly topic: Topic; readonly partition: number }[],
  ): Promise<readonly LiveBytesOutcome[]>

  /** Figures for /metrics and /health. */
  status(): LogStatus
  /** Resolves when nothing that this process began is under way any more: appends, seals, checkpoints, reads beside them. */
  settle(): Promise<void>
  /** Stops taking appends, finishes those under way, ends all waits. */
  close(): Promise<void>
}

export interface LogStatus {
  readonly generation: number
  readonly tailEntries: number
  /** How far this process has read the journal. */
  readonly position: Position
  /** Milliseconds since the head was last read or returned by an own append. */
  readonly headAgeMs: number
  readonly topics: number
  readonly partitions: number
  readonly halted: boolean
}
