// The sweeper of groups and transactions: `coordinate`, invoked by the clock, will remove members that fell silent, end
// transactions that ran out of time, and drop groups and offsets that expired. Requests do the same for whatever they meet,
// so it is needed only for what nobody asks about any more. Until it is enabled the schedule lies there and costs nothing.
import { Duration } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import type { LogFunction } from './log-function.ts'
import { LogSchedule } from './log-schedule.ts'

/** What of coordination can be chosen. */
export interface LogCoordinationOptions {
  /**
   * How often the sweeper runs, in whole minutes.
   *
   * @default - never
   */
  readonly sweepEvery?: Duration | undefined
}

export interface LogCoordinationProps extends LogCoordinationOptions {
  /** The `coordinate` function of the log. */
  readonly coordinate: LogFunction
}

const UNUSED_RATE = Duration.hours(1)

/**
 * Sweeps what groups and transactions leave behind.
 *
 * @example
 * new LogCoordination(this, 'Coordination', { coordinate: api.functions.coordinate })
 */
export class LogCoordination extends Construct {
  constructor(scope: Construct, id: string, props: LogCoordinationProps) {
    super(scope, id)
    const { coordinate, sweepEvery } = props
    new LogSchedule(this, 'Sweeper', {
      target: coordinate,
      description: 'Tidelog: sweeps groups and transactions',
      input: { job: 'sweep' },
      every: sweepEvery ?? UNUSED_RATE,
      enabled: sweepEvery !== undefined,
    })
  }
}
