// The journal's storage in DynamoDB: one head item and the chunks (see `head-item.ts` and `chunk-item.ts` for what they
// hold). Each call is one request, but for `deleteChunks`; reads are strongly consistent; a failed condition brings the
// head along, so that whoever loses a race need not read it again.
import { GetItemCommand, PutItemCommand, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { assert } from '../../base/assert.ts'
import type { JournalStore, UpdateHeadOutcome } from '../ports.ts'
import { deleteItems } from './batch-delete.ts'
import { CHUNKS_PK, chunkIn, chunkItem, chunkSk } from './chunk-item.ts'
import { type AwsClients, type AwsOptions, openClients } from './clients.ts'
import {
  appendUpdate,
  beginSealUpdate,
  EMPTY_HEAD,
  EMPTY_HEAD_CONDITION,
  emptyHeadItem,
  finishSealUpdate,
  HEAD_KEY,
  type HeadUpdate,
  headIn,
  moveCheckpointUpdate,
  raiseIncarnationUpdate,
} from './head-item.ts'
import { ABSENT, itemKey, textIn } from './keys.ts'
import { type Failure, unreadable, unwritten } from './outcomes.ts'

/** A failed condition carries the head as it is. */
function notUpdated(failure: Failure): UpdateHeadOutcome {
  if (failure.kind !== 'conditionFailed') return unwritten(failure)
  return { kind: 'rejected', head: failure.item === undefined ? undefined : headIn(failure.item) }
}

async function sendHeadUpdate(clients: AwsClients, table: string, update: HeadUpdate): Promise<UpdateHeadOutcome> {
  const command = new UpdateItemCommand({
    TableName: table,
    Key: { ...HEAD_KEY },
    ...update,
    ReturnValues: 'ALL_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  })
  const answer = await clients.call('dynamodb', (abortSignal) => clients.dynamodb.send(command, { abortSignal }))
  if (answer.kind !== 'done') return notUpdated(answer)
  assert(answer.value.Attributes !== undefined, 'an update of the head returns it')
  return { kind: 'applied', head: headIn(answer.value.Attributes) }
}

/**
 * What an operator does after restoring the table from a backup: raises the incarnation, so that no process that still
 * runs on what came after the backup can write. Repeating it raises it again, which does no harm.
 */
export async function raiseIncarnation(options: AwsOptions): Promise<UpdateHeadOutcome> {
  const clients = openClients(options)
  try {
    return await sendHeadUpdate(clients, options.table, raiseIncarnationUpdate())
  } finally {
    await clients.close()
  }
}

export function openJournal(clients: AwsClients, table: string): JournalStore {
  const { dynamodb, call } = clients

  const updateHead = (update: HeadUpdate) => sendHeadUpdate(clients, table, update)

  function queryChunks(from: number, to: number, keysOnly: boolean) {
    const command = new QueryCommand({
      TableName: table,
      ConsistentRead: true,
      KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :from AND :to',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
      ExpressionAttributeValues: {
        ':pk': { S: CHUNKS_PK },
        ':from': { S: chunkSk(from) },
        ':to': { S: chunkSk(to) },
      },
      ...(keysOnly ? { ProjectionExpression: '#pk, #sk' } : {}),
    })
    return call('dynamodb', (abortSignal) => dynamodb.send(command, { abortSignal }))
  }

  return {
    async init() {
      const command = new PutItemCommand({
        TableName: table,
        Item: emptyHeadItem(),
        ConditionExpression: EMPTY_HEAD_CONDITION,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      })
      const answer = await call('dynamodb', (abortSignal) => dynamodb.send(command, { abortSignal }))
      return answer.kind === 'done' ? { kind: 'applied', head: EMPTY_HEAD } : notUpdated(answer)
    },

    async readHead() {
      const command = new GetItemCommand({ TableName: table, Key: { ...HEAD_KEY }, ConsistentRead: true })
      const answer = await call('dynamodb', (abortSignal) => dynamodb.send(command, { abortSignal }))
      if (answer.kind !== 'done') return unreadable(answer)
      const item = answer.value.Item
      return item === undefined ? { kind: 'missing' } : { kind: 'found', head: headIn(item) }
    },

    append: async (args) => updateHead(appendUpdate(args)),
    beginSeal: async (args) => updateHead(beginSealUpdate(args)),
    finishSeal: async (args) => updateHead(finishSealUpdate(args)),
    moveCheckpoint: async (args) => updateHead(moveCheckpointUpdate(args)),

    async putChunk(generation, bytes) {
      const command = new PutItemCommand({
        TableName: table,
        Item: chunkItem(generation, bytes),
        ConditionExpression: ABSENT,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      })
      const answer = await call('dynamodb', (abortSignal) => dynamodb.send(command, { abortSignal }))
      if (answer.kind === 'done') return { kind: 'applied' }
      if (answer.kind !== 'conditionFailed') return unwritten(answer)
      if (answer.item !== undefined) {
        assert(Buffer.compare(chunkIn(answer.item).bytes, bytes) === 0, 'all who seal a generation put the same chunk')
      }
      return { kind: 'exists' }
    },

    async readChunks(from, to) {
      if (from > to) return { kind: 'found', chunks: [], complete: true }
      const answer = await queryChunks(from, to, false)
      if (answer.kind !== 'done') return unreadable(answer)
      const chunks = (answer.value.Items ?? []).map(chunkIn)
      return { kind: 'found', chunks, complete: answer.value.LastEvaluatedKey === undefined }
    },

    async deleteChunks(from, to) {
      // Asks what is there, since a delete of what is not there costs as much as one of what is.
      let next = from
      while (next <= to) {
        const answer = await queryChunks(next, to, true)
        if (answer.kind !== 'done') return unreadable(answer)
        const keys = (answer.value.Items ?? []).map((item) => itemKey(textIn(item, 'pk'), textIn(item, 'sk')))
        const outcome = await deleteItems(clients, table, keys)
        if (outcome.kind !== 'applied') return outcome
        const last = answer.value.LastEvaluatedKey
        if (last === undefined) break
        next = Number(textIn(last, 'sk').slice('CHUNK#'.length)) + 1
      }
      return { kind: 'applied' }
    },
  }
}
