// The HTTP port of a gateway: health, metrics, and the routes of Kafka frames. What does not speak HTTP, or speaks it too
// slowly, is answered and closed without touching anybody else. Bodies are bounded one by one, and all together with answers
// on their way, so that neither slow senders nor slow readers can fill the memory.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { FRAME_STALL_MS_MAX } from '../base/limits.ts'
import { type HttpRequest, type HttpResponse, problem } from './responses.ts'

const CONNECTIONS_MAX = 256
const HEADERS_MS_MAX = 10_000
const REQUEST_MS_MAX = 30_000
/** What has come of bodies that are being received or answered, and answers that are not written yet, all together. */
const BODIES_BYTES_MAX = 64 * 1024 * 1024

export interface Route {
  /** GET includes HEAD. */
  readonly method: 'GET' | 'POST'
  /** A longer body is refused; 0 for what has none. */
  readonly bodyBytesMax: number
  readonly answer: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>
}
/** A route that can only be read. */
export const reading = (answer: Route['answer']): Route => ({ method: 'GET', bodyBytesMax: 0, answer })

/** What the server serves, by path. */
export type Routes = ReadonlyMap<string, Route>

export interface HttpServer {
  readonly host: string
  /** The port it really has. */
  readonly port: number
  /** Paths answer 503 before this. */
  serve(routes: Routes): void
  close(): Promise<void>
}

/** Binds a port. Rejects with the system's error (`EADDRINUSE`, …) when it cannot. */
export async function openHttpServer(host: string, port: number): Promise<HttpServer> {
  let routes: Routes | undefined
  let heldBytes = 0
  const server = createServer(
    { headersTimeout: HEADERS_MS_MAX, requestTimeout: REQUEST_MS_MAX },
    (incoming, outgoing) => {
      void respond(incoming).then((response) => write(incoming, outgoing, response))
    },
  )

  function write(incoming: IncomingMessage, outgoing: ServerResponse, { status, headers, body }: HttpResponse): void {
    const { socket } = incoming
    if (socket.destroyed) return
    const bytes = Buffer.byteLength(body)
    // A response that waits for the one before it on its connection is not told when that breaks.
    const over = (): void => {
      heldBytes -= bytes
      outgoing.off('close', over)
      socket.off('close', over)
    }
    heldBytes += bytes
    outgoing.once('close', over)
    socket.once('close', over)
    outgoing.setTimeout(FRAME_STALL_MS_MAX, () => socket.destroy())
    outgoing.writeHead(status, {
      ...headers,
      // A response without a body has no length either.
      ...(status === 204 ? {} : { 'content-length': bytes }),
      'cache-control': 'no-store',
    })
    outgoing.end(incoming.method === 'HEAD' ? undefined : body)
  }

  async function respond(incoming: IncomingMessage): Promise<HttpResponse> {
    const { method = '', url = '' } = incoming
    const path = url.split('?', 1)[0] ?? ''
    const route = routeOf(routes, method, path)
    if ('status' in route) {
      incoming.resume()
      return route
    }
    let held = 0
    const take = (bytes: number): boolean => {
      if (heldBytes + bytes > BODIES_BYTES_MAX) return false
      held += bytes
      heldBytes += bytes
      return true
    }
    const giveBack = (): void => {
      heldBytes -= held
      held = 0
    }
    try {
      const body = await receive(incoming, route.bodyBytesMax, take, giveBack)
      if (body === 'tooLong') return tooLarge(path, route.bodyBytesMax)
      if (body === 'busy') {
        return problem(503, 'Busy', 'Too many bodies are on their way at once.', { 'retry-after': '1' })
      }
      return await route.answer({ method, path, headers: headersOf(incoming), body })
    } catch {
      return problem(500, 'Internal error', `${path} could not be answered.`)
    } finally {
      giveBack()
    }
  }

  server.maxConnections = CONNECTIONS_MAX
  server.on('clientError', (_error, socket: Socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    else socket.destroy()
  })
  const bound = await bind(server, host, port)
  return {
    host,
    port: bound,
    serve: (served) => {
      routes = served
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function routeOf(routes: Routes | undefined, method: string, path: string): Route | HttpResponse {
  if (routes === undefined) return problem(503, 'Starting', 'This gateway is starting; try again in a moment.')
  const route = routes.get(path)
  if (route === undefined) {
    return problem(404, 'Not found', `There is nothing at ${path}. Try ${[...routes.keys()].join(' or ')}.`)
  }
  if (method === route.method || (method === 'HEAD' && route.method === 'GET')) return route
  if (route.method === 'POST') return problem(405, 'Method not allowed', `${path} takes POST.`, { allow: 'POST' })
  return problem(405, 'Method not allowed', `${path} can only be read.`, { allow: 'GET, HEAD' })
}

/**
 * The body, if it may be that long and there is room for it; what is refused is received to its end and not kept. Without a
 * bound above 0 it is of no use and not kept either.
 */
async function receive(
  incoming: IncomingMessage,
  bytesMax: number,
  take: (bytes: number) => boolean,
  giveBack: () => void,
): Promise<Uint8Array | 'tooLong' | 'busy'> {
  if (bytesMax === 0) {
    incoming.resume()
    return new Uint8Array()
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  let refused: 'tooLong' | 'busy' | undefined
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > bytesMax) refused = 'tooLong'
    else if (refused === undefined && !take(chunk.length)) refused = 'busy'
    if (refused === undefined) chunks.push(chunk)
    else {
      chunks.length = 0
      giveBack()
    }
  }
  return refused ?? Buffer.concat(chunks)
}

function tooLarge(path: string, bytesMax: number): HttpResponse {
  return problem(413, 'Content too large', `A body for ${path} is at most ${bytesMax} bytes.`)
}

function headersOf({ headers }: IncomingMessage): Record<string, string | undefined> {
  const flat: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries(headers)) flat[name] = Array.isArray(value) ? value.join(', ') : value
  return flat
}

function bind(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}
