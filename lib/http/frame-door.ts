// The door for Kafka frames over HTTPS (docs/https.md): one request frame in, one response frame out, the same for a Lambda
// function and for the routes of a gateway. It judges the envelope (headers, length prefix, which function), hands the frame
// to the broker, and turns whatever comes of it into an HTTP answer. Nothing waits here and nothing is kept that must
// survive: repeats of what writes are recognised by the stores.
import { createHash } from 'node:crypto'
import { parseAddress } from '../base/address.ts'
import { GENERATION_AGE_MS_MAX } from '../base/limits.ts'
import type { Logger } from '../base/logger.ts'
import type { Broker, BrokerResponse, Handled, Members } from '../broker/broker.ts'
import type { Log, RequestName } from '../log/log.ts'
import { decodeRequestHeader } from '../wire/frame.ts'
import {
  ADVERTISE_HEADER,
  CONNECTION_HEADER,
  FRAME_CONTENT_TYPE,
  type FrameFunction,
  formatPosition,
  functionOf,
  GENERATION_HEADER,
  HTTPS_FRAME_BYTES_MAX,
  isLongFrame,
  POSITION_HEADER,
  parsePosition,
  parseRequestId,
  REQUEST_ID_HEADER,
  type ToldPosition,
  WAITED_HEADER,
} from '../wire/https.ts'
import type { AnswerMemory } from './remembered-answers.ts'
import { type HttpRequest, type HttpResponse, problem } from './responses.ts'

export interface FrameDoor {
  /** Never rejects. */
  answer(name: FrameFunction, request: HttpRequest): Promise<HttpResponse>
  /** Resolves when no frame is held any more, also of requests that were told REQUEST_TIMED_OUT. */
  settle(): Promise<void>
}

export interface FrameDoorOptions {
  readonly log: Pick<Log, 'status' | 'refresh'>
  readonly members: Members
  readonly answers: AnswerMemory
  readonly logger: Logger
  /** The broker as somebody sees it to whom these are the members. */
  broker(members: Members): Broker
  /** What a client is told that names no address of its own; undefined: the members as they are. */
  readonly advertise?: { readonly host: string; readonly port: number }
}

/** What a broker behind this door says of its limits, so that clients keep within them. */
export const FRAME_DOOR_SETTINGS: Readonly<Record<string, string>> = {
  'socket.request.max.bytes': String(HTTPS_FRAME_BYTES_MAX),
  'fetch.max.bytes': String(HTTPS_FRAME_BYTES_MAX),
}

const LENGTH_BYTES = 4
const WAITED_MS_MAX = 24 * 60 * 60 * 1000
/** The one node that a client behind HTTPS sees. */
const NODE_ID = 1
const BROKERS_MAX = 64
/** A produce request that was told REQUEST_TIMED_OUT is held until the stores answer, while its client sends the next. */
const HELD_BYTES_MAX = 64 * 1024 * 1024

interface Envelope {
  readonly frame: Uint8Array
  readonly apiKey: number
  /** Undefined: the request is never repeated. */
  readonly name: RequestName | undefined
  readonly connection: string
  readonly waitedMs: number
  readonly advertise: { readonly host: string; readonly port: number } | undefined
  readonly told: ToldPosition | undefined
}

/**
 * Builds the door.
 *
 * @example
 * const door = createFrameDoor({ log, members, answers, logger, broker: (members) => createBroker({ …, members }) })
 * const response = await door.answer('produce', { method: 'POST', path: '/kafka/produce', headers, body })
 */
