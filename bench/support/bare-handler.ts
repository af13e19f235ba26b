// The handler that a function is measured against: nothing but the SDK's two clients, set as ours are, and the store calls
// that the function makes for the same request, in the same order and as much side by side. It knows no Kafka, keeps no
// state and checks nothing. The benchmark counts its calls against the function's.
import {
  DynamoDBClient,
  GetItemCommand,
  type GetItemCommandInput,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { clientSettings, s3Settings } from '../../lib/storage/aws/clients.ts'

const { TIDELOG_BUCKET = '', TIDELOG_TABLE = '', AWS_REGION = '', AWS_ENDPOINT_URL = '' } = process.env
const place = { bucket: TIDELOG_BUCKET, table: TIDELOG_TABLE, region: AWS_REGION, endpointUrl: AWS_ENDPOINT_URL }
const TableName = TIDELOG_TABLE

/** Store calls; one list is sent side by side, the next one afterwards. */
export type Plan = readonly (readonly Call[])[]
export type Call =
  /** The input as it was on the wire. */
  | { readonly call: 'GetItem'; readonly input: GetItemCommandInput }
  | { readonly call: 'Query'; readonly input: QueryCommandInput }
  | { readonly call: 'GetObject'; readonly key: string; readonly range?: string }
  /** Something new of this size, under a condition. */
  | { readonly call: 'PutItem' | 'UpdateItem'; readonly bytes: number }
  | { readonly call: 'PutObject'; readonly key: string; readonly bytes: number }

interface BareEvent {
  readonly body: string
  readonly plan: Plan
}

let clients: { readonly s3: S3Client; readonly dynamodb: DynamoDBClient } | undefined

export async function handler(event: BareEvent) {
  clients ??= {
    s3: new S3Client({ ...clientSettings(place), ...s3Settings(place), maxAttempts: 1, retryMode: 'standard' }),
    dynamodb: new DynamoDBClient({ ...clientSettings(place), maxAttempts: 1, retryMode: 'standard' }),
  }
  const { s3, dynamodb } = clients
  const body = Buffer.from(event.body, 'base64')
  const fresh = String(process.pid)
  const send = async (call: Call): Promise<void> => {
    switch (call.call) {
      case 'GetItem':
        await dynamodb.send(new GetItemCommand(call.input))
        return
      case 'Query':
        await dynamodb.send(new QueryCommand(call.input))
        return
      case 'GetObject': {
        const input = { Bucket: TIDELOG_BUCKET, Key: call.key, ...(call.range ? { Range: call.range } : {}) }
        const found = await s3.send(new GetObjectCommand(input))
        await found.Body?.transformToByteArray()
        return
      }
      case 'PutObject': {
        const input = {
          Bucket: TIDELOG_BUCKET,
          Key: `bare/${fresh}`,
          Body: body.subarray(0, call.bytes),
          IfNoneMatch: '*',
        }
        await s3.send(new PutObjectCommand(input))
        return
      }
      case 'PutItem': {
        const Item = { pk: { S: 'BARE' }, sk: { S: fresh }, body: { B: body.subarray(0, call.bytes) } }
        const ConditionExpression = 'attribute_not_exists(pk)'
        await dynamodb.send(new PutItemCommand({ TableName, Item, ConditionExpression }))
        return
      }
      case 'UpdateItem': {
        const Key = { pk: { S: 'BARE' }, sk: { S: `head ${fresh}` } }
        const tail = { L: [{ B: body.subarray(0, call.bytes) }] }
        await dynamodb.send(
          new UpdateItemCommand({
            TableName,
            Key,
            UpdateExpression: 'SET tail = :tail',
            ConditionExpression: 'attribute_not_exists(pk)',
            ExpressionAttributeValues: { ':tail': tail },
            ReturnValues: 'ALL_NEW',
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        )
        return
      }
    }
  }
  for (const stage of event.plan) await Promise.all(stage.map(send))
  return { statusCode: 200, headers: {}, body: body.toString('base64'), isBase64Encoded: true }
}
