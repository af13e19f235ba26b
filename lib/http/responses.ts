// The answers of the HTTP door as plain data, so that a handler can be called without a server (in a test, or by a Lambda
// function). Errors are problem details as of RFC 9457.

export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export function json(status: number, value: unknown): HttpResponse {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: `${JSON.stringify(value)}\n` }
}

export function problem(status: number, title: string, detail: string, headers = {}): HttpResponse {
  const body = { type: 'about:blank', title, status, detail }
  return { ...json(status, body), headers: { 'content-type': 'application/problem+json', ...headers } }
}