export function createFrameDoor(options: FrameDoorOptions): FrameDoor {
  const { log, members, answers, logger } = options
  const brokers = new Map<string, Broker>()
  /** Frames that somebody here still holds, also behind their answer. */
  const held = new Set<Promise<void>>()
  let heldBytes = 0
  /** Requests without an answer: also those whose handler has run out of time, and which went on with a later invocation. */
  const answering = new Set<Promise<HttpResponse>>()
  let exchanges = 0

  function brokerFor(advertise: Envelope['advertise']): Broker {
    const place = advertise ?? options.advertise
    const key = place === undefined ? '' : `${place.host} ${place.port}`
    let broker = brokers.get(key)
    if (broker === undefined) {
      broker = options.broker(place === undefined ? members : seenAs(members, place))
      if (brokers.size >= BROKERS_MAX) brokers.clear()
      brokers.set(key, broker)
    }
    return broker
  }

  function hold(frame: Uint8Array, { response, released }: Handled): void {
    const over = released ?? response.then(() => {})
    held.add(over)
    heldBytes += frame.length
    void over.then(() => {
      held.delete(over)
      heldBytes -= frame.length
    })
  }

  async function exchange({ frame, name, connection, waitedMs, advertise, told }: Envelope): Promise<BrokerResponse> {
    const handled = brokerFor(advertise).handle(frame, {
      id: `https ${connection} ${exchanges++}`,
      clientAddress: connection,
      signal: NEVER,
      exchange: { name, waitedMs, responseBytesMax: HTTPS_FRAME_BYTES_MAX - LENGTH_BYTES, ...(told && { told }) },
    })
    hold(frame, handled)
    return handled.response
  }

  async function answer(functionName: FrameFunction, request: HttpRequest): Promise<HttpResponse> {
    const envelope = open(functionName, request)
    if ('status' in envelope) return envelope
    const { frame, apiKey, name } = envelope
    if (heldBytes + frame.length > HELD_BYTES_MAX) {
      return problem(503, 'Busy', 'Too many frames are under way at once.', { 'retry-after': '1' })
    }
    const response =
      name === undefined
        ? { kind: 'new' as const, response: await exchange(envelope) }
        : await answers.once(name, apiKey, () => exchange(envelope))
    switch (response.kind) {
      case 'new':
        return httpResponse(response.response)
      case 'conflict':
        return conflict(`The request id ${request.headers[REQUEST_ID_HEADER]} was used for another frame.`)
      case 'unknown':
        return problem(503, 'Outcome unknown', response.detail, { 'retry-after': '1' })
    }
  }

  /** What to tell of the journal. Not every request reads the head, and below the horizon a name is worth nothing. */
  async function whereabouts(): Promise<Record<string, string>> {
    if (log.status().headAgeMs > GENERATION_AGE_MS_MAX) await log.refresh()
    const { position } = log.status()
    return { [GENERATION_HEADER]: String(position.generation), [POSITION_HEADER]: formatPosition(position) }
  }

  /** The answer, whatever happens, with how far this process has read the journal. */
  async function answerAnyway(name: FrameFunction, request: HttpRequest): Promise<HttpResponse> {
    const response = await answer(name, request).catch((error: unknown) => {
      logger.error({ err: error, function: name }, 'A frame over HTTPS broke down')
      const detail = 'The request could not be answered; whether it had an effect is unknown.'
      return problem(500, 'Internal error', detail)
    })
    return { ...response, headers: { ...response.headers, ...(await whereabouts()) } }
  }

  return {
    async answer(name, request) {
      const answered = answerAnyway(name, request)
      answering.add(answered)
      try {
        return await answered
      } finally {
        answering.delete(answered)
      }
    },
    async settle() {
      await Promise.allSettled(answering)
      await Promise.all(held)
    },
  }
}

/** The client of an HTTPS request may be gone or not: nothing tells, and nothing here waits. */
const NEVER = new AbortController().signal

/** The members as a client sees them to whom all of them are one, at an address of its own. */
function seenAs(members: Members, place: { readonly host: string; readonly port: number }): Members {
  const node = { nodeId: NODE_ID, ...place }
  return {
    self: NODE_ID,
    get clusterId() {
      return members.clusterId
    },
    epoch: () => members.epoch(),
    nodes: () => [node],
    refresh: () => members.refresh(),
  }
}

