// The two SDK clients of one deployment, set so that one call is one request on the wire: retries off, a deadline for
// connecting and one for the whole exchange including the body, keep-alive connections. Everything goes through `call`,
// which never rejects for what a service or the network does, so that nothing above sees an SDK error. Keeps count of
// what is under way, for `close`.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import {
  AWS_CONNECT_MS_MAX,
  AWS_CONNECTIONS_MAX,
  DYNAMODB_REQUEST_MS_MAX,
  S3_REQUEST_MS_MAX,
} from '../../base/limits.ts'
import { type Failure, failureOf } from './outcomes.ts'

/** Where a deployment's data is. Credentials and, if left out, the region come the SDK's usual way. */
export interface AwsPlace {
  readonly bucket: string
  readonly table: string
  readonly region?: string
  /** An emulator or a compatible store instead of AWS. */
  readonly endpointUrl?: string
}

export interface AwsOptions extends AwsPlace {
  /** Bounds of one request, in place of the usual ones (`base/limits.ts`). */
  readonly timeouts?: {
    readonly connectMs?: number
    readonly dynamodbMs?: number
    readonly s3Ms?: number
  }
  /** Connections to each of the two services. */
  readonly connectionsMax?: number
}

export type Called<T> = { readonly kind: 'done'; readonly value: T } | Failure

export interface AwsClients {
  readonly s3: S3Client
  readonly dynamodb: DynamoDBClient
  /** Makes one exchange with a service. `run` passes the signal on to the SDK and reads the whole answer. */
  call<T>(service: 's3' | 'dynamodb', run: (abortSignal: AbortSignal) => Promise<T>): Promise<Called<T>>
  /** Refuses new calls, waits for those under way (each has a deadline) and closes the connections. */
  close(): Promise<void>
}

/** What both clients share: place, and the handler that bounds connecting. */
export function clientSettings(options: AwsOptions) {
  return {
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(options.endpointUrl === undefined ? {} : { endpoint: options.endpointUrl }),
    requestHandler: {
      connectionTimeout: options.timeouts?.connectMs ?? AWS_CONNECT_MS_MAX,
      httpAgent: { keepAlive: true, maxSockets: options.connectionsMax ?? AWS_CONNECTIONS_MAX },
      httpsAgent: { keepAlive: true, maxSockets: options.connectionsMax ?? AWS_CONNECTIONS_MAX },
    },
  }
}

/** S3's part: emulators have no DNS name per bucket; our objects carry their own checksums when they are read. */
export function s3Settings(options: AwsOptions) {
  return {
    forcePathStyle: options.endpointUrl !== undefined,
    responseChecksumValidation: 'WHEN_REQUIRED' as const,
    // Otherwise each large PUT opens a connection of its own and waits a round trip for permission.
    expectContinueHeader: false,
  }
}

export function openClients(options: AwsOptions): AwsClients {
  const once = { maxAttempts: 1, retryMode: 'standard' }
  const s3 = new S3Client({ ...clientSettings(options), ...s3Settings(options), ...once })
  const dynamodb = new DynamoDBClient({ ...clientSettings(options), ...once })
  const deadlineMs = {
    s3: options.timeouts?.s3Ms ?? S3_REQUEST_MS_MAX,
    dynamodb: options.timeouts?.dynamodbMs ?? DYNAMODB_REQUEST_MS_MAX,
  }
  const underWay = new Set<Promise<unknown>>()
  let closed = false

  /** The signal ends a request on the wire; the race ends whatever else may hang, such as a search for credentials. */
  async function exchange<T>(service: 's3' | 'dynamodb', run: (abortSignal: AbortSignal) => Promise<T>) {
    const controller = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`no whole answer within ${deadlineMs[service]} ms`))
        controller.abort()
      }, deadlineMs[service])
    })
    try {
      return { kind: 'done' as const, value: await Promise.race([run(controller.signal), late]) }
    } catch (error) {
      return failureOf(error, service)
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    s3,
    dynamodb,
    call<T>(service: 's3' | 'dynamodb', run: (abortSignal: AbortSignal) => Promise<T>): Promise<Called<T>> {
      if (closed) return Promise.resolve({ kind: 'unavailable', throttled: false, cause: 'the store is closed' })
      const answer: Promise<Called<T>> = exchange(service, run)
      underWay.add(answer)
      const forget = (): void => {
        underWay.delete(answer)
      }
      answer.then(forget, forget)
      return answer
    },
    async close() {
      closed = true
      await Promise.allSettled(underWay)
      s3.destroy()
      dynamodb.destroy()
    },
  }
}
