// The stack with the topics that are declared in code and in `cdk.json`, apart from the door: changing topics never
// touches what serves clients.
import { Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { LogTopics, type LogTopicsProps } from '../constructs/log-topics.ts'
import type { Topic } from '../constructs/topic.ts'
import type { TopicOptions } from '../constructs/topic-configs.ts'

export class TopicsStack extends Stack {
  readonly topics: LogTopics

  constructor(scope: Construct, id: string, props: StackProps & LogTopicsProps) {
    super(scope, id, props)
    this.topics = new LogTopics(this, 'Topics', props)
  }

  /** Declares a topic beside those of `cdk.json`. */
  addTopic(topicName: string, options: TopicOptions = {}): Topic {
    return this.topics.addTopic(topicName, options)
  }
}
