// Starts `child.ts` as a process and reads what it prints, line by line. Every process that was started is gone when the
// test ends, and so is every directory.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach } from 'vitest'

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url))

export interface Child {
  readonly process: ChildProcessWithoutNullStreams
  /** The next line that it prints; undefined at the end. */
  line(): Promise<string | undefined>
  /** Resolves when it has ended. */
  readonly ended: Promise<unknown>
}

/** Registers cleaning up; gives directories and children to the tests of a file. */
export function useProcesses(): {
  directory(): Promise<string>
  start(mode: string, dir: string, blocks?: number): Child
} {
  const directories: string[] = []
  const children: Child[] = []
  afterEach(async () => {
    for (const { process, ended } of children.splice(0)) {
      process.kill('SIGKILL')
      await ended
    }
    for (const dir of directories.splice(0)) await rm(dir, { recursive: true, force: true })
  })
  return {
    directory: async () => {
      const dir = await mkdtemp(join(tmpdir(), 'tidelog-embedded-'))
      directories.push(dir)
      return dir
    },
    start: (mode, dir, blocks) => {
      const child = startChild(mode, dir, blocks)
      children.push(child)
      return child
    },
  }
}

/** `blocks`: no file of the process grows past this many blocks of 512 or 1024 bytes, as on a disk that is full. */
function startChild(mode: string, dir: string, blocks: number | undefined): Child {
  const limit = blocks === undefined ? '' : `trap "" XFSZ; ulimit -f ${blocks}; `
  const child = spawn('bash', ['-c', `${limit}exec "$0" "$@"`, process.execPath, CHILD, mode, dir])
  // LMDB tells of each failed write by itself, which is what such a test is about.
  if (blocks === undefined) child.stderr.pipe(process.stderr)
  else child.stderr.resume()
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    process: child,
    line: async () => {
      const next = await lines.next()
      return next.done === true ? undefined : next.value
    },
    ended: once(child, 'exit'),
  }
}
