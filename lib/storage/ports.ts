// The three stores that Tidelog stands on, as the rest of the code sees them. Each has a memory, an embedded and an AWS
// adapter, and one contract suite that all adapters pass. Every write ends as `applied`, refused for a reason that the
// caller acts upon, or `unknown` (it may have been applied, may still be applied later, or never). `unknown` is never a
// failure: the caller finds out or repeats; every write is safe to repeat. Adapters do not retry by themselves.

/** Nothing was changed or read; try again after a pause. `throttled` asks for a longer one. */
export interface Unavailable {
  readonly kind: 'unavailable'
  readonly throttled: boolean
  readonly cause: string
}
/** The write may or may not have happened, or may happen later. */
export interface Unknown {
  readonly kind: 'unknown'
  readonly cause: string
}

// ───────────────────────────── objects ─────────────────────────────

/** `‹kind›/‹two hex digits›/‹journal›/‹origin generation, 12 digits›-‹ULID›`. Kinds: see `OBJECT_KINDS`. */
export type ObjectKey = string

/**
 * Object kinds. `segment` and `tiny` are both ingest segments: the kind says which store holds it (S3 or a DynamoDB item;
 * LMDB or a file in the embedded store is decided by size and invisible).
 */
export const OBJECT_KINDS = ['segment', 'tiny', 'body', 'root', 'page', 'block'] as const
export type ObjectKind = (typeof OBJECT_KINDS)[number]

export type PutObjectOutcome =
  | { readonly kind: 'applied' }
  /** An object with this key is there already. Keys are unique, so it is an earlier try of the same put. */
  | { readonly kind: 'exists' }
  | Unavailable
  | Unknown
export type GetObjectOutcome =
  | { readonly kind: 'found'; readonly bytes: Uint8Array }
  | { readonly kind: 'missing' }
  | Unavailable
export type DeleteObjectsOutcome = { readonly kind: 'applied' } | Unavailable | Unknown
export interface ListedObject {
  readonly key: ObjectKey
  readonly sizeBytes: number
}
export type ListObjectsOutcome =
  | { readonly kind: 'found'; readonly objects: readonly ListedObject[]; readonly next: string | undefined }
  | Unavailable

/** Immutable objects. A put never overwrites. */
export interface ObjectStore {
  /** A read costs neither money nor a way over the network: what is likely to be asked for may be read ahead. */
  readonly readsAreCheap?: boolean
  /**
   * Stores an object whose body is the concatenation of `body`. Durable when it resolves as `applied`. With
   * `withNextAppend` the adapter may instead make it durable together with the next journal append of this process
   * (same embedded store, one fsync): the caller promises that nothing names the object before such an append resolved.
   */
  put(
    key: ObjectKey,
    body: readonly Uint8Array[],
    options?: { readonly withNextAppend?: boolean },
  ): Promise<PutObjectOutcome>
  /** The bytes [start, end) of the object, or all of it. A range past the end returns what is there. */
  get(key: ObjectKey, range?: { readonly start: number; readonly end: number }): Promise<GetObjectOutcome>
  /** Deletes up to 1,000 objects; those that are not there count as deleted. */
  delete(keys: readonly ObjectKey[]): Promise<DeleteObjectsOutcome>
  /** Up to `limit` objects of a kind in no particular order; pass `next` back to go on. */
  list(kind: ObjectKind, options: { readonly limit: number; readonly next?: string }): Promise<ListObjectsOutcome>
}

// ───────────────────────────── journal ─────────────────────────────

/** Where a checkpoint lies and which position it covers. */
export interface HeadCheckpoint {
  readonly key: ObjectKey
  readonly generation: number
  readonly index: number
}

/** The one mutable item of the journal (DESIGN.md section 4). `generation` starts at 1. */
export interface Head {
  readonly generation: number
  readonly incarnation: number
  /** Entries of this generation, oldest first. */
  readonly tail: readonly Uint8Array[]
  /** The entries of `generation - 1` on their way to a chunk; empty when that chunk is in place. */
  readonly sealed: readonly Uint8Array[]
  /** Running hash of all chunks in place (32 bytes; zeros before the first). */
  readonly hash: Uint8Array
  readonly checkpoint: HeadCheckpoint | undefined
}

export type ReadHeadOutcome =
  | { readonly kind: 'found'; readonly head: Head }
  /** There is no journal here: nobody has run `init`. */
  | { readonly kind: 'missing' }
  | Unavailable
