// One connection of our own Kafka client: requests out, responses matched in order. It learns the server's versions first
// and then uses the newest that both sides know. A response that does not fit ends the connection and fails whatever waits.
import { connect, type Socket } from 'node:net'
import { type Address, formatAddress } from '../base/address.ts'
import { FRAME_BYTES_MAX } from '../base/limits.ts'
import { ErrorCode } from '../wire/errors.ts'
import { decodeResponseHeader, encodeRequestFrame } from '../wire/frame.ts'
import { apiVersions } from '../wire/messages/api-versions.ts'
import { decodeResponse } from '../wire/reader.ts'
import type { Api, RequestInput, ResponseOf } from '../wire/schema.ts'
import { ClientError } from './errors.ts'

const CLIENT_ID = 'tidelog'
const CONNECT_MS_MAX = 10_000
const REQUEST_MS_MAX = 60_000
const API_VERSIONS_VERSION = 3

interface Waiting {
  readonly correlationId: number
  readonly onFrame: (frame: Buffer) => void
  readonly onError: (error: ClientError) => void
}

/** Connects and learns what the server can do. */
export async function openConnection(address: Address): Promise<Connection> {
  const socket = await dial(address)
  const connection = new Connection(socket, address)
  await connection.negotiate()
  return connection
}

export class Connection {
  readonly address: Address
  readonly #socket: Socket
  readonly #waiting: Waiting[] = []
  readonly #versions = new Map<number, { readonly min: number; readonly max: number }>()
  #chunks: Buffer[] = []
  #buffered = 0
  #correlationId = 0
  #ended: ClientError | undefined

  constructor(socket: Socket, address: Address) {
    this.#socket = socket
    this.address = address
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('error', (error) => this.#end(`The connection to ${formatAddress(address)} broke (${error.message}).`))
    socket.on('close', () => this.#end(`${formatAddress(address)} closed the connection.`))
  }

  get usable(): boolean {
    return this.#ended === undefined
  }

  /** Asks for the server's versions, as an older server allows: it answers a newer question in the oldest form. */
  async negotiate(): Promise<void> {
    const { frame, bodyOffset } = await this.#exchange(apiVersions, API_VERSIONS_VERSION, {
      clientSoftwareName: 'tidelog',
      clientSoftwareVersion: '1',
    })
    const old = frame.readInt16BE(bodyOffset) === ErrorCode.UNSUPPORTED_VERSION
    const body = frame.subarray(bodyOffset)
    const answer = decodeResponse(apiVersions, old ? 0 : API_VERSIONS_VERSION, body)
    for (const { apiKey, minVersion, maxVersion } of answer.apiKeys) {
      this.#versions.set(apiKey, { min: minVersion, max: maxVersion })
    }
  }

  /** The version of `api` that both sides use. */
  versionOf(api: Api, max = api.max): number {
    const served = this.#versions.get(api.key)
    const version = Math.min(max, served?.max ?? -1)
    if (served === undefined || version < Math.max(api.serveMin, served.min)) {
      throw new ClientError(
        'unsupported',
        `${formatAddress(this.address)} does not serve ${api.name} in a version we know.`,
      )
    }
    return version
  }

  async request<A extends Api>(api: A, value: RequestInput<A>): Promise<ResponseOf<A>> {
    const version = this.versionOf(api)
    const { frame, bodyOffset } = await this.#exchange(api, version, value)
    return decodeResponse(api, version, frame.subarray(bodyOffset))
  }

