// Stored item: the head of the journal, the only item that many writers change.
//
//   pk `JOURNAL#1`, sk `HEAD`
//   generation   N     starts at 1
//   incarnation  N     raised by hand after a restore from a backup; part of every condition
//   tail         L[B]  the entries of this generation
//   sealed       L[B]  the entries of generation - 1 on their way to a chunk; mostly empty
//   hash         B     running hash of all chunks in place (32 bytes)
//   checkpoint   M     key S, generation N, index N; absent before the first
//
// Written by every appending process, under the conditions below and no others. Nobody deletes it. No list index is ever
// removed: a list is replaced as a whole or grows at its end.
import type { UpdateItemCommandInput } from '@aws-sdk/client-dynamodb'
import { assert } from '../../base/assert.ts'
import { ENTRY_BYTES_MAX, TAIL_ENTRIES_MAX } from '../../base/limits.ts'
import type { Head, HeadCheckpoint } from '../ports.ts'
import { ABSENT, bytesIn, itemKey, numberIn, textIn } from './keys.ts'
import type { Item } from './outcomes.ts'

export const HEAD_KEY = itemKey('JOURNAL#1', 'HEAD')

/** An update of the head, without the table. */
export type HeadUpdate = Pick<
  UpdateItemCommandInput,
  'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>

export const EMPTY_HEAD: Head = {
  generation: 1,
  incarnation: 1,
  tail: [],
  sealed: [],
  hash: new Uint8Array(32),
  checkpoint: undefined,
}

/** The head of a new journal, put under `ABSENT`. */
export function emptyHeadItem(): Item {
  return {
    ...HEAD_KEY,
    generation: { N: String(EMPTY_HEAD.generation) },
    incarnation: { N: String(EMPTY_HEAD.incarnation) },
    tail: { L: [] },
    sealed: { L: [] },
    hash: { B: EMPTY_HEAD.hash },
  }
}
export const EMPTY_HEAD_CONDITION = ABSENT

/** The head in an item. */
export function headIn(item: Item): Head {
  const generation = numberIn(item, 'generation')
  const hash = bytesIn(item, 'hash')
  assert(generation >= 1 && hash.length === 32, 'a stored head has a generation and a hash')
  return {
    generation,
    incarnation: numberIn(item, 'incarnation'),
    tail: entriesIn(item, 'tail'),
    sealed: entriesIn(item, 'sealed'),
    hash,
    checkpoint: checkpointIn(item),
  }
}

function entriesIn(item: Item, name: string): readonly Uint8Array[] {
  const list = item[name]?.L
  assert(list !== undefined, `the stored attribute ${name} is a list`)
  return list.map((element) => {
    assert(element.B !== undefined, `the elements of ${name} are bytes`)
    return element.B
  })
}

function checkpointIn(item: Item): HeadCheckpoint | undefined {
  const map = item['checkpoint']?.M
  if (map === undefined) return undefined
  return { key: textIn(map, 'key'), generation: numberIn(map, 'generation'), index: numberIn(map, 'index') }
}

const SAME_GENERATION = '#generation = :generation AND #incarnation = :incarnation'
const GENERATION_NAMES = { '#generation': 'generation', '#incarnation': 'incarnation' }
function sameGeneration(at: { readonly generation: number; readonly incarnation: number }): Item {
  return { ':generation': { N: String(at.generation) }, ':incarnation': { N: String(at.incarnation) } }
}

/**
 * Appends entries if none of them is in the tail. The comparison is by whole elements, and it makes the append happen
 * once however often it is sent: a repeat finds its entry in the tail, or the generation gone.
 */
