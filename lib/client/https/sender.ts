// Sends one frame in one POST, over connections that are kept open, and says what came back: an answer of any status, or
// that none came, in which case nobody knows whether the request had an effect. It never repeats anything; who asks decides.
// Each try is signed anew, because a signature is good for a few minutes only.
import { lookup as systemLookup } from 'node:dns'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import {
  HTTPS_CONNECT_MS_MAX,
  HTTPS_EXCHANGE_MS_MAX,
  HTTPS_PROBLEM_BYTES_MAX,
  HTTPS_RESPONSE_BYTES_MAX,
  HTTPS_SOCKETS_MAX,
} from '../../base/limits.ts'
import {
  ADVERTISE_HEADER,
  CONNECTION_HEADER,
  FRAME_CONTENT_TYPE,
  type FrameFunction,
  formatPosition,
  GENERATION_HEADER,
  POSITION_HEADER,
  parsePosition,
  REQUEST_ID_HEADER,
  type ToldPosition,
  WAITED_HEADER,
} from '../../wire/https.ts'
import { type Credentials, createSigner } from './signing.ts'

/** A request frame, without its length prefix, and what its headers shall say. */
export interface FrameToSend {
  readonly functionName: FrameFunction
  readonly frame: Uint8Array
  readonly connection: string
  /** `host:port` that the client shall be told as the broker's address. */
  readonly advertise: string
  readonly requestId?: string
  readonly waitedMs?: number
  /** How far in the journal its client had been told to be. */
  readonly told?: ToldPosition
}

export interface Answered {
  readonly kind: 'answered'
  readonly status: number
  readonly body: Uint8Array
  readonly contentType: string
  /** The journal generation that the answering process knew; undefined: it was not one of ours. */
  readonly generation: number | undefined
  /** How far it had read. */
  readonly position: ToldPosition | undefined
  /** The access key that the request was signed with. */
  readonly signedAs: string | undefined
  /** Gives back the memory of the body: called once, when it is not needed any more. */
  release(): void
}

export type Sent =
  | Answered
  /** No answer, or not all of it: whether the request had an effect is unknown. */
  | { readonly kind: 'lost'; readonly reason: string }
  /** It was never sent, because it cannot be signed. */
  | { readonly kind: 'unsigned'; readonly sentence: string }

/** The port behind which HTTPS lies. */
export interface Sender {
  /** The base of all requests, for people to read. */
  readonly url: string
  /** Never rejects. */
  send(request: FrameToSend): Promise<Sent>
  /** Closes the connections that are kept open. */
  close(): void
}

/** Where the bytes of answers are counted. An answer is read only when there is memory for it. */
export interface AnswerMemory {
  acquire(sizeBytes: number): Promise<void>
  release(sizeBytes: number): void
}

export interface SenderOptions {
  /** As `readUrl` gives it. */
  readonly url: URL
  /** Default: from the host name, else as the AWS SDK finds it. */
  readonly region?: string
  /** Default: as the AWS SDK finds them. */
  readonly credentials?: Credentials
  readonly memory?: AnswerMemory
  /** Default: longer than API Gateway waits for a function. */
  readonly exchangeMsMax?: number
  readonly connectMsMax?: number
}

/** The address of a deployment: API Gateway's invoke URL with its stage, a function URL, or a gateway's HTTP port. */
export function readUrl(
  text: string,
): { readonly kind: 'ok'; readonly url: URL } | { readonly kind: 'problem'; readonly sentence: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const fits = url !== undefined && (url.protocol === 'https:' || url.protocol === 'http:') && url.hostname !== ''
  if (fits && url.search === '' && url.hash === '' && url.username === '') return { kind: 'ok', url }
  const example = 'https://abc123.execute-api.eu-west-1.amazonaws.com'
  return { kind: 'problem', sentence: `"${text}" is no URL to send frames to. Give one such as ${example}` }
}

