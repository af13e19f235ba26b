// Starts and ends the servers that foreign clients are pointed at: Tidelog from this checkout and Apache Kafka from Maven
// Central (KRaft, one combined node, the release's own configuration). Each runs as a process of its own on a free port
// of 127.0.0.1, keeps that port over a restart, and is ended by its own process id only. A server counts as started when
// it has answered ApiVersions and Metadata, which is what a client asks first.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { askApiVersions, askMetadata } from './raw.ts'

export const ROOT = join(import.meta.dirname, '..', '..')
export const CACHE = join(ROOT, '.cache', 'clients')
export const JARS = join(CACHE, 'jars', '*')
export const CLASSES = join(CACHE, 'classes')

export interface RunningServer {
  readonly kind: 'tidelog' | 'kafka'
  readonly bootstrap: string
  /** Kafka's and the second one (HTTP or controller), to start it again at the same place. */
  readonly ports: readonly [number, number]
  readonly command: string
  readonly args: readonly string[]
  readonly pid: number
  /** From spawning the process to its first answered Metadata. */
  readonly startMs: number
  /** Where its output goes. */
  readonly logPath: string
  /** Resolves with the exit code or signal when the process has ended. */
  readonly ended: Promise<string>
  /** SIGTERM, then waits. Returns the exit code or signal. */
  stop(): Promise<string>
  /** SIGKILL, then waits. */
  kill(): Promise<void>
}

// A run that is stopped ends its servers too: each of them waits for `exit`.
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/** Waits until the port answers ApiVersions and Metadata with at least one broker. */
export async function waitUntilServing(port: number, child: ChildProcess, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the server ended: ${child.exitCode}`)
    const metadata = (await askApiVersions(port)) === undefined ? undefined : await askMetadata(port)
    if (metadata !== undefined && metadata.readInt32BE(4) > 0) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`nothing answers on port ${port} after ${timeoutMs} ms`)
}

interface Launch {
  readonly kind: 'tidelog' | 'kafka'
  readonly command: string
  readonly args: readonly string[]
  readonly ports: readonly [number, number]
  readonly logPath: string
  readonly timeoutMs: number
  readonly env?: Readonly<Record<string, string>>
}

async function launch(options: Launch): Promise<RunningServer> {
  const log = createWriteStream(options.logPath, { flags: 'a' })
  const startedAt = performance.now()
  const child = spawn(options.command, [...options.args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  })
  child.stdout.pipe(log, { end: false })
  child.stderr.pipe(log, { end: false })
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(String(error)))
    child.once('close', (code, signal) => {
      log.end()
      resolve(signal ?? String(code))
    })
  })
  const endWithUs = (): void => void child.kill('SIGKILL')
  process.once('exit', endWithUs)
  ended.then(() => process.off('exit', endWithUs))
  try {
    await waitUntilServing(options.ports[0], child, options.timeoutMs)
  } catch (error) {
    child.kill('SIGKILL')
    await ended
    const tail = (await readFile(options.logPath, 'utf8')).slice(-3000)
    throw new Error(`${options.kind} did not start: ${error}\n${tail}`)
  }
  return {
    kind: options.kind,
    bootstrap: `127.0.0.1:${options.ports[0]}`,
    ports: options.ports,
    command: options.command,
    args: options.args,
    pid: child.pid ?? -1,
    startMs: performance.now() - startedAt,
    logPath: options.logPath,
    ended,
    stop: async () => {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
      const how = await ended
      clearTimeout(timer)
      return how
    },
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

export interface TidelogOptions {
  /** The data directory; shared by several gateways, kept over restarts. */
  readonly directory: string
  readonly ports?: readonly [number, number]
  readonly args?: readonly string[]
  readonly nodeArgs?: readonly string[]
  readonly timeoutMs?: number
  readonly logPath?: string
}

/** Tidelog from this checkout, embedded store. */
export async function startTidelog(options: TidelogOptions): Promise<RunningServer> {
  const [port, http] = options.ports ?? [await freePort(), await freePort()]
  return launch({
    kind: 'tidelog',
    command: process.execPath,
    args: [
      ...(options.nodeArgs ?? []),
      // As `npm start` does.
      '--initial-old-space-size=128',
      join(ROOT, 'lib/cli/main.ts'),
      'start',
      ...['--kafka', `127.0.0.1:${port}`, '--http', `127.0.0.1:${http}`, '--data', options.directory],
      ...(options.args ?? []),
    ],
    ports: [port, http],
    logPath: options.logPath ?? `${options.directory}.log`,
    timeoutMs: options.timeoutMs ?? 30_000,
  })
}

const JAVA_AS_SHIPPED = [
  ...['-Xmx1G', '-Xms1G', '-server', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'],
  ...['-XX:InitiatingHeapOccupancyPercent=35', '-XX:+ExplicitGCInvokesConcurrent', '-Djava.awt.headless=true'],
]

/** The release's config/server.properties, with ports and directory of this run. */
function kafkaProperties(directory: string, port: number, controllerPort: number): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=${join(directory, 'logs')}
num.partitions=1
num.recovery.threads.per.data.dir=2
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
`
}

/** Apache Kafka, one node. */
export interface KafkaOptions {
  readonly directory: string
  /** Both ports of an earlier start on this directory; without them it is emptied and formatted first. */
  readonly ports?: readonly [number, number]
  /** Lines to add to its server.properties. */
  readonly properties?: string
}

export async function startKafka(options: KafkaOptions): Promise<RunningServer> {
  const [port, controllerPort] = options.ports ?? [await freePort(), await freePort()]
  const properties = join(options.directory, 'server.properties')
  const logging = [`-Dlog4j2.configurationFile=${join(import.meta.dirname, 'java', 'log4j2.properties')}`]
  if (options.ports === undefined) {
    await rm(options.directory, { recursive: true, force: true })
    await mkdir(options.directory, { recursive: true })
    await writeFile(properties, kafkaProperties(options.directory, port, controllerPort) + (options.properties ?? ''))
    const format = ['kafka.tools.StorageTool', 'format', '--standalone', '-c', properties]
    const clusterId = randomBytes(16).toString('base64url').slice(0, 22)
    await run('java', [...logging, '-cp', JARS, ...format, `--cluster-id=${clusterId}`])
  }
  return launch({
    kind: 'kafka',
    command: 'java',
    args: [...JAVA_AS_SHIPPED, ...logging, '-cp', JARS, 'kafka.Kafka', properties],
    ports: [port, controllerPort],
    logPath: join(options.directory, 'server.log'),
    timeoutMs: 60_000,
  })
}

/** Runs a command to its end; resolves with its output, rejects with all it said when its exit code is not 0. */
export function run(
  command: string,
  args: readonly string[],
  options: { readonly input?: string | Buffer; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], { stdio: 'pipe', env: { ...process.env, ...options.env } })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.stdin.on('error', () => undefined)
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString())
      else reject(new Error(`${command} ended with ${code}:\n${Buffer.concat([...out, ...err])}`))
    })
    child.stdin.end(options.input)
  })
}
