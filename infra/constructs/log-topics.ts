// The topics that are declared in code, and the one function that makes them all.
import { Duration, Stack } from 'aws-cdk-lib'
import * as iam from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import { LogFunction, type LogFunctionOptions } from './log-function.ts'
import type { LogStorage } from './log-storage.ts'
import { Topic } from './topic.ts'
import { type TopicOptions, TopicProblem } from './topic-configs.ts'

/** Topics by name. */
export type DeclaredTopics = Readonly<Record<string, TopicOptions>>

export interface LogTopicsOptions {
  /** Topics to begin with; `addTopic` adds more. */
  readonly topics?: DeclaredTopics | undefined
}

export interface LogTopicsProps extends LogTopicsOptions, LogFunctionOptions {
  readonly storage: LogStorage
}

/**
 * The topics of a log.
 *
 * @example
 * const topics = new LogTopics(this, 'Topics', { storage })
 * topics.addTopic('orders', { partitions: 12 })
 */
export class LogTopics extends Construct {
  /** The function behind `Custom::TidelogTopic`. */
  readonly provider: LogFunction
  readonly #names = new Set<string>()

  constructor(scope: Construct, id: string, props: LogTopicsProps) {
    super(scope, id)
    this.provider = new LogFunction(this, 'Function', {
      ...props,
      functionName: 'topic',
      description: 'Tidelog: makes and changes the topics that are declared with CDK',
      timeout: Duration.minutes(1),
      statements: [
        // To tell a wish for fewer partitions from the rollback of another change.
        new iam.PolicyStatement({
          sid: 'ReadStackStatus',
          actions: ['cloudformation:DescribeStacks'],
          resources: [Stack.of(this).stackId],
        }),
      ],
    })
    for (const [name, options] of Object.entries(props.topics ?? {})) this.addTopic(name, options)
  }

  /** Declares a topic. */
  addTopic(topicName: string, options: TopicOptions = {}): Topic {
    if (this.#names.has(topicName)) throw new TopicProblem(`Topic ${topicName} is declared twice.`)
    this.#names.add(topicName)
    return new Topic(this, `Topic-${topicName}`, { ...options, topicName, provider: this.provider })
  }
}
