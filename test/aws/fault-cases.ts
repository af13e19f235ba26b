// The ways in which AWS and networks fail, as data: what goes wrong, the outcome that the adapters must give it, and whether
// the write is there in the end. `unavailable` must mean that nothing was changed, and `unknown` must be said wherever
// something may have been. Codes, statuses and texts are those of the services' own error references.
import { expect } from 'vitest'
import { systemClock } from '../../lib/base/clock.ts'
import { newUlid } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import type { Fault, Injector, ServiceError } from './inject.ts'

/** The deadline of the stores under test. */
export const REQUEST_MS = 250

const dynamodbError = (status: number, code: string, message: string, more = {}): ServiceError => ({
  status,
  code,
  message,
  more,
})
export const THROTTLING: readonly ServiceError[] = [
  dynamodbError(
    400,
    'ProvisionedThroughputExceededException',
    'The level of configured provisioned throughput for the table was exceeded. ' +
      'Consider increasing your provisioning level with the UpdateTable API.',
  ),
  dynamodbError(
    400,
    'ThrottlingException',
    'Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table.',
  ),
  dynamodbError(
    400,
    'RequestLimitExceeded',
    'Throughput exceeds the current throughput limit for your account. Please contact AWS Support.',
  ),
]
export const CONFLICT = dynamodbError(400, 'TransactionConflictException', 'Transaction is ongoing for the item')
export const DENIED = dynamodbError(
  400,
  'AccessDeniedException',
  'User: arn:aws:iam::123456789012:user/x is not authorized to perform this action',
)
export const NO_TABLE = dynamodbError(400, 'ResourceNotFoundException', 'Requested resource not found')
export const INTERNAL = dynamodbError(
  500,
  'InternalServerError',
  'The request processing has failed because of an unknown error.',
)
export const DYNAMODB_503 = dynamodbError(503, 'ServiceUnavailable', 'The service is currently unavailable or busy.')
export const SLOW_DOWN: ServiceError = { status: 503, code: 'SlowDown', message: 'Please reduce your request rate.' }
const S3_503: ServiceError = {
  status: 503,
  code: 'ServiceUnavailable',
  message: 'Service is unable to handle request.',
}
const S3_409: ServiceError = {
  status: 409,
  code: 'ConditionalRequestConflict',
  message: 'The conditional request cannot succeed due to a conflicting operation against this resource.',
}
export const S3_500: ServiceError = {
  status: 500,
  code: 'InternalError',
  message: 'We encountered an internal error. Please try again.',
}
const S3_TIMEOUT: ServiceError = {
  status: 400,
  code: 'RequestTimeout',
  message: 'Your socket connection to the server was not read from or written to within the timeout period.',
}

export interface Case {
  readonly fault: Fault
  readonly outcome: { readonly kind: 'unavailable'; readonly throttled: boolean } | { readonly kind: 'unknown' }
  /** Whether the write is there in the end. */
  readonly applied: boolean
}
const refused = (error: ServiceError, throttled: boolean): [string, Case] => [
  `${error.status} ${error.code}`,
  { fault: { kind: 'refuse', error }, outcome: { kind: 'unavailable', throttled }, applied: false },
]
const unknown = (name: string, fault: Fault, applied: boolean): [string, Case] => [
  name,
  { fault, outcome: { kind: 'unknown' }, applied },
]
const NETWORK: readonly [string, Case][] = [
  unknown('the connection drops before the request is applied', { kind: 'dropBefore' }, false),
  unknown('the connection drops after the request was applied', { kind: 'dropAfter' }, true),
  unknown('the answer comes after the deadline', { kind: 'answerLate', delayMs: 2 * REQUEST_MS }, true),
  unknown('the request is applied after the deadline', { kind: 'applyLate', delayMs: 2 * REQUEST_MS }, true),
]
export const ON_DYNAMODB: readonly [string, Case][] = [
  ...THROTTLING.map((error) => refused(error, true)),
  refused(CONFLICT, false),
  refused(DENIED, false),
  refused(NO_TABLE, false),
  unknown('500 not applied', { kind: 'refuse', error: INTERNAL }, false),
  unknown('500 applied', { kind: 'applyThenRefuse', error: INTERNAL }, true),
  unknown('503 not applied', { kind: 'refuse', error: DYNAMODB_503 }, false),
  unknown('503 applied', { kind: 'applyThenRefuse', error: DYNAMODB_503 }, true),
  ...NETWORK,
]
export const ON_DYNAMODB_WITH_ANSWER: readonly [string, Case][] = [
  ...ON_DYNAMODB,
  unknown('the answer breaks off', { kind: 'halfAnswer', ending: 'drop' }, true),
  unknown('the answer stands still', { kind: 'halfAnswer', ending: 'hang' }, true),
]
export const ON_S3: readonly [string, Case][] = [
  refused(S3_409, false),
  refused(SLOW_DOWN, true),
  refused(S3_503, true),
  refused(S3_TIMEOUT, false),
  unknown('500 not applied', { kind: 'refuse', error: S3_500 }, false),
  unknown('500 applied', { kind: 'applyThenRefuse', error: S3_500 }, true),
  ...NETWORK,
]

/** Runs one call under a fault: the outcome, and that exactly one request went out and was hit. */
export async function under<T>(injector: Injector, operation: string, fault: Fault, run: () => Promise<T>): Promise<T> {
  const requests = injector.seen.length
  const hits = injector.hits
  injector.spoil(operation, fault)
  const outcome = await run()
  await injector.settled()
  expect(injector.hits, 'the fault hit').toBe(hits + 1)
  expect(injector.seen.slice(requests), 'there was one request').toEqual([operation])
  return outcome
}

export const freshBytes = (): Uint8Array => systemRandom.bytes(24)
export const freshKey = (kind: string): string =>
  `${kind}/${Buffer.from(systemRandom.bytes(1)).toString('hex')}/1/000000000001-${newUlid(systemClock, systemRandom)}`