/** Opens a sender; nothing is sent yet, and nothing of the AWS SDK is loaded before something has to be signed. */
export function openSender(options: SenderOptions): Sender {
  const { url, exchangeMsMax = HTTPS_EXCHANGE_MS_MAX, connectMsMax = HTTPS_CONNECT_MS_MAX } = options
  const isSecure = url.protocol === 'https:'
  const settings = { keepAlive: true, maxSockets: HTTPS_SOCKETS_MAX, lookup: lookupWithLocalhost }
  const agent = isSecure ? new HttpsAgent(settings) : new HttpAgent(settings)
  const sign = createSigner(options)
  const base = url.pathname.replace(/\/+$/, '')
  const place = {
    // Brackets around an IPv6 address are the URL's, not the host's.
    hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    ...(url.port === '' ? {} : { port: url.port }),
  }

  async function send(frameToSend: FrameToSend): Promise<Sent> {
    const prefix = Buffer.alloc(4)
    prefix.writeInt32BE(frameToSend.frame.length)
    const body = [prefix, frameToSend.frame]
    const path = `${base}/kafka/${frameToSend.functionName}`
    const signed = await sign({ method: 'POST', path, headers: headersOf(url, frameToSend), body })
    if (signed.kind === 'problem') return { kind: 'unsigned', sentence: signed.sentence }
    const { headers, signedAs } = signed
    return new Promise((resolve) => {
      const make = isSecure ? httpsRequest : httpRequest
      const request = make({ ...place, method: 'POST', path, headers: { ...headers }, agent })
      const deadline = setTimeout(() => {
        request.destroy(new Error(`no answer within ${exchangeMsMax / 1000} s`))
      }, exchangeMsMax)
      const end = (sent: Sent): void => {
        clearTimeout(deadline)
        resolve(sent)
      }
      request.once('socket', (socket) => {
        if (!socket.connecting) return
        const reason = `no connection within ${connectMsMax / 1000} s`
        const late = setTimeout(() => request.destroy(new Error(reason)), connectMsMax)
        socket.once(isSecure ? 'secureConnect' : 'connect', () => clearTimeout(late))
        socket.once('close', () => clearTimeout(late))
      })
      // Once there is a response, it is the one that tells what happens to the connection.
      let hasResponse = false
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (!hasResponse) end({ kind: 'lost', reason: reasonOf(error, url) })
      })
      request.on('response', (response) => {
        hasResponse = true
        void read(response, options.memory).then((read) => end('status' in read ? { ...read, signedAs } : read))
      })
      for (const part of body) request.write(part)
      request.end()
    })
  }

  return { url: url.href.replace(/\/+$/, ''), send, close: () => agent.destroy() }
}

function headersOf(url: URL, request: FrameToSend): Record<string, string> {
  return {
    host: url.host,
    'content-type': FRAME_CONTENT_TYPE,
    'content-length': String(4 + request.frame.length),
    [CONNECTION_HEADER]: request.connection,
    [ADVERTISE_HEADER]: request.advertise,
    ...(request.requestId === undefined ? {} : { [REQUEST_ID_HEADER]: request.requestId }),
    ...(request.waitedMs === undefined ? {} : { [WAITED_HEADER]: String(request.waitedMs) }),
    ...(request.told === undefined ? {} : { [POSITION_HEADER]: formatPosition(request.told) }),
  }
}

/** Reads an answer to its end, once there is memory for it. */
async function read(
  response: IncomingMessage,
  memory: AnswerMemory | undefined,
): Promise<Omit<Answered, 'signedAs'> | { readonly kind: 'lost'; readonly reason: string }> {
  const status = response.statusCode ?? 0
  // While it waits for memory nobody reads it, and it may break all the same.
  response.on('error', () => {})
  // Only a frame is long; whatever else is long is not read to its end.
  const bytesMax = status === 200 ? HTTPS_RESPONSE_BYTES_MAX : HTTPS_PROBLEM_BYTES_MAX
  const announced = Number(response.headers['content-length'] ?? bytesMax)
  const heldBytes = status === 200 ? Math.min(announced, bytesMax) : 0
  if (heldBytes > 0) await memory?.acquire(heldBytes)
  let held = heldBytes > 0
  const release = (): void => {
    if (held) memory?.release(heldBytes)
    held = false
  }
  const lost = (reason: string) => {
    release()
    response.destroy()
    return { kind: 'lost', reason } as const
  }
  const chunks: Buffer[] = []
  let sizeBytes = 0
  try {
    for await (const chunk of response) {
      chunks.push(chunk)
      sizeBytes += chunk.length
      if (sizeBytes > bytesMax) return lost(`its answer is longer than ${bytesMax} bytes`)
    }
  } catch (error) {
    return lost(error instanceof Error ? error.message : String(error))
  }
  const generation = String(response.headers[GENERATION_HEADER] ?? '')
  return {
    kind: 'answered',
    status,
    body: Buffer.concat(chunks),
    contentType: response.headers['content-type'] ?? '',
    generation: /^[1-9]\d{0,14}$/.test(generation) ? Number(generation) : undefined,
    position: parsePosition(String(response.headers[POSITION_HEADER] ?? '')),
    release,
  }
}

/**
 * `*.localhost` is this machine, as browsers have it (RFC 6761): emulators of API Gateway tell their APIs apart by such host
 * names, and few systems resolve them.
 */
const lookupWithLocalhost: LookupFunction = (hostname, options, callback) => {
  if (!/(^|\.)localhost\.?$/i.test(hostname)) systemLookup(hostname, options, callback)
  else if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }])
  else callback(null, '127.0.0.1', 4)
}

function reasonOf(error: NodeJS.ErrnoException, url: URL): string {
  if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') return `there is no host named ${url.hostname}`
  if (error.code === 'ECONNREFUSED') return `nothing listens on ${url.host}`
  // What happens when several addresses were tried has no message of its own.
  return error.message || (error.code ?? 'the connection broke')
}
