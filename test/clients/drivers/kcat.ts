// The driver of kcat: each command is one or more kcat processes. Records go in as lines with delimiters that occur in no
// record, one process per partition and set of headers, since kcat gives all its records the same; they come out with
// their lengths in front, so any bytes survive.
import { spawn } from 'node:child_process'
import type { Command, ReadRecord, WireRecord } from '../protocol.ts'
import { CodedError, fromBase64, serve, toBase64 } from './stdio.ts'

const KEY_END = '\x01\x03\x05'
const RECORD_END = '\x02\x04\x06'
let bootstrap = ''

function kcat(args: readonly string[], input?: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn('kcat', ['-b', bootstrap, ...args], { stdio: 'pipe' })
    const out: Buffer[] = []
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString()
    })
    child.stdin.on('error', () => undefined)
    const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(timer)
      if (code === 0) resolve(Buffer.concat(out))
      else reject(new CodedError(-1, `kcat ${args.join(' ')} ended with ${code}: ${err}`))
    })
    child.stdin.end(input ?? '')
  })
}

interface Produce {
  readonly topic: string
  readonly acks: number
  readonly codec: string
  readonly idempotent: boolean
  readonly records: readonly WireRecord[]
}

async function produce(command: Produce): Promise<Record<string, unknown>> {
  const groups = new Map<string, WireRecord[]>()
  for (const record of command.records) {
    const group = JSON.stringify([record.partition, record.headers])
    groups.set(group, [...(groups.get(group) ?? []), record])
  }
  for (const records of groups.values()) {
    const first = records[0]
    if (first === undefined) continue
    const args = ['-P', '-t', command.topic, '-z', command.codec, '-K', KEY_END, '-D', RECORD_END, '-Z']
    args.push('-X', `acks=${command.acks}`, '-X', `enable.idempotence=${command.idempotent}`)
    if (first.partition !== null) args.push('-p', String(first.partition))
    for (const [name, value] of first.headers) args.push('-H', value === null ? name : `${name}=${fromBase64(value)}`)
    const parts: Buffer[] = []
    for (const { key, value } of records) {
      parts.push(fromBase64(key) ?? Buffer.alloc(0), Buffer.from(KEY_END))
      parts.push(fromBase64(value) ?? Buffer.alloc(0), Buffer.from(RECORD_END))
    }
    await kcat(args, Buffer.concat(parts))
  }
  return { offsets: command.records.map(() => -1) }
}

/** `partition offset timestamp keyLength valueLength headersLength-terminated` as the format below prints it. */
function parse(output: Buffer): ReadRecord[] {
  const records: ReadRecord[] = []
  let at = 0
  while (at < output.length) {
    const headEnd = output.indexOf('\n', at)
    const [partition, offset, timestamp, keyLength, valueLength] = output
      .subarray(at, headEnd)
      .toString()
      .split(' ')
      .map(Number)
    at = headEnd + 1
    const take = (length: number | undefined): Buffer | null => {
      if (length === undefined || length < 0) return null
      at += length
      return output.subarray(at - length, at)
    }
    const key = take(keyLength)
    const value = take(valueLength)
    const headersEnd = output.indexOf(RECORD_END, at)
    const headers = output.subarray(at, headersEnd).toString('latin1')
    at = headersEnd + RECORD_END.length
    records.push({
      partition: partition ?? -1,
      offset: offset ?? -1,
      timestamp: timestamp ?? -1,
      key: toBase64(key),
      value: toBase64(value),
      headers: headers === '' ? [] : headers.split(',').map(parseHeader),
    })
  }
  return records
}

function parseHeader(text: string): [string, string | null] {
  const equals = text.indexOf('=')
  const value = text.slice(equals + 1)
  return [text.slice(0, equals), value === 'NULL' ? null : toBase64(Buffer.from(value, 'latin1'))]
}

async function consume(topic: string, counts: Readonly<Record<string, number>>): Promise<Record<string, unknown>> {
  const format = `%p %o %T %K %S\n%k%s%h${RECORD_END}`
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const args = ['-C', '-t', topic, '-o', 'beginning', '-f', format, '-q', '-u', '-c', String(total)]
  return { records: parse(await kcat(args)) }
}

async function answer(command: Command): Promise<Record<string, unknown>> {
  switch (command.op) {
    case 'hello': {
      bootstrap = command.bootstrap
      const version = (await kcat(['-V'])).toString()
      const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
      const can = {
        writes: true,
        reads: true,
        idempotent: true,
        setsTimestamps: false,
        nullValues: true,
        nullHeaders: true,
      }
      const name = `kcat ${/Version (\S+)/.exec(version)?.[1]} (librdkafka ${/librdkafka (\S+)/.exec(version)?.[1]})`
      return { can: { name, codecs, ...can, admin: ['describeTopic', 'listTopics', 'listOffsets'] } }
    }
    case 'produce':
      return produce(command)
    case 'consume':
      return consume(command.topic, command.counts)
    case 'listTopics':
    case 'describeTopic': {
      const about = command.op === 'listTopics' ? [] : ['-t', command.topic]
      const listed = JSON.parse((await kcat(['-L', '-J', ...about])).toString()) as Listing
      if (command.op === 'listTopics') return { topics: listed.topics.map(({ topic }) => topic) }
      const topic = listed.topics[0]
      if (topic === undefined || topic.partitions.length === 0) throw new CodedError(3, JSON.stringify(listed))
      const ids = (list: readonly { id: number }[]): number[] => list.map(({ id }) => id)
      return {
        id: '',
        partitions: topic.partitions.map((p) => ({ ...p, replicas: ids(p.replicas), isr: ids(p.isrs) })),
      }
    }
    case 'listOffsets': {
      const at = command.at === 'earliest' ? -2 : command.at === 'latest' ? -1 : command.at
      const output = (await kcat(['-Q', '-t', `${command.topic}:${command.partition}:${at}`])).toString()
      return { offset: Number(/offset (-?\d+)/.exec(output)?.[1] ?? Number.NaN) }
    }
    default:
      throw new CodedError(-1, `kcat cannot ${command.op}`)
  }
}

interface Listing {
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly {
      readonly partition: number
      readonly leader: number
      readonly replicas: readonly { id: number }[]
      readonly isrs: readonly { id: number }[]
    }[]
  }[]
}

await serve(
  answer,
  (error) => (error instanceof CodedError ? error.code : -1),
  async () => undefined,
)
