// An HTTP server in the place of API Gateway: it keeps what it was sent, judges signatures by a calculation of its own (from
// AWS's description of Signature Version 4, with nothing of the SDK), and answers what the test says.
import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  /** The client's port: the same for requests of one connection. */
  readonly port: number
}

export interface FakeApi {
  readonly port: number
  readonly received: Received[]
  close(): Promise<void>
}

export async function startFakeApi(
  respond: (request: Received, response: ServerResponse) => unknown,
): Promise<FakeApi> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const one: Received = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks),
        port: request.socket.remotePort ?? 0,
      }
      received.push(one)
      respond(one, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Uint8Array, data: string): Buffer => createHmac('sha256', key).update(data).digest()

/** The value that the `authorization` header of a request should have. */
export function authorizationOf(
  { method, path, headers, body }: Omit<Received, 'port'>,
  scope: { readonly key: string; readonly secret: string; readonly region: string; readonly service: string },
): string {
  const signedHeaders = /SignedHeaders=([^,]+)/.exec(headers['authorization'] ?? '')?.[1] ?? ''
  const canonicalHeaders = signedHeaders.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`)
  // Outside S3, what is encoded in the path of a request is encoded once more.
  const canonicalPath = path.split('/').map(encodeURIComponent).join('/')
  const canonical = [method, canonicalPath, '', canonicalHeaders.join(''), signedHeaders, sha256(body)].join('\n')
  const date = String(headers['x-amz-date'])
  const credential = `${date.slice(0, 8)}/${scope.region}/${scope.service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', date, credential, sha256(canonical)].join('\n')
  const day = hmac(`AWS4${scope.secret}`, date.slice(0, 8))
  const signingKey = hmac(hmac(hmac(day, scope.region), scope.service), 'aws4_request')
  const signature = createHmac('sha256', signingKey).update(toSign).digest('hex')
  return `AWS4-HMAC-SHA256 Credential=${scope.key}/${credential}, SignedHeaders=${signedHeaders}, Signature=${signature}`
}
