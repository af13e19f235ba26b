// Kafka frames over HTTPS: what both ends agree upon. One request frame goes in a POST to `/kafka/‹function›`, one response
// frame comes back; the function follows from the API key, so that each can have the least rights. A request id names the
// request across repeats. It carries the journal generation that its client knew when it chose the id, because an object and
// a journal entry made for the request are named after both, whichever process makes them: a repeat finds what the first try
// left. The id also says whether the frame is long: that decides which store takes the object, so no id stands for objects in
// two stores. Everything is described for people in docs/https.md.
import { isUlid, type Ulid } from '../base/ids.ts'
import { TINY_SEGMENT_BYTES_MAX } from '../base/limits.ts'

/** The functions behind `/kafka/`. */
export const FRAME_FUNCTIONS = ['produce', 'fetch', 'coordinate', 'admin'] as const
export type FrameFunction = (typeof FRAME_FUNCTIONS)[number]

/** Kafka's API keys by function; all others are for `admin`. */
const PRODUCE_KEYS = new Set([0])
/** Fetch, ListOffsets, OffsetForLeaderEpoch. */
const FETCH_KEYS = new Set([1, 2, 23])
/** Groups, offsets of groups, producer ids, transactions. */
const COORDINATE_KEYS = new Set([8, 9, 10, 11, 12, 13, 14, 15, 16, 22, 24, 25, 26, 28, 42, 47, 61, 65, 66, 68, 69])

/** Which function answers an API. */
export function functionOf(apiKey: number): FrameFunction {
  if (PRODUCE_KEYS.has(apiKey)) return 'produce'
  if (FETCH_KEYS.has(apiKey)) return 'fetch'
  if (COORDINATE_KEYS.has(apiKey)) return 'coordinate'
  return 'admin'
}

/** Request headers. */
export const REQUEST_ID_HEADER = 'tidelog-request-id'
/** The client's connection, for logs and for the order of what is gathered: 1 to 64 letters, digits and dashes. */
export const CONNECTION_HEADER = 'tidelog-connection'
/** `host:port` that the client's own listener wants to be told as the broker's address. */
export const ADVERTISE_HEADER = 'tidelog-advertise'
/** Milliseconds that the client has waited for this request already, in earlier tries that were answered 202. */
export const WAITED_HEADER = 'tidelog-waited-ms'
/** Response header: the journal generation that the answering process knows. */
export const GENERATION_HEADER = 'tidelog-generation'
/**
 * Of a response: how far the answering process has read the journal, `‹generation›.‹index›`. Of a request: the furthest that
 * its client had been told when it made the request, the same in each repeat: a commit that comes late is known by it.
 */
export const POSITION_HEADER = 'tidelog-position'

export const FRAME_CONTENT_TYPE = 'application/octet-stream'
/** A frame with its length prefix. Lambda takes 6 MB of JSON, in which a body is base64: 4.4 MB of bytes. */
export const HTTPS_FRAME_BYTES_MAX = 4 * 1024 * 1024

/** A position in the journal (`journal/position.ts`). */
export interface ToldPosition {
  readonly generation: number
  readonly index: number
}

export function formatPosition({ generation, index }: ToldPosition): string {
  return `${generation}.${index}`
}

/** Undefined when the text is no position. */
export function parsePosition(text: string): ToldPosition | undefined {
  const match = /^([1-9]\d{0,14})\.(\d{1,9})$/.exec(text)
  return match === null ? undefined : { generation: Number(match[1]), index: Number(match[2]) }
}

export interface RequestId {
  /** The journal generation its client knew: the origin of all that is made for the request. */
  readonly generation: number
  readonly id: Ulid
  /** Its frame may be longer than 4 KiB. */
  readonly long: boolean
}

/** Whether a frame of this length, without its prefix, needs an id that says so. */
export const isLongFrame = (frameBytes: number): boolean => frameBytes > TINY_SEGMENT_BYTES_MAX

export function formatRequestId({ generation, id, long }: RequestId): string {
  return `${generation}-${id}${long ? '-long' : ''}`
}

/** Undefined when the text is no request id. */
export function parseRequestId(text: string): RequestId | undefined {
  const match = /^([1-9]\d{0,14})-([0-9A-Z]{26})(-long)?$/.exec(text)
  if (match === null || !isUlid(match[2]!)) return undefined
  return { generation: Number(match[1]), id: match[2] as Ulid, long: match[3] !== undefined }
}
