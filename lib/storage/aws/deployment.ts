// A deployment as a function meets it: stores and cluster id over one pair of SDK clients, since a second pair would cost a
// cold start its budget. Bucket and table were made by CloudFormation; whoever comes first finds the table empty and names
// the cluster and begins the journal, as `tidelog init` does elsewhere. Everyone may do so at once: both are put if absent.
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import type { Random } from '../../base/random.ts'
import type { Stores } from '../ports.ts'
import { type AwsOptions, openClients } from './clients.ts'
import { CLUSTER_KEY, clusterIn, clusterItem, TABLE_FORMAT } from './cluster-item.ts'
import { ABSENT } from './keys.ts'
import { openAwsStores } from './stores.ts'

export type IdentifyOutcome =
  | { readonly kind: 'ready'; readonly clusterId: string }
  /** The stores did not answer, or did not allow it: try again. */
  | { readonly kind: 'unavailable'; readonly cause: string }
  /** Only a person can put this right. */
  | { readonly kind: 'problem'; readonly sentence: string }

export interface AwsDeployment {
  readonly stores: Stores
  /** What DescribeLogDirs calls the stores. */
  readonly logDir: string
  /** The cluster id; names the cluster and begins the journal where nobody did yet. */
  identify(): Promise<IdentifyOutcome>
}

const TRIES_MAX = 3

/** A deployment's stores under one name: records lie in the bucket. */
export const logDirOf = (bucket: string): string => `s3://${bucket}`

export function openAwsDeployment(options: AwsOptions, random: Random): AwsDeployment {
  const clients = openClients(options)
  const { call, dynamodb } = clients
  const stores = openAwsStores(options, clients)

  async function readOrName(): Promise<IdentifyOutcome | 'named'> {
    const read = new GetItemCommand({ TableName: options.table, Key: { ...CLUSTER_KEY }, ConsistentRead: true })
    const found = await call('dynamodb', (abortSignal) => dynamodb.send(read, { abortSignal }))
    if (found.kind !== 'done') return { kind: 'unavailable', cause: causeIn(found) }
    if (found.value.Item !== undefined) {
      const { clusterId, format } = clusterIn(found.value.Item)
      if (format <= TABLE_FORMAT) return { kind: 'ready', clusterId }
      const sentence = `The table ${options.table} was written by a newer release of Tidelog (format ${format}).`
      return { kind: 'problem', sentence: `${sentence} Deploy that release.` }
    }
    const began = await stores.journal.init()
    if (began.kind !== 'applied' && began.kind !== 'rejected') return { kind: 'unavailable', cause: began.cause }
    const id = Buffer.from(random.bytes(16)).toString('base64url')
    const put = new PutItemCommand({ TableName: options.table, Item: clusterItem(id), ConditionExpression: ABSENT })
    await call('dynamodb', (abortSignal) => dynamodb.send(put, { abortSignal }))
    return 'named'
  }

  return {
    stores,
    logDir: logDirOf(options.bucket),
    async identify() {
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        const outcome = await readOrName()
        if (outcome !== 'named') return outcome
      }
      return { kind: 'unavailable', cause: 'the cluster could not be named' }
    },
  }
}

function causeIn(failure: { readonly kind: string; readonly cause?: string }): string {
  return failure.cause ?? failure.kind
}
