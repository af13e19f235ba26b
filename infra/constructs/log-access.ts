// What each function may do to the stores, and nothing else: one table of rights, and the IAM statements that follow from
// it. Objects are told apart by the kind that begins their key, items by their partition key. Everybody replays the
// journal and so reads all kinds; only `produce` puts ingest segments; only `maintenance` deletes objects and chunks.
import { Stack } from 'aws-cdk-lib'
import * as iam from 'aws-cdk-lib/aws-iam'
import { MEMBERS_KEY } from '../../lib/broker/cluster/membership-document.ts'
import { groupKey } from '../../lib/groups/group-document.ts'
import { seenKey } from '../../lib/groups/seen-document.ts'
import { ANSWERS } from '../../lib/http/remembered-answers.ts'
import { CHUNKS_PK } from '../../lib/storage/aws/chunk-item.ts'
import { CLUSTER_KEY } from '../../lib/storage/aws/cluster-item.ts'
import { documentKey } from '../../lib/storage/aws/document-item.ts'
import { HEAD_KEY } from '../../lib/storage/aws/head-item.ts'
import type { ItemKey } from '../../lib/storage/aws/keys.ts'
import { OBJECT_KINDS, type ObjectKind } from '../../lib/storage/ports.ts'
import type { BundleName } from '../bundle.ts'
import type { LogStorage } from './log-storage.ts'

/** The functions of a deployment. */
export type FunctionName = BundleName

/** Kinds whose objects lie in S3; tiny segments are items. */
type S3Kind = Exclude<ObjectKind, 'tiny'>
export const S3_KINDS = OBJECT_KINDS.filter((kind): kind is S3Kind => kind !== 'tiny')

const HEAD = partitionOf(HEAD_KEY)
const CLUSTER = partitionOf(CLUSTER_KEY)
const CHUNKS = CHUNKS_PK
const TINY = 'TINY#*'
const MEMBERS = partitionOf(documentKey(MEMBERS_KEY))
const REMEMBERED_ANSWERS = partitionOf(documentKey(`${ANSWERS}/any`))
/** The documents of groups. */
const GROUP_DOCUMENTS = [groupKey('any'), seenKey('any')].map((key) => partitionOf(documentKey(key)))
/** Leases of jobs, and what a job wants to know the next time. */
const JOBS = partitionOf(documentKey('maintenance/any'))

type ItemAction = 'GetItem' | 'Query' | 'PutItem' | 'UpdateItem' | 'DeleteItem' | 'BatchWriteItem'

interface Access {
  readonly puts: readonly S3Kind[]
  readonly deletes: readonly S3Kind[]
  /** The partition keys on which an action is allowed. */
  readonly items: Partial<Record<ItemAction, readonly string[]>>
}

const GET: readonly string[] = [HEAD, CLUSTER, TINY, MEMBERS]
/** Whoever appends also seals, and the first one of all makes the head and names the cluster. */
const APPENDED: readonly string[] = [HEAD, CHUNKS, CLUSTER]
const READ_ONLY = { GetItem: GET, Query: [CHUNKS] } as const
const APPEND = { ...READ_ONLY, UpdateItem: [HEAD], PutItem: APPENDED } as const
/** A long entry lies in a body; what must not happen twice is remembered with its answer. */
const CHANGE: Access = {
  puts: ['body'],
  deletes: [],
  items: { ...APPEND, PutItem: [...APPENDED, REMEMBERED_ANSWERS] },
}

const ACCESS: Readonly<Record<FunctionName, Access>> = {
  produce: { puts: ['segment'], deletes: [], items: { ...APPEND, PutItem: [...APPENDED, TINY] } },
  fetch: { puts: [], deletes: [], items: READ_ONLY },
  coordinate: {
    ...CHANGE,
    items: {
      ...CHANGE.items,
      GetItem: [...GET, ...GROUP_DOCUMENTS],
      Query: [CHUNKS, ...GROUP_DOCUMENTS],
      PutItem: [...APPENDED, REMEMBERED_ANSWERS, ...GROUP_DOCUMENTS],
      DeleteItem: GROUP_DOCUMENTS,
    },
  },
  admin: CHANGE,
  topic: { puts: ['body'], deletes: [], items: APPEND },
  maintenance: {
    puts: ['root', 'page', 'block'],
    deletes: S3_KINDS,
    items: {
      GetItem: [...GET, JOBS],
      Query: [CHUNKS, TINY, REMEMBERED_ANSWERS],
      UpdateItem: [HEAD],
      PutItem: [...APPENDED, JOBS],
      DeleteItem: [REMEMBERED_ANSWERS],
      BatchWriteItem: [CHUNKS, TINY],
    },
  },
}

function partitionOf(key: ItemKey): string {
  const { S } = key.pk
  if (S === undefined) throw new Error('A partition key is a string.')
  return S
}

/** The statements of a function's role about bucket, table and key. */
export function storeStatements(name: FunctionName, storage: LogStorage): iam.PolicyStatement[] {
  const { puts, deletes, items } = ACCESS[name]
  const { bucket, table, encryptionKey } = storage
  const objects = (kinds: readonly S3Kind[]) => kinds.map((kind) => bucket.arnForObjects(`${kind}/*`))
  const statements = [
    // Without the right to list, S3 answers 403 for an object that is not there, and "gone" reads as "refused".
    new iam.PolicyStatement({ sid: 'ListObjects', actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }),
    new iam.PolicyStatement({ sid: 'GetObjects', actions: ['s3:GetObject'], resources: objects(S3_KINDS) }),
  ]
  if (puts.length > 0) {
    statements.push(new iam.PolicyStatement({ sid: 'PutObjects', actions: ['s3:PutObject'], resources: objects(puts) }))
  }
  if (deletes.length > 0) {
    statements.push(
      new iam.PolicyStatement({ sid: 'DeleteObjects', actions: ['s3:DeleteObject'], resources: objects(deletes) }),
    )
  }
  for (const [action, partitions] of Object.entries(items)) {
    statements.push(itemStatement(action, partitions, table.tableArn))
  }
  if (encryptionKey !== undefined) {
    const { region, urlSuffix } = Stack.of(storage)
    const writes = puts.length > 0 || items.PutItem !== undefined
    statements.push(
      new iam.PolicyStatement({
        sid: 'UseKey',
        actions: writes ? ['kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey'] : ['kms:Decrypt'],
        resources: [encryptionKey.keyArn],
        conditions: {
          StringEquals: { 'kms:ViaService': [`s3.${region}.${urlSuffix}`, `dynamodb.${region}.${urlSuffix}`] },
        },
      }),
    )
  }
  return statements
}

/** `ForAllValues` holds when there is no key at all, so the key is asked for as well. */
function itemStatement(action: string, partitions: readonly string[], tableArn: string): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: action,
    actions: [`dynamodb:${action}`],
    resources: [tableArn],
    conditions: {
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [...partitions] },
      Null: { 'dynamodb:LeadingKeys': 'false' },
    },
  })
}
