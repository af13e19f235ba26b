// Whether bucket and table are there, ours and reachable, asked once at the start, so that a mistake in a name or a
// missing permission is one sentence at the terminal instead of retries without end. It uses only what serving needs
// (GetItem, ListBucket), so a process with the least privileges can run it too.
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { type AwsOptions, type AwsPlace, clientSettings, s3Settings } from './clients.ts'
import { CLUSTER_KEY, clusterIn, TABLE_FORMAT } from './cluster-item.ts'
import { HEAD_KEY } from './head-item.ts'
import type { ItemKey } from './keys.ts'
import { describeAwsProblem, initCommand, whereText } from './problems.ts'

export type CheckAwsOutcome =
  /** `clusterId` is Kafka's name of this cluster, the same in every process. */
  | { readonly kind: 'ready'; readonly clusterId: string; readonly region: string }
  | { readonly kind: 'problem'; readonly sentence: string }

/** Clients for few, unhurried requests that may all be repeated: here the SDK's retries are welcome. */
export function adminClients(options: AwsOptions) {
  const settings = { ...clientSettings(options), maxAttempts: 3 }
  const s3 = new S3Client({ ...settings, ...s3Settings(options) })
  const dynamodb = new DynamoDBClient(settings)
  return {
    s3,
    dynamodb,
    close: () => {
      s3.destroy()
      dynamodb.destroy()
    },
  }
}

/** A bound for a whole check, whatever hangs. */
const CHECK_MS_MAX = 30_000

/** Looks whether `openAwsStores` with these options would find a Tidelog deployment. */
export async function checkAws(options: AwsOptions): Promise<CheckAwsOutcome> {
  const { s3, dynamodb, close } = adminClients(options)
  const abortSignal = AbortSignal.timeout(CHECK_MS_MAX)
  let region = options.region
  const read = async (key: ItemKey) => {
    const command = new GetItemCommand({ TableName: options.table, Key: { ...key }, ConsistentRead: true })
    return (await dynamodb.send(command, { abortSignal })).Item
  }
  try {
    region = await dynamodb.config.region()
    const found = { ...options, region }
    const [cluster, head] = [await read(CLUSTER_KEY), await read(HEAD_KEY)]
    if (cluster === undefined || head === undefined) return { kind: 'problem', sentence: notInitialised(found) }
    const { clusterId, format } = clusterIn(cluster)
    if (format > TABLE_FORMAT) {
      const sentence = `The table ${options.table} was written by a newer release of Tidelog (format ${format}). Update this one.`
      return { kind: 'problem', sentence }
    }
    await s3.send(new ListObjectsV2Command({ Bucket: options.bucket, MaxKeys: 1 }), { abortSignal })
    return { kind: 'ready', clusterId, region }
  } catch (error) {
    return { kind: 'problem', sentence: foreignTable(error, options) ?? describeAwsProblem(error, options, region) }
  } finally {
    close()
  }
}

function notInitialised(place: AwsPlace): string {
  return `The table ${place.table} ${whereText(place, place.region)} holds no journal yet. Run: ${initCommand(place)}`
}

/** Reading by a key that the table does not have. */
function foreignTable(error: unknown, place: AwsPlace): string | undefined {
  if (!(error instanceof Error) || error.name !== 'ValidationException' || !error.message.includes('key'))
    return undefined
  return `The table ${place.table} belongs to something else: its keys are not those of Tidelog. Choose another name.`
}
