// Where the log lies: one bucket and one table, both kept when the stack is deleted. The table is the one that
// `tidelog init` makes, so a log may begin with either. Nothing here costs anything while it is empty.
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import * as iam from 'aws-cdk-lib/aws-iam'
import type * as kms from 'aws-cdk-lib/aws-kms'
import * as s3 from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import { PARTITION_KEY, SORT_KEY } from '../../lib/storage/aws/keys.ts'
import { acknowledge } from './acknowledge.ts'

/** What of the storage can be chosen. */
export interface LogStorageProps {
  /**
   * Encrypts bucket, table and log groups. A key made elsewhere must allow CloudWatch Logs to use it; for a key made in
   * the same app that is added to its policy.
   *
   * @default - S3's and DynamoDB's own keys, which cost nothing
   */
  readonly encryptionKey?: kms.IKey | undefined
}

/** The lifecycle rule looks for this tag. Nothing of Tidelog's sets it: garbage collection deletes by itself. */
export const DEAD_TAG = { key: 'tidelog:state', value: 'dead' } as const

/**
 * The bucket and the table of one log.
 *
 * @example
 * const storage = new LogStorage(this, 'Storage')
 * const withKey = new LogStorage(this, 'Encrypted', { encryptionKey: new kms.Key(this, 'Key') })
 */
export class LogStorage extends Construct {
  /** Holds the records: immutable objects, never overwritten. */
  readonly bucket: s3.Bucket
  /** Holds the journal, documents and tiny segments. */
  readonly table: dynamodb.Table
  readonly encryptionKey: kms.IKey | undefined

  constructor(scope: Construct, id: string, props: LogStorageProps = {}) {
    super(scope, id)
    this.encryptionKey = props.encryptionKey
    if (this.encryptionKey !== undefined) allowLogGroups(this, this.encryptionKey)
    this.bucket = makeBucket(this, this.encryptionKey)
    this.table = makeTable(this, this.encryptionKey)
  }

  /** The table's stream: each chunk of the journal that is put appears in it. */
  get streamArn(): string {
    return this.table.tableStreamArn!
  }
}

function makeBucket(scope: Construct, encryptionKey: kms.IKey | undefined): s3.Bucket {
  const bucket = new s3.Bucket(scope, 'Bucket', {
    ...(encryptionKey === undefined
      ? { encryption: s3.BucketEncryption.S3_MANAGED }
      : { encryption: s3.BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }),
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    removalPolicy: RemovalPolicy.RETAIN,
    lifecycleRules: [
      { id: 'incomplete-uploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
      { id: 'dead-objects', tagFilters: { [DEAD_TAG.key]: DEAD_TAG.value }, expiration: Duration.days(1) },
    ],
  })
  // A bucket that outlives its stack keeps the policy that forbids plain HTTP.
  bucket.policy?.applyRemovalPolicy(RemovalPolicy.RETAIN)
  acknowledge(bucket, {
    'AwsSolutions-S1':
      'Access logs of S3 are paid per request and tell nothing that the functions do not log; CloudTrail data events are the choice of the account.',
  })
  return bucket
}

function makeTable(scope: Construct, encryptionKey: kms.IKey | undefined): dynamodb.Table {
  return new dynamodb.Table(scope, 'Table', {
    partitionKey: { name: PARTITION_KEY, type: dynamodb.AttributeType.STRING },
    sortKey: { name: SORT_KEY, type: dynamodb.AttributeType.STRING },
    billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
    stream: dynamodb.StreamViewType.NEW_IMAGE,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: true,
    removalPolicy: RemovalPolicy.RETAIN,
    ...(encryptionKey === undefined
      ? { encryption: dynamodb.TableEncryption.DEFAULT }
      : { encryption: dynamodb.TableEncryption.CUSTOMER_MANAGED, encryptionKey }),
  })
}

/** CloudWatch Logs encrypts on its own behalf, so the key itself must let it, for log groups of this account and region. */
function allowLogGroups(scope: Construct, key: kms.IKey): void {
  const { partition, region, account, urlSuffix } = Stack.of(scope)
  key.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: 'LogGroups',
      principals: [new iam.ServicePrincipal(`logs.${region}.${urlSuffix}`)],
      actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
      resources: ['*'],
      conditions: {
        ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:log-group:*` },
      },
    }),
  )
}
