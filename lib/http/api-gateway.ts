// API Gateway's HTTP APIs and Lambda's function URLs speak the same dialect, payload format 2.0: an event in, a result out,
// bodies that are not text as base 64. Here that becomes the plain requests and responses of the other doors.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
import { type HttpRequest, type HttpResponse, problem } from './responses.ts'

/** What is used of an event. */
export interface ApiEvent {
  readonly rawPath: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly requestContext: { readonly http: { readonly method: string } }
  readonly body?: string | undefined
  readonly isBase64Encoded: boolean
}

export interface ApiResult {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly isBase64Encoded: boolean
}

/** The request in an event; a problem when its body is not what it says it is. */
export function requestOf(event: ApiEvent): HttpRequest | HttpResponse {
  const body = bodyOf(event)
  if (body === undefined)
    return problem(400, 'Not a frame', 'The body of the event is not the base 64 that it says it is.')
  const headers: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries(event.headers)) headers[name.toLowerCase()] = value
  return { method: event.requestContext.http.method, path: event.rawPath, headers, body }
}

export function resultOf({ status, headers, body }: HttpResponse): ApiResult {
  if (typeof body === 'string') return { statusCode: status, headers, body, isBase64Encoded: false }
  const { buffer, byteOffset, length } = body
  const text = Buffer.from(buffer, byteOffset, length).toString('base64')
  return { statusCode: status, headers, body: text, isBase64Encoded: true }
}

/** Node's decoder skips what is no base 64, so what it made is held against what came. */
function bodyOf({ body = '', isBase64Encoded }: ApiEvent): Uint8Array | undefined {
  if (!isBase64Encoded) return Buffer.from(body, 'latin1')
  const bytes = Buffer.from(body, 'base64')
  return bytes.toString('base64') === body ? bytes : undefined
}