/** The condition failed and nothing was changed; `head` is the current one (`undefined`: there is none). */
export interface Rejected {
  readonly kind: 'rejected'
  readonly head: Head | undefined
}
export type UpdateHeadOutcome = { readonly kind: 'applied'; readonly head: Head } | Rejected | Unavailable | Unknown
/** `exists`: the chunk of that generation is in place, with this content. */
export type PutChunkOutcome = { readonly kind: 'applied' } | { readonly kind: 'exists' } | Unavailable | Unknown
export type ReadChunksOutcome =
  | {
      readonly kind: 'found'
      /** Ascending by generation; those that are not there are left out. May end early (at least one if there is one). */
      readonly chunks: readonly { readonly generation: number; readonly bytes: Uint8Array }[]
      /** False when the answer ended early: ask again from behind the last chunk. */
      readonly complete: boolean
    }
  | Unavailable

/** The journal's storage: one head and immutable chunks. All reads are strongly consistent. */
export interface JournalStore {
  /** Makes the head of an empty journal (generation 1) if there is none. `rejected` = there is one already. */
  init(): Promise<UpdateHeadOutcome>
  readHead(): Promise<ReadHeadOutcome>
  /**
   * Appends `entries` (1 to 64) to `tail`, on the condition that the generation and incarnation are these, that
   * the tail holds fewer than 64 entries, and that it contains none of `entries`.
   */
  append(args: {
    readonly generation: number
    readonly incarnation: number
    readonly entries: readonly Uint8Array[]
  }): Promise<UpdateHeadOutcome>
  /**
   * First step of a seal: `sealed` = `tail`, `tail` = empty, generation + 1, on the condition that the generation and
   * incarnation are these, `sealed` is empty and `tail` is not.
   */
  beginSeal(args: { readonly generation: number; readonly incarnation: number }): Promise<UpdateHeadOutcome>
  /** Second step: stores the chunk of a generation. Never overwrites. */
  putChunk(generation: number, bytes: Uint8Array): Promise<PutChunkOutcome>
  /** Third step: empties `sealed` and sets `hash`, on the condition that generation and incarnation are these. */
  finishSeal(args: {
    readonly generation: number
    readonly incarnation: number
    readonly hash: Uint8Array
  }): Promise<UpdateHeadOutcome>
  /** Moves `checkpoint`, on the condition that the incarnation is this and its position grows. */
  moveCheckpoint(args: {
    readonly incarnation: number
    readonly checkpoint: HeadCheckpoint
  }): Promise<UpdateHeadOutcome>
  /** Chunks of the generations [from, to]. */
  readChunks(from: number, to: number): Promise<ReadChunksOutcome>
  /** Deletes the chunks of the generations [from, to]. */
  deleteChunks(from: number, to: number): Promise<DeleteObjectsOutcome>
  /**
   * Optional: calls `onChange` soon after another process changed the journal, until the returned function is called.
   * Stores without it are polled.
   */
  watch?(onChange: () => void): () => void
  /** Optional: the tail is sealed past either of these, where an append does not cost more the longer the tail is. */
  readonly sealAfter?: { readonly entries: number; readonly bytes: number }
}

// ───────────────────────────── documents ─────────────────────────────

export interface Document {
  readonly key: string
  /** Rises by one with each change; the first is 1, or what its maker chose. */
  readonly version: number
  readonly body: Uint8Array
}
export type GetDocumentOutcome =
  | { readonly kind: 'found'; readonly document: Document }
  | { readonly kind: 'missing' }
  | Unavailable
export type PutDocumentOutcome =
  | { readonly kind: 'applied'; readonly version: number }
  /** The version differs; `current` is what is there (`undefined`: nothing). */
  | { readonly kind: 'conflict'; readonly current: Document | undefined }
  | Unavailable
  | Unknown
export type ListDocumentsOutcome =
  | { readonly kind: 'found'; readonly documents: readonly Document[]; readonly next: string | undefined }
  | Unavailable

/** Small versioned documents, changed by compare-and-set. A key is `‹collection›/‹name›`. Reads are strong. */
export interface DocumentStore {
  get(key: string): Promise<GetDocumentOutcome>
  /**
   * Writes the document if its version is `expected` (0: it must not be there). A new one begins with version `first`, 1 by
   * default. ⚠ Where documents are removed and made again it has to be one that no earlier document of the key can have had,
   * or a change of that one which was under way all the time may be made to this one.
   */
  put(key: string, body: Uint8Array, expected: number, first?: number): Promise<PutDocumentOutcome>
  /** Removes the document if its version is `expected`. */
  delete(key: string, expected: number): Promise<PutDocumentOutcome>
  /** The documents of a collection, in pages. */
  list(collection: string, options?: { readonly next?: string }): Promise<ListDocumentsOutcome>
}

/** The three stores of one deployment. `close` waits for what is under way and is safe to call twice. */
export interface Stores {
  readonly objects: ObjectStore
  readonly journal: JournalStore
  readonly documents: DocumentStore
  close(): Promise<void>
}
