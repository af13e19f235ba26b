// Lambda environments as Lambda treats them and no emulator does: a process with a bundled function that is stopped whenever
// no invocation runs in it, and, where a test wants it, in the middle of one; that gets 6 MB at most and gives no more back;
// and that is killed when its time is over. SIGSTOP is the freezer: nothing runs, sockets stay, the clock goes on.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type BundleName, bundleFunction } from '../../infra/bundle.ts'
import type { AwsOptions } from '../../lib/storage/aws/stores.ts'
import { EMULATOR_ENVIRONMENT } from '../aws/ministack.ts'
import { EVENT_BYTES_MAX } from './edge.ts'

/** API Gateway gives up after 30 s; the functions' own limit is a second less. */
const FUNCTION_MS_MAX = 29_000

export interface ApiAnswer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly isBase64Encoded: boolean
}

export interface Environment {
  /** Thaws, hands over the event, and freezes when its answer is there. Rejects for what Lambda would call an error. */
  invoke(event: unknown, timeoutMs?: number): Promise<ApiAnswer>
  /** Stops the process where it is. */
  freeze(): void
  thaw(): void
  /** What it logged. */
  output(): string
  stop(): Promise<void>
}

/** A fresh environment of a function on this bucket and table, frozen until its first event. */
export function startEnvironment(name: BundleName, place: AwsOptions & { readonly endpointUrl: string }): Environment {
  const directory = bundleFunction(name, process.arch === 'arm64' ? 'arm64' : 'x86_64')
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'environment-child.ts'), directory], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      ...EMULATOR_ENVIRONMENT,
      AWS_ENDPOINT_URL: place.endpointUrl,
      TIDELOG_BUCKET: place.bucket,
      TIDELOG_TABLE: place.table,
      POWERTOOLS_METRICS_DISABLED: 'true',
      POWERTOOLS_TRACE_ENABLED: 'false',
    },
  })
  const { stdin, stdout, stderr } = child
  assert.ok(stdin !== null && stdout !== null && stderr !== null)
  const errors: string[] = []
  stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()))
  let waiting: { resolve(line: string): void; reject(error: Error): void } | undefined
  createInterface({ input: stdout }).on('line', (line) => waiting?.resolve(line))
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      waiting?.reject(new Error(`the environment of ${name} ended:\n${errors.join('').slice(-2000)}`))
      resolve()
    })
  })
  stdin.on('error', () => undefined)
  child.kill('SIGSTOP')

  return {
    async invoke(event, timeoutMs = FUNCTION_MS_MAX) {
      assert.equal(waiting, undefined, 'an environment runs one invocation at a time')
      const sizeBytes = Buffer.byteLength(JSON.stringify(event))
      if (sizeBytes > EVENT_BYTES_MAX) throw new Error(`RequestEntityTooLarge: ${sizeBytes} bytes`)
      const answered = new Promise<string>((resolve, reject) => {
        waiting = { resolve, reject }
      })
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
      try {
        child.kill('SIGCONT')
        stdin.write(`${JSON.stringify({ event, timeoutMs, requestId: randomUUID() })}\n`)
        const line = await answered
        child.kill('SIGSTOP')
        if (Buffer.byteLength(line) > EVENT_BYTES_MAX) throw new Error(`ResponseSizeTooLarge: ${line.length} bytes`)
        const { result, thrown } = JSON.parse(line) as { readonly result?: ApiAnswer; readonly thrown?: string }
        if (thrown !== undefined) throw new Error(`the handler threw: ${thrown}`)
        return result!
      } finally {
        clearTimeout(timer)
        waiting = undefined
      }
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    output: () => errors.join(''),
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** The event that API Gateway makes of a POST to `/kafka/‹name›`. */
export function apiEvent(name: string, body: Uint8Array, headers: Readonly<Record<string, string>> = {}) {
  return {
    version: '2.0',
    routeKey: `POST /kafka/${name}`,
    rawPath: `/kafka/${name}`,
    rawQueryString: '',
    headers: { 'content-type': 'application/octet-stream', ...headers },
    requestContext: {
      http: { method: 'POST', path: `/kafka/${name}`, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: '' },
      requestId: randomUUID(),
      stage: '$default',
    },
    body: Buffer.from(body).toString('base64'),
    isBase64Encoded: true,
  }
}

/** What follows length prefix and correlation id in an answer with a frame. */
export function frameIn({ statusCode, body }: ApiAnswer): Buffer {
  assert.equal(statusCode, 200, body)
  return Buffer.from(body, 'base64').subarray(8)
}
