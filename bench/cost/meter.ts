// A proxy between functions and the emulator that reads every request and answer of S3 and DynamoDB and notes what AWS would
// charge for it. It knows the size of each item, since it sees all writes, and proves that at the end against the table. An
// answer is held back until the time that AWS would take has passed, so that calls overlap here as they would there, and
// what depends on what can be read from when they began and ended. A request that it has no rule for breaks the run.
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type Item, itemBytes, readUnits, writeUnits } from './capacity.ts'

/** Medians of AWS in ms: `readFor` is the time that an answer of S3 or DynamoDB is held back. */
export const LATENCY_MS = { s3Write: 60, s3Read: 30, tableWrite: 5, tableRead: 3 } as const

/** One request on the wire. */
export interface Call {
  readonly operation: string
  readonly writeUnits: number
  readonly readUnits: number
  readonly s3Writes: number
  readonly s3Reads: number
  readonly modelledMs: number
  readonly startedAt: number
  endedAt: number
  /** Items that it removed. */
  readonly removed: readonly Removed[]
  /** The partition that a query read. */
  readonly queried?: string
}
export interface Removed {
  readonly pk: string
  readonly sk: string
  readonly writeUnits: number
}

export interface Meter {
  readonly endpointUrl: string
  /** The calls since the last time, all of which have ended. */
  take(): readonly Call[]
  /** Items of which it knows whose partition key begins so. */
  count(prefix: string): number
  /** Adopts what the table holds already. */
  adopt(items: readonly Item[]): void
  /** Throws if what the table holds is not what was seen being written. */
  prove(items: readonly Item[]): void
  close(): Promise<void>
}

type Charge = Partial<Omit<Call, 'operation' | 'startedAt' | 'endedAt' | 'modelledMs'>>
type Json = Readonly<Record<string, unknown>>

