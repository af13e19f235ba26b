// What API Gateway and Lambda enforce and the emulator does not, as a proxy in front of its API: the body is what was
// signed, for the right service; an event and its answer fit Lambda's 6 MB; nobody waits longer than 30 s; what a handler
// throws is nobody's business. Everything that a client of ours must never provoke is remembered, so that a suite can end
// with the question whether there was any.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Agent, createServer, request } from 'node:https'
import { CERTIFICATE } from './certificate.ts'

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 6 MB of JSON each way. */
export const EVENT_BYTES_MAX = 6 * 1024 * 1024
/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
const PAYLOAD_BYTES_MAX = 10 * 1024 * 1024
const INTEGRATION_MS_MAX = 30_000
/** Request context, path and the like of an event. */
const EVENT_REST_BYTES = 1500

export interface Edge {
  /** Base URL for clients. */
  readonly url: string
  /** What happened that must not happen to a client that keeps the rules. */
  readonly violations: readonly string[]
  /** Answers by status, to see what went through. */
  readonly statuses: ReadonlyMap<number, number>
  close(): Promise<void>
}

/** Starts the proxy; `apiUrl` is the API on the emulator. */
export async function startEdge(apiUrl: string): Promise<Edge> {
  const violations: string[] = []
  const statuses = new Map<number, number>()
  const { pathname, port } = new URL(apiUrl)
  const agent = new Agent({ keepAlive: true })
  const server = createServer(
    { cert: readFileSync(CERTIFICATE.certificatePath), key: readFileSync(CERTIFICATE.keyPath) },
    (incoming, outgoing) => {
      answer(incoming, { port: Number(port), agent }, violations)
        .catch((error: unknown): Answer => message(500, `Internal Server Error: ${error}`))
        .then(({ status, headers, body }) => {
          statuses.set(status, (statuses.get(status) ?? 0) + 1)
          outgoing.writeHead(status, { ...headers, 'content-length': String(body.length) })
          outgoing.end(body)
        })
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the edge has no port')
  return {
    url: `https://127.0.0.1:${address.port}${pathname}`,
    violations,
    statuses,
    async close() {
      agent.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

function message(status: number, text: string): Answer {
  const body = Buffer.from(JSON.stringify({ message: text }))
  return { status, headers: { 'content-type': 'application/json' }, body }
}

async function answer(
  incoming: IncomingMessage,
  upstream: { readonly port: number; readonly agent: Agent },
  violations: string[],
): Promise<Answer> {
  const body = await readAll(incoming)
  const name = `${incoming.method} ${incoming.url?.replace(/^.*\/kafka\//, '/kafka/')}`
  if (body.length > PAYLOAD_BYTES_MAX) return message(413, 'Request Entity Too Large')
  const unsigned = signatureProblem(incoming.headers, body)
  if (unsigned !== undefined) return message(403, 'Forbidden')
  if (eventBytes(incoming.headers, body) > EVENT_BYTES_MAX) {
    violations.push(`${name}: an event of ${eventBytes(incoming.headers, body)} bytes`)
    return message(413, 'Request Entity Too Large')
  }
  const forwarded = await forward(incoming, body, upstream)
  if (forwarded === undefined) {
    violations.push(`${name}: no answer within ${INTEGRATION_MS_MAX} ms`)
    return message(503, 'Service Unavailable')
  }
  if (eventBytes(forwarded.headers, forwarded.body) > EVENT_BYTES_MAX) {
    violations.push(`${name}: an answer of ${forwarded.body.length} bytes`)
    return message(500, 'Internal Server Error')
  }
  if (forwarded.status === 502 && forwarded.body.includes('"errorType"')) {
    violations.push(`${name}: the handler threw: ${forwarded.body}`)
    return message(500, 'Internal Server Error')
  }
  return forwarded
}

/** The emulator judges the signature; that it covers this body and is meant for API Gateway it takes on trust. */
function signatureProblem(headers: IncomingHttpHeaders, body: Buffer): string | undefined {
  const signature = /Credential=[^/]+\/\d{8}\/[^/]+\/([^/]+)\/aws4_request.*SignedHeaders=([^,]+)/.exec(
    headers.authorization ?? '',
  )
  if (signature === null) return 'no signature'
  const [, service, signed = ''] = signature
  if (service !== 'execute-api') return `signed for ${service}`
  if (!signed.split(';').includes('x-amz-content-sha256')) return 'the hash of the body is not signed'
  const hash = createHash('sha256').update(body).digest('hex')
  return headers['x-amz-content-sha256'] === hash ? undefined : 'another body was signed'
}

/** A body that is not text travels to and from Lambda as base 64. */
function eventBytes(headers: IncomingHttpHeaders | Answer['headers'], body: Buffer): number {
  return Math.ceil(body.length / 3) * 4 + JSON.stringify(headers).length + EVENT_REST_BYTES
}

function forward(
  incoming: IncomingMessage,
  body: Buffer,
  { port, agent }: { readonly port: number; readonly agent: Agent },
): Promise<Answer | undefined> {
  const { method, url: path, headers } = incoming
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers, agent }, async (response) => {
      const kept = Object.entries(response.headers).filter(([name]) => !HOP_HEADERS.has(name))
      const received = await readAll(response).catch(reject)
      clearTimeout(timer)
      if (received !== undefined) {
        const headers = Object.fromEntries(kept.map(([name, value]) => [name, String(value)]))
        resolve({ status: response.statusCode ?? 500, headers, body: received })
      }
    })
    const timer = setTimeout(() => {
      resolve(undefined)
      outgoing.destroy()
    }, INTEGRATION_MS_MAX)
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}

const HOP_HEADERS = new Set(['connection', 'transfer-encoding', 'content-length', 'keep-alive'])

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part as Buffer)
  return Buffer.concat(parts)
}
