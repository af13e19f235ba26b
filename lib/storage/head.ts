// The conditional updates of the journal's head as pure functions, for the adapters that evaluate conditions themselves
// (memory and embedded; DynamoDB evaluates the same ones as condition expressions). Each gives the new head, or
// `undefined` where its condition fails. They never change the head they are given, so a head can be handed out as it is.
import { assert } from '../base/assert.ts'
import { TAIL_ENTRIES_MAX } from '../base/limits.ts'
import type { Head, HeadCheckpoint, JournalStore } from './ports.ts'

type AppendArgs = Parameters<JournalStore['append']>[0]
type BeginSealArgs = Parameters<JournalStore['beginSeal']>[0]
type FinishSealArgs = Parameters<JournalStore['finishSeal']>[0]
type MoveCheckpointArgs = Parameters<JournalStore['moveCheckpoint']>[0]

/** The head of an empty journal. */
export const FIRST_HEAD: Head = {
  generation: 1,
  incarnation: 1,
  tail: [],
  sealed: [],
  hash: new Uint8Array(32),
  checkpoint: undefined,
}

/** `init`: only where there is no head. */
export function initialised(head: Head | undefined): Head | undefined {
  return head === undefined ? FIRST_HEAD : undefined
}

/** `append`: entries are compared as whole elements, as DynamoDB's `contains` compares the elements of a list. */
export function appended(head: Head | undefined, args: AppendArgs): Head | undefined {
  assert(args.entries.length >= 1 && args.entries.length <= TAIL_ENTRIES_MAX, 'an append carries 1 to 64 entries')
  if (!isAt(head, args) || head.tail.length >= TAIL_ENTRIES_MAX) return undefined
  if (args.entries.some((entry) => head.tail.some((other) => Buffer.compare(entry, other) === 0))) return undefined
  return { ...head, tail: [...head.tail, ...args.entries.map((entry) => new Uint8Array(entry))] }
}

/** `beginSeal`: the tail becomes `sealed`, which must be empty while the tail is not. */
export function sealBegun(head: Head | undefined, args: BeginSealArgs): Head | undefined {
  if (!isAt(head, args) || head.sealed.length > 0 || head.tail.length === 0) return undefined
  return { ...head, generation: head.generation + 1, sealed: head.tail, tail: [] }
}

/** `finishSeal`: on the generation alone, so that a repeat of it is harmless and a late one fails. */
export function sealFinished(head: Head | undefined, args: FinishSealArgs): Head | undefined {
  assert(args.hash.length === 32, 'the running hash has 32 bytes')
  if (!isAt(head, args)) return undefined
  return { ...head, sealed: [], hash: new Uint8Array(args.hash) }
}

/** `moveCheckpoint`: forward only. */
export function checkpointMoved(head: Head | undefined, args: MoveCheckpointArgs): Head | undefined {
  if (head === undefined || head.incarnation !== args.incarnation) return undefined
  if (head.checkpoint !== undefined && !isBehind(head.checkpoint, args.checkpoint)) return undefined
  return { ...head, checkpoint: args.checkpoint }
}

/** After a restore from a backup: whoever still knows the old incarnation is refused from here on. */
export function incarnationRaised(head: Head | undefined): Head | undefined {
  return head && { ...head, incarnation: head.incarnation + 1 }
}

function isAt(head: Head | undefined, at: { generation: number; incarnation: number }): head is Head {
  return head !== undefined && head.generation === at.generation && head.incarnation === at.incarnation
}

function isBehind(a: HeadCheckpoint, b: HeadCheckpoint): boolean {
  return a.generation < b.generation || (a.generation === b.generation && a.index < b.index)
}
