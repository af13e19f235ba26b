// Deletes many items or objects. Deletes of immutable things may be repeated freely, so parts that a service leaves over
// are sent again as long as each round leaves fewer: that is how its batch calls are meant to be used, not a retry, and
// it ends by itself.
import { BatchWriteItemCommand, type WriteRequest } from '@aws-sdk/client-dynamodb'
import { DeleteObjectsCommand } from '@aws-sdk/client-s3'
import { DYNAMODB_BATCH_ITEMS_MAX, S3_KEYS_MAX } from '../../base/limits.ts'
import type { DeleteObjectsOutcome, ObjectKey } from '../ports.ts'
import type { AwsClients } from './clients.ts'
import type { ItemKey } from './keys.ts'
import { failureOf, unwritten } from './outcomes.ts'

/** Deletes items by key, without a condition. Keys must differ from each other. */
export async function deleteItems(
  { call, dynamodb }: AwsClients,
  table: string,
  keys: readonly ItemKey[],
): Promise<DeleteObjectsOutcome> {
  for (let i = 0; i < keys.length; i += DYNAMODB_BATCH_ITEMS_MAX) {
    let requests: WriteRequest[] = keys
      .slice(i, i + DYNAMODB_BATCH_ITEMS_MAX)
      .map((key) => ({ DeleteRequest: { Key: { ...key } } }))
    while (requests.length > 0) {
      const command = new BatchWriteItemCommand({ RequestItems: { [table]: requests } })
      const answer = await call('dynamodb', (abortSignal) => dynamodb.send(command, { abortSignal }))
      if (answer.kind !== 'done') return unwritten(answer)
      const left = answer.value.UnprocessedItems?.[table] ?? []
      if (left.length >= requests.length) {
        return { kind: 'unavailable', throttled: true, cause: `DynamoDB left ${left.length} deletes unprocessed` }
      }
      requests = left
    }
  }
  return { kind: 'applied' }
}

/** Deletes S3 objects by key. */
export async function deleteS3Objects(
  { call, s3 }: AwsClients,
  bucket: string,
  keys: readonly ObjectKey[],
): Promise<DeleteObjectsOutcome> {
  for (let i = 0; i < keys.length; i += S3_KEYS_MAX) {
    const objects = keys.slice(i, i + S3_KEYS_MAX).map((Key) => ({ Key }))
    const command = new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: objects, Quiet: true } })
    const answer = await call('s3', (abortSignal) => s3.send(command, { abortSignal }))
    if (answer.kind !== 'done') return unwritten(answer)
    // The request succeeds as a whole although single keys failed; their codes are those of single requests.
    const [error] = answer.value.Errors ?? []
    if (error === undefined || error.Code === 'NoSuchKey') continue
    const refusal = Object.assign(new Error(error.Message ?? `could not delete ${error.Key}`), {
      name: error.Code ?? 'InternalError',
      // S3 gives codes instead of statuses here; those that the table does not list are refusals (AccessDenied, …).
      $metadata: { httpStatusCode: 403 },
    })
    return unwritten(failureOf(refusal, 's3'))
  }
  return { kind: 'applied' }
}
