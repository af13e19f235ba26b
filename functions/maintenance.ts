// Seals, checkpoints, garbage, old answers: woken by the table's stream when a chunk was put, and rarely by the clock. The only
// function that deletes objects and chunks. What an event says is not looked at: the journal says what is to be done. A batch
// is given back only when nothing could be done at all; a later wake-up finds whatever else is left.
import middy from '@middy/core'
import type { Context, DynamoDBBatchResponse } from 'aws-lambda'
import * as z from 'zod/mini'
import { FUNCTION_COLLECT_MS } from '../lib/base/limits.ts'
import { maintain } from '../lib/http/maintain.ts'
import { check } from './events.ts'
import { type FunctionOptions, keptRuntime, noCompression, remainingMs, settled } from './handler.ts'
import { logger, observe, observing } from './telemetry.ts'

/** The table's stream (new chunks; their content is read from the table), or the schedule, of which nothing is used. */
const maintenanceEvent = z.object({
  Records: z.optional(
    z.array(z.object({ eventSource: z.string(), dynamodb: z.object({ SequenceNumber: z.optional(z.string()) }) })),
  ),
})
type MaintenanceEvent = z.infer<typeof maintenanceEvent>

export function maintenanceHandler(options: FunctionOptions) {
  const runtimeOf = keptRuntime(options)
  return middy<MaintenanceEvent, DynamoDBBatchResponse, Error, Context>({ timeoutEarlyInMillis: 0 })
    .use(observing('maintenance'))
    .handler(async (event, context) => {
      const startedAt = performance.now()
      const outcome = check(maintenanceEvent, event)
      if (outcome.kind !== 'ok') throw new Error(`This is no event for maintenance: ${outcome.sentence}`)
      const runtime = await runtimeOf()
      const { log, stores, clock } = runtime
      const done = await maintain({ log, stores, clock, logger, everyMs: FUNCTION_COLLECT_MS }, remainingMs(context))
      await settled(context, runtime)
      observe({ api: 'maintenance', failed: done.kind !== 'done', durationMs: performance.now() - startedAt })
      if (done.kind !== 'done') logger.warn({ outcome: done.kind }, 'maintenance could not look at the journal')
      // From the first record on, so all of it comes again.
      const first = outcome.value.Records?.[0]?.dynamodb.SequenceNumber
      const again = done.kind === 'unavailable' && first !== undefined
      return { batchItemFailures: again ? [{ itemIdentifier: first }] : [] }
    })
}

export const handler = maintenanceHandler({ compression: noCompression })
