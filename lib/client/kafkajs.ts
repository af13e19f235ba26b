// `import { httpSocketFactory } from 'tidelog/kafkajs'`: lets KafkaJS reach a log behind HTTPS without a listener beside it.
// KafkaJS asks its `socketFactory` for a socket per connection; what it gets is a stream over a channel, which never opens
// a TCP connection of its own. All brokers that the log names have the address that KafkaJS was given, so every connection
// leads here again. KafkaJS itself is not imported.
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { formatAddress } from '../base/address.ts'
import { systemClock } from '../base/clock.ts'
import { newUlid } from '../base/ids.ts'
import { FRAME_BYTES_MAX, REQUESTS_IN_FLIGHT_PER_CONNECTION_MAX } from '../base/limits.ts'
import { systemRandom } from '../base/random.ts'
import { FrameAssembler } from '../wire/frame-assembler.ts'
import { ClientError } from './errors.ts'
import { Channel, type ChannelAnswer } from './https/channel.ts'
import { Line } from './https/line.ts'
import { openSender, readUrl } from './https/sender.ts'

/** Keys of AWS, as `@aws-sdk/credential-providers` give them. */
export interface AwsKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** Where the log is and how requests to it are signed. */
export interface HttpSocketFactoryOptions {
  /** The URL of the deployment's API, with its stage if it has one; or of a gateway's HTTP port. */
  readonly url: string
  /** Default: as the URL says, else `AWS_REGION` or the profile. */
  readonly region?: string
  /** Keys, or a function that gets them and is asked for each request. Default: as the AWS SDK finds them. */
  readonly credentials?: AwsKeys | (() => Promise<AwsKeys>)
}

/** What KafkaJS says about a connection that it wants. */
export interface SocketRequest {
  readonly host: string
  readonly port: number
  /** Of no meaning here: the URL says whether the way is encrypted. */
  readonly ssl?: unknown
  readonly onConnect: () => void
}

/**
 * Makes a `socketFactory` for KafkaJS that sends its requests over HTTPS to a deployment without servers. `https` URLs are
 * signed with AWS Signature Version 4; `http` ones only when credentials are given or stand in the environment.
 *
 * The name in `brokers` is only a name: nothing is resolved or dialled, and all requests go to `url`.
 *
 * @throws ClientError when `url` is not one.
 *
 * @example
 * import { Kafka } from 'kafkajs'
 * import { httpSocketFactory } from 'tidelog/kafkajs'
 *
 * const kafka = new Kafka({
 *   brokers: ['tidelog:9092'],
 *   socketFactory: httpSocketFactory({ url: 'https://abc123.execute-api.eu-west-1.amazonaws.com' }),
 * })
 */
export function httpSocketFactory(options: HttpSocketFactoryOptions): (request: SocketRequest) => Socket {
  const { url: text, ...signing } = options
  const read = readUrl(text)
  if (read.kind === 'problem') throw new ClientError('invalid', read.sentence)
  const sender = openSender({ url: read.url, ...signing })
  const ports = { sender, clock: systemClock, random: systemRandom }
  // What is wrong is told to KafkaJS with each connection, which logs it.
  const onTrouble = (): void => {}
  const lines = new Map<string, Line>()
  const lineOf = (advertise: string): Line => {
    const line = lines.get(advertise) ?? new Line({ ...ports, advertise, onTrouble })
    lines.set(advertise, line)
    return line
  }
  return ({ host, port, onConnect }) => {
    const line = lineOf(formatAddress({ host, port }))
    const stream = new ChannelStream(new Channel(newUlid(systemClock, systemRandom), line))
    stream.once('connect', onConnect)
    setImmediate(() => stream.emit('connect'))
    // KafkaJS uses no more of a socket than this stream has.
    return stream as unknown as Socket
  }
}

/** A channel as a byte stream: frames with length prefixes go in and come out. */
class ChannelStream extends Duplex {
  readonly #channel: Channel
  readonly #assembler = new FrameAssembler(FRAME_BYTES_MAX)
  #pending = 0
  /** Tells the writer that the next chunk may come, or that all is answered. */
  #resume: (() => void) | undefined

  constructor(channel: Channel) {
    super({ allowHalfOpen: true })
    this.#channel = channel
  }

  setKeepAlive(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setTimeout(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  override _read(): void {
    // Answers are pushed as they come; a client reads them as it reads a socket.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error) => void): void {
    this.#assembler.push(chunk)
    for (let step = this.#assembler.step(); step.kind !== 'starved'; step = this.#assembler.step()) {
      if (step.kind === 'invalid') {
        callback(new Error(`This is no Kafka request: ${step.reason}.`))
        return
      }
      if (step.kind === 'frame') void this.#exchange(step.frame)
      else this.#assembler.enlarge(step.sizeBytes)
    }
    if (this.#pending < REQUESTS_IN_FLIGHT_PER_CONNECTION_MAX) callback()
    else this.#resume = callback
  }

  /** The client has ended its side: what it asked is still answered, but nothing waits for records any more. */
  override _final(callback: (error?: Error) => void): void {
    this.#channel.hurry()
    const finish = (): void => {
      if (this.#pending > 0) {
        this.#resume = finish
        return
      }
      this.push(null)
      callback()
    }
    finish()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#channel.hurry()
    this.#assembler.drop()
    callback(error)
  }

  async #exchange(frame: Uint8Array): Promise<void> {
    this.#pending++
    try {
      this.#deliver(await this.#channel.request(frame))
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)))
    } finally {
      this.#pending--
      const resume = this.#resume
      this.#resume = undefined
      resume?.()
    }
  }

  #deliver(answer: ChannelAnswer): void {
    if (this.destroyed) return
    if (answer.kind === 'close') this.destroy(new Error(answer.reason))
    if (answer.kind !== 'send') return
    const prefix = Buffer.alloc(4)
    prefix.writeInt32BE(answer.buffers.reduce((sum, buffer) => sum + buffer.length, 0))
    this.push(prefix)
    for (const buffer of answer.buffers) this.push(buffer)
    answer.written?.()
  }
}
