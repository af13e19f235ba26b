// A proxy between the adapters and the emulator that counts requests and makes chosen ones fail as AWS and networks do
// and no emulator does: with the exact status codes, headers and bodies of S3 and DynamoDB, with a connection that drops
// before or after the request was applied, with answers that come late or break off.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http'

/** An error as the service words it. */
export interface ServiceError {
  readonly status: number
  readonly code: string
  readonly message: string
  /** Further members of a DynamoDB error. */
  readonly more?: Record<string, unknown>
}

export type Fault =
  /** The service answers with an error; the request is not applied. */
  | { readonly kind: 'refuse'; readonly error: ServiceError }
  /** The service applies the request and answers with an error. */
  | { readonly kind: 'applyThenRefuse'; readonly error: ServiceError }
  /** The connection drops when the request has been read; it is not applied. */
  | { readonly kind: 'dropBefore' }
  /** The request is applied; the connection drops instead of an answer. */
  | { readonly kind: 'dropAfter' }
  /** The request is applied; its answer comes late. */
  | { readonly kind: 'answerLate'; readonly delayMs: number }
  /** The request is kept back and applied late. */
  | { readonly kind: 'applyLate'; readonly delayMs: number }
  /** The request is applied, or its answer given, when somebody else says so. */
  | { readonly kind: 'applyWhen' | 'answerWhen'; readonly when: Promise<unknown> }
  /** Headers and half of the body come; then the connection drops, or nothing more comes. */
  | { readonly kind: 'halfAnswer'; readonly ending: 'drop' | 'hang' }
  /** The request is not applied; this is the answer. */
  | { readonly kind: 'answerWith'; readonly status: number; readonly contentType: string; readonly body: string }
  /** Of a BatchWriteItem, the last `count` requests are not applied and returned as unprocessed. */
  | { readonly kind: 'leaveUnprocessed'; readonly count: number }

/** `dynamodb UpdateItem`, `s3 PutObject`, … */
export type Operation = string

export interface Injector {
  readonly endpointUrl: string
  /** The operations of all requests so far, in order of arrival. */
  readonly seen: readonly Operation[]
  /** What they carried, in the same order. */
  readonly bodies: readonly Buffer[]
  readonly headers: readonly IncomingHttpHeaders[]
  /** How many times a fault was applied. */
  readonly hits: number
  /** The next `times` requests of an operation get this fault: those whose body has this text in it, if one is given. */
  spoil(operation: Operation, fault: Fault, times?: number, holding?: string): void
  /** Resolves when every request that was kept back has been applied. */
  settled(): Promise<void>
  close(): Promise<void>
}

