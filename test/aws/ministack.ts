// Installs (once, into `.cache/`) and runs MiniStack, an emulator of AWS in one Python process, for tests that need AWS
// without an account. It listens on a free loopback port, keeps everything in memory, and ends with `stop`, by its process
// id. Guarded, it speaks TLS, checks signatures and judges policies, and functions run with the rights of their roles; as
// it is, it lets everybody in. Functions run on this process's own Node. Needs python3 with venv, and PyPI for the first run.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { get as getSecurely } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'

/** The version that the suites are known to pass against. */
const VERSION = '1.5.33'
const CACHE = join(import.meta.dirname, '../../.cache')
const START_MS_MAX = 60_000

/** TLS, and the program that starts it instead of the module itself. */
export interface Guard {
  readonly certificatePath: string
  readonly keyPath: string
  readonly program: string
}

export interface Ministack {
  readonly endpointUrl: string
  readonly pid: number
  stop(): Promise<void>
}

/** What the SDK needs to talk to an emulator: any key will do. */
export const EMULATOR_ENVIRONMENT = {
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_REGION: 'us-east-1',
  AWS_EC2_METADATA_DISABLED: 'true',
} as const

/** The command, after installing it if need be. Two runs at once are safe: the last to finish installing is used. */
async function install(): Promise<string> {
  const home = join(CACHE, `ministack-${VERSION}`)
  const command = join(home, 'bin/python')
  if (existsSync(command)) return command
  const run = promisify(execFile)
  mkdirSync(CACHE, { recursive: true })
  const draft = join(CACHE, `ministack-draft-${process.pid}`)
  try {
    await run('python3', ['-m', 'venv', draft])
    await run(join(draft, 'bin/python'), ['-m', 'pip', 'install', '--quiet', `ministack==${VERSION}`])
    if (!existsSync(home)) renameSync(draft, home)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  return command
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(address)))
    })
  })
}

function guardEnvironment(guard: Guard): Record<string, string> {
  return {
    AUTH: 'true',
    USE_SSL: '1',
    MINISTACK_SSL_CERT: guard.certificatePath,
    MINISTACK_SSL_KEY: guard.keyPath,
    // What functions inherit to trust it by.
    NODE_EXTRA_CA_CERTS: guard.certificatePath,
  }
}

/** Starts MiniStack and waits until it answers. */
export async function startMinistack(guard?: Guard): Promise<Ministack> {
  const python = await install()
  for (let tries = 1; ; tries++) {
    const port = await freePort()
    const log = join(CACHE, `ministack-${port}.log`)
    const out = openSync(log, 'w')
    // Outside the repository, so that a function finds nothing but what its bundle brings.
    const scratch = mkdtempSync(join(tmpdir(), 'tidelog-ministack-'))
    // The pip-made scripts name the folder they were installed in; the module does not.
    const child = spawn(python, guard === undefined ? ['-m', 'ministack'] : [guard.program], {
      env: {
        ...process.env,
        ...EMULATOR_ENVIRONMENT,
        ...(guard === undefined ? {} : guardEnvironment(guard)),
        PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}`,
        TMPDIR: scratch,
        GATEWAY_PORT: String(port),
        BIND_HOST: '127.0.0.1',
        IOT_MTLS_ENABLED: '0',
        SFTP_ENABLED: '0',
        LOG_LEVEL: 'WARNING',
      },
      stdio: ['ignore', out, out],
    })
    closeSync(out)
    const endpointUrl = `${guard === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
    try {
      await ready(child, endpointUrl)
      rmSync(log, { force: true })
      return { endpointUrl, pid: child.pid!, stop: () => stop(child, scratch) }
    } catch (error) {
      await stop(child, scratch)
      // Another process may have taken the port in between.
      if (tries === 3) throw new Error(`${error}\n${readFileSync(log, 'utf8').slice(-4000)}`)
    }
  }
}

async function ready(child: ChildProcess, endpointUrl: string): Promise<void> {
  const end = Date.now() + START_MS_MAX
  while (Date.now() < end) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('MiniStack ended while starting')
    if (await answers(`${endpointUrl}/_ministack/health`)) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`MiniStack did not answer within ${START_MS_MAX} ms`)
}

/** Whether there is an answer yet, whatever its certificate is: who uses the emulator checks that. */
function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = url.startsWith('https:')
      ? getSecurely(url, { rejectUnauthorized: false, timeout: 1000 })
      : get(url, { timeout: 1000 })
    request.once('response', (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.once('timeout', () => request.destroy())
    request.once('error', () => resolve(false))
  })
}

/** Ends the process: it shuts down on SIGTERM, and after 5 s it is killed. What functions were unpacked to goes with it. */
async function stop(child: ChildProcess, scratch: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
    await ended
    clearTimeout(timer)
  }
  rmSync(scratch, { recursive: true, force: true })
}
