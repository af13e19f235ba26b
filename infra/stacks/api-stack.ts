// The stack with the door: HTTP API, its functions and their roles.
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { LogApi, type LogApiProps } from '../constructs/log-api.ts'

export class ApiStack extends Stack {
  readonly api: LogApi

  constructor(scope: Construct, id: string, props: StackProps & LogApiProps) {
    super(scope, id, props)
    this.api = new LogApi(this, 'Api', props)
    new CfnOutput(this, 'Url', { value: this.api.url })
    new CfnOutput(this, 'Next', {
      description: 'Type this, and Kafka clients find the log at 127.0.0.1:9092',
      value: `npx tidelog connect --url ${this.api.url} --kafka 127.0.0.1:9092`,
    })
    for (const [name, url] of Object.entries(this.api.functionUrls ?? {})) {
      new CfnOutput(this, `FunctionUrl-${name}`, { value: url.url })
    }
  }
}
