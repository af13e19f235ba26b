// Stored item: an ingest segment of a few KiB, which costs no more here than as an S3 object and is several times faster.
//
//   pk `TINY#‹0-f›`, sk the object's key
//   body  B
//   size  N  length of body, so that a listing need not carry the bodies
//
// Immutable: put once, if absent, by the process that flushes. Deleted by garbage collection. The first hexadecimal digit
// of the key's spreading prefix chooses one of 16 partition keys: each takes 1,000 write units a second, and listing the
// kind is 16 short queries.
import { assert } from '../../base/assert.ts'
import { DYNAMODB_BODY_BYTES_MAX } from '../../base/limits.ts'
import type { ListedObject, ObjectKey } from '../ports.ts'
import { bytesIn, type ItemKey, itemKey, numberIn, textIn } from './keys.ts'
import type { Item } from './outcomes.ts'

export const TINY_PREFIX = 'tiny/'
export const TINY_PARTITIONS: readonly string[] = [...'0123456789abcdef'].map((digit) => `TINY#${digit}`)

export function isTiny(key: ObjectKey): boolean {
  return key.startsWith(TINY_PREFIX)
}

export function tinyKey(key: ObjectKey): ItemKey {
  const pk = `TINY#${key.charAt(TINY_PREFIX.length)}`
  assert(isTiny(key) && TINY_PARTITIONS.includes(pk), 'the key of a tiny segment is tiny/‹two hex digits›/…')
  return itemKey(pk, key)
}

export function tinyItem(key: ObjectKey, body: Uint8Array): Item {
  assert(body.length <= DYNAMODB_BODY_BYTES_MAX, 'a tiny segment fits an item')
  return { ...tinyKey(key), body: { B: body }, size: { N: String(body.length) } }
}

export function tinyBytesIn(item: Item): Uint8Array {
  const bytes = bytesIn(item, 'body')
  assert(bytes.length === numberIn(item, 'size'), 'a stored tiny segment has the length it says')
  return bytes
}

export function tinyListedIn(item: Item): ListedObject {
  return { key: textIn(item, 'sk'), sizeBytes: numberIn(item, 'size') }
}
