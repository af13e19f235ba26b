// A function invoked from time to time by EventBridge Scheduler. A schedule costs nothing while it is disabled, and less
// than a cent a month at the rates used here; its role may invoke that one function and nothing else.
import { type Duration, Stack } from 'aws-cdk-lib'
import * as iam from 'aws-cdk-lib/aws-iam'
import * as scheduler from 'aws-cdk-lib/aws-scheduler'
import { Construct } from 'constructs'
import type { LogFunction } from './log-function.ts'

export interface LogScheduleProps {
  readonly target: LogFunction
  readonly description: string
  /** What the function is handed as its event. */
  readonly input: Readonly<Record<string, string>>
  readonly every: Duration
  /** @default true */
  readonly enabled?: boolean
}

const RETRIES_MAX = 2
const EVENT_AGE_SECONDS_MAX = 3600

/**
 * Invokes a function every so often.
 *
 * @example
 * new LogSchedule(this, 'Schedule', {
 *   target: maintenance,
 *   description: 'Looks for work that no trigger announced',
 *   input: { job: 'maintain' },
 *   every: Duration.hours(6),
 * })
 */
export class LogSchedule extends Construct {
  constructor(scope: Construct, id: string, props: LogScheduleProps) {
    super(scope, id)
    const { target, every, enabled = true } = props
    const functionArn = target.function.functionArn
    const role = new iam.Role(this, 'Role', {
      description: `Invokes the ${target.name} function by the clock`,
      assumedBy: new iam.ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
      inlinePolicies: {
        Invoke: new iam.PolicyDocument({
          statements: [new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [functionArn] })],
        }),
      },
    })
    new scheduler.CfnSchedule(this, 'Schedule', {
      description: props.description,
      scheduleExpression: rate(every),
      state: enabled ? 'ENABLED' : 'DISABLED',
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: functionArn,
        roleArn: role.roleArn,
        input: JSON.stringify(props.input),
        retryPolicy: { maximumRetryAttempts: RETRIES_MAX, maximumEventAgeInSeconds: EVENT_AGE_SECONDS_MAX },
      },
    })
  }
}

/** Scheduler knows minutes, hours and days, each also in the singular. */
function rate(every: Duration): string {
  const minutes = every.toMinutes()
  const [count, unit] = minutes % 60 === 0 ? [minutes / 60, 'hour'] : [minutes, 'minute']
  return `rate(${count} ${unit}${count === 1 ? '' : 's'})`
}
