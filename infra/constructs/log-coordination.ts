// The sweeper of groups: `coordinate`, invoked by the clock, removes members that fell silent and drops groups and offsets
// that expired. Requests do the same for whatever they meet, so it is needed only for what nobody asks about any more, and
// seldom: 730 invocations a month cost less than a cent.
import { Duration } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import type { LogFunction } from './log-function.ts'
import { LogSchedule } from './log-schedule.ts'

/** What of coordination can be chosen. */
export interface LogCoordinationOptions {
  /**
   * How often the sweeper runs, in whole minutes.
   *
   * @default Duration.hours(1)
   */
  readonly sweepEvery?: Duration | undefined
}

export interface LogCoordinationProps extends LogCoordinationOptions {
  /** The `coordinate` function of the log. */
  readonly coordinate: LogFunction
}

const SWEEP_EVERY = Duration.hours(1)

/**
 * Sweeps what groups leave behind.
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
      description: 'Tidelog: sweeps groups',
      input: { job: 'sweep' },
      every: sweepEvery ?? SWEEP_EVERY,
    })
  }
}
