// The one table that turns what AWS (or the SDK, or the network) answers into outcomes. Its invariant: a write is called
// refused only if the answer proves that nothing was changed; whatever is not listed here is `unknown`, which is always
// safe to say. The SDK's own retries are off, so each error seen here belongs to exactly one request on the wire.
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { assert } from '../../base/assert.ts'
import type { Unavailable, Unknown } from '../ports.ts'

export type Item = Record<string, AttributeValue>

/** Why a request gave no result. */
export type Failure =
  /** A condition was false; nothing was changed. `item` is what DynamoDB holds (`undefined`: nothing, or S3). */
  | { readonly kind: 'conditionFailed'; readonly item: Item | undefined }
  /** The S3 object is not there. */
  | { readonly kind: 'missing' }
  /** The range begins behind the end of the S3 object. */
  | { readonly kind: 'rangePastEnd' }
  | Unavailable
  | Unknown

type Meaning =
  | 'conditionFailed'
  | 'missing'
  | 'rangePastEnd'
  /** Refused before anything was changed, because of the load. */
  | 'throttled'
  /** Refused before anything was changed, or never sent. */
  | 'refused'
  /** A request that we should never have made. */
  | 'ours'
  | 'unknown'

/** By error code of the service, as the SDK names it. */
const BY_NAME: Readonly<Record<string, Meaning>> = {
  ConditionalCheckFailedException: 'conditionFailed',
  PreconditionFailed: 'conditionFailed',
  NoSuchKey: 'missing',
  InvalidRange: 'rangePastEnd',

  ThrottlingException: 'throttled',
  ThrottledException: 'throttled',
  Throttling: 'throttled',
  ProvisionedThroughputExceededException: 'throttled',
  RequestLimitExceeded: 'throttled',
  LimitExceededException: 'throttled',
  TooManyRequestsException: 'throttled',
  SlowDown: 'throttled',

  // Races with another writer: the service did nothing and asks for another try.
  TransactionConflictException: 'refused',
  TransactionInProgressException: 'refused',
  ReplicatedWriteConflictException: 'refused',
  ConditionalRequestConflict: 'refused',
  OperationAborted: 'refused',
  // Nothing is wrong with the item; the bucket or table is not there (never to be mistaken for a missing object).
  NoSuchBucket: 'refused',
  ResourceNotFoundException: 'refused',
  // S3 had not received the whole request when it gave up.
  RequestTimeout: 'refused',
  // Raised by the SDK before anything is sent.
  CredentialsProviderError: 'refused',
  TokenProviderError: 'refused',

  // An item past 400 KB, an expression past its limits, a key that is none: our own bounds exclude them.
  ValidationException: 'ours',
  ItemCollectionSizeLimitExceededException: 'ours',
  SerializationException: 'ours',
  EntityTooLarge: 'ours',
  KeyTooLongError: 'ours',
  MalformedXML: 'ours',
  InvalidArgument: 'ours',

  // "The request may have succeeded": DynamoDB's and S3's own words for these.
  InternalServerError: 'unknown',
  InternalServerErrorException: 'unknown',
  InternalError: 'unknown',
  InternalFailure: 'unknown',
}

/** By the code of the operating system or of Node, where the service never answered: only those that mean "not sent". */
const BY_NETWORK_CODE: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: 'refused',
  ENOTFOUND: 'refused',
  EAI_AGAIN: 'refused',
  CERT_HAS_EXPIRED: 'refused',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'refused',
  SELF_SIGNED_CERT_IN_CHAIN: 'refused',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'refused',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'refused',
  ERR_TLS_CERT_ALTNAME_INVALID: 'refused',
}

/** These can also hit an established connection, so they count only for the call that makes one. */
const REFUSED_WHILE_CONNECTING = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EADDRNOTAVAIL'])

/** By HTTP status, where the code is none of ours (S3 answers HEAD without a body, proxies with their own). */
function byStatus(status: number, isS3: boolean): Meaning {
  if (status === 412) return 'conditionFailed'
  if (status === 429) return 'throttled'
  // S3 says 503 for "slow down" under several codes; DynamoDB's 503 does not exclude that a write was applied.
  if (status === 503) return isS3 ? 'throttled' : 'unknown'
  return status >= 400 && status < 500 ? 'refused' : 'unknown'
}

/** What of an error is looked at. Errors come from the SDK, from Node or from a custom credentials provider. */
interface SeenError {
  readonly name?: unknown
  readonly message?: unknown
  readonly code?: unknown
  readonly syscall?: unknown
  readonly errors?: unknown
  readonly Item?: unknown
  readonly $service?: unknown
  readonly $metadata?: { readonly httpStatusCode?: unknown } | undefined
}

function meaningOf(error: SeenError, isS3: boolean): Meaning {
  const named = typeof error.name === 'string' ? BY_NAME[error.name] : undefined
  if (named !== undefined) return named
  const status = error.$metadata?.httpStatusCode
  // A 2xx whose body could not be read was applied, and a write's answer is lost.
  if (typeof status === 'number') return byStatus(status, isS3)
  if (typeof error.code === 'string') {
    const meaning = BY_NETWORK_CODE[error.code]
    if (meaning !== undefined) return meaning
    if (REFUSED_WHILE_CONNECTING.has(error.code) && isConnecting(error)) return 'refused'
  }
  // The SDK's timer for making (or waiting for) a connection: the request was never written to one.
  if (error.name === 'TimeoutError' && String(error.message).includes('did not establish a connection'))
    return 'refused'
  return 'unknown'
}

/** Several addresses of one host are tried in turn; their errors come as one. */
function isConnecting(error: SeenError): boolean {
  if (error.syscall === 'connect') return true
  return Array.isArray(error.errors) && error.errors.every((e: SeenError) => e.syscall === 'connect')
}

/** One line about an error, for logs. */
export function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const text = error.message === '' ? code : error.message
  return `${error.name}: ${text}`.slice(0, 500)
}

/** What a failed request of S3 or DynamoDB means. Throws if the request was one that we should never have made. */
export function failureOf(error: unknown, service: 's3' | 'dynamodb'): Failure {
  const seen: SeenError = typeof error === 'object' && error !== null ? error : {}
  const cause = causeOf(error)
  const meaning = meaningOf(seen, service === 's3')
  switch (meaning) {
    case 'conditionFailed':
      return { kind: 'conditionFailed', item: seen.Item as Item | undefined }
    case 'missing':
    case 'rangePastEnd':
      return { kind: meaning }
    case 'throttled':
      return { kind: 'unavailable', throttled: true, cause }
    case 'refused':
      return { kind: 'unavailable', throttled: false, cause }
    case 'ours':
      assert(false, `${service} accepts our requests (${cause})`)
      break
    case 'unknown':
      return { kind: 'unknown', cause }
  }
}

/** A read that brought nothing: a read changes nothing, so its unknown outcome is none. */
export function unreadable(failure: Failure): Unavailable {
  if (failure.kind === 'unavailable') return failure
  const cause = failure.kind === 'unknown' ? failure.cause : `unexpected answer to a read: ${failure.kind}`
  return { kind: 'unavailable', throttled: false, cause }
}

/** A write without a condition, or one whose failed condition the caller has dealt with. */
export function unwritten(failure: Failure): Unavailable | Unknown {
  if (failure.kind === 'unavailable' || failure.kind === 'unknown') return failure
  return { kind: 'unknown', cause: `unexpected answer to a write: ${failure.kind}` }
}
