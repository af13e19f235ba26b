// Producer ids, groups, offsets of groups: the function behind `POST /kafka/coordinate`. It never opens a batch. The clock
// invokes it too, to look after groups of which nobody asks; that is one log and one set of groups in the environment.
import middy from '@middy/core'
import type { Context } from 'aws-lambda'
import * as z from 'zod/mini'
import { FUNCTION_SWEEP_RESERVE_MS } from '../lib/base/limits.ts'
import type { ApiEvent, ApiResult } from '../lib/http/api-gateway.ts'
import { check } from './events.ts'
import {
  type FunctionOptions,
  frameHandler,
  inTime,
  keptRuntime,
  noCompression,
  remainingMs,
  settled,
} from './handler.ts'
import { logger, observe, observing } from './telemetry.ts'

const sweepEvent = z.object({ job: z.literal('sweep') })
type SweepEvent = z.infer<typeof sweepEvent>

export interface SweepResult {
  /** Groups that changed; undefined when the time was over before all were looked at. */
  readonly changed: number | undefined
}

export function coordinateHandler(options: FunctionOptions) {
  const runtimeOf = keptRuntime(options)
  const frames = frameHandler('coordinate', options, runtimeOf)
  const sweep = middy<SweepEvent, SweepResult, Error, Context>({ timeoutEarlyInMillis: 0 })
    .use(observing('coordinate'))
    .handler(async (_event, context) => {
      const startedAt = performance.now()
      const runtime = await runtimeOf()
      const isOver = (): boolean => remainingMs(context) < FUNCTION_SWEEP_RESERVE_MS
      const swept = await inTime(context, runtime.groups.sweep(isOver))
      await settled(context, runtime)
      const changed = isOver() ? undefined : swept
      logger.info({ changed }, 'swept groups')
      observe({ api: 'sweep', failed: changed === undefined, durationMs: performance.now() - startedAt })
      return { changed }
    })
  function handle(event: ApiEvent, context: Context): Promise<ApiResult>
  function handle(event: SweepEvent, context: Context): Promise<SweepResult>
  function handle(event: ApiEvent | SweepEvent, context: Context): Promise<ApiResult | SweepResult> {
    const outcome = check(sweepEvent, event)
    return outcome.kind === 'ok' ? sweep(outcome.value, context) : frames(event as ApiEvent, context)
  }
  return handle
}

export const handler = coordinateHandler({ compression: noCompression })
