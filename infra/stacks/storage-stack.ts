// The stack with everything that must outlive a deployment: bucket and table. All other stacks can be deleted and made
// again over it.
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib'
import * as kms from 'aws-cdk-lib/aws-kms'
import type { Construct } from 'constructs'
import { LogStorage } from '../constructs/log-storage.ts'

export interface StorageStackProps extends StackProps {
  /** `create` makes a key here; else the ARN of one that allows CloudWatch Logs to use it. */
  readonly encryptionKey?: string | undefined
}

export class StorageStack extends Stack {
  readonly storage: LogStorage

  constructor(scope: Construct, id: string, props: StorageStackProps = {}) {
    super(scope, id, props)
    const encryptionKey = keyOf(this, props.encryptionKey)
    this.storage = new LogStorage(this, 'Storage', { encryptionKey })
    new CfnOutput(this, 'Bucket', { value: this.storage.bucket.bucketName })
    new CfnOutput(this, 'Table', { value: this.storage.table.tableName })
  }
}

/** A key's default removal policy is RETAIN: without it what it encrypted would be lost. */
function keyOf(scope: Construct, choice: string | undefined): kms.IKey | undefined {
  if (choice === undefined) return undefined
  if (choice !== 'create') return kms.Key.fromKeyArn(scope, 'Key', choice)
  return new kms.Key(scope, 'Key', { description: 'Encrypts the log', enableKeyRotation: true })
}
