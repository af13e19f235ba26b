// A topic as a resource of CloudFormation: made, changed and (only if asked for) deleted by the `topic` function, which
// appends to the journal as every other process does. CloudFormation rolls back what that function refuses.
import { CustomResource, Duration, RemovalPolicy } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import type { LogFunction } from './log-function.ts'
import { type TopicOptions, topicConfigs } from './topic-configs.ts'

export interface TopicProps extends TopicOptions {
  /** Kafka's rule: up to 249 letters, digits, dots, underscores and dashes. Another name is another topic. */
  readonly topicName: string
  /** The `topic` function of the log. */
  readonly provider: LogFunction
}

/** How long CloudFormation waits for the function's answer. */
const ANSWER_WITHIN = Duration.minutes(5)

/**
 * A topic of the log. Mostly made by `EventLog.addTopic`.
 *
 * Taken out of the stack it stays, with its records, unless `removalPolicy` is `DESTROY`. A topic that exists already is
 * taken over, and then it stays in any case. Fewer partitions than it has fail the deployment, which rolls back.
 *
 * @example
 * new Topic(this, 'Orders', {
 *   topicName: 'orders',
 *   provider: topics.provider,
 *   partitions: 12,
 *   retention: Duration.days(30),
 *   cleanupPolicy: CleanupPolicy.COMPACT,
 * })
 */
export class Topic extends Construct {
  readonly topicName: string
  /** The id that Kafka gives the topic, known once it is deployed. */
  readonly topicId: string

  constructor(scope: Construct, id: string, props: TopicProps) {
    super(scope, id)
    const { topicName, provider, partitions = 1, removalPolicy = RemovalPolicy.RETAIN } = props
    this.topicName = topicName
    const resource = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::TidelogTopic',
      serviceToken: provider.function.functionArn,
      serviceTimeout: ANSWER_WITHIN,
      properties: {
        TopicName: topicName,
        Partitions: partitions,
        Configs: topicConfigs(topicName, props),
        RemovalPolicy: removalPolicy === RemovalPolicy.DESTROY ? 'DESTROY' : 'RETAIN',
      },
      // With RETAIN CloudFormation does not even call the function, whatever it would say.
      removalPolicy,
    })
    this.topicId = resource.getAttString('TopicId')
  }
}
