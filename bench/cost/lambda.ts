// Lambda environments as child processes, one for each, that run the very bundles that are deployed (for this machine's
// processor), and what an invocation of one used: requests as the meter saw them, processor time as the environment measured
// it. Time is simulated where it only passes: every environment is told how far the wall clock is ahead.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { type BundleName, bundleFunction } from '../../infra/bundle.ts'
import type { Ulid } from '../../lib/base/ids.ts'
import type { ApiEvent, ApiResult } from '../../lib/http/api-gateway.ts'
import { comparePositions } from '../../lib/journal/position.ts'
import {
  ADVERTISE_HEADER,
  CONNECTION_HEADER,
  FRAME_CONTENT_TYPE,
  type FrameFunction,
  formatPosition,
  formatRequestId,
  functionOf,
  GENERATION_HEADER,
  isLongFrame,
  POSITION_HEADER,
  parsePosition,
  REQUEST_ID_HEADER,
  type ToldPosition,
  WAITED_HEADER,
} from '../../lib/wire/https.ts'
import { EMULATOR_ENVIRONMENT } from '../../test/aws/ministack.ts'
import { type Call, criticalPathMs, type Meter } from './meter.ts'
import { add, NOTHING, type Usage, usage } from './prices.ts'

/** Lambda gives a whole processor from 1,769 MB on, and of it as much as there is memory. */
const PROCESSOR_SHARE = 1024 / 1769
const API_UNIT_BYTES = 512 * 1024

export interface Invocation {
  readonly calls: readonly Call[]
  readonly cpuMs: number
  readonly apiBytes: number
  readonly logBytes: number
  readonly status: number
  /** Behind the length prefix and the correlation id. */
  readonly body: Buffer
}

export interface World {
  readonly meter: Meter
  readonly place: { readonly bucket: string; readonly table: string }
  /** How far simulated time is ahead. */
  aheadMs: number
  /** The journal generation told last. */
  generation: number
  /** The furthest in the journal that was told. */
  position?: ToldPosition
}

export interface Environment {
  /** Sends a frame through the door of API Gateway. */
  ask(frame: Buffer, id?: Ulid): Promise<Invocation>
  invoke(event: unknown): Promise<Invocation>
  end(): Promise<void>
}

interface Reply {
  readonly ready?: true
  readonly error?: string
  readonly result: string
  readonly cpuMs: number
  readonly sinceStartMs: number
}

const bundles = new Map<BundleName, string>()

/** Starts an environment. The processor time of its first invocation is that of the process from its start on. */
export async function startEnvironment(world: World, name: BundleName): Promise<Environment> {
  const directory = bundles.get(name) ?? bundleFunction(name, process.arch === 'arm64' ? 'arm64' : 'x86_64')
  bundles.set(name, directory)
  let logBytes = 0
  const child = spawn(process.execPath, [join(import.meta.dirname, 'environment.js'), join(directory, 'index.js')], {
    env: {
      ...EMULATOR_ENVIRONMENT,
      AWS_ENDPOINT_URL: world.meter.endpointUrl,
      TIDELOG_BUCKET: world.place.bucket,
      TIDELOG_TABLE: world.place.table,
      POWERTOOLS_SERVICE_NAME: 'tidelog',
      POWERTOOLS_METRICS_DISABLED: 'true',
      POWERTOOLS_TRACE_ENABLED: 'false',
      AWS_LAMBDA_FUNCTION_NAME: name,
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  child.stdout?.on('data', (chunk: Buffer) => {
    logBytes += chunk.length
  })
  await reply(child)
  let cold = true

  async function invoke(event: unknown, apiBytes = 0): Promise<Invocation & { readonly result: string }> {
    if (world.meter.take().length > 0) throw new Error('Requests were made outside of any invocation.')
    const logged = logBytes
    child.send({ event: JSON.stringify(event), aheadMs: world.aheadMs })
    const { error, result, cpuMs, sinceStartMs } = await reply(child)
    if (error !== undefined) throw new Error(`The function ${name} broke down: ${error}`)
    const usedMs = cold ? sinceStartMs : cpuMs
    cold = false
    const calls = world.meter.take()
    return { calls, cpuMs: usedMs, apiBytes, logBytes: logBytes - logged, status: 0, body: Buffer.alloc(0), result }
  }

  return {
    invoke,
    async ask(frame, id) {
      const event = eventOf(frame, world, id)
      const invocation = await invoke(event, frame.length)
      const answer = JSON.parse(invocation.result) as ApiResult
      const told = Buffer.from(answer.body, answer.isBase64Encoded ? 'base64' : 'utf8')
      world.generation = Number(answer.headers[GENERATION_HEADER])
      const position = parsePosition(answer.headers[POSITION_HEADER] ?? '')
      if (position !== undefined && (world.position === undefined || comparePositions(world.position, position) < 0)) {
        world.position = position
      }
      if (answer.statusCode >= 300) throw new Error(`${name} answered ${answer.statusCode}: ${told}`)
      const { statusCode: status } = answer
      return { ...invocation, apiBytes: frame.length + told.length, status, body: told.subarray(8) }
    },
    end: () => stop(child),
  }
}

function reply(child: ChildProcess): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`an environment ended with ${code}`))
    child.once('exit', onExit)
    child.once('message', (message: unknown) => {
      child.off('exit', onExit)
      resolve(message as Reply)
    })
  })
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill()
  await ended
}

