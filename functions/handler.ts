// What the functions share: the log that one Lambda environment keeps between invocations, the one place where errors become
// answers, and the handler of those that take Kafka frames. Nothing is under way when a handler returns, as long as its time
// allows; what it does not is named in the log and is safe to be frozen, because every write is.
import middy, { type MiddlewareObj } from '@middy/core'
import type { Context } from 'aws-lambda'
import { sleep, systemClock } from '../lib/base/clock.ts'
import { FUNCTION_RESERVE_MS } from '../lib/base/limits.ts'
import { systemRandom } from '../lib/base/random.ts'
import { type ApiResult, requestOf, resultOf } from '../lib/http/api-gateway.ts'
import { type Deployment, type FunctionRuntime, openFunctionRuntime } from '../lib/http/function-runtime.ts'
import { type HttpResponse, problem } from '../lib/http/responses.ts'
import { openAwsDeployment } from '../lib/storage/aws/deployment.ts'
import type { Compression } from '../lib/wire/compression.ts'
import { CONNECTION_HEADER, type FrameFunction, REQUEST_ID_HEADER } from '../lib/wire/https.ts'
import { apiEvent, type CheckedApiEvent, check } from './events.ts'
import { hasObserved, logger, logWith, observe, observing } from './telemetry.ts'

/** An expected reason not to go on, with the answer to it. */
export class Refusal extends Error {
  override name = 'Refusal'
  readonly response: HttpResponse

  constructor(response: HttpResponse) {
    super(typeof response.body === 'string' ? response.body : 'refused')
    this.response = response
  }
}

export interface FunctionOptions {
  /** Bundles that never open a batch leave the codecs out. */
  readonly compression: Compression
  /** In place of the deployment that the environment names. */
  readonly openDeployment?: () => Deployment
}

/** The codecs of a function that never opens a batch: whoever calls them has found a defect. */
export const noCompression: Compression = {
  compress: () => Promise.reject(new Error('this function opens no batches')),
  decompress: () => Promise.reject(new Error('this function opens no batches')),
}

function deploymentOfEnvironment(): Deployment {
  const {
    TIDELOG_BUCKET: bucket,
    TIDELOG_TABLE: table,
    AWS_REGION: region,
    AWS_ENDPOINT_URL: endpointUrl,
  } = process.env
  if (!bucket || !table) throw new Error('TIDELOG_BUCKET and TIDELOG_TABLE name the deployment; they are not set')
  const place = { bucket, table, ...(region ? { region } : {}), ...(endpointUrl ? { endpointUrl } : {}) }
  return openAwsDeployment(place, systemRandom)
}

/** Opens the log at the first call and keeps it; opens it again where that failed or the log has stopped serving. */
export function keptRuntime(options: FunctionOptions): () => Promise<FunctionRuntime> {
  const { compression, openDeployment = deploymentOfEnvironment } = options
  let deployment: Deployment | undefined
  let opening: ReturnType<typeof openFunctionRuntime> | undefined
  return async () => {
    try {
      deployment ??= openDeployment()
      opening ??= openFunctionRuntime({ deployment, compression, logger, onRequest })
      const outcome = await opening
      if (outcome.kind === 'problem') throw new Refusal(outcome.response)
      // A journal that was restored can be served by who opens it anew.
      if (outcome.runtime.log.status().halted) opening = undefined
      outcome.runtime.clock.resume()
      return outcome.runtime
    } catch (error) {
      opening = undefined
      throw error
    }
  }
}

function onRequest(report: {
  readonly apiName: string
  readonly errorCode: number
  readonly durationMs: number
}): void {
  observe({ api: report.apiName, failed: report.errorCode !== 0, durationMs: report.durationMs })
}

/** The work's result, or undefined when the invocation has no more time for it. */
export async function inTime<T>(context: Context, work: Promise<T>): Promise<T | undefined> {
  const done = new AbortController()
  const late = sleep(systemClock, Math.max(0, remainingMs(context) - FUNCTION_RESERVE_MS), done.signal)
  try {
    return await Promise.race([work, late.then(() => undefined)])
  } finally {
    done.abort()
  }
}

/** A handler that is called without Lambda has API Gateway's time. */
export function remainingMs(context: Partial<Context>): number {
  return context.getRemainingTimeInMillis?.() ?? 30_000
}

/** Waits until nothing is under way. */
export async function settled(context: Context, runtime: FunctionRuntime): Promise<void> {
  const outcome = await inTime(
    context,
    runtime.settle().then(() => 'settled'),
  )
  if (outcome === undefined) logger.warn({}, 'an append is still in doubt and goes on with the next invocation')
}

/**
 * The one table from errors to answers: what is expected brings its own, all else is a defect and is told no one. Each is
 * logged, and counted if it never came as far as the broker, which counts what it answers.
 */
function problems(): MiddlewareObj<CheckedApiEvent, ApiResult, Error, Context> {
  const startedAt = new WeakMap<object, number>()
  return {
    before(request) {
      startedAt.set(request, performance.now())
    },
    onError(request) {
      const { error } = request
      const defect = 'The request could not be answered; whether it had an effect is unknown.'
      const response = error instanceof Refusal ? error.response : problem(500, 'Internal error', defect)
      if (!(error instanceof Refusal)) logger.error({ err: error }, 'an invocation broke down')
      else if (response.status >= 500) logger.warn(said(response), 'a request could not be served')
      else logger.info(said(response), 'a request was refused')
      if (!hasObserved()) {
        observe({ api: 'None', failed: true, durationMs: performance.now() - (startedAt.get(request) ?? 0) })
      }
      request.response = resultOf(response)
    },
  }
}

const said = ({ status, body }: HttpResponse) => ({ status, problem: body })

/** The event as its schema has it. */
function checked(): MiddlewareObj<CheckedApiEvent, ApiResult, Error, Context> {
  return {
    before(request) {
      const outcome = check(apiEvent, request.event)
      if (outcome.kind !== 'ok') throw new Refusal(problem(400, 'Not an event of an HTTP API', outcome.sentence))
      request.event = outcome.value
    },
  }
}

/** The handler of a function behind `POST /kafka/‹name›`. */
export function frameHandler(name: FrameFunction, options: FunctionOptions, runtimeOf = keptRuntime(options)) {
  async function answer(event: CheckedApiEvent, context: Context): Promise<HttpResponse> {
    const request = requestOf(event)
    if ('status' in request) return request
    if (!request.path.endsWith(`/kafka/${name}`)) {
      return problem(404, 'Not found', `There is no function at ${request.path}; this one is /kafka/${name}.`)
    }
    logWith({
      api_request_id: event.requestContext.requestId,
      kafka_request_id: request.headers[REQUEST_ID_HEADER],
      connection: request.headers[CONNECTION_HEADER],
    })
    const runtime = await inTime(context, runtimeOf())
    const response = runtime && (await inTime(context, runtime.door.answer(name, request)))
    if (response === undefined) {
      const detail = 'The stores did not answer in time. Send the same frame again under the same request id.'
      return problem(504, 'Timed out', detail, { 'retry-after': '1' })
    }
    await settled(context, runtime!)
    return response
  }
  return middy<CheckedApiEvent, ApiResult, Error, Context>({ timeoutEarlyInMillis: 0 })
    .use(observing(name))
    .use(problems())
    .use(checked())
    .handler(async (event, context) => {
      const response = await answer(event, context)
      if (response.status >= 400) throw new Refusal(response)
      return resultOf(response)
    })
}
