// Makes what a deployment on AWS needs: a private bucket, a table paid per request with a stream and point-in-time
// recovery, an empty journal and a cluster id. Everything may be there already; running it again changes nothing. What
// only adds safety (recovery, the stream) may be refused by the account or an emulator: that is a warning, not an end.
import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  type TableDescription,
  UpdateContinuousBackupsCommand,
  UpdateTableCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb'
import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  HeadBucketCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { assert } from '../../base/assert.ts'
import { systemRandom } from '../../base/random.ts'
import { adminClients } from './check.ts'
import type { AwsOptions } from './clients.ts'
import { CLUSTER_KEY, clusterIn, clusterItem } from './cluster-item.ts'
import { ABSENT, PARTITION_KEY, SORT_KEY } from './keys.ts'
import { describeAwsProblem } from './problems.ts'
import { openAwsStores } from './stores.ts'

export type InitAwsOutcome =
  | {
      readonly kind: 'ready'
      readonly clusterId: string
      readonly region: string
      /** What this run made; false = it was there. */
      readonly made: { readonly bucket: boolean; readonly table: boolean; readonly journal: boolean }
      /** Sentences about what could not be had and is not needed to run. */
      readonly warnings: readonly string[]
    }
  | { readonly kind: 'problem'; readonly sentence: string }

/** Something that a person has to decide: the message is the sentence. */
class InitProblem extends Error {
  override name = 'InitProblem'
}

const TABLE_ACTIVE_SECONDS_MAX = 180

/**
 * Makes bucket, table, journal and cluster id where they are missing.
 *
 * @example
 * const made = await initAws({ bucket: 'my-log', table: 'my-log', region: 'eu-west-1' })
 * if (made.kind === 'problem') console.error(made.sentence)
 */
export async function initAws(options: AwsOptions): Promise<InitAwsOutcome> {
  const { s3, dynamodb, close } = adminClients(options)
  const warnings: string[] = []
  let region = options.region
  try {
    region = await dynamodb.config.region()
    const bucketMade = await makeBucket(s3, options, region)
    const tableMade = await makeTable(dynamodb, options.table, warnings)
    const clusterId = await nameCluster(dynamodb, options.table)
    const journalMade = await initJournal({ ...options, region })
    const made = { bucket: bucketMade, table: tableMade, journal: journalMade }
    return { kind: 'ready', clusterId, region, made, warnings }
  } catch (error) {
    if (error instanceof InitProblem) return { kind: 'problem', sentence: error.message }
    return { kind: 'problem', sentence: describeAwsProblem(error, options, region) }
  } finally {
    close()
  }
}

async function makeBucket(s3: S3Client, { bucket }: AwsOptions, region: string): Promise<boolean> {
  const Bucket = bucket
  const there = await s3.send(new HeadBucketCommand({ Bucket })).then(
    () => true,
    (error: unknown) => {
      if (statusOf(error) === 404) return false
      if (statusOf(error) === 403) {
        throw new InitProblem(`The bucket ${bucket} belongs to another AWS account, or this one may not use it.`)
      }
      throw error
    },
  )
  if (!there) {
    // us-east-1 is the one region that must not be named.
    const LocationConstraint = region as BucketLocationConstraint
    const place = region === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint } }
    try {
      await s3.send(new CreateBucketCommand({ Bucket, ...place }))
    } catch (error) {
      if (nameOf(error) !== 'BucketAlreadyOwnedByYou') throw error
    }
  }
  const PublicAccessBlockConfiguration = {
    BlockPublicAcls: true,
    IgnorePublicAcls: true,
    BlockPublicPolicy: true,
    RestrictPublicBuckets: true,
  }
  await s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }))
  return !there
}