/** As API Gateway makes it of a request that `tidelog connect` sends. */
function eventOf(frame: Buffer, { generation, position }: World, id: Ulid | undefined): ApiEvent {
  const name: FrameFunction = functionOf(frame.readInt16BE(4))
  const long = isLongFrame(frame.length - 4)
  return {
    rawPath: `/kafka/${name}`,
    headers: {
      'content-type': FRAME_CONTENT_TYPE,
      'content-length': String(frame.length),
      host: 'abc1234567.execute-api.us-east-1.amazonaws.com',
      'x-forwarded-for': '203.0.113.7',
      'x-forwarded-port': '443',
      'x-forwarded-proto': 'https',
      authorization: `AWS4-HMAC-SHA256 Credential=${'x'.repeat(60)}, SignedHeaders=${'x'.repeat(80)}, Signature=${'0'.repeat(64)}`,
      [CONNECTION_HEADER]: '01HZZZZZZZZZZZZZZZZZZZZZZZ-1',
      [ADVERTISE_HEADER]: '127.0.0.1:9092',
      [WAITED_HEADER]: '0',
      ...(name === 'coordinate' && position !== undefined ? { [POSITION_HEADER]: formatPosition(position) } : {}),
      ...(id === undefined ? {} : { [REQUEST_ID_HEADER]: formatRequestId({ generation, id, long }) }),
    },
    requestContext: { http: { method: 'POST' } },
    body: frame.toString('base64'),
    isBase64Encoded: true,
  }
}

/** What invocations of one kind come to. */
export interface Measured {
  readonly count: number
  /** Of one invocation, on average. */
  readonly usage: Usage
  /** Medians of one invocation, in ms. */
  readonly cpuMs: number
  readonly storesMs: number
  /** How often each request was made, on average. */
  readonly requests: ReadonlyMap<string, number>
}

/** Sums invocations up; each is taken to have used the median of their processor time. */
export function measured(invocations: readonly Invocation[]): Measured {
  const count = invocations.length
  const cpuMs = median(invocations.map((one) => one.cpuMs))
  const paths = invocations.map(({ calls }) => criticalPathMs(calls))
  const requests = new Map<string, number>()
  const used = invocations.map(({ calls, apiBytes, logBytes }, i) => {
    for (const { operation } of calls) requests.set(operation, (requests.get(operation) ?? 0) + 1 / count)
    const sum = (field: 'writeUnits' | 'readUnits' | 's3Writes' | 's3Reads'): number =>
      calls.reduce((total, call) => total + call[field], 0)
    return usage({
      apiUnits: Math.ceil(apiBytes / API_UNIT_BYTES),
      invocations: 1,
      // Billed by whole milliseconds.
      lambdaMs: Math.ceil(cpuMs / PROCESSOR_SHARE + paths[i]!),
      writeUnits: sum('writeUnits'),
      readUnits: sum('readUnits'),
      s3Writes: sum('s3Writes'),
      s3Reads: sum('s3Reads'),
      logBytes,
    })
  })
  return { count, usage: mean(used), cpuMs, storesMs: median(paths), requests }
}

export function mean(usages: readonly Usage[]): Usage {
  const sum = add(NOTHING, ...usages)
  return Object.fromEntries(Object.entries(sum).map(([name, value]) => [name, value / usages.length])) as Usage
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >>> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
