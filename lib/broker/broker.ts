// The broker as its doors (TCP gateway, HTTPS functions, tests) see it: one request frame in, at most one response frame
// out. It knows nothing of sockets. `router.ts` builds it from one handler per Kafka API.
import type { RequestName } from '../log/log.ts'
import type { ToldPosition } from '../wire/https.ts'

/** Who sends. One object per connection, kept by the door. */
export interface BrokerConnection {
  /** Unique within the process. */
  readonly id: string
  readonly clientAddress: string
  /** Aborted when the client is gone: parked requests end. */
  readonly signal: AbortSignal
  /**
   * Set by a door that takes its time to write and therefore calls `written` of every answer. Without it the memory of an
   * answer counts as given back when the answer is known.
   */
  readonly delivery?: {
    /**
     * Of the request being handed over: its client asked for it when all answers to it had left the process, at least one
     * with records among them. Who asks and does not read never gets that far by himself.
     */
    isProven(): boolean
  }
  /** Set by a door for which each request stands alone, as HTTPS does: one such object per request then. */
  readonly exchange?: Exchange
}

/** What a door says of a request that travels by itself. */
export interface Exchange {
  /** The request's own name across repeats; undefined: it is never repeated. */
  readonly name: RequestName | undefined
  /** How long the client has waited for this request already: nothing waits here, it is told `later` and asks again. */
  readonly waitedMs: number
  /** A response frame may not be longer. */
  readonly responseBytesMax: number
  /** How far in the journal the client had been told to be when it made the request; undefined: it does not say. */
  readonly told?: ToldPosition
}

export type BrokerResponse =
  /** A response frame without its length prefix, as a list of buffers to be written one after the other. */
  | {
      readonly kind: 'send'
      readonly buffers: readonly Uint8Array[]
      /** Gives back the memory that the answer holds: called once it has left the process or never will. */
      readonly written?: () => void
    }
  /** acks=0: Kafka sends nothing. */
  | { readonly kind: 'none' }
  /** Nothing to answer yet: only for a request with an `exchange`, which is to be sent again. */
  | { readonly kind: 'later' }
  /** The name of the request was used for another one; only with an `exchange`. */
  | { readonly kind: 'conflict'; readonly reason: string }
  /** The bytes made no sense, or Kafka closes the connection in this case. */
  | { readonly kind: 'close'; readonly reason: string }

export interface Handled {
  /** The next request of this connection may be started (for Produce: its batches have their place in the order). */
  readonly admitted: Promise<void>
  /** Never rejects. Responses are sent in the order of the requests. */
  readonly response: Promise<BrokerResponse>
  /**
   * Resolves when nothing holds the frame any more, where that can be later than the response: a produce request that was
   * told REQUEST_TIMED_OUT is still being written. Its memory counts until then. Never rejects.
   */
  readonly released?: Promise<void>
}

export interface Broker {
  /** Starts one request: `frame` is header and body without the length prefix, kept by reference until the answer (`released`). */
  handle(frame: Uint8Array, connection: BrokerConnection): Handled
}

/** A gateway as Metadata lists it. */
export interface Node {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/** The live gateways, as this process knows them. */
export interface Members {
  /** This process's own node id. */
  readonly self: number
  /** The stable, non-null cluster id. */
  readonly clusterId: string
  /** Version of the membership document: the leader epoch of all partitions. Never goes back. */
  epoch(): number
  /** Live nodes by ascending id; never empty. */
  nodes(): readonly Node[]
  /**
   * For how long the list has been the same while it was read on time; 0 when it was not. Absent where nobody but this
   * process is ever in the list.
   */
  steadyMs?(): number
  /** Reads the membership document again; concurrent calls share one read. Keeps the old view when the store does not answer. */
  refresh(): Promise<void>
}
