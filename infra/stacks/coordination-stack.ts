// The stack with the sweeper of groups.
import { Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { LogCoordination, type LogCoordinationProps } from '../constructs/log-coordination.ts'

export class CoordinationStack extends Stack {
  readonly coordination: LogCoordination

  constructor(scope: Construct, id: string, props: StackProps & LogCoordinationProps) {
    super(scope, id, props)
    this.coordination = new LogCoordination(this, 'Coordination', props)
  }
}
