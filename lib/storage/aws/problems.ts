// What goes wrong between Tidelog and an AWS account, in one clear sentence each, with the next thing to do. For people at
// a terminal: `tidelog init` and `tidelog start` print them and end. Nothing decides anything by these texts.
import type { AwsPlace } from './clients.ts'
import { causeOf } from './outcomes.ts'

/** The command that makes what is missing. */
export function initCommand(place: AwsPlace): string {
  const region = place.region === undefined ? '' : ` --region ${place.region}`
  const endpoint = place.endpointUrl === undefined ? '' : ` --endpoint-url ${place.endpointUrl}`
  return `tidelog init --bucket ${place.bucket} --table ${place.table}${region}${endpoint}`
}

/** "in region eu-west-1", "at http://127.0.0.1:4566", or both. */
export function whereText(place: AwsPlace, region: string | undefined): string {
  const parts = [
    ...(region === undefined ? [] : [`in region ${region}`]),
    ...(place.endpointUrl === undefined ? [] : [`at ${place.endpointUrl}`]),
  ]
  return parts.length === 0 ? 'in AWS' : parts.join(' ')
}

interface SeenProblem {
  readonly name: string
  readonly message: string
  readonly code: string
  readonly status: number
}

function seen(error: unknown): SeenProblem {
  const e: { name?: unknown; message?: unknown; code?: unknown; $metadata?: { httpStatusCode?: unknown } } =
    typeof error === 'object' && error !== null ? error : {}
  return {
    name: String(e.name ?? ''),
    message: String(e.message ?? ''),
    code: String(e.code ?? ''),
    status: Number(e.$metadata?.httpStatusCode ?? 0),
  }
}

const WRONG_CREDENTIALS = new Set([
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'InvalidSignatureException',
  'IncompleteSignatureException',
  'MissingAuthenticationTokenException',
  'AuthFailure',
])
const EXPIRED_CREDENTIALS = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'RequestExpired'])
const NOT_REACHED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'])

/** A sentence about an error of S3 or DynamoDB. `region` is the one the SDK found, where it is known. */
export function describeAwsProblem(error: unknown, place: AwsPlace, region = place.region): string {
  const { name, message, code, status } = seen(error)
  const where = whereText(place, region)
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError') {
    return (
      'No AWS credentials were found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile in AWS_PROFILE, ' +
      `or run "aws sso login" (${message}).`
    )
  }
  if (message.includes('Region is missing')) {
    return 'No AWS region is set. Pass --region, or set AWS_REGION.'
  }
  if (WRONG_CREDENTIALS.has(name)) return `AWS does not accept the credentials (${causeOf(error)}).`
  if (EXPIRED_CREDENTIALS.has(name)) return 'The AWS credentials have expired. Sign in again, or renew them.'
  if (name === 'NoSuchBucket') {
    return `The bucket ${place.bucket} does not exist ${where}. Run: ${initCommand({ ...place, ...regionPart(region) })}`
  }
  if (name === 'ResourceNotFoundException') {
    return `The table ${place.table} does not exist ${where}. Run: ${initCommand({ ...place, ...regionPart(region) })}`
  }
  if (name === 'BucketAlreadyExists') {
    return `The bucket name ${place.bucket} is taken by another AWS account. Choose another name.`
  }
  if (name === 'InvalidBucketName') return `${place.bucket} is not a possible name for a bucket (${message}).`
  if (name === 'PermanentRedirect' || status === 301) {
    return `The bucket ${place.bucket} lies in another region than ${region ?? 'the one in use'}. Pass its region with --region.`
  }
  if (name === 'AccessDenied' || name === 'AccessDeniedException' || status === 403) {
    return `AWS denies access to bucket ${place.bucket} or table ${place.table} ${where} (${causeOf(error)}).`
  }
  if (NOT_REACHED.has(code) || name === 'TimeoutError' || name === 'AbortError') {
    return `AWS cannot be reached ${where} (${causeOf(error)}).`
  }
  return `AWS answered with an error ${where}: ${causeOf(error)}.`
}

function regionPart(region: string | undefined) {
  return region === undefined ? {} : { region }
}
