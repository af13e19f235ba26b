// Keys of the table. It has a partition key `pk` and a sort key `sk`, both strings; each kind of item has a file of its
// own that says what its keys and attributes are. Attribute names are short because DynamoDB charges for them, and all
// expressions name them through `#` placeholders, since many English words are reserved.
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { assert } from '../../base/assert.ts'
import type { Item } from './outcomes.ts'

export const PARTITION_KEY = 'pk'
export const SORT_KEY = 'sk'

export interface ItemKey {
  readonly pk: AttributeValue
  readonly sk: AttributeValue
}

export function itemKey(pk: string, sk: string): ItemKey {
  return { pk: { S: pk }, sk: { S: sk } }
}

/** The condition that no item has this key. */
export const ABSENT = 'attribute_not_exists(pk)'

/** A whole number that an item must hold. */
export function numberIn(item: Item, name: string): number {
  const value = Number(item[name]?.N)
  assert(Number.isSafeInteger(value), `the stored attribute ${name} is a whole number`)
  return value
}

export function bytesIn(item: Item, name: string): Uint8Array {
  const value = item[name]?.B
  assert(value !== undefined, `the stored attribute ${name} holds bytes`)
  return value
}

export function textIn(item: Item, name: string): string {
  const value = item[name]?.S
  assert(value !== undefined, `the stored attribute ${name} is a string`)
  return value
}
