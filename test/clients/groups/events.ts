// What the group suites say to a driver and hear from it. A driver is a process that holds one or several members of
// groups, each a consumer of one foreign client; it reports what happens to them, one JSON event per line on standard
// output, and judges nothing (`verify.ts` does). Times are milliseconds of the machine's wall clock, taken in the driver:
// all processes of a run share that clock, so events of different members can be compared.

/** A partition of a topic, as it travels: `[topic, partition]`. */
export type Place = readonly [topic: string, partition: number]

/** `[topic, partition, offset]`. */
export type PlacedOffset = readonly [topic: string, partition: number, offset: number]

export const placeKey = ([topic, partition]: Place | PlacedOffset): string => `${topic}/${partition}`

interface Base {
  readonly member: string
  readonly at: number
}

export type GroupEvent = Base &
  (
    | { readonly event: 'joining' }
    /** What was added to what the member owns; empty after a rebalance that gave it nothing new. */
    | { readonly event: 'assigned'; readonly places: readonly Place[] }
    /** Given up before the coordinator was told so. */
    | { readonly event: 'revoked'; readonly places: readonly Place[] }
    /** Found out late: the member was no longer of the group, somebody else may own them since. */
    | { readonly event: 'lost'; readonly places: readonly Place[] }
    | {
        readonly event: 'record'
        readonly topic: string
        readonly partition: number
        readonly offset: number
        readonly key: string | null
        readonly value: string | null
      }
    /** Acknowledged commits; asked for at `sentAt`. */
    | { readonly event: 'committed'; readonly sentAt: number; readonly offsets: readonly PlacedOffset[] }
    | { readonly event: 'commitFailed'; readonly code: number; readonly text: string }
    | { readonly event: 'seeked'; readonly offsets: readonly PlacedOffset[] }
    /** `fatal`: this member takes part no more. */
    | { readonly event: 'error'; readonly code: number; readonly text: string; readonly fatal: boolean }
    | { readonly event: 'leaving' }
    | { readonly event: 'closed' }
    | { readonly event: 'reply'; readonly id: number; readonly ok: boolean; readonly [field: string]: unknown }
    /** Added by the run: its process was killed. */
    | { readonly event: 'killed' }
  )

export type EventOf<Kind extends GroupEvent['event']> = Extract<GroupEvent, { readonly event: Kind }>

/** How a member takes part. What a client has no word for it ignores. */
export interface MemberSpec {
  readonly group: string
  /** Exactly one of `topics` and `pattern`. The pattern is the client's kind of regular expression. */
  readonly topics?: readonly string[]
  readonly pattern?: string
  readonly protocol: 'classic' | 'consumer'
  /** The client's own name of a classic assignor, or the server's assignor. */
  readonly assignor?: string
  readonly instanceId?: string
  readonly sessionTimeoutMs?: number
  readonly metadataMaxAgeMs?: number
  /** `eachBatch`: KafkaJS's other way of consuming. */
  readonly style?: string
  readonly commit: 'sync' | 'async'
}

export type MemberCommand =
  | ({ readonly op: 'start'; readonly member: string; readonly bootstrap: string } & MemberSpec)
  | { readonly op: 'stop'; readonly member: string }
  | { readonly op: 'pause' | 'resume'; readonly member: string; readonly places: readonly Place[] }
  | { readonly op: 'seek'; readonly member: string; readonly offsets: readonly PlacedOffset[] }
  /** Offsets without being a member. Replies carry `offset` (-1: none) and `metadata`, or `code`. */
  | {
      readonly op: 'commitAlone'
      readonly id: number
      readonly bootstrap: string
      readonly group: string
      readonly offset: PlacedOffset
      readonly metadata: string
    }
  | {
      readonly op: 'fetchCommitted'
      readonly id: number
      readonly bootstrap: string
      readonly group: string
      readonly place: Place
    }
