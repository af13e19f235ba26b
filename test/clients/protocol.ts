// What the suite says to a driver and hears from it: one JSON command per line on standard input, one JSON reply per line
// on standard output, in order. A driver is a process that holds one foreign client and translates; it judges nothing.
// Bytes travel as base64, null is null. Numbers of Kafka's error table are the common language for failures.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface WireRecord {
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [string, string | null])[]
  /** Null: the client's own partitioner decides. */
  readonly partition: number | null
  /** Milliseconds since the epoch; null: the client's clock. */
  readonly timestamp: number | null
}
export interface ReadRecord {
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [string, string | null])[]
}

/** What a client can do at all; the suite asks for nothing else. */
export interface Capabilities {
  readonly name: string
  readonly codecs: readonly string[]
  readonly writes: boolean
  readonly reads: boolean
  /** Has an idempotent producer. */
  readonly idempotent: boolean
  readonly setsTimestamps: boolean
  /** Can write a null value, a null key, a header whose value is null. */
  readonly nullValues: boolean
  readonly nullHeaders: boolean
  /** Operations of the admin client, of those in `Command`. */
  readonly admin: readonly Command['op'][]
}

export type Command =
  | { readonly op: 'hello'; readonly bootstrap: string }
  | {
      readonly op: 'produce'
      readonly topic: string
      readonly acks: number
      readonly codec: string
      readonly idempotent: boolean
      readonly records: readonly WireRecord[]
    }
  /** Reads from the start of each partition until it has that many records, or ten seconds are over. */
  | { readonly op: 'consume'; readonly topic: string; readonly counts: Readonly<Record<string, number>> }
  | {
      readonly op: 'createTopic'
      readonly topic: string
      readonly partitions: number
      readonly replicationFactor: number
      readonly configs: Readonly<Record<string, string>>
    }
  | { readonly op: 'deleteTopic'; readonly topic: string }
  | { readonly op: 'createPartitions'; readonly topic: string; readonly total: number }
  | { readonly op: 'describeTopic'; readonly topic: string }
  | { readonly op: 'listTopics' }
  | { readonly op: 'describeCluster' }
  | { readonly op: 'describeConfigs'; readonly topic: string }
  /** AlterConfigs (replaces all) and IncrementalAlterConfigs (sets these). */
  | { readonly op: 'alterConfigs'; readonly topic: string; readonly configs: Readonly<Record<string, string>> }
  | {
      readonly op: 'incrementalAlterConfigs'
      readonly topic: string
      readonly configs: Readonly<Record<string, string>>
    }
  /** `at`: "earliest", "latest", "max" or a timestamp; offset −1 where there is none. */
  | { readonly op: 'listOffsets'; readonly topic: string; readonly partition: number; readonly at: string | number }

export type Reply =
  | { readonly ok: true; readonly [field: string]: unknown }
  /** `code` is the number of Kafka's error table, or −1 where the client hides it. */
  | { readonly ok: false; readonly code: number; readonly error: string }

export interface Driver {
  readonly can: Capabilities
  ask(command: Command): Promise<Reply>
  close(): Promise<void>
}

const REPLY_MS_MAX = 60_000

/** Starts a driver process and says hello. */
export async function startDriver(command: string, args: readonly string[], bootstrap: string): Promise<Driver> {
  const child: ChildProcess = spawn(command, [...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  const errors: string[] = []
  const waiting: ((reply: Reply) => void)[] = []
  let ended = false
  child.stderr?.on('data', (chunk: Buffer) => {
    errors.push(chunk.toString())
    if (errors.length > 200) errors.shift()
  })
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => {
      ended = true
      for (const answer of waiting.splice(0)) {
        answer({ ok: false, code: -1, error: `the driver ended: ${errors.join('').slice(-2000)}` })
      }
      resolve()
    })
  })
  child.once('error', (error) => errors.push(String(error)))
  if (child.stdout === null || child.stdin === null) throw new Error('a driver without pipes')
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('{')) return
    waiting.shift()?.(JSON.parse(line) as Reply)
  })
  const stdin = child.stdin
  stdin.on('error', () => undefined)
  const ask = (message: Command): Promise<Reply> => {
    if (ended)
      return Promise.resolve({ ok: false, code: -1, error: `the driver ended: ${errors.join('').slice(-2000)}` })
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        errors.push(`no reply to ${message.op} within ${REPLY_MS_MAX} ms`)
        child.kill('SIGKILL')
      }, REPLY_MS_MAX)
      waiting.push((reply) => {
        clearTimeout(timer)
        resolve(reply)
      })
      stdin.write(`${JSON.stringify(message)}\n`)
    })
  }
  const hello = await ask({ op: 'hello', bootstrap })
  if (!hello.ok) throw new Error(`${command} ${args.join(' ')}: ${hello.error}`)
  return {
    can: hello['can'] as Capabilities,
    ask,
    close: async () => {
      stdin.end()
      const timer = setTimeout(() => child.kill('SIGKILL'), 3000)
      await closed
      clearTimeout(timer)
    },
  }
}
