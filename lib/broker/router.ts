// From a request frame to the answer. The router reads the header, finds the row of the API, and turns whatever comes of it
// into a `BrokerResponse`: bytes that make no sense, unknown APIs and unknown versions close the connection, as in Kafka;
// a broken invariant is logged and answered with UNKNOWN_SERVER_ERROR where the response has room for it. It never throws
// and its promises never reject, so one bad request cannot touch another connection.
import type { Compression } from '../wire/compression.ts'
import { ErrorCode } from '../wire/errors.ts'
import { decodeRequestHeader, encodeResponseHeader, type RequestHeader } from '../wire/frame.ts'
import { apiVersions } from '../wire/messages/api-versions.ts'
import { WireError } from '../wire/reader.ts'
import { isServed } from '../wire/schema.ts'
import { encodeResponse } from '../wire/writer.ts'
import { unsupportedApiVersions } from './api-versions.ts'
import type { Broker, BrokerConnection, BrokerResponse, Handled } from './broker.ts'
import type { BrokerContext, Call } from './context.ts'
import { ROWS } from './handlers.ts'
import type { Answer, Row, Started } from './row.ts'

/** What metrics learn of each request. */
export interface RequestReport {
  /** Kafka's name of the API, `Unknown` where there is none. */
  readonly apiName: string
  readonly version: number
  readonly result: BrokerResponse['kind']
  /** The first error that the response tells, at any depth; 0 without one, UNKNOWN_SERVER_ERROR (-1) for a closed connection. */
  readonly errorCode: number
  readonly durationMs: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/** What a broker stands on. */
export interface BrokerOptions extends BrokerContext {
  readonly compression: Compression
  readonly onRequest?: (report: RequestReport) => void
}

const rowsByKey: ReadonlyMap<number, Row> = new Map(ROWS.map((row) => [row.api.key, row]))

/**
 * Builds the broker.
 *
 * @example
 * const broker = createBroker({ log, members, settings, compression, clock, random, logger })
 * const { admitted, response } = broker.handle(frame, connection)
 */
export function createBroker(options: BrokerOptions): Broker {
  return {
    handle: (frame, connection) => {
      const startedAt = options.clock.monotonic()
      const header = decodeRequestHeader(frame)
      const report = (apiName: string, version: number, response: BrokerResponse, errorCode: number): void => {
        options.onRequest?.({
          apiName,
          version,
          result: response.kind,
          errorCode: isRefused(response) ? ErrorCode.UNKNOWN_SERVER_ERROR : errorCode,
          durationMs: options.clock.monotonic() - startedAt,
          bytesIn: frame.length,
          bytesOut: response.kind === 'send' ? response.buffers.reduce((sum, buffer) => sum + buffer.length, 0) : 0,
        })
      }
      const closed = (reason: string, apiName = 'Unknown', version = -1): Handled => {
        const response: BrokerResponse = { kind: 'close', reason }
        report(apiName, version, response, 0)
        return { admitted: Promise.resolve(), response: Promise.resolve(response) }
      }
      if (header.kind === 'malformed') return closed(`malformed request header: ${header.code} at ${header.field}`)
      const { apiKey, apiVersion } = header
      const row = rowsByKey.get(apiKey)
      if (row === undefined) return closed(`unknown API key ${apiKey}`, 'Unknown', apiVersion)
      const { name } = row.api
      if (!isServed(row.api, apiVersion)) {
        if (row.api.key !== apiVersions.key)
          return closed(`unsupported version ${apiVersion} of ${name}`, name, apiVersion)
        const response = unsupportedVersion(header)
        report(name, apiVersion, response, ErrorCode.UNSUPPORTED_VERSION)
        return { admitted: Promise.resolve(), response: Promise.resolve(response) }
      }
      const held: (() => void)[] = []
      const started = start(options, row, frame.subarray(header.bodyOffset), callOf(header, connection, held))
      if (typeof started === 'string') return closed(`malformed ${name} request: ${started}`, name, apiVersion)
      const response = finish(options, row, header, started).then(({ response, errorCode }) => {
        report(name, apiVersion, response, errorCode)
        return holding(response, held)
      })
      const answered = response.then(() => undefined)
      // A request that broke down before it was admitted is admitted with its answer.
      const admitted = started.admitted?.catch(() => answered) ?? answered
      return started.released === undefined
        ? { admitted, response }
        : { admitted, response, released: started.released }
    },
  }
}

function callOf({ apiVersion, clientId }: RequestHeader, connection: BrokerConnection, held: (() => void)[]): Call {
  const takeOver = connection.delivery && ((giveBack: () => void): void => void held.push(giveBack))
  return { apiVersion, clientId, connection, takeOver, proven: connection.delivery?.isProven() ?? false }
}

function isRefused({ kind }: BrokerResponse): boolean {
  return kind === 'close' || kind === 'conflict'
}

/** The response, with what is to be given back when it is written. What will not be written is given back now. */
function holding(response: BrokerResponse, held: readonly (() => void)[]): BrokerResponse {
  if (held.length === 0) return response
  const written = (): void => {
    for (const giveBack of held) giveBack()
  }
  if (response.kind === 'send') return { ...response, written }
  written()
  return response
}

/** The started request, or why its body makes no sense. */
function start(context: BrokerContext, row: Row, body: Uint8Array, call: Call): Started | string {
  try {
    return row.start(context, body, call)
  } catch (error) {
    if (error instanceof WireError) return error.message
    return { answer: Promise.reject(error), broken: undefined }
  }
}

async function finish(
  context: BrokerContext,
  { api }: Row,
  header: RequestHeader,
  started: Started,
): Promise<{ readonly response: BrokerResponse; readonly errorCode: number }> {
  const { apiVersion, correlationId } = header
  let answer: Answer
  try {
    answer = await started.answer
  } catch (error) {
    context.logger.error({ err: error, api: api.name, apiVersion }, 'A request broke down')
    answer = started.broken?.(ErrorCode.UNKNOWN_SERVER_ERROR) ?? { kind: 'close', reason: `${api.name} broke down` }
  }
  if (answer.kind !== 'respond') return { response: answer, errorCode: ErrorCode.NONE }
  const buffers = [encodeResponseHeader(api, apiVersion, correlationId), ...answer.body]
  return { response: { kind: 'send', buffers }, errorCode: answer.errorCode }
}

function unsupportedVersion({ correlationId }: RequestHeader): BrokerResponse {
  const body = encodeResponse(apiVersions, 0, unsupportedApiVersions())
  return { kind: 'send', buffers: [encodeResponseHeader(apiVersions, 0, correlationId), ...body] }
}
