// A proxy in front of the emulator that writes down which store calls a process makes, and which of them side by side: what a
// bare handler has to make too, to be compared with a function.
import { createServer, type IncomingMessage, request } from 'node:http'
import type { Call, Plan } from './bare-handler.ts'

export interface Recorder {
  readonly endpointUrl: string
  /** The calls since the last time this was asked, as a plan. */
  take(): Plan
  close(): Promise<void>
}

interface Recorded {
  readonly call: Call
  readonly startedAt: number
  endedAt: number
}

export async function startRecorder(target: string): Promise<Recorder> {
  let recorded: Recorded[] = []
  const server = createServer(async (incoming, response) => {
    const body = await readAll(incoming)
    const entry = { call: callOf(incoming, body), startedAt: performance.now(), endedAt: Number.POSITIVE_INFINITY }
    recorded.push(entry)
    const options = { method: incoming.method, headers: incoming.headers }
    const upstream = request(new URL(incoming.url ?? '/', target), options, async (answer) => {
      const bytes = await readAll(answer)
      entry.endedAt = performance.now()
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      response.end(bytes)
    })
    upstream.on('error', () => response.destroy())
    upstream.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the recorder has no port')
  return {
    endpointUrl: `http://127.0.0.1:${address.port}`,
    take() {
      const plan = planOf(recorded)
      recorded = []
      return plan
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Calls that began before any of the others had ended went out side by side. */
function planOf(recorded: readonly Recorded[]): Plan {
  const stages: Call[][] = []
  let firstEnd = Number.NEGATIVE_INFINITY
  for (const { call, startedAt, endedAt } of recorded) {
    if (startedAt >= firstEnd) {
      stages.push([])
      firstEnd = Number.POSITIVE_INFINITY
    }
    stages[stages.length - 1]!.push(call)
    firstEnd = Math.min(firstEnd, endedAt)
  }
  return stages
}

function callOf(incoming: IncomingMessage, body: Buffer): Call {
  const operation = String(incoming.headers['x-amz-target'] ?? '').split('.')[1]
  if (operation === undefined) {
    const path = new URL(incoming.url ?? '/', 'http://s3').pathname
    const key = decodeURIComponent(path.split('/').slice(2).join('/'))
    if (incoming.method === 'PUT') return { call: 'PutObject', key, bytes: body.length }
    if (incoming.method !== 'GET') throw new Error(`the benchmark knows no ${incoming.method} of S3`)
    const { range } = incoming.headers
    return { call: 'GetObject', key, ...(range === undefined ? {} : { range }) }
  }
  switch (operation) {
    case 'GetItem':
    case 'Query':
      return { call: operation, input: JSON.parse(body.toString()) }
    case 'PutItem':
    case 'UpdateItem':
      return { call: operation, bytes: body.length }
    default:
      throw new Error(`the benchmark knows no ${operation} of DynamoDB`)
  }
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of incoming) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}
