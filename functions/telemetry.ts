// What a function says of itself, by Powertools for AWS Lambda: structured logs with the ids of the request, one line of
// metrics per invocation, and traces where the invocation is sampled. Metrics and above all the X-Ray SDK take longer to load
// than a small request takes to answer, so both are loaded by the first invocation that has a use for them. Nothing is
// logged for what went well: at a function's prices the line would cost more than some of the requests.
import { Logger as PowertoolsLogger } from '@aws-lambda-powertools/logger'
import type { Metrics } from '@aws-lambda-powertools/metrics'
import type { Tracer } from '@aws-lambda-powertools/tracer'
import type { MiddlewareObj } from '@middy/core'
import type { Context } from 'aws-lambda'
import type { Logger } from '../lib/base/logger.ts'

const powertools = new PowertoolsLogger()

const say =
  (level: 'info' | 'warn' | 'error') =>
  ({ err, ...fields }: Readonly<Record<string, unknown>>, message: string): void =>
    powertools[level](message, err === undefined ? fields : { ...fields, error: err })

/** The log of this process in the shape that the library uses. */
export const logger: Logger = { info: say('info'), warn: say('warn'), error: say('error') }

/** Adds what every line of this invocation shall carry. */
export function logWith(fields: Readonly<Record<string, string | undefined>>): void {
  powertools.appendKeys(fields)
}

/** One request as the metrics count it. */
export interface Observed {
  /** Kafka's name of the API, or what else was done. */
  readonly api: string
  readonly failed: boolean
  readonly durationMs: number
}

/** Requests that are not in the metrics yet. */
const observed: Observed[] = []

/** Counts a request in the metrics of its invocation. */
export function observe(request: Observed): void {
  observed.push(request)
}

/** Whether anything is counted in this invocation yet. */
export const hasObserved = (): boolean => observed.length > 0

let cold = true
let metrics: Promise<Metrics> | undefined
let tracer: Promise<Tracer> | undefined

const isSwitchedOff = (name: string, value: string): boolean => process.env[name]?.toLowerCase() === value

/** Writes the metrics of this invocation: one line for each API, which is one. */
async function flush(functionName: string, wasCold: boolean): Promise<void> {
  const requests = observed.splice(0)
  if (isSwitchedOff('POWERTOOLS_METRICS_DISABLED', 'true')) return
  metrics ??= import('@aws-lambda-powertools/metrics').then(({ Metrics }) => new Metrics({ namespace: 'Tidelog' }))
  const open = await metrics
  const byApi = Map.groupBy(requests, ({ api }) => api)
  let coldStarts = wasCold ? 1 : 0
  for (const [api, of] of byApi) {
    open.addDimensions({ function: functionName, api })
    for (const { failed, durationMs } of of) {
      open.addMetric('Requests', 'Count', 1)
      open.addMetric('Errors', 'Count', failed ? 1 : 0)
      open.addMetric('Duration', 'Milliseconds', durationMs)
    }
    open.addMetric('ColdStarts', 'Count', coldStarts)
    open.publishStoredMetrics()
    coldStarts = 0
  }
}

/** Lambda says per invocation whether it is sampled. */
function isTraced(): boolean {
  const sampled = process.env['_X_AMZN_TRACE_ID']?.includes('Sampled=1') ?? false
  return sampled && !isSwitchedOff('POWERTOOLS_TRACE_ENABLED', 'false')
}

/** Opens a segment of the trace; the answer ends it. */
async function trace(functionName: string, wasCold: boolean): Promise<(error: Error | undefined) => void> {
  tracer ??= import('@aws-lambda-powertools/tracer').then(({ Tracer }) => new Tracer())
  const open = await tracer
  const parent = open.getSegment()
  if (parent === undefined) return () => {}
  const segment = parent.addNewSubsegment(`## ${functionName}`)
  open.setSegment(segment)
  open.putAnnotation('ColdStart', wasCold)
  return (error) => {
    if (error !== undefined) open.addErrorAsMetadata(error)
    segment.close()
    open.setSegment(parent)
  }
}

/** Logs, metrics and traces around every invocation. First of all middlewares, so that it ends last. */
export function observing<Event, Result>(functionName: string): MiddlewareObj<Event, Result, Error, Context> {
  const running = new WeakMap<object, { readonly wasCold: boolean; readonly end: (error?: Error) => void }>()
  const finish = async (request: object, error: Error | null | undefined): Promise<void> => {
    const invocation = running.get(request)
    invocation?.end(error ?? undefined)
    await flush(functionName, invocation?.wasCold ?? false)
    powertools.resetKeys()
  }
  return {
    async before(request) {
      const wasCold = cold
      cold = false
      powertools.addContext(request.context)
      const end = isTraced() ? await trace(functionName, wasCold) : () => {}
      running.set(request, { wasCold, end })
    },
    after: (request) => finish(request, undefined),
    onError: (request) => finish(request, request.error),
  }
}
