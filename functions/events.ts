// The events that wake the functions, as schemas: of each only what is used, checked once at the edge. What is wrong with
// one becomes a sentence for whoever reads the answer.
import * as z from 'zod/mini'

/** API Gateway's HTTP APIs and function URLs, payload format 2.0. */
export const apiEvent = z.object({
  rawPath: z.string(),
  headers: z.record(z.string(), z.optional(z.string())),
  requestContext: z.object({ http: z.object({ method: z.string() }), requestId: z.optional(z.string()) }),
  body: z.optional(z.string()),
  isBase64Encoded: z.boolean(),
})
export type CheckedApiEvent = z.infer<typeof apiEvent>

/** The table's stream (new chunks; their content is read from the table), or the schedule, of which nothing is used. */
export const maintenanceEvent = z.object({
  Records: z.optional(
    z.array(z.object({ eventSource: z.string(), dynamodb: z.object({ SequenceNumber: z.optional(z.string()) }) })),
  ),
})
export type MaintenanceEvent = z.infer<typeof maintenanceEvent>

/** CloudFormation's call of a custom resource. The properties are judged by themselves: a bad one is an answer too. */
export const customResourceEvent = z.object({
  RequestType: z.enum(['Create', 'Update', 'Delete']),
  ResponseURL: z.url(),
  StackId: z.string(),
  RequestId: z.string(),
  LogicalResourceId: z.string(),
  PhysicalResourceId: z.optional(z.string()),
  ResourceProperties: z.optional(z.record(z.string(), z.unknown())),
  OldResourceProperties: z.optional(z.record(z.string(), z.unknown())),
})
export type CustomResourceEvent = z.infer<typeof customResourceEvent>

const whole = { error: 'is a whole number' }
const wholeNumber = z.union([z.string().check(z.regex(/^\d{1,9}$/, whole)), z.number().check(z.int(whole))], whole)
const configValue = z.union([z.string(), z.number(), z.boolean()], { error: 'is a text' })

/** `Custom::TidelogTopic`. CloudFormation hands every number and boolean over as text. */
export const topicProperties = z.strictObject({
  TopicName: z.string({ error: 'is the name of a topic' }),
  Partitions: z.pipe(wholeNumber, z.transform(Number)),
  Configs: z.optional(
    z.record(z.string(), z.pipe(configValue, z.transform(String)), { error: 'maps names of configs to texts' }),
  ),
  RemovalPolicy: z.optional(z.enum(['RETAIN', 'DESTROY'], { error: 'is RETAIN or DESTROY' })),
  ServiceToken: z.optional(z.unknown()),
  ServiceTimeout: z.optional(z.unknown()),
})

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
