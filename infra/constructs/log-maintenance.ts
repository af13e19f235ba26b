// Background work of the log: seals, checkpoints, garbage collection. New chunks of the journal wake it through the
// table's stream, at most once a minute, and the clock every six hours; a log that nobody writes to wakes nobody. A batch
// that fails is dropped after two more tries: each invocation does all that is due, so the next one makes up for it.
import { Duration } from 'aws-cdk-lib'
import * as iam from 'aws-cdk-lib/aws-iam'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { CHUNKS_PK } from '../../lib/storage/aws/chunk-item.ts'
import { acknowledge } from './acknowledge.ts'
import { LogFunction, type LogFunctionOptions } from './log-function.ts'
import { LogSchedule } from './log-schedule.ts'
import type { LogStorage } from './log-storage.ts'

export interface LogMaintenanceProps extends LogFunctionOptions {
  readonly storage: LogStorage
}

/** A checkpoint is due after about 64 chunks. */
const CHUNKS_PER_BATCH = 64
const GATHERED_FOR = Duration.minutes(1)
const RETRIES_MAX = 2
const RECORD_AGE_MAX = Duration.hours(1)
const SCHEDULED_EVERY = Duration.hours(6)

/**
 * Seals, checkpoints and collects garbage.
 *
 * @example
 * new LogMaintenance(this, 'Maintenance', { storage })
 */
export class LogMaintenance extends Construct {
  readonly function: LogFunction

  constructor(scope: Construct, id: string, props: LogMaintenanceProps) {
    super(scope, id)
    const { storage } = props
    this.function = new LogFunction(this, 'Function', {
      ...props,
      functionName: 'maintenance',
      description: 'Tidelog: seals, checkpoints, garbage collection',
      timeout: Duration.minutes(15),
      statements: [
        new iam.PolicyStatement({
          sid: 'ReadStream',
          actions: ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'],
          resources: [storage.streamArn],
        }),
        new iam.PolicyStatement({ sid: 'ListStreams', actions: ['dynamodb:ListStreams'], resources: ['*'] }),
      ],
    })
    acknowledge(this.function, {
      'AwsSolutions-IAM5[Resource::*]': 'A stream trigger needs ListStreams, which knows no resources.',
    })
    new lambda.EventSourceMapping(this, 'Chunks', {
      target: this.function.function,
      eventSourceArn: storage.streamArn,
      startingPosition: lambda.StartingPosition.LATEST,
      batchSize: CHUNKS_PER_BATCH,
      maxBatchingWindow: GATHERED_FOR,
      retryAttempts: RETRIES_MAX,
      maxRecordAge: RECORD_AGE_MAX,
      reportBatchItemFailures: true,
      filters: [
        lambda.FilterCriteria.filter({
          eventName: lambda.FilterRule.isEqual('INSERT'),
          dynamodb: { Keys: { pk: { S: lambda.FilterRule.isEqual(CHUNKS_PK) } } },
        }),
      ],
    })
    new LogSchedule(this, 'Rare', {
      target: this.function,
      description: 'Tidelog: looks for work that no new chunk announced',
      input: { job: 'maintain' },
      every: SCHEDULED_EVERY,
    })
  }
}