export async function startMeter(target: string): Promise<Meter> {
  const sizes = new Map<string, number>()
  let calls: Call[] = []
  let open = 0
  let broken: unknown

  const server = createServer((incoming, response) => {
    open++
    exchange(incoming, response)
      .catch((error) => {
        broken ??= error
        response.destroy()
      })
      .finally(() => open--)
  })

  async function exchange(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(incoming)
    const startedAt = performance.now()
    const operation = operationOf(incoming)
    const answer = await forward(target, incoming, body)
    if (answer.status >= 500) throw new Error(`The emulator answered ${operation} with ${answer.status}.`)
    const { charge, modelledMs } = judge(operation, body, answer)
    await until(startedAt + modelledMs)
    const none = { writeUnits: 0, readUnits: 0, s3Writes: 0, s3Reads: 0, removed: [] }
    calls.push({ operation, ...none, ...charge, modelledMs, startedAt, endedAt: performance.now() })
    response.writeHead(answer.status, answer.headers)
    response.end(answer.body)
  }

  function judge(operation: string, body: Buffer, answer: Answer): { charge: Charge; modelledMs: number } {
    switch (operation) {
      case 's3 PutObject':
        return { charge: { s3Writes: 1 }, modelledMs: LATENCY_MS.s3Write }
      case 's3 ListObjectsV2':
        return { charge: { s3Writes: 1 }, modelledMs: LATENCY_MS.s3Read }
      case 's3 GetObject':
        return { charge: { s3Reads: 1 }, modelledMs: LATENCY_MS.s3Read }
      case 's3 DeleteObjects':
        return { charge: {}, modelledMs: LATENCY_MS.s3Write }
    }
    const asked = JSON.parse(body.toString()) as Json
    const told = JSON.parse(answer.body.toString() || '{}') as Json
    const applied = answer.status === 200
    if (!applied && !String(told['__type']).endsWith('ConditionalCheckFailedException')) {
      throw new Error(`${operation}: ${answer.body.toString().slice(0, 500)}`)
    }
    const charge = chargeOf(operation, asked, told, applied)
    const modelledMs = charge.writeUnits === undefined ? LATENCY_MS.tableRead : LATENCY_MS.tableWrite
    return { charge, modelledMs }
  }

  function chargeOf(operation: string, asked: Json, told: Json, applied: boolean): Charge {
    switch (operation) {
      case 'dynamodb PutItem':
        return { writeUnits: write(asked['Item'] as Item, itemBytes(asked['Item'] as Item), applied) }
      case 'dynamodb UpdateItem': {
        if (applied) return { writeUnits: write(asked['Key'] as Item, itemBytes(told['Attributes'] as Item), true) }
        // What it would have become is at most what there is and all that was sent.
        const sent = itemBytes(asked['ExpressionAttributeValues'] as Item)
        return { writeUnits: write(asked['Key'] as Item, (sizes.get(keyOf(asked['Key'] as Item)) ?? 0) + sent, false) }
      }
      case 'dynamodb DeleteItem':
        return removal([asked['Key'] as Item], applied)
      case 'dynamodb BatchWriteItem':
        return removal(deletesIn(asked, told), true)
      case 'dynamodb GetItem':
        return { readUnits: readUnits(itemBytes((told['Item'] as Item | undefined) ?? {})) }
      case 'dynamodb Query': {
        const pk = (asked['ExpressionAttributeValues'] as Item)[':pk']
        const items = (told['Items'] as readonly Item[]).map((item) => keyOf({ ...(pk && { pk }), ...item }))
        // A projection makes an answer shorter and a read no cheaper.
        const units = readUnits(items.reduce((sum, key) => sum + known(key), 0))
        return { readUnits: units, queried: String(pk?.['S']) }
      }
      default:
        throw new Error(`No rule says what ${operation} costs.`)
    }
  }

  function known(key: string): number {
    const size = sizes.get(key)
    if (size === undefined) throw new Error(`An item was read that nobody was seen writing: ${key}`)
    return size
  }

  function write(keys: Item, bytes: number, applied: boolean): number {
    const key = keyOf(keys)
    const units = writeUnits(Math.max(sizes.get(key) ?? 0, bytes))
    if (applied) sizes.set(key, bytes)
    return units
  }

  function removal(keys: readonly Item[], applied: boolean): Charge {
    const removed = keys.map((key) => {
      const units = writeUnits(sizes.get(keyOf(key)) ?? 0)
      if (applied) sizes.delete(keyOf(key))
      return { pk: String(key['pk']?.['S']), sk: String(key['sk']?.['S']), writeUnits: units }
    })
    return { writeUnits: removed.reduce((sum, { writeUnits: units }) => sum + units, 0), removed }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port')

  return {
    endpointUrl: `http://127.0.0.1:${address.port}`,
    take() {
      if (broken !== undefined) throw broken
      if (open > 0) throw new Error('A request was under way after its function had returned.')
      const taken = calls
      calls = []
      return taken
    },
    count: (prefix) => [...sizes.keys()].filter((key) => key.startsWith(prefix)).length,
    adopt(items) {
      for (const item of items) sizes.set(keyOf(item), itemBytes(item))
    },
    prove(items) {
      const wrong = items.filter((item) => sizes.get(keyOf(item)) !== itemBytes(item)).map(keyOf)
      if (wrong.length > 0 || items.length !== sizes.size) {
        throw new Error(`The count is wrong: of ${items.length} items ${sizes.size} are known, and not ${wrong}.`)
      }
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/**
 * How long the calls of one invocation take together: each begins when those that had ended before it have ended, and takes
 * its modelled time.
 */
export function criticalPathMs(calls: readonly Call[]): number {
  const sorted = [...calls].sort((a, b) => a.startedAt - b.startedAt)
  const ends: number[] = []
  for (const [i, call] of sorted.entries()) {
    const begins = sorted
      .slice(0, i)
      .reduce((latest, before, j) => (before.endedAt <= call.startedAt ? Math.max(latest, ends[j]!) : latest), 0)
    ends.push(begins + call.modelledMs)
  }
  return Math.max(0, ...ends)
}

const keyOf = (item: Item): string => `${item['pk']?.['S']} ${item['sk']?.['S']}`

/** The keys of a batch that were deleted: only deletes are batched. */
function deletesIn(asked: Json, told: Json): Item[] {
  const left = Object.values((told['UnprocessedItems'] ?? {}) as Json)
  if (left.length > 0) throw new Error('The emulator left deletes unprocessed.')
  const requests = Object.values(asked['RequestItems'] as Record<string, readonly Json[]>).flat()
  return requests.map((one) => {
    const deletion = one['DeleteRequest'] as { readonly Key: Item } | undefined
    if (deletion === undefined) throw new Error('A batch holds something else than deletes.')
    return deletion.Key
  })
}

/** DynamoDB says which call it is in a header, S3 by method, path and query. */
function operationOf(incoming: IncomingMessage): string {
  const target = incoming.headers['x-amz-target']
  if (typeof target === 'string') return `dynamodb ${target.split('.')[1]}`
  const url = new URL(incoming.url ?? '/', 'http://s3')
  const hasKey = url.pathname.split('/').filter((part) => part !== '').length > 1
  if (incoming.method === 'POST' && url.searchParams.has('delete')) return 's3 DeleteObjects'
  if (incoming.method === 'GET' && !hasKey) return 's3 ListObjectsV2'
  return `s3 ${{ GET: 'GetObject', PUT: 'PutObject' }[incoming.method ?? ''] ?? incoming.method}`
}

interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[]>
  readonly body: Buffer
}

function forward(target: string, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
  const { hostname, port } = new URL(target)
  const { method, url: path, headers: sent } = incoming
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, method, path, headers: sent }, (upstream) => {
      const headers: Answer['headers'] = {}
      for (const [name, value] of Object.entries(upstream.headers)) {
        if (value !== undefined && name !== 'connection' && name !== 'transfer-encoding') headers[name] = value
      }
      readAll(upstream).then(
        (answer) => resolve({ status: upstream.statusCode ?? 502, headers, body: answer }),
        (error) => reject(error),
      )
    })
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

function until(atMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, atMs - performance.now())))
}