export function appendUpdate(args: {
  readonly generation: number
  readonly incarnation: number
  readonly entries: readonly Uint8Array[]
}): HeadUpdate {
  const { entries } = args
  assert(entries.length >= 1 && entries.length <= TAIL_ENTRIES_MAX, 'an append carries 1 to 64 entries')
  const values: Item = {
    ...sameGeneration(args),
    ':entries': { L: entries.map((entry) => ({ B: entry })) },
    ':max': { N: String(TAIL_ENTRIES_MAX) },
  }
  for (const [i, entry] of entries.entries()) {
    assert(entry.length >= 1 && entry.length <= ENTRY_BYTES_MAX, 'an entry is 1 byte to 1 KiB long')
    values[`:e${i}`] = { B: entry }
  }
  const absent = entries.map((_, i) => `NOT contains(#tail, :e${i})`).join(' AND ')
  return {
    UpdateExpression: 'SET #tail = list_append(#tail, :entries)',
    ConditionExpression: `${SAME_GENERATION} AND size(#tail) < :max AND ${absent}`,
    ExpressionAttributeNames: { ...GENERATION_NAMES, '#tail': 'tail' },
    ExpressionAttributeValues: values,
  }
}

/** Moves the tail to `sealed`. Operands are read before the update, so one clause moves the list. */
export function beginSealUpdate(at: { readonly generation: number; readonly incarnation: number }): HeadUpdate {
  return {
    UpdateExpression: 'SET #sealed = #tail, #tail = :empty, #generation = :next',
    ConditionExpression: `${SAME_GENERATION} AND size(#sealed) = :zero AND size(#tail) > :zero`,
    ExpressionAttributeNames: { ...GENERATION_NAMES, '#tail': 'tail', '#sealed': 'sealed' },
    ExpressionAttributeValues: {
      ...sameGeneration(at),
      ':next': { N: String(at.generation + 1) },
      ':empty': { L: [] },
      ':zero': { N: '0' },
    },
  }
}

/** Empties `sealed` behind the chunk in place. Without the generation a late finisher would erase the next one's. */
export function finishSealUpdate(at: {
  readonly generation: number
  readonly incarnation: number
  readonly hash: Uint8Array
}): HeadUpdate {
  assert(at.hash.length === 32, 'a running hash has 32 bytes')
  return {
    UpdateExpression: 'SET #sealed = :empty, #hash = :hash',
    ConditionExpression: SAME_GENERATION,
    ExpressionAttributeNames: { ...GENERATION_NAMES, '#sealed': 'sealed', '#hash': 'hash' },
    ExpressionAttributeValues: { ...sameGeneration(at), ':empty': { L: [] }, ':hash': { B: at.hash } },
  }
}

/** Names a checkpoint whose position is behind that of the one named now. */
export function moveCheckpointUpdate(args: {
  readonly incarnation: number
  readonly checkpoint: HeadCheckpoint
}): HeadUpdate {
  const generation = { N: String(args.checkpoint.generation) }
  const index = { N: String(args.checkpoint.index) }
  const grows =
    'attribute_not_exists(#checkpoint) OR #checkpoint.#generation < :generation OR ' +
    '(#checkpoint.#generation = :generation AND #checkpoint.#index < :index)'
  return {
    UpdateExpression: 'SET #checkpoint = :checkpoint',
    ConditionExpression: `#incarnation = :incarnation AND (${grows})`,
    ExpressionAttributeNames: { ...GENERATION_NAMES, '#checkpoint': 'checkpoint', '#index': 'index' },
    ExpressionAttributeValues: {
      ':incarnation': { N: String(args.incarnation) },
      ':generation': generation,
      ':index': index,
      ':checkpoint': { M: { key: { S: args.checkpoint.key }, generation, index } },
    },
  }
}

/** Raises the incarnation: everything that was appended on the condition of the old one is refused from here on. */
export function raiseIncarnationUpdate(): HeadUpdate {
  return {
    UpdateExpression: 'SET #incarnation = #incarnation + :one',
    ConditionExpression: 'attribute_exists(#incarnation)',
    ExpressionAttributeNames: { '#incarnation': 'incarnation' },
    ExpressionAttributeValues: { ':one': { N: '1' } },
  }
}
