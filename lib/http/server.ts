// The HTTP door of a gateway: health and metrics. It stays small and slow on purpose (short timeouts, few connections):
// what does not speak HTTP, or speaks it too slowly, is answered and closed without touching anybody else.
import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { type HttpResponse, problem } from './responses.ts'

const CONNECTIONS_MAX = 256
const HEADERS_MS_MAX = 10_000
const REQUEST_MS_MAX = 30_000

/** What the server serves, by path. Only GET (and HEAD) exist. */
export type Routes = ReadonlyMap<string, () => HttpResponse | Promise<HttpResponse>>

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
  const server = createServer(
    { headersTimeout: HEADERS_MS_MAX, requestTimeout: REQUEST_MS_MAX },
    (request, response) => {
      // Whatever body was sent is of no use here.
      request.resume()
      void answer(routes, request.method ?? '', request.url ?? '').then(({ status, headers, body }) => {
        response.writeHead(status, {
          ...headers,
          'content-length': Buffer.byteLength(body),
          'cache-control': 'no-store',
        })
        response.end(request.method === 'HEAD' ? undefined : body)
      })
    },
  )
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

async function answer(routes: Routes | undefined, method: string, url: string): Promise<HttpResponse> {
  if (routes === undefined) return problem(503, 'Starting', 'This gateway is starting; try again in a moment.')
  const path = url.split('?', 1)[0] ?? ''
  const route = routes.get(path)
  if (route === undefined) {
    return problem(404, 'Not found', `There is nothing at ${path}. Try ${[...routes.keys()].join(' or ')}.`)
  }
  if (method !== 'GET' && method !== 'HEAD') {
    return problem(405, 'Method not allowed', `${path} can only be read.`, { allow: 'GET, HEAD' })
  }
  try {
    return await route()
  } catch {
    return problem(500, 'Internal error', `${path} could not be answered.`)
  }
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
