// Immutable objects: tiny segments as DynamoDB items (`tiny-item.ts`), all other kinds as S3 objects under their own key.
// The kind in the key says where an object is, so the policy may change at any time. An S3 object is put with
// `If-None-Match: *` and a CRC-32C that S3 checks before it stores anything; its body is never overwritten. The role of
// the process needs s3:ListBucket: without it S3 answers 403 for a missing object, which reads as `unavailable`.
import { GetItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb'
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { assert } from '../../base/assert.ts'
import { crc32c } from '../../base/crc32c.ts'
import { S3_KEYS_MAX } from '../../base/limits.ts'
import type {
  GetObjectOutcome,
  ListedObject,
  ListObjectsOutcome,
  ObjectKey,
  ObjectKind,
  ObjectStore,
  PutObjectOutcome,
} from '../ports.ts'
import { deleteItems, deleteS3Objects } from './batch-delete.ts'
import type { AwsClients, Called } from './clients.ts'
import { ABSENT } from './keys.ts'
import { unreadable, unwritten } from './outcomes.ts'
import { isTiny, TINY_PARTITIONS, tinyBytesIn, tinyItem, tinyKey, tinyListedIn } from './tiny-item.ts'

type Range = { readonly start: number; readonly end: number }

const NO_BYTES = new Uint8Array(0)

function putOutcome(answer: Called<unknown>): PutObjectOutcome {
  if (answer.kind === 'done') return { kind: 'applied' }
  return answer.kind === 'conditionFailed' ? { kind: 'exists' } : unwritten(answer)
}

function joined(body: readonly Uint8Array[]): Uint8Array {
  const [only] = body
  return body.length === 1 && only !== undefined ? only : Buffer.concat(body)
}

export function openObjects(
  clients: AwsClients,
  place: { readonly bucket: string; readonly table: string },
): ObjectStore {
  const { call, s3, dynamodb } = clients
  const Bucket = place.bucket
  const TableName = place.table

  async function putTiny(key: ObjectKey, body: Uint8Array): Promise<PutObjectOutcome> {
    const command = new PutItemCommand({ TableName, Item: tinyItem(key, body), ConditionExpression: ABSENT })
    return putOutcome(await call('dynamodb', (abortSignal) => dynamodb.send(command, { abortSignal })))
  }

  async function putS3(key: ObjectKey, body: Uint8Array): Promise<PutObjectOutcome> {
    const crc = Buffer.alloc(4)
    crc.writeUInt32BE(crc32c(body))
    const command = new PutObjectCommand({
      Bucket,
      Key: key,
      Body: body,
      ContentLength: body.length,
      ContentType: 'application/octet-stream',
      IfNoneMatch: '*',
      ChecksumCRC32C: crc.toString('base64'),
    })
    return putOutcome(await call('s3', (abortSignal) => s3.send(command, { abortSignal })))
  }

  async function getTiny(key: ObjectKey, range: Range | undefined): Promise<GetObjectOutcome> {
    const command = new GetItemCommand({ TableName, Key: { ...tinyKey(key) }, ConsistentRead: true })
    const answer = await call('dynamodb', (abortSignal) => dynamodb.send(command, { abortSignal }))
    if (answer.kind !== 'done') return unreadable(answer)
    if (answer.value.Item === undefined) return { kind: 'missing' }
    const bytes = tinyBytesIn(answer.value.Item)
    return { kind: 'found', bytes: range === undefined ? bytes : bytes.subarray(range.start, range.end) }
  }

  async function getS3(key: ObjectKey, range: Range | undefined): Promise<GetObjectOutcome> {
    // HTTP has no empty range: ask for one byte, to learn whether the object is there, and drop it.
    const last = range === undefined ? 0 : Math.max(range.start, range.end - 1)
    const command = new GetObjectCommand({
      Bucket,
      Key: key,
      ...(range === undefined ? {} : { Range: `bytes=${range.start}-${last}` }),
    })
    const answer = await call('s3', async (abortSignal) => {
      const { Body, ContentLength } = await s3.send(command, { abortSignal })
      const bytes = Body === undefined ? NO_BYTES : await Body.transformToByteArray()
      if (ContentLength !== undefined && bytes.length !== ContentLength) throw new Error('the body was cut off')
      return bytes
    })
    if (answer.kind === 'done') {
      const bytes = range === undefined ? answer.value : answer.value.subarray(0, range.end - range.start)
      return { kind: 'found', bytes }
    }
    if (answer.kind === 'missing') return { kind: 'missing' }
    return answer.kind === 'rangePastEnd' ? { kind: 'found', bytes: NO_BYTES } : unreadable(answer)
  }

  async function listS3(kind: ObjectKind, limit: number, next: string | undefined): Promise<ListObjectsOutcome> {
    const command = new ListObjectsV2Command({
      Bucket,
      Prefix: `${kind}/`,
      MaxKeys: Math.min(limit, S3_KEYS_MAX),
      ...(next === undefined ? {} : { ContinuationToken: next }),
    })
    const answer = await call('s3', (abortSignal) => s3.send(command, { abortSignal }))
    if (answer.kind !== 'done') return unreadable(answer)
    const objects = (answer.value.Contents ?? []).flatMap((o) =>
      o.Key === undefined ? [] : [{ key: o.Key, sizeBytes: o.Size ?? 0 }],
    )
    return { kind: 'found', objects, next: answer.value.NextContinuationToken }
  }

  /** `next` is the number of the partition key and the last key seen there. */
  async function listTiny(limit: number, next: string | undefined): Promise<ListObjectsOutcome> {
    const found: ListedObject[] = []
    const [from = '0', lastSeen = ''] = next?.split(' ') ?? []
    let after = lastSeen
    for (let partition = Number(from); partition < TINY_PARTITIONS.length; partition++) {
      const pk = { S: TINY_PARTITIONS[partition] ?? '' }
      let more = true
      while (more) {
        if (found.length >= limit) return { kind: 'found', objects: found, next: `${partition} ${after}` }
        const command = new QueryCommand({
          TableName,
          ConsistentRead: true,
          Limit: limit - found.length,
          KeyConditionExpression: '#pk = :pk',
          ProjectionExpression: '#sk, #size',
          ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk', '#size': 'size' },
          ExpressionAttributeValues: { ':pk': pk },
          ...(after === '' ? {} : { ExclusiveStartKey: { pk, sk: { S: after } } }),
        })
        const answer = await call('dynamodb', (abortSignal) => dynamodb.send(command, { abortSignal }))
        if (answer.kind !== 'done') return unreadable(answer)
        const page = (answer.value.Items ?? []).map(tinyListedIn)
        found.push(...page)
        after = answer.value.LastEvaluatedKey?.['sk']?.S ?? ''
        more = after !== ''
      }
    }
    return { kind: 'found', objects: found, next: undefined }
  }

  return {
    // `withNextAppend` is for stores that have one fsync for both; here a put is durable when it is answered.
    put: async (key, body) => (isTiny(key) ? putTiny(key, joined(body)) : putS3(key, joined(body))),

    async get(key, range) {
      assert(
        range === undefined || (range.start >= 0 && range.end >= range.start),
        'a range does not end before it starts',
      )
      return isTiny(key) ? getTiny(key, range) : getS3(key, range)
    },

    async delete(keys) {
      assert(keys.length <= S3_KEYS_MAX, 'one call deletes at most 1,000 objects')
      const distinct = [...new Set(keys)]
      const tiny = await deleteItems(clients, TableName, distinct.filter(isTiny).map(tinyKey))
      if (tiny.kind !== 'applied') return tiny
      const large = distinct.filter((key) => !isTiny(key))
      return deleteS3Objects(clients, Bucket, large)
    },

    async list(kind, { limit, next }) {
      assert(limit >= 1, 'a page of a listing holds at least one object')
      return kind === 'tiny' ? listTiny(limit, next) : listS3(kind, limit, next)
    },
  }
}
