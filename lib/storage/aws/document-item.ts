// Stored item: a versioned document.
//
//   pk `DOC#‹first part of the key›`, sk the rest of the key
//   version  N  1 or its maker's choice for a new one, one more with each change
//   body     B
//
// Written by anyone, only if the version is the one that the writer read (or, for a new one, if there is none). Deleted
// likewise. A key is cut at its first slash; a collection that itself contains slashes is a prefix of sort keys, so that
// listing either is one query.
import { assert } from '../../base/assert.ts'
import { DYNAMODB_BODY_BYTES_MAX, DYNAMODB_SORT_KEY_BYTES_MAX } from '../../base/limits.ts'
import type { Document } from '../ports.ts'
import { ABSENT, bytesIn, type ItemKey, itemKey, numberIn, textIn } from './keys.ts'
import type { Item } from './outcomes.ts'

function cut(path: string): [first: string, rest: string] {
  const slash = path.indexOf('/')
  return slash < 0 ? [path, ''] : [path.slice(0, slash), path.slice(slash + 1)]
}

export function documentKey(key: string): ItemKey {
  const [collection, name] = cut(key)
  assert(collection.length > 0 && name.length > 0, 'the key of a document is ‹collection›/‹name›')
  const bytes = Buffer.byteLength(name)
  assert(bytes <= DYNAMODB_SORT_KEY_BYTES_MAX, "a document's name fits a sort key")
  return itemKey(`DOC#${collection}`, name)
}

export function documentItem(key: string, version: number, body: Uint8Array): Item {
  assert(body.length <= DYNAMODB_BODY_BYTES_MAX, 'a document fits an item')
  return { ...documentKey(key), version: { N: String(version) }, body: { B: body } }
}

export function documentIn(item: Item): Document {
  const collection = textIn(item, 'pk').slice('DOC#'.length)
  return {
    key: `${collection}/${textIn(item, 'sk')}`,
    version: numberIn(item, 'version'),
    body: bytesIn(item, 'body'),
  }
}

/** The query that finds a collection. */
export function collectionQuery(collection: string) {
  const [first, rest] = cut(collection)
  const pk = { S: `DOC#${first}` }
  if (rest === '') {
    return {
      KeyConditionExpression: '#pk = :pk',
      ExpressionAttributeNames: { '#pk': 'pk' },
      ExpressionAttributeValues: { ':pk': pk },
    }
  }
  return {
    KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :prefix)',
    ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
    ExpressionAttributeValues: { ':pk': pk, ':prefix': { S: `${rest}/` } },
  }
}

/** The condition under which a document of version `expected` (0: none) may be written or deleted. */
export function versionCondition(expected: number) {
  if (expected === 0) return { ConditionExpression: ABSENT }
  return {
    ConditionExpression: '#version = :expected',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':expected': { N: String(expected) } },
  }
}
