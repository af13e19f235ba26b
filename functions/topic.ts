// Topics declared in CloudFormation: the custom resource `Custom::TidelogTopic`. Whatever happens, CloudFormation gets an
// answer (`lib/http/custom-resource.ts`); what Create, Update and Delete mean is in `lib/http/topic-resource.ts`.
import middy from '@middy/core'
import type { Context } from 'aws-lambda'
import * as z from 'zod/mini'
import { systemClock } from '../lib/base/clock.ts'
import { answerCustomResource, type CustomResourceResult, putOverHttp } from '../lib/http/custom-resource.ts'
import { isRollingBack } from '../lib/http/stack-status.ts'
import { applyTopicRequest, resourceIdentity, type TopicRequest } from '../lib/http/topic-resource.ts'
import { check } from './events.ts'
import { type FunctionOptions, keptRuntime, noCompression, Refusal, remainingMs, settled } from './handler.ts'
import { logger, logWith, observe, observing } from './telemetry.ts'

/** CloudFormation's call of a custom resource. The properties are judged by themselves: a bad one is an answer too. */
const customResourceEvent = z.object({
  RequestType: z.enum(['Create', 'Update', 'Delete']),
  ResponseURL: z.url(),
  StackId: z.string(),
  RequestId: z.string(),
  LogicalResourceId: z.string(),
  PhysicalResourceId: z.optional(z.string()),
  ResourceProperties: z.optional(z.record(z.string(), z.unknown())),
  OldResourceProperties: z.optional(z.record(z.string(), z.unknown())),
})
type CustomResourceEvent = z.infer<typeof customResourceEvent>

const whole = { error: 'is a whole number' }
const wholeNumber = z.union([z.string().check(z.regex(/^\d{1,9}$/, whole)), z.number().check(z.int(whole))], whole)
const configValue = z.union([z.string(), z.number(), z.boolean()], { error: 'is a text' })

/** `Custom::TidelogTopic`. CloudFormation hands every number and boolean over as text. */
const topicProperties = z.strictObject({
  TopicName: z.string({ error: 'is the name of a topic' }),
  Partitions: z.pipe(wholeNumber, z.transform(Number)),
  Configs: z.optional(
    z.record(z.string(), z.pipe(configValue, z.transform(String)), { error: 'maps names of configs to texts' }),
  ),
  RemovalPolicy: z.optional(z.enum(['RETAIN', 'DESTROY'], { error: 'is RETAIN or DESTROY' })),
  ServiceToken: z.optional(z.unknown()),
  ServiceTimeout: z.optional(z.unknown()),
})

/** What a resource is called that has no name of its own: its Delete finds nothing under this. */
const NEVER_MADE = 'tidelog-topic-never-made'

/** What the resource is called when the request fails: as before, or as it would have been. */
function physicalIdOf({ PhysicalResourceId, ResourceProperties }: CustomResourceEvent): string {
  const name = ResourceProperties?.['TopicName']
  return PhysicalResourceId ?? (typeof name === 'string' && name !== '' ? name : NEVER_MADE)
}

/** The request in an event, or what is wrong with its properties. */
function topicRequestIn(
  event: CustomResourceEvent,
): TopicRequest | { readonly kind: 'wrong'; readonly sentence: string } {
  const resource = resourceIdentity(event.StackId, event.LogicalResourceId)
  const requestId = event.RequestId
  const physicalId = physicalIdOf(event)
  const properties = event.ResourceProperties ?? {}
  if (event.RequestType === 'Delete') {
    // Nothing else counts any more: whatever could once be made can be deleted.
    return { kind: 'delete', resource, physicalId, destroy: properties['RemovalPolicy'] === 'DESTROY' }
  }
  const checked = check(topicProperties, properties)
  if (checked.kind !== 'ok') return checked
  const { TopicName: name, Partitions: partitions, Configs = {} } = checked.value
  const declared = { name, partitions, configs: new Map(Object.entries(Configs)) }
  if (event.RequestType === 'Create') return { kind: 'create', resource, requestId, declared }
  const before = check(topicProperties, event.OldResourceProperties ?? {})
  const partitionsBefore = before.kind === 'ok' ? before.value.Partitions : undefined
  return { kind: 'update', resource, requestId, declared, physicalId, partitionsBefore }
}

/** Where CloudFormation is, and who asks. Lambda always has a region and credentials. */
function stackStatusPlace() {
  const { AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env
  return {
    region: AWS_REGION ?? 'us-east-1',
    endpointUrl: process.env['AWS_ENDPOINT_URL_CLOUDFORMATION'] ?? process.env['AWS_ENDPOINT_URL'],
    credentials: {
      accessKeyId: AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: AWS_SECRET_ACCESS_KEY ?? '',
      ...(AWS_SESSION_TOKEN === undefined ? {} : { sessionToken: AWS_SESSION_TOKEN }),
    },
  }
}

export function topicHandler(options: FunctionOptions) {
  const runtimeOf = keptRuntime(options)

  async function work(
    event: CustomResourceEvent,
    context: Context,
    signal: AbortSignal,
  ): Promise<CustomResourceResult> {
    const request = topicRequestIn(event)
    const physicalId = physicalIdOf(event)
    if (request.kind === 'wrong') {
      return { kind: 'failed', physicalId, reason: `The topic is not declared rightly: ${request.sentence}` }
    }
    try {
      const runtime = await runtimeOf()
      const rollingBack = () => isRollingBack(stackStatusPlace(), event.StackId, logger)
      const outcome = await applyTopicRequest({ log: runtime.log, clock: runtime.clock, rollingBack, signal }, request)
      await settled(context, runtime)
      if (outcome.kind === 'failed') return outcome
      const { topic } = outcome
      if (topic === undefined) return { kind: 'done', physicalId: outcome.physicalId }
      const data = { TopicName: topic.name, TopicId: topic.id, Partitions: topic.partitions }
      return { kind: 'done', physicalId: outcome.physicalId, data }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      // A topic that is kept needs no log to be kept.
      if (request.kind === 'delete' && !request.destroy) return { kind: 'done', physicalId }
      return { kind: 'failed', physicalId, reason: `The log could not be opened: ${error.message}` }
    }
  }

  return middy<CustomResourceEvent, void, Error, Context>({ timeoutEarlyInMillis: 0 })
    .use(observing('topic'))
    .handler(async (event, context) => {
      const startedAt = performance.now()
      const checked = check(customResourceEvent, event)
      if (checked.kind !== 'ok') throw new Error(`This is no call of a custom resource: ${checked.sentence}`)
      const { value } = checked
      logWith({ stack: value.StackId, resource: value.LogicalResourceId, request: value.RequestType })
      const call = {
        responseUrl: value.ResponseURL,
        stackId: value.StackId,
        requestId: value.RequestId,
        logicalResourceId: value.LogicalResourceId,
      }
      const ports = { clock: systemClock, logger, put: putOverHttp }
      const physicalId = physicalIdOf(value)
      const answered = await answerCustomResource(ports, call, remainingMs(context), physicalId, (signal) =>
        work(value, context, signal),
      )
      observe({ api: 'topic', failed: !answered, durationMs: performance.now() - startedAt })
    })
}

export const handler = topicHandler({ compression: noCompression })
