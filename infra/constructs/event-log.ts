// A whole log in one construct, for an app of your own: the same parts that this repository's own stacks are made of
// (`../deployment.ts`), wired once more and nothing besides.
import type * as iam from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import type { FrameFunction } from '../../lib/wire/https.ts'
import { LogApi, type LogApiOptions } from './log-api.ts'
import { LogCoordination, type LogCoordinationOptions } from './log-coordination.ts'
import { LogMaintenance } from './log-maintenance.ts'
import { LogMonitoring } from './log-monitoring.ts'
import { LogStorage, type LogStorageProps } from './log-storage.ts'
import { LogTopics, type LogTopicsOptions } from './log-topics.ts'
import type { Topic } from './topic.ts'
import type { TopicOptions } from './topic-configs.ts'

/** Everything that can be chosen about a log. All of it has a default, and the defaults have no monthly fee. */
export interface EventLogProps extends LogStorageProps, LogApiOptions, LogTopicsOptions, LogCoordinationOptions {}

/**
 * An event log that speaks the Kafka protocol and consists of functions, a bucket and a table.
 *
 * @example
 * const log = new EventLog(this, 'Log')
 * log.addTopic('orders', {
 *   partitions: 12,
 *   retention: Duration.days(7),
 *   cleanupPolicy: CleanupPolicy.DELETE,
 * })
 * log.grantProduce(shop)
 * log.grantFetch(warehouse)
 * new CfnOutput(this, 'Url', { value: log.url })
 */
export class EventLog extends Construct {
  readonly storage: LogStorage
  readonly api: LogApi
  readonly topics: LogTopics
  readonly coordination: LogCoordination
  readonly maintenance: LogMaintenance
  /** Dashboard and alarms, if `monitoring` was asked for. */
  readonly monitoring: LogMonitoring | undefined

  constructor(scope: Construct, id: string, props: EventLogProps = {}) {
    super(scope, id)
    this.storage = new LogStorage(this, 'Storage', props)
    const parts = { ...props, storage: this.storage }
    this.api = new LogApi(this, 'Api', parts)
    this.topics = new LogTopics(this, 'Topics', parts)
    this.coordination = new LogCoordination(this, 'Coordination', {
      ...props,
      coordinate: this.api.functions.coordinate,
    })
    this.maintenance = new LogMaintenance(this, 'Maintenance', parts)
    if (props.monitoring === true) {
      this.monitoring = new LogMonitoring(this, 'Monitoring', {
        functions: [...Object.values(this.api.functions), this.topics.provider],
        maintenance: this.maintenance.function,
      })
    }
  }

  /** Where clients connect to: `tidelog connect --url ‹this›`. */
  get url(): string {
    return this.api.url
  }

  /**
   * Declares a topic. It is kept when it is taken out of the code again, unless its `removalPolicy` is `DESTROY`.
   *
   * @example
   * log.addTopic('prices', { partitions: 3, cleanupPolicy: CleanupPolicy.COMPACT, compression: Compression.ZSTD })
   */
  addTopic(topicName: string, options: TopicOptions = {}): Topic {
    return this.topics.addTopic(topicName, options)
  }

  /** Lets somebody produce; see `LogApi.grantProduce` for what that includes. */
  grantProduce(grantee: iam.IGrantable): iam.Grant {
    return this.api.grantProduce(grantee)
  }

  /** Lets somebody consume; see `LogApi.grantFetch` for what that includes. */
  grantFetch(grantee: iam.IGrantable): iam.Grant {
    return this.api.grantFetch(grantee)
  }

  /**
   * Lets somebody call these routes, or all of them if none is named.
   *
   * @example
   * log.grantInvoke(operator, 'admin')
   */
  grantInvoke(grantee: iam.IGrantable, ...functions: FrameFunction[]): iam.Grant {
    return this.api.grantInvoke(grantee, ...functions)
  }
}