  /** Sends a request that has no response (Produce with acks=0); resolves when the system took the bytes. */
  async send<A extends Api>(api: A, value: RequestInput<A>): Promise<void> {
    const version = this.versionOf(api)
    await this.#write(
      encodeRequestFrame(api, version, { correlationId: ++this.#correlationId, clientId: CLIENT_ID }, value),
    )
  }

  /** Lets what was written leave, and ends. */
  async close(): Promise<void> {
    const socket = this.#socket
    if (socket.destroyed) return
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve())
      socket.end(() => socket.destroy())
    })
  }

  async #exchange<A extends Api>(
    api: A,
    version: number,
    value: RequestInput<A>,
  ): Promise<{ readonly frame: Buffer; readonly bodyOffset: number }> {
    if (this.#ended !== undefined) throw this.#ended
    const correlationId = ++this.#correlationId
    const answered = Promise.withResolvers<Buffer>()
    this.#waiting.push({ correlationId, onFrame: answered.resolve, onError: answered.reject })
    const timer = setTimeout(() => {
      this.#end(`${formatAddress(this.address)} did not answer within ${REQUEST_MS_MAX / 1000} seconds.`, 'timeout')
    }, REQUEST_MS_MAX)
    try {
      await this.#write(encodeRequestFrame(api, version, { correlationId, clientId: CLIENT_ID }, value))
      const frame = await answered.promise
      return { frame, bodyOffset: decodeResponseHeader(api, version, frame).bodyOffset }
    } finally {
      clearTimeout(timer)
      // When the write failed nobody looks at this promise any more.
      answered.promise.catch(() => {})
    }
  }

  #write(buffers: readonly Uint8Array[]): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    const length = Buffer.alloc(4)
    length.writeInt32BE(buffers.reduce((sum, buffer) => sum + buffer.length, 0))
    const socket = this.#socket
    return new Promise((resolve, reject) => {
      socket.cork()
      socket.write(length)
      for (const buffer of buffers.slice(0, -1)) socket.write(buffer)
      socket.write(buffers.at(-1)!, (error) => (error ? reject(this.#ended ?? error) : resolve()))
      socket.uncork()
    })
  }

  #onData(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#buffered += chunk.length
    while (this.#buffered >= 4) {
      if (this.#chunks[0]!.length < 4) this.#chunks = [Buffer.concat(this.#chunks)]
      const length = this.#chunks[0]!.readInt32BE(0)
      if (length < 4 || length > FRAME_BYTES_MAX) {
        this.#end(`${formatAddress(this.address)} does not speak the Kafka protocol.`)
        return
      }
      if (this.#buffered < 4 + length) return
      const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
      this.#chunks = bytes.length > 4 + length ? [bytes.subarray(4 + length)] : []
      this.#buffered = bytes.length - 4 - length
      this.#onFrame(bytes.subarray(4, 4 + length))
    }
  }

  #onFrame(frame: Buffer): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined || frame.readInt32BE(0) !== waiting.correlationId) {
      if (waiting !== undefined) this.#waiting.unshift(waiting)
      this.#end(`${formatAddress(this.address)} answered a question that was not asked.`)
      return
    }
    waiting.onFrame(frame)
  }

  #end(message: string, kind: 'disconnected' | 'timeout' = 'disconnected'): void {
    if (this.#ended !== undefined) return
    this.#ended = new ClientError(kind, message)
    this.#socket.destroy()
    for (const { onError } of this.#waiting.splice(0)) onError(this.#ended)
  }
}

function dial(address: Address): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...address, noDelay: true, timeout: CONNECT_MS_MAX })
    const fail = (message: string): void => {
      socket.destroy()
      reject(new ClientError('unreachable', message))
    }
    socket.once('timeout', () => fail(`${formatAddress(address)} does not answer.`))
    socket.once('error', (error: NodeJS.ErrnoException) => fail(whyNot(address, error)))
    socket.once('connect', () => {
      socket.setTimeout(0)
      socket.removeAllListeners()
      resolve(socket)
    })
  })
}

function whyNot(address: Address, error: NodeJS.ErrnoException): string {
  if (error.code === 'ECONNREFUSED')
    return `Nothing listens on ${formatAddress(address)}. Start it with: npx tidelog start`
  if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') return `There is no host named ${address.host}.`
  return `${formatAddress(address)} cannot be reached (${error.code ?? error.message}).`
}
