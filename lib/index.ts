// The public face of the package: start a log in this process, use it with any Kafka client, close it.
import { type Address, formatAddress, parseAddress } from './base/address.ts'
import type { StoreChoice } from './gateway/open-stores.ts'
import { startGateway } from './gateway/start.ts'

/** How to start a log in this process. */
export interface TidelogOptions {
  /** Where the data is: in this process only, in a directory, or in S3 and DynamoDB. */
  readonly store: 'memory' | 'embedded' | 'aws'
  /** The directory of the embedded store. Default: `./tidelog-data`. */
  readonly data?: string
  /** Where S3 and DynamoDB are, for `store: 'aws'`. Credentials come the AWS SDK's usual way. */
  readonly aws?: {
    readonly bucket: string
    readonly table: string
    readonly region?: string
    /** An emulator, or a compatible store. */
    readonly endpointUrl?: string
  }
  /** `host:port` where Kafka clients connect. Default: `127.0.0.1:0`, which is any free port. */
  readonly kafka?: string
  /** `host:port` of `GET /health` and `GET /metrics`. Default: none. */
  readonly http?: string
  /** `host:port` that clients are told to connect to, if it differs from `kafka`. */
  readonly advertise?: string
  /** Broker settings by Kafka's names, for instance `{ 'num.partitions': '3' }`. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A running log. */
export interface RunningTidelog {
  /** `host:port` for the `bootstrap.servers` of a Kafka client. */
  readonly bootstrap: string
  /** Where `/health` and `/metrics` are, if `http` was given. */
  readonly httpUrl: string | undefined
  /** Finishes the requests under way and ends. Calling it again is harmless. */
  close(): Promise<void>
}

/** The log could not be started; the message is one sentence that says what to put right. */
export class TidelogStartError extends Error {
  override name = 'TidelogStartError'
}

export const Tidelog = {
  /**
   * Starts a log in this process. Any number may run side by side.
   *
   * @throws TidelogStartError when a port is taken, a directory belongs to something else, a bucket is missing.
   *
   * @example
   * import { Tidelog } from 'tidelog'
   *
   * const log = await Tidelog.start({ store: 'memory' })
   * const kafka = new Kafka({ brokers: [log.bootstrap] }) // KafkaJS, or any other client
   * // …
   * await log.close()
   */
  async start(options: TidelogOptions): Promise<RunningTidelog> {
    const outcome = await startGateway({
      store: storeChoice(options),
      kafka: address(options.kafka ?? '127.0.0.1:0', 'kafka'),
      ...(options.http === undefined ? {} : { http: address(options.http, 'http') }),
      ...(options.advertise === undefined ? {} : { advertise: address(options.advertise, 'advertise') }),
      ...(options.settings === undefined ? {} : { settings: options.settings }),
    })
    if (outcome.kind === 'problem') throw new TidelogStartError(outcome.sentence)
    const { gateway } = outcome
    return {
      bootstrap: formatAddress(gateway.advertised),
      httpUrl: gateway.http === undefined ? undefined : `http://${formatAddress(gateway.http)}`,
      close: () => gateway.close(),
    }
  },
} as const

function storeChoice(options: TidelogOptions): StoreChoice {
  if (options.store === 'memory') return { kind: 'memory' }
  if (options.store === 'embedded') return { kind: 'embedded', dir: options.data ?? './tidelog-data' }
  if (options.aws === undefined) throw new TidelogStartError("store: 'aws' needs aws: { bucket, table }.")
  return { kind: 'aws', ...options.aws }
}

function address(text: string, option: string): Address {
  const parsed = parseAddress(text)
  if (parsed === undefined) throw new TidelogStartError(`${option}: "${text}" is not of the form host:port.`)
  return parsed
}
