// Tidelog's own processes as the suites need them: `tidelog connect` in front of the API, and a gateway on the deployment's
// bucket and table. Real processes on free ports of 127.0.0.1, ended by their process ids.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { freePort, waitUntilServing } from '../clients/servers.ts'
import type { Keys } from './aws-query.ts'
import { administratorEnvironment, type Deployed, ROOT_DIRECTORY } from './deployment.ts'

export interface Running {
  readonly port: number
  /** `host:port` for Kafka clients. */
  readonly bootstrap: string
  /** What it has written to its log so far. */
  output(): string
  stop(): Promise<void>
}

const START_MS_MAX = 60_000
const STOP_MS_MAX = 10_000

async function run(args: readonly string[], port: number, env: Readonly<Record<string, string>>): Promise<Running> {
  const child: ChildProcess = spawn(process.execPath, [join(ROOT_DIRECTORY, 'lib/cli/main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const output: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => output.push(chunk))
  const text = (): string => Buffer.concat(output).toString()
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
    await ended
    clearTimeout(timer)
  }
  try {
    await waitUntilServing(port, child, START_MS_MAX)
  } catch (error) {
    await stop()
    throw new Error(`tidelog ${args[0]} did not start: ${error}\n${text()}`)
  }
  return { port, bootstrap: `127.0.0.1:${port}`, output: text, stop }
}

/** `tidelog connect` to this URL with these keys. */
export async function startConnect(url: string, keys: Keys): Promise<Running> {
  const port = await freePort()
  const credentials = {
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    ...(keys.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: keys.sessionToken }),
  }
  return run(['connect', '--url', url, '--kafka', `127.0.0.1:${port}`], port, credentials)
}

/** A gateway on the bucket and table of a deployment. */
export async function startGateway({ endpointUrl, bucket, table }: Deployed): Promise<Running> {
  const [port, httpPort] = [await freePort(), await freePort()]
  const addresses = ['--kafka', `127.0.0.1:${port}`, '--http', `127.0.0.1:${httpPort}`]
  const place = ['--store', 'aws', '--bucket', bucket, '--table', table, '--endpoint-url', endpointUrl]
  return run(['start', ...addresses, ...place], port, administratorEnvironment(endpointUrl))
}
