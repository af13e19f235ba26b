// Frames: what one request or response is on a connection, without its 4-byte length prefix: a header, then the body. Request
// headers have version 1, or 2 where the API's version is flexible (then tagged fields follow, but the client id keeps its
// 16-bit length). Response headers have version 0 or, where flexible, 1; those of ApiVersions always 0, so that a client can
// read the answer to a version that the broker does not know.
import { apiByKey } from './apis.ts'
import { apiVersions } from './messages/api-versions.ts'
import { Reader, WireError, type WireErrorCode } from './reader.ts'
import { type Api, isFlexible, type RequestInput, type ResponseInput } from './schema.ts'
import { encodeRequest, encodeResponse, Writer } from './writer.ts'

export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
}

export type DecodedRequestHeader =
  | (RequestHeader & { readonly kind: 'ok'; readonly bodyOffset: number })
  | { readonly kind: 'malformed'; readonly code: WireErrorCode; readonly field: string }

/**
 * Decodes the header of a request. It also succeeds for a key or version that we do not know, since such a request has to
 * be answered or refused by name; for an unknown key, header version 1 is assumed and `bodyOffset` means little.
 */
export function decodeRequestHeader(frame: Uint8Array): DecodedRequestHeader {
  let field = 'apiKey'
  try {
    const reader = new Reader(frame)
    const apiKey = reader.int16()
    field = 'apiVersion'
    const apiVersion = reader.int16()
    field = 'correlationId'
    const correlationId = reader.int32()
    field = 'clientId'
    const length = reader.length16()
    const clientId = length < 0 ? null : reader.utf8(length)
    field = 'taggedFields'
    const api = apiByKey(apiKey)
    if (api !== undefined && isFlexible(api, apiVersion)) reader.taggedFields(() => false)
    return { kind: 'ok', apiKey, apiVersion, correlationId, clientId, bodyOffset: reader.offset }
  } catch (error) {
    if (error instanceof WireError) return { kind: 'malformed', code: error.code, field }
    throw error
  }
}

/** A request frame: header and body. The length prefix is the connection's. */
export function encodeRequestFrame<A extends Api>(
  api: A,
  version: number,
  header: { readonly correlationId: number; readonly clientId: string | null },
  value: RequestInput<A>,
): Uint8Array[] {
  const writer = new Writer()
  writer.int16(api.key)
  writer.int16(version)
  writer.int32(header.correlationId)
  if (header.clientId === null) writer.int16(-1)
  else writer.string(16, header.clientId)
  if (isFlexible(api, version)) writer.unsignedVarint(0)
  return [...writer.finish(), ...encodeRequest(api, version, value)]
}

/** The header of a response. */
export function encodeResponseHeader(api: Api, version: number, correlationId: number): Uint8Array {
  const writer = new Writer()
  writer.int32(correlationId)
  if (hasTaggedResponseHeader(api, version)) writer.unsignedVarint(0)
  return writer.finish()[0]!
}

/** A response frame: header and body. The length prefix is the connection's. */
export function encodeResponseFrame<A extends Api>(
  api: A,
  version: number,
  correlationId: number,
  value: ResponseInput<A>,
): Uint8Array[] {
  return [encodeResponseHeader(api, version, correlationId), ...encodeResponse(api, version, value)]
}

/** Decodes the header of a response to a request of this API and version. Throws `WireError`. */
export function decodeResponseHeader(
  api: Api,
  version: number,
  frame: Uint8Array,
): { readonly correlationId: number; readonly bodyOffset: number } {
  const reader = new Reader(frame)
  const correlationId = reader.int32()
  if (hasTaggedResponseHeader(api, version)) reader.taggedFields(() => false)
  return { correlationId, bodyOffset: reader.offset }
}

function hasTaggedResponseHeader(api: Api, version: number): boolean {
  return isFlexible(api, version) && api.key !== apiVersions.key
}