/** The frame and what the headers say of it, or what is wrong with them. */
function open(functionName: FrameFunction, { method, headers, body }: HttpRequest): Envelope | HttpResponse {
  if (method !== 'POST') return problem(405, 'Method not allowed', 'Frames are sent by POST.', { allow: 'POST' })
  const contentType = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  if (contentType !== FRAME_CONTENT_TYPE) {
    return problem(415, 'Unsupported media type', `A frame is sent as ${FRAME_CONTENT_TYPE}.`)
  }
  const frame = frameIn(body)
  if ('status' in frame) return frame
  const header = decodeRequestHeader(frame)
  if (header.kind === 'malformed') {
    return badFrame(`The header of the request is malformed: ${header.code} at ${header.field}.`)
  }
  const right = functionOf(header.apiKey)
  if (right !== functionName) {
    const detail = `API key ${header.apiKey} is answered by /kafka/${right}, not by /kafka/${functionName}.`
    return problem(421, 'Misdirected request', detail)
  }
  const requestIdText = headers[REQUEST_ID_HEADER]
  const requestId = requestIdText === undefined ? undefined : parseRequestId(requestIdText)
  if (requestIdText !== undefined && requestId === undefined) {
    return badHeader(REQUEST_ID_HEADER, 'is ‹generation›-‹ULID›, the generation as the last answer told it')
  }
  if (requestId?.long === false && isLongFrame(frame.length)) {
    return badHeader(REQUEST_ID_HEADER, 'ends in -long when the frame has more than 4096 bytes behind its prefix')
  }
  const connection = headers[CONNECTION_HEADER] ?? 'unnamed'
  if (!/^[A-Za-z0-9-]{1,64}$/.test(connection)) {
    return badHeader(CONNECTION_HEADER, 'is 1 to 64 letters, digits and dashes')
  }
  const waitedText = headers[WAITED_HEADER] ?? '0'
  const waitedMs = /^\d{1,8}$/.test(waitedText) ? Number(waitedText) : Number.NaN
  if (!(waitedMs <= WAITED_MS_MAX)) return badHeader(WAITED_HEADER, 'is a whole number of milliseconds, a day at most')
  const advertiseText = headers[ADVERTISE_HEADER]
  const advertise = advertiseText === undefined ? undefined : parseAddress(advertiseText)
  if (advertiseText !== undefined && advertise === undefined) return badHeader(ADVERTISE_HEADER, 'is host:port')
  const toldText = headers[POSITION_HEADER]
  const told = toldText === undefined ? undefined : parsePosition(toldText)
  if (toldText !== undefined && told === undefined) return badHeader(POSITION_HEADER, 'is what an answer told under it')
  const name = requestId && { ...requestId, frameHash: sha256(frame) }
  return { frame, apiKey: header.apiKey, name, connection, waitedMs, advertise, told }
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()

/** The one frame that a body is. */
function frameIn(body: Uint8Array): Uint8Array | HttpResponse {
  if (body.length > HTTPS_FRAME_BYTES_MAX) {
    const detail = `A frame over HTTPS is at most ${HTTPS_FRAME_BYTES_MAX} bytes; this one has ${body.length}.`
    return problem(413, 'Content too large', detail)
  }
  if (body.length < LENGTH_BYTES) return badFrame('The body is shorter than the length prefix of a frame.')
  const length = new DataView(body.buffer, body.byteOffset).getInt32(0)
  const left = body.length - LENGTH_BYTES
  if (length < 0) return badFrame(`The length prefix is negative (${length}).`)
  if (length > left) return badFrame(`The frame is cut off: its prefix says ${length} bytes, ${left} came.`)
  if (length < left) return badFrame(`The body goes on behind its frame of ${length} bytes: ${left} came.`)
  return body.subarray(LENGTH_BYTES)
}

const badFrame = (detail: string): HttpResponse => problem(400, 'Not a frame', detail)
const badHeader = (name: string, rule: string): HttpResponse => problem(400, 'Bad header', `${name} ${rule}.`)
const conflict = (detail: string): HttpResponse => problem(409, 'Conflict', detail)

function httpResponse(response: BrokerResponse): HttpResponse {
  switch (response.kind) {
    case 'send': {
      const body = prefixed(response.buffers)
      response.written?.()
      if (body.length <= HTTPS_FRAME_BYTES_MAX) {
        return { status: 200, headers: { 'content-type': FRAME_CONTENT_TYPE }, body }
      }
      const detail = `The answer has ${body.length} bytes, more than the ${HTTPS_FRAME_BYTES_MAX} of a frame over HTTPS. Ask for less.`
      return problem(422, 'Answer too large', detail)
    }
    case 'none':
      return { status: 204, headers: {}, body: '' }
    case 'later':
      return { status: 202, headers: {}, body: '' }
    case 'conflict':
      return conflict(response.reason)
    case 'close':
      return problem(400, 'Request refused', `Kafka closes the connection here: ${response.reason}.`)
  }
}

/** One copy, because the runtimes behind this door take one body. */
function prefixed(buffers: readonly Uint8Array[]): Uint8Array {
  const length = buffers.reduce((sum, buffer) => sum + buffer.length, 0)
  const body = new Uint8Array(LENGTH_BYTES + length)
  new DataView(body.buffer).setInt32(0, length)
  let at = LENGTH_BYTES
  for (const buffer of buffers) {
    body.set(buffer, at)
    at += buffer.length
  }
  return body
}
