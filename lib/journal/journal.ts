// The journal as the log uses it: one replica and one appender over the same stores, ids for what is written, entries with
// their body inside or, where it is too long, in an object of its own.
import type { Clock } from '../base/clock.ts'
import { newUlid, type Ulid } from '../base/ids.ts'
import type { Random } from '../base/random.ts'
import type { ObjectKey, ObjectStore, Stores } from '../storage/ports.ts'
import { type Appender, type AppendOutcome, createAppender } from './appender.ts'
import { type EntryKind, encodeEntry, encodeEntryByReference } from './entry.ts'
import { objectKey } from './object-keys.ts'
import { createReplica, type JournalReplica, type ReplicaEvents } from './replica.ts'

export interface Journal {
  readonly replica: JournalReplica
  readonly appender: Appender
  /**
   * The generation known now: the origin of a request or job, to be taken before anything is read or written for it, and
   * the same for all its objects and entries.
   */
  origin(): number
  newId(): Ulid
  /** Writes one entry of a kind other than flush, with its body wherever it fits. */
  write(kind: Exclude<EntryKind, 'flush'>, origin: number, payload: Uint8Array): Promise<AppendOutcome>
}

export function createJournal(args: {
  readonly stores: Pick<Stores, 'objects' | 'journal'>
  readonly clock: Clock
  readonly random: Random
  readonly events: ReplicaEvents
}): Journal {
  const { stores, clock, random, events } = args
  const replica = createReplica({ stores, clock, events })
  const appender = createAppender({ journal: stores.journal, replica, clock, random })
  const newId = (): Ulid => newUlid(clock, random)
  return {
    replica,
    appender,
    origin: () => replica.root.position.generation,
    newId,
    async write(kind, origin, payload) {
      const id = newId()
      const entry = encodeEntry({ kind, id, origin }, payload)
      if (entry !== undefined) return appender.append([{ entry }])[0]!
      const put = await putObject(stores.objects, objectKey('body', origin, id), [payload])
      if (put !== 'stored') return { kind: 'unavailable' }
      return appender.append([{ entry: encodeEntryByReference({ kind, id, origin }, payload, 0), body: payload }])[0]!
    },
  }
}

/** Puts an object, repeating under the same key while the outcome is in doubt: `exists` is an earlier try of ours. */
export async function putObject(
  objects: ObjectStore,
  key: ObjectKey,
  body: readonly Uint8Array[],
  options?: {
    readonly withNextAppend?: boolean
    readonly tries?: number
    readonly pause?: (tries: number) => Promise<void>
  },
): Promise<'stored' | 'failed'> {
  const tries = options?.tries ?? 4
  for (let i = 0; i < tries; i++) {
    if (i > 0) await options?.pause?.(i)
    const outcome = await objects.put(key, body, { withNextAppend: options?.withNextAppend ?? false })
    if (outcome.kind === 'applied' || outcome.kind === 'exists') return 'stored'
  }
  return 'failed'
}
