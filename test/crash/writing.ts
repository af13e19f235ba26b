// Writers and verifier of the crash runs as processes: a writer tells how many bytes were acknowledged, so that a kill can
// be aimed at a random point of the work; the verifier says what it found.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { CACHE, run } from '../clients/servers.ts'

const PYTHON = join(CACHE, 'venv-confluent/bin/python')
export type Mode = 'idempotent' | 'plain'

export interface Writer {
  readonly mode: Mode
  readonly acksPath: string
  readonly first: number
  acknowledgedBytes(): number
  /** Resolves when every byte is acknowledged, with the number behind the last record; rejects when the client gave up. */
  readonly done: Promise<number>
  end(): void
}

export interface WriterOptions {
  readonly bootstrap: string
  readonly topic: string
  readonly bytes: number
  readonly mode: Mode
  readonly acksPath: string
  readonly first: number
}

export function startWriter(options: WriterOptions): Writer {
  const { bootstrap, topic, bytes, mode, acksPath, first } = options
  const args = [join(import.meta.dirname, 'writer.py'), bootstrap, topic, String(bytes), mode, acksPath, String(first)]
  const child = spawn(PYTHON, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let acknowledged = 0
  let next = -1
  let errors = ''
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('{')) next = (JSON.parse(line) as { next: number }).next
    else acknowledged = Number(line)
  })
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4000)
  })
  const done = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(next)
      else reject(new Error(`the writer ended with ${code}: ${errors}`))
    })
  })
  done.catch(() => undefined)
  return { mode, acksPath, first, acknowledgedBytes: () => acknowledged, done, end: () => void child.kill('SIGKILL') }
}

export interface Verified {
  readonly records: number
  readonly acknowledged: number
  /** Over all partitions in order: two readers that see the same have the same. */
  readonly digest: string
}

/** Throws with what is wrong. */
export async function verify(bootstrap: string, topic: string, writers: readonly Writer[]): Promise<Verified> {
  const about: string[] = []
  for (const writer of writers)
    about.push(writer.mode, writer.acksPath, String(writer.first), String(await writer.done))
  return JSON.parse(await run(PYTHON, [join(import.meta.dirname, 'verify.py'), bootstrap, topic, ...about])) as Verified
}
