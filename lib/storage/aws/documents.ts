// Versioned documents as DynamoDB items (`document-item.ts`). Each call is one request; a failed condition brings the
// current document along; reads are strongly consistent.
import { DeleteItemCommand, GetItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb'
import { assert } from '../../base/assert.ts'
import type { DocumentStore, PutDocumentOutcome } from '../ports.ts'
import type { AwsClients, Called } from './clients.ts'
import { collectionQuery, documentIn, documentItem, documentKey, versionCondition } from './document-item.ts'
import { itemKey } from './keys.ts'
import { unreadable, unwritten } from './outcomes.ts'

function changed(answer: Called<unknown>, version: number): PutDocumentOutcome {
  if (answer.kind === 'done') return { kind: 'applied', version }
  if (answer.kind !== 'conditionFailed') return unwritten(answer)
  return { kind: 'conflict', current: answer.item === undefined ? undefined : documentIn(answer.item) }
}

export function openDocuments({ call, dynamodb }: AwsClients, table: string): DocumentStore {
  return {
    async get(key) {
      const command = new GetItemCommand({ TableName: table, Key: { ...documentKey(key) }, ConsistentRead: true })
      const answer = await call('dynamodb', (abortSignal) => dynamodb.send(command, { abortSignal }))
      if (answer.kind !== 'done') return unreadable(answer)
      const item = answer.value.Item
      return item === undefined ? { kind: 'missing' } : { kind: 'found', document: documentIn(item) }
    },

    async put(key, body, expected, first = 1) {
      assert(Number.isSafeInteger(expected) && expected >= 0, 'an expected version is a whole number')
      const version = expected === 0 ? first : expected + 1
      const command = new PutItemCommand({
        TableName: table,
        Item: documentItem(key, version, body),
        ...versionCondition(expected),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      })
      const answer = await call('dynamodb', (abortSignal) => dynamodb.send(command, { abortSignal }))
      return changed(answer, version)
    },

    async delete(key, expected) {
      const command = new DeleteItemCommand({
        TableName: table,
        Key: { ...documentKey(key) },
        ...versionCondition(expected),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      })
      return changed(await call('dynamodb', (abortSignal) => dynamodb.send(command, { abortSignal })), 0)
    },

    async list(collection, options) {
      const query = collectionQuery(collection)
      const pk = query.ExpressionAttributeValues[':pk'].S
      const command = new QueryCommand({
        TableName: table,
        ConsistentRead: true,
        ...query,
        ...(options?.next === undefined ? {} : { ExclusiveStartKey: { ...itemKey(pk, options.next) } }),
      })
      const answer = await call('dynamodb', (abortSignal) => dynamodb.send(command, { abortSignal }))
      if (answer.kind !== 'done') return unreadable(answer)
      const documents = (answer.value.Items ?? []).map(documentIn)
      return { kind: 'found', documents, next: answer.value.LastEvaluatedKey?.['sk']?.S }
    },
  }
}