export async function startInjector(target: string): Promise<Injector> {
  const seen: Operation[] = []
  const bodies: Buffer[] = []
  const headers: IncomingHttpHeaders[] = []
  const faults: { readonly operation: Operation; readonly fault: Fault; readonly holding: string }[] = []
  const applying = new Set<Promise<unknown>>()
  let hits = 0

  const server = createServer(async (incoming, response) => {
    const body = await readAll(incoming)
    const operation = operationOf(incoming)
    seen.push(operation)
    bodies.push(body)
    headers.push(incoming.headers)
    const at = faults.findIndex((one) => one.operation === operation && body.includes(one.holding))
    const fault = at < 0 ? undefined : faults.splice(at, 1)[0]?.fault
    if (fault !== undefined) hits++
    const work = answer(target, incoming, body, response, operation, fault).catch((error) => response.destroy(error))
    applying.add(work)
    work.finally(() => applying.delete(work))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port')

  return {
    endpointUrl: `http://127.0.0.1:${address.port}`,
    seen,
    bodies,
    headers,
    get hits() {
      return hits
    },
    spoil(operation, fault, times = 1, holding = '') {
      for (let i = 0; i < times; i++) faults.push({ operation, fault, holding })
    },
    settled: async () => {
      while (applying.size > 0) await Promise.allSettled(applying)
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(
  target: string,
  incoming: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
  operation: Operation,
  fault: Fault | undefined,
): Promise<void> {
  switch (fault?.kind) {
    case 'refuse':
      return sendError(response, operation, fault.error)
    case 'answerWith':
      response.writeHead(fault.status, { 'content-type': fault.contentType })
      response.end(fault.body)
      return
    case 'leaveUnprocessed':
      return leaveUnprocessed(target, incoming, body, response, fault.count)
    case 'dropBefore':
      response.socket?.destroy()
      return
    case 'applyLate':
      await pause(fault.delayMs)
      break
    case 'applyWhen':
      await fault.when
      break
  }
  const upstream = await forward(target, incoming, body)
  switch (fault?.kind) {
    case 'applyThenRefuse':
      return sendError(response, operation, fault.error)
    case 'dropAfter':
      response.socket?.destroy()
      return
    case 'answerLate':
      await pause(fault.delayMs)
      break
    case 'answerWhen':
      await fault.when
      break
    case 'halfAnswer': {
      response.writeHead(upstream.status, { ...upstream.headers, 'content-length': String(upstream.body.length) })
      response.write(upstream.body.subarray(0, Math.floor(upstream.body.length / 2)))
      if (fault.ending === 'drop') setTimeout(() => response.socket?.destroy(), 50)
      return
    }
  }
  response.writeHead(upstream.status, upstream.headers)
  response.end(upstream.body)
}

async function leaveUnprocessed(
  target: string,
  incoming: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
  count: number,
): Promise<void> {
  const { RequestItems } = JSON.parse(body.toString()) as { RequestItems: Record<string, unknown[]> }
  const [[table, requests] = ['', []]] = Object.entries(RequestItems)
  const kept = requests.slice(0, Math.max(0, requests.length - count))
  const left = requests.slice(kept.length)
  if (kept.length > 0) {
    const part = Buffer.from(JSON.stringify({ RequestItems: { [table]: kept } }))
    incoming.headers['content-length'] = String(part.length)
    await forward(target, incoming, part)
  }
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' })
  response.end(JSON.stringify({ UnprocessedItems: { [table]: left } }))
}

/** Which call of which service a request is: DynamoDB says so in a header, S3 by method, path and query. */
function operationOf(incoming: IncomingMessage): Operation {
  const target = incoming.headers['x-amz-target']
  if (typeof target === 'string') return `dynamodb ${target.split('.')[1]}`
  const url = new URL(incoming.url ?? '/', 'http://s3')
  const hasKey = url.pathname.split('/').filter((part) => part !== '').length > 1
  if (incoming.method === 'POST' && url.searchParams.has('delete')) return 's3 DeleteObjects'
  if (incoming.method === 'GET' && !hasKey) return 's3 ListObjectsV2'
  const verb = { GET: 'GetObject', PUT: 'PutObject', HEAD: 'HeadObject', DELETE: 'DeleteObject' }[incoming.method ?? '']
  return `s3 ${verb ?? incoming.method}`
}

function sendError(response: ServerResponse, operation: Operation, error: ServiceError): void {
  if (operation.startsWith('dynamodb')) {
    const prefix = NOT_OF_THE_MODEL.has(error.code) ? 'com.amazon.coral.service' : 'com.amazonaws.dynamodb.v20120810'
    const body = JSON.stringify({ __type: `${prefix}#${error.code}`, message: error.message, ...error.more })
    response.writeHead(error.status, { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': 'INJECTED' })
    response.end(body)
    return
  }
  const body =
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<Error><Code>${error.code}</Code><Message>${error.message}</Message><RequestId>INJECTED</RequestId></Error>`
  response.writeHead(error.status, { 'content-type': 'application/xml', 'x-amz-request-id': 'INJECTED' })
  response.end(body)
}

/** Errors of AWS's common front end instead of DynamoDB's own model. */
const NOT_OF_THE_MODEL = new Set(['ThrottlingException', 'ValidationException', 'UnrecognizedClientException'])

interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[]>
  readonly body: Buffer
}

function forward(target: string, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
  const { hostname, port } = new URL(target)
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers },
      async (upstream) => {
        const headers: Answer['headers'] = {}
        for (const [name, value] of Object.entries(upstream.headers)) {
          if (value !== undefined && name !== 'connection' && name !== 'transfer-encoding') headers[name] = value
        }
        resolve({ status: upstream.statusCode ?? 502, headers, body: await readAll(upstream) })
      },
    )
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs))
}