/** New chunks and commits wake functions through the stream; only new images are of use to them. */
const STREAM = { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' as const }

async function makeTable(dynamodb: DynamoDBClient, table: string, warnings: string[]): Promise<boolean> {
  const TableName = table
  let found = await describeTable(dynamodb, table)
  const made = found === undefined
  if (found === undefined) {
    const command = new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: PARTITION_KEY, AttributeType: 'S' },
        { AttributeName: SORT_KEY, AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: PARTITION_KEY, KeyType: 'HASH' },
        { AttributeName: SORT_KEY, KeyType: 'RANGE' },
      ],
      StreamSpecification: STREAM,
    })
    try {
      await dynamodb.send(command)
    } catch (error) {
      // Somebody else runs `init` too.
      if (nameOf(error) !== 'ResourceInUseException') throw error
    }
  }
  await waitUntilTableExists({ client: dynamodb, maxWaitTime: TABLE_ACTIVE_SECONDS_MAX, minDelay: 1 }, { TableName })
  found = await describeTable(dynamodb, table)
  assert(found !== undefined, 'a table that was waited for is there')
  if (!hasOurKeys(found)) {
    const sentence = `The table ${table} belongs to something else: its keys are not those of Tidelog. Choose another name.`
    throw new InitProblem(sentence)
  }
  // A global table merges writes of its regions afterwards, unless it pays for strong consistency: conditions mean nothing.
  if ((found.Replicas?.length ?? 0) > 0 && found.MultiRegionConsistency !== 'STRONG') {
    throw new InitProblem(
      `The table ${table} is a global table, where conditional writes mean nothing. Choose another.`,
    )
  }
  if (found.StreamSpecification?.StreamEnabled !== true) {
    await orWarn(warnings, 'The table has no stream, so functions are not woken by commits', () =>
      dynamodb.send(new UpdateTableCommand({ TableName, StreamSpecification: STREAM })),
    )
  }
  await orWarn(warnings, 'The table has no point-in-time recovery', () =>
    dynamodb.send(
      new UpdateContinuousBackupsCommand({
        TableName,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      }),
    ),
  )
  return made
}

async function describeTable(dynamodb: DynamoDBClient, table: string): Promise<TableDescription | undefined> {
  try {
    return (await dynamodb.send(new DescribeTableCommand({ TableName: table }))).Table
  } catch (error) {
    if (nameOf(error) === 'ResourceNotFoundException') return undefined
    throw error
  }
}

function hasOurKeys(table: TableDescription): boolean {
  const has = (name: string, type: 'HASH' | 'RANGE') =>
    (table.KeySchema ?? []).some((k) => k.AttributeName === name && k.KeyType === type) &&
    (table.AttributeDefinitions ?? []).some((a) => a.AttributeName === name && a.AttributeType === 'S')
  return table.KeySchema?.length === 2 && has(PARTITION_KEY, 'HASH') && has(SORT_KEY, 'RANGE')
}

/** Writes the cluster id if there is none, and reads the one that is there. */
async function nameCluster(dynamodb: DynamoDBClient, table: string): Promise<string> {
  const id = Buffer.from(systemRandom.bytes(16)).toString('base64url')
  try {
    await dynamodb.send(new PutItemCommand({ TableName: table, Item: clusterItem(id), ConditionExpression: ABSENT }))
  } catch (error) {
    // The SDK may have repeated its own successful put: either way, what is stored is the name.
    if (nameOf(error) !== 'ConditionalCheckFailedException') throw error
  }
  const stored = await dynamodb.send(
    new GetItemCommand({ TableName: table, Key: { ...CLUSTER_KEY }, ConsistentRead: true }),
  )
  assert(stored.Item !== undefined, 'a cluster id that was written is there')
  return clusterIn(stored.Item).clusterId
}

/** True if this made the journal. An unclear outcome is asked again: a second `init` finds what the first one made. */
async function initJournal(options: AwsOptions): Promise<boolean> {
  const stores = openAwsStores(options)
  try {
    for (let tries = 1; ; tries++) {
      const outcome = await stores.journal.init()
      if (outcome.kind === 'applied') return true
      if (outcome.kind === 'rejected') return false
      if (tries === 3)
        throw new InitProblem(`The journal could not be made in table ${options.table}: ${outcome.cause}.`)
    }
  } finally {
    await stores.close()
  }
}

async function orWarn(warnings: string[], sentence: string, run: () => Promise<unknown>): Promise<void> {
  try {
    await run()
  } catch (error) {
    warnings.push(`${sentence} (${nameOf(error)}: ${error instanceof Error ? error.message : String(error)}).`)
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : ''
}

function statusOf(error: unknown): unknown {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined
  const metadata = error.$metadata
  return typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
    ? metadata.httpStatusCode
    : undefined
}
