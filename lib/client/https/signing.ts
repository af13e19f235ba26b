// AWS Signature Version 4 for requests to API Gateway and to function URLs. HTTPS is always signed, since IAM guards every
// route by default; plain HTTP, which means an emulator or a gateway on this machine, only where credentials are given or
// stand in the environment. The body's hash comes from Node's own SHA-256 (the SDK's takes 65 ms for a frame of 4 MiB).
// The AWS SDK is loaded with the first signature.
import { createHash } from 'node:crypto'

/** Keys, or a function that gets them whenever a request is signed (it is asked each time). */
export type Credentials = Keys | (() => Promise<Keys>)

export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface RequestToSign {
  readonly method: string
  readonly path: string
  /** With `host`. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: readonly Uint8Array[]
}

export type Signed =
  | {
      readonly kind: 'ok'
      readonly headers: Readonly<Record<string, string>>
      /** The access key; undefined: not signed. */
      readonly signedAs: string | undefined
    }
  | { readonly kind: 'problem'; readonly sentence: string }

export interface SigningOptions {
  readonly url: URL
  readonly region?: string
  readonly credentials?: Credentials
  /** For tests: when it is. */
  readonly now?: () => Date
}

const HASH_HEADER = 'x-amz-content-sha256'
/** Emulators do not care; a signature has to name one. */
const EMULATED_REGION = 'us-east-1'
/** A proxy may change it, and HTTP's own framing says it. */
const UNSIGNED_HEADERS = new Set(['content-length'])

/** Builds the function that signs what goes to a URL. */
export function createSigner(options: SigningOptions): (request: RequestToSign) => Promise<Signed> {
  const { url } = options
  let loaded: Promise<Awaited<ReturnType<typeof load>>> | undefined
  return async (request) => {
    const wanted = url.protocol === 'https:' || options.credentials !== undefined || process.env['AWS_ACCESS_KEY_ID']
    if (!wanted) return { kind: 'ok', headers: request.headers, signedAs: undefined }
    // Another try may find what this one did not: a profile can be repaired while we run.
    loaded ??= load(options).catch((error: unknown) => {
      loaded = undefined
      throw error
    })
    try {
      const { sign, keys } = await loaded
      const current = await keys()
      return { kind: 'ok', headers: await sign(request, current), signedAs: current.accessKeyId }
    } catch (error) {
      return { kind: 'problem', sentence: whyUnsigned(error, url) }
    }
  }
}

async function load(options: SigningOptions) {
  const [{ SignatureV4 }, { Sha256 }] = await Promise.all([
    import('@smithy/signature-v4'),
    import('@aws-crypto/sha256-js'),
  ])
  const { service, region } = await scopeOf(options)
  const keys = await keysOf(options.credentials)
  const sign = async ({ method, path, headers, body }: RequestToSign, credentials: Keys) => {
    const hash = createHash('sha256')
    for (const part of body) hash.update(part)
    const signer = new SignatureV4({ service, region, credentials, sha256: Sha256 })
    const hashed = { ...headers, [HASH_HEADER]: hash.digest('hex') }
    const { protocol, hostname } = options.url
    const signed = await signer.sign(
      { method, protocol, hostname, path, headers: hashed },
      { unsignableHeaders: UNSIGNED_HEADERS, ...(options.now === undefined ? {} : { signingDate: options.now() }) },
    )
    return signed.headers
  }
  return { sign, keys }
}

/** The service and region of an address, as far as its host name says them. */
export function scopeInHost(hostname: string): { readonly service: string; readonly region: string | undefined } {
  const lambda = /\.lambda-url\.([a-z0-9-]+)\./.exec(hostname)
  if (lambda !== null) return { service: 'lambda', region: lambda[1] }
  const api = /\.execute-api\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/.exec(hostname)
  return { service: 'execute-api', region: api?.[1] }
}

class NoRegion extends Error {}

async function scopeOf({
  url,
  region,
}: SigningOptions): Promise<{ readonly service: string; readonly region: string }> {
  const { service, region: named } = scopeInHost(url.hostname)
  const known = region ?? named ?? process.env['AWS_REGION']
  if (known) return { service, region: known }
  if (url.protocol === 'http:') return { service, region: EMULATED_REGION }
  // A domain of one's own: the region may stand in the profile, which the SDK knows how to read.
  const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb')
  const client = new DynamoDBClient({})
  try {
    return { service, region: await client.config.region() }
  } catch {
    throw new NoRegion()
  } finally {
    client.destroy()
  }
}

async function keysOf(credentials: Credentials | undefined): Promise<() => Promise<Keys>> {
  if (typeof credentials === 'function') return credentials
  if (credentials !== undefined) return async () => credentials
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node')
  const provide = defaultProvider()
  return async () => {
    const { accessKeyId, secretAccessKey, sessionToken } = await provide()
    return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
  }
}

function whyUnsigned(error: unknown, url: URL): string {
  if (error instanceof NoRegion) {
    return `Requests to ${url.host} have to be signed for a region, which its name does not say: set AWS_REGION.`
  }
  const detail = error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
  const ways = 'set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run: aws login'
  return `There are no AWS credentials to sign requests to ${url.host} with (${detail}): ${ways}`
}
