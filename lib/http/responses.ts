// Requests and answers of the HTTP doors as plain data, so that a handler can be called without a server (in a test, or by
// a Lambda function). Errors are problem details as of RFC 9457.

export interface HttpRequest {
  readonly method: string
  /** Without query. */
  readonly path: string
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array
}

export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

export function json(status: number, value: unknown): HttpResponse {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: `${JSON.stringify(value)}\n` }
}

export function problem(status: number, title: string, detail: string, headers = {}): HttpResponse {
  const body = { type: 'about:blank', title, status, detail }
  return { ...json(status, body), headers: { 'content-type': 'application/problem+json', ...headers } }
}
