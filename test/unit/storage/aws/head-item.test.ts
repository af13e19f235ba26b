// DynamoDB's limits on expressions and items, at the largest request that the limits of the journal allow. Emulators do
// not enforce them, and real DynamoDB would refuse the append that reaches them, for ever.
import { expect, test } from 'vitest'
import { ENTRY_BYTES_MAX, TAIL_ENTRIES_MAX } from '../../../../lib/base/limits.ts'
import {
  appendUpdate,
  beginSealUpdate,
  emptyHeadItem,
  finishSealUpdate,
  type HeadUpdate,
  headIn,
  moveCheckpointUpdate,
  raiseIncarnationUpdate,
} from '../../../../lib/storage/aws/head-item.ts'

const at = { generation: 123_456_789_012, incarnation: 1 }
const entries = Array.from({ length: TAIL_ENTRIES_MAX }, () => new Uint8Array(ENTRY_BYTES_MAX))
const checkpoint = { key: 'root/00/1/000000000001-01', generation: 1, index: 0 }
const updates: [string, HeadUpdate][] = [
  ['append', appendUpdate({ ...at, entries })],
  ['beginSeal', beginSealUpdate(at)],
  ['finishSeal', finishSealUpdate({ ...at, hash: new Uint8Array(32) })],
  ['raiseIncarnation', raiseIncarnationUpdate()],
  ['moveCheckpoint', moveCheckpointUpdate({ incarnation: 1, checkpoint })],
]

test.each(updates)('%s: expressions of at most 4 KB and 300 operators, every placeholder used', (_name, update) => {
  const { ConditionExpression: condition = '', UpdateExpression: set = '' } = update
  for (const expression of [condition, set]) {
    expect(Buffer.byteLength(expression)).toBeLessThanOrEqual(4096)
    const operators = expression.match(/\b(AND|OR|NOT|contains|size|list_append|attribute_not_exists)\b|[=<>]/g) ?? []
    expect(operators.length).toBeLessThanOrEqual(300)
  }
  const used = new Set(`${condition} ${set}`.match(/[#:]\w+/g))
  const given = [
    ...Object.keys(update.ExpressionAttributeNames ?? {}),
    ...Object.keys(update.ExpressionAttributeValues ?? {}),
  ]
  expect([...used].sort()).toEqual(given.sort())
})

test('the largest head is far below an item of 400 KB', () => {
  // An append needs a tail below the maximum, and may itself carry the maximum.
  const longest = 2 * TAIL_ENTRIES_MAX - 1
  const bytes = 2 * longest * (ENTRY_BYTES_MAX + 1) + 1024
  expect(bytes).toBeLessThan(400 * 1024 * 0.75)
})

test('a head that was altered by hand is not served', () => {
  expect(headIn(emptyHeadItem())).toMatchObject({ generation: 1, incarnation: 1, tail: [], sealed: [] })
  expect(() => headIn({ ...emptyHeadItem(), generation: { S: 'one' } })).toThrow(/generation is a whole number/)
  expect(() => headIn({ ...emptyHeadItem(), tail: { L: [{ S: 'text' }] } })).toThrow(/elements of tail are bytes/)
  expect(() => headIn({ ...emptyHeadItem(), hash: { B: new Uint8Array(3) } })).toThrow(/generation and a hash/)
})
