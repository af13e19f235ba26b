// The event of the functions that take frames, as a schema: of it only what is used, checked once at the edge. What is wrong
// with an event becomes a sentence for whoever reads the answer. Each other function has its schemas beside it, since every
// schema that is built takes time at a cold start.
import * as z from 'zod/mini'

// Compiling a checker pays only for whoever checks many thousands.
z.config({ jitless: true })

/** API Gateway's HTTP APIs and function URLs, payload format 2.0. */
export const apiEvent = z.object({
  rawPath: z.string(),
  headers: z.record(z.string(), z.optional(z.string())),
  requestContext: z.object({ http: z.object({ method: z.string() }), requestId: z.optional(z.string()) }),
  body: z.optional(z.string()),
  isBase64Encoded: z.boolean(),
})
export type CheckedApiEvent = z.infer<typeof apiEvent>

type Checked<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'wrong'; readonly sentence: string }

/** The value as its schema has it, or the first thing that is wrong with it. */
export function check<T>(schema: z.ZodMiniType<T>, value: unknown): Checked<T> {
  const outcome = schema.safeParse(value)
  if (outcome.success) return { kind: 'ok', value: outcome.data }
  const [issue] = outcome.error.issues
  if (issue === undefined) return { kind: 'wrong', sentence: 'It does not have the expected shape.' }
  const place = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    return { kind: 'wrong', sentence: `There is no property ${issue.keys.join(', ')}.` }
  }
  const what =
    issue.message === 'Invalid input' || issue.message === '' ? 'is missing or of another type' : issue.message
  return { kind: 'wrong', sentence: `${place === '' ? 'The event' : place} ${what}.` }
}
