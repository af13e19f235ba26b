// What tells an operator that something is wrong: per function its errors, throttles and slow invocations, how far
// maintenance is behind the stream, and one dashboard of all that. Only made when asked for, because each of these is
// paid by the month. Alarms notify nobody by themselves: `alarms` is there to add actions to.
import { Duration } from 'aws-cdk-lib'
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch'
import { Construct } from 'constructs'
import type { LogFunction } from './log-function.ts'

export interface LogMonitoringProps {
  readonly functions: readonly LogFunction[]
  /** The function that reads the table's stream. */
  readonly maintenance: LogFunction
}

const PERIOD = Duration.minutes(5)
const SLOWEST = { statistic: 'p99', period: PERIOD }
/** In this share of a function's timeout its slowest hundredth should end. */
const DURATION_SHARE_MAX = 0.8
const ITERATOR_AGE_MAX = Duration.minutes(10)

/**
 * Dashboard and alarms of a log.
 *
 * @example
 * const monitoring = new LogMonitoring(this, 'Monitoring', { functions, maintenance })
 * for (const alarm of monitoring.alarms) alarm.addAlarmAction(new SnsAction(onCall))
 */
export class LogMonitoring extends Construct {
  readonly alarms: readonly cloudwatch.Alarm[]
  readonly dashboard: cloudwatch.Dashboard

  constructor(scope: Construct, id: string, props: LogMonitoringProps) {
    super(scope, id)
    const functions = [...props.functions, props.maintenance]
    const iteratorAge = props.maintenance.function.metric('IteratorAge', { statistic: 'max', period: PERIOD })
    this.alarms = [
      ...functions.flatMap((fn) => this.#functionAlarms(fn)),
      this.#alarm('IteratorAge', iteratorAge, ITERATOR_AGE_MAX.toMilliseconds(), 'Maintenance is behind the journal.'),
    ]
    this.dashboard = new cloudwatch.Dashboard(this, 'Dashboard', { defaultInterval: Duration.days(1) })
    const graph = (title: string, left: cloudwatch.IMetric[]) =>
      new cloudwatch.GraphWidget({ title, left, width: 12, height: 6, period: PERIOD })
    this.dashboard.addWidgets(
      graph(
        'Invocations',
        functions.map((fn) => fn.function.metricInvocations({ label: fn.name, period: PERIOD })),
      ),
      graph(
        'Errors',
        functions.map((fn) => fn.function.metricErrors({ label: fn.name, period: PERIOD })),
      ),
      graph(
        'Throttles',
        functions.map((fn) => fn.function.metricThrottles({ label: fn.name, period: PERIOD })),
      ),
      graph(
        'Duration, p99',
        functions.map((fn) => fn.function.metricDuration({ ...SLOWEST, label: fn.name })),
      ),
      graph('Age of the stream', [iteratorAge]),
    )
  }

  #functionAlarms(fn: LogFunction): cloudwatch.Alarm[] {
    const { name } = fn
    const timeoutMs = (fn.function.timeout ?? Duration.seconds(3)).toMilliseconds()
    const metric = { statistic: 'sum', period: PERIOD }
    return [
      this.#alarm(`${name}-Errors`, fn.function.metricErrors(metric), 1, `The ${name} function failed.`),
      this.#alarm(`${name}-Throttles`, fn.function.metricThrottles(metric), 1, `The ${name} function was throttled.`),
      this.#alarm(
        `${name}-Duration`,
        fn.function.metricDuration(SLOWEST),
        timeoutMs * DURATION_SHARE_MAX,
        `The ${name} function is slow.`,
      ),
    ]
  }

  #alarm(id: string, metric: cloudwatch.Metric, threshold: number, description: string): cloudwatch.Alarm {
    return metric.createAlarm(this, id, {
      alarmDescription: description,
      threshold,
      evaluationPeriods: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    })
  }
}
