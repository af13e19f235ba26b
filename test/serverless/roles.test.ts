// The rights of each function's role, as policies are judged and not as a template words them: only `produce` puts ingest
// segments, only `maintenance` deletes objects and chunks, `fetch` writes nothing. Each question is a request that changes
// nothing if it is allowed.
import { BatchWriteItemCommand, DynamoDBClient, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, inject, it } from 'vitest'
import { CHUNKS_PK } from '../../lib/storage/aws/chunk-item.ts'
import { HEAD_KEY } from '../../lib/storage/aws/head-item.ts'
import { itemKey } from '../../lib/storage/aws/keys.ts'
import { tinyKey } from '../../lib/storage/aws/tiny-item.ts'
import { assumeRole, REGION, resourceIn } from './aws-query.ts'
import { ACCOUNT } from './deployment.ts'

const { endpointUrl, bucket, table } = inject('deployed')

interface Clients {
  readonly s3: S3Client
  readonly dynamodb: DynamoDBClient
}

/** No entry of a journal has it, and no object. */
const NOWHERE = 'nowhere'
/** Never holds for these keys. */
const THERE = 'attribute_exists(pk)'

function putObject(kind: string) {
  // Only over an object that has this tag; there is none.
  return ({ s3 }: Clients) =>
    s3.send(new PutObjectCommand({ Bucket: bucket, Key: `${kind}/${NOWHERE}`, Body: 'x', IfMatch: '"none"' }))
}

const QUESTIONS = {
  'reads segments': ({ s3 }: Clients) => s3.send(new GetObjectCommand({ Bucket: bucket, Key: `segment/${NOWHERE}` })),
  'puts segments': putObject('segment'),
  'puts bodies': putObject('body'),
  'puts pages': putObject('page'),
  'deletes objects': ({ s3 }: Clients) =>
    s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: `segment/${NOWHERE}` })),
  'puts tiny segments': ({ dynamodb }: Clients) => {
    const Item = { ...tinyKey(`tiny/00/1/${NOWHERE}`) }
    return dynamodb.send(new PutItemCommand({ TableName: table, Item, ConditionExpression: THERE }))
  },
  'changes the head': ({ dynamodb }: Clients) => {
    const never = { ConditionExpression: 'generation = :never', ExpressionAttributeValues: { ':never': { S: 'x' } } }
    const update = { UpdateExpression: 'SET generation = :never', ...never }
    return dynamodb.send(new UpdateItemCommand({ TableName: table, Key: { ...HEAD_KEY }, ...update }))
  },
  'deletes chunks': ({ dynamodb }: Clients) => {
    const Key = { ...itemKey(CHUNKS_PK, NOWHERE) }
    return dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [table]: [{ DeleteRequest: { Key } }] } }))
  },
  'writes documents': ({ dynamodb }: Clients) => {
    const Item = { ...itemKey('DOC#gateways', NOWHERE) }
    return dynamodb.send(new PutItemCommand({ TableName: table, Item, ConditionExpression: THERE }))
  },
  'writes groups': ({ dynamodb }: Clients) => {
    const Item = { ...itemKey('DOC#groups', NOWHERE) }
    return dynamodb.send(new PutItemCommand({ TableName: table, Item, ConditionExpression: THERE }))
  },
} as const
type Question = keyof typeof QUESTIONS

const ROLES: readonly { readonly stack: string; readonly role: string; readonly may: readonly Question[] }[] = [
  {
    stack: 'TidelogApi',
    role: 'ApiProduceRole',
    may: ['reads segments', 'puts segments', 'puts tiny segments', 'changes the head'],
  },
  { stack: 'TidelogApi', role: 'ApiFetchRole', may: ['reads segments'] },
  {
    stack: 'TidelogApi',
    role: 'ApiCoordinateRole',
    may: ['reads segments', 'puts bodies', 'changes the head', 'writes groups'],
  },
  { stack: 'TidelogApi', role: 'ApiAdminRole', may: ['reads segments', 'puts bodies', 'changes the head'] },
  { stack: 'TidelogTopics', role: 'TopicsFunctionRole', may: ['reads segments', 'puts bodies', 'changes the head'] },
  {
    stack: 'TidelogMaintenance',
    role: 'MaintenanceFunctionRole',
    may: ['reads segments', 'puts pages', 'deletes objects', 'changes the head', 'deletes chunks'],
  },
]

const REFUSALS = new Set(['AccessDenied', 'AccessDeniedException'])
/** What a request that was allowed comes to. */
const ALLOWED = new Set(['NoSuchKey', 'PreconditionFailed', 'ConditionalCheckFailedException'])

async function isAllowed(request: Promise<unknown>): Promise<boolean> {
  try {
    await request
    return true
  } catch (error) {
    const name = error instanceof Error ? error.name : String(error)
    if (REFUSALS.has(name)) return false
    if (ALLOWED.has(name)) return true
    throw error
  }
}

describe('the role of', () => {
  it.each(ROLES)('$role', async ({ stack, role, may }) => {
    const credentials = await assumeRole(
      endpointUrl,
      ACCOUNT,
      await resourceIn(endpointUrl, stack, 'AWS::IAM::Role', role),
    )
    const settings = { endpoint: endpointUrl, region: REGION, credentials, maxAttempts: 1 }
    const clients = { s3: new S3Client({ ...settings, forcePathStyle: true }), dynamodb: new DynamoDBClient(settings) }
    const allowed: string[] = []
    for (const [question, ask] of Object.entries(QUESTIONS)) {
      if (await isAllowed(ask(clients))) allowed.push(question)
    }
    expect(allowed.sort()).toEqual([...may].sort())
  })
})
