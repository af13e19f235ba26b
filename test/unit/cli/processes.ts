// Runs the command line as real processes, on ports and directories of their own, and ends every one of them.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../../..')
export const MAIN = join(ROOT, 'lib/cli/main.ts')
export const BIN = join(ROOT, 'lib/cli/bin.js')

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves with the first match in standard output. */
  output(pattern: RegExp): Promise<RegExpExecArray>
}

const running = new Set<ChildProcess>()
const folders: string[] = []

/** `env` changes the environment; what is `undefined` in it is taken away. */
export function run(
  args: readonly string[],
  input = '',
  script = MAIN,
  env: Readonly<Record<string, string | undefined>> = {},
): Running {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  running.add(child)
  let stdout = ''
  let stderr = ''
  const watchers = new Set<() => void>()
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
    for (const watch of watchers) watch()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => {
      running.delete(child)
      resolve({ code, stdout, stderr })
      for (const watch of watchers) watch()
    })
  })
  const output = (pattern: RegExp): Promise<RegExpExecArray> => {
    return new Promise((resolve, reject) => {
      const watch = (): void => {
        const match = pattern.exec(stdout)
        if (match !== null) resolve(match)
        else if (!running.has(child)) reject(new Error(`it ended before ${pattern}: ${stdout}${stderr}`))
        else return
        watchers.delete(watch)
      }
      watchers.add(watch)
      watch()
    })
  }
  return { child, ended, output }
}

export async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'tidelog-test-'))
  folders.push(path)
  return path
}

/** A gateway as a process; `kafka` is where it listens. */
export async function startServer(data: string, more: readonly string[] = [], script = MAIN) {
  const args = ['start', '--kafka', '127.0.0.1:0', '--http', '127.0.0.1:0', '--data', data, ...more]
  const server = run(args, '', script)
  const [, kafka = ''] = await server.output(/Kafka\s+(\S+)/)
  const [, http = ''] = await server.output(/HTTP\s+(http\S+)\/health/)
  return { ...server, kafka, http }
}

export async function endAll(): Promise<void> {
  for (const child of running) child.kill('SIGKILL')
  for (const path of folders.splice(0)) await rm(path, { recursive: true, force: true })
}
