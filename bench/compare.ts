// `npm run bench:compare`: Tidelog on its embedded store beside Apache Kafka as shipped (KRaft, one node), alternately,
// one server at a time, driven by the same JVM processes: kafka-producer-perf-test and what kafka-consumer-perf-test
// does with partitions assigned by hand. 1 KiB records, acks=all, 12 partitions, without compression and with lz4, then
// the latency at 1,000 records a second. Prints and writes ratios with their spread; what differs by design is said in
// the report: Tidelog acknowledges after fsync, Kafka from the page cache.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  CACHE,
  CLASSES,
  JARS,
  ROOT,
  type RunningServer,
  run,
  startKafka,
  startTidelog,
} from '../test/clients/servers.ts'
import { tool } from '../test/clients/tools.ts'
import { probeDisk, type Quantiles, storeCalls } from './causes.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    records: { type: 'string', default: '500000' },
    warmup: { type: 'string', default: '100000' },
    'latency-seconds': { type: 'string', default: '20' },
    servers: { type: 'string', default: 'kafka,tidelog' },
    out: { type: 'string', default: join(ROOT, 'docs', 'benchmarks.md') },
    'no-setup': { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const records = Number(values.records)
const LATENCY_RATE = 1000
const PARTITIONS = 12
const RECORD_BYTES = 1024
const CODECS = ['none', 'lz4'] as const

type Kind = RunningServer['kind']
/** Throughputs in MiB of payload per second, latencies in milliseconds. */
type Figures = Record<string, number>

const LOGGING = `-Dlog4j2.configurationFile=${join(ROOT, 'test/clients/java/log4j2.properties')}`
// The heap that the tools' shell scripts give.
const JAVA = ['-Xmx512M', '-server', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', LOGGING, '-cp', `${CLASSES}:${JARS}`]

/** Per round: the disk alone, and Tidelog's appends to its journal during the paced run. */
const causes: { readonly disk: Quantiles; readonly appends: Quantiles | undefined }[] = []

async function createTopic(server: RunningServer, topic: string): Promise<void> {
  const about = ['--create', '--topic', topic, '--partitions', String(PARTITIONS), '--replication-factor', '1']
  await tool('org.apache.kafka.tools.TopicCommand', ['--bootstrap-server', server.bootstrap, ...about])
}

interface Produced {
  readonly mibPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

async function produce(
  server: RunningServer,
  options: { topic: string; codec: string; count: number; rate: number; warmup?: number },
): Promise<Produced> {
  const output = await run('java', [
    ...[...JAVA, 'org.apache.kafka.tools.ProducerPerformance', '--bootstrap-server', server.bootstrap],
    ...['--topic', options.topic, '--num-records', String(options.count), '--record-size', String(RECORD_BYTES)],
    ...['--throughput', String(options.rate), '--warmup-records', String(options.warmup ?? 0)],
    ...['--command-property', 'acks=all', `compression.type=${options.codec}`],
  ])
  const line = output.trim().split('\n').at(-1) ?? ''
  const parsed = /\(([\d.]+) MB\/sec\).* ([\d.]+) ms 50th, [\d.]+ ms 95th, ([\d.]+) ms 99th/.exec(line)
  if (parsed === null) throw new Error(`cannot read the producer's result: ${output}`)
  return { mibPerSecond: Number(parsed[1]), p50Ms: Number(parsed[2]), p99Ms: Number(parsed[3]) }
}

async function consume(server: RunningServer, topic: string, count: number): Promise<number> {
  const output = await run('java', [...JAVA, 'AssignedConsumerPerformance', server.bootstrap, topic, String(count)])
  const [got = 0, ms = 0, bytes = 0] = output.trim().split(' ').map(Number)
  if (got !== count) {
    const log = (await readFile(server.logPath, 'utf8')).slice(-2000)
    throw new Error(`consumed ${got} of ${count} records; the server says:\n${log}`)
  }
  return bytes / 1048576 / (ms / 1000)
}

async function measure(kind: Kind, directory: string): Promise<Figures> {
  const server = kind === 'kafka' ? await startKafka({ directory }) : await startTidelog({ directory })
  const figures: Figures = {}
  try {
    await createTopic(server, 'warmup')
    await produce(server, { topic: 'warmup', codec: 'none', count: Number(values.warmup), rate: -1 })
    await consume(server, 'warmup', Number(values.warmup))
    for (const codec of CODECS) {
      const topic = `perf-${codec}`
      await createTopic(server, topic)
      const { mibPerSecond, p99Ms } = await produce(server, { topic, codec, count: records, rate: -1 })
      figures[`produce ${codec}, MiB/s`] = mibPerSecond
      figures[`produce ${codec}, p99 at full speed, ms`] = p99Ms
      figures[`consume ${codec}, MiB/s`] = await consume(server, topic, records)
    }
  } finally {
    await server.stop()
    await rm(directory, { recursive: true, force: true })
  }
  return { ...figures, ...(await measureLatency(kind, directory)) }
}

/** On a fresh server, warmed up, so that what the throughput runs left to the disk does not count. */
async function measureLatency(kind: Kind, directory: string): Promise<Figures> {
  const disk = await probeDisk(join(directory, '..'))
  const server = kind === 'kafka' ? await startKafka({ directory }) : await startTidelog({ directory })
  try {
    await createTopic(server, 'latency')
    const count = LATENCY_RATE * Number(values['latency-seconds'])
    const paced = { topic: 'latency', codec: 'none', count, rate: LATENCY_RATE, warmup: Math.floor(count / 3) }
    const { p50Ms, p99Ms } = await produce(server, paced)
    const appends = kind === 'tidelog' ? await storeCalls(server.ports[1], 'journal', 'append') : undefined
    causes.push({ disk, appends })
    return { [`p50 at ${LATENCY_RATE} records/s, ms`]: p50Ms, [`p99 at ${LATENCY_RATE} records/s, ms`]: p99Ms }
  } finally {
    await server.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

const digits = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
const spread = (list: readonly number[]): string =>
  list.length === 0 ? '–' : `${digits(median(list))} (${digits(Math.min(...list))}–${digits(Math.max(...list))})`

/** What a paced record waits for: the disk. */
function explain(): string[] {
  const disks = causes.map(({ disk }) => disk)
  const appends = causes.flatMap((cause) => cause.appends ?? [])
  const of = (list: readonly Quantiles[], pick: (one: Quantiles) => number): string => spread(list.map(pick))
  return [
    '## What the latency is made of',
    '',
    'Before each paced run the disk was measured alone, writing and syncing 8 KiB after 8 KiB for two seconds; of the paced',
    'runs Tidelog counted its appends to the journal, each of which ends with a sync (p99: the bound of its bucket).',
    '',
    '| ms | median | mean | p99 | max |',
    '|---|---|---|---|---|',
    `| the disk alone | ${of(disks, (q) => q.p50Ms)} | ${of(disks, (q) => q.meanMs)} | ${of(disks, (q) => q.p99Ms)} | ${of(disks, (q) => q.maxMs)} |`,
    `| Tidelog's appends | ≤ ${of(appends, (q) => q.p50Ms)} | ${of(appends, (q) => q.meanMs)} | ≤ ${of(appends, (q) => q.p99Ms)} | ≤ ${of(appends, (q) => q.maxMs)} |`,
    '',
    'Records that arrive during a sync wait for it and then for their own. A sync of 300 ms, which a busy disk has now and',
    'then, therefore shows in the p99 of a run of some ten thousand records all by itself; a server that answers from the',
    'page cache does not see it.',
  ]
}

/** Ratios are taken round by round, so that what disturbs a whole round disturbs both. */
function report(results: Readonly<Record<Kind, Figures[]>>): string {
  const names = Object.keys(results.kafka[0] ?? results.tidelog[0] ?? {})
  const rows = names.map((name) => {
    const of = (kind: Kind): number[] => results[kind].map((figures) => figures[name] ?? 0)
    const ratios = of('tidelog').flatMap((value, round) => {
      const other = of('kafka')[round]
      return other === undefined || other === 0 ? [] : [value / other]
    })
    return `| ${name} | ${spread(of('tidelog'))} | ${spread(of('kafka'))} | ${spread(ratios)} |`
  })
  const machine = `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB of memory`
  return [
    '# Tidelog beside Apache Kafka',
    '',
    'Written by `npm run bench:compare`. Median over the rounds, smallest and largest in brackets; the ratio is Tidelog ÷',
    'Kafka of the same round. One server at a time on the same machine and disk, clients on the same machine.',
    '',
    `${rounds} round(s), ${records.toLocaleString('en')} records of ${RECORD_BYTES} bytes, acks=all, ${PARTITIONS} partitions, ${machine}, Node ${process.versions.node}, Apache Kafka 4.2.1 (KRaft,`,
    'one node, its own server.properties and heap). Tidelog acknowledges a record when it is on the disk (fsync); Kafka, as',
    'shipped, when it is in the page cache.',
    '',
    '| | Tidelog | Kafka | ratio |',
    '|---|---|---|---|',
    ...rows,
    '',
    ...explain(),
    '',
  ].join('\n')
}

async function main(): Promise<void> {
  if (!values['no-setup']) await run('sh', [join(ROOT, 'test/clients/setup.sh')])
  const scratch = await mkdtemp(join(CACHE, '..', 'bench-'))
  const results: Record<Kind, Figures[]> = { kafka: [], tidelog: [] }
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const kind of values.servers.split(',') as Kind[]) {
        const figures = await measure(kind, join(scratch, kind))
        results[kind].push(figures)
        const shown = Object.entries(figures).map(([name, value]) => `  ${name}: ${digits(value)}`)
        console.log(`round ${round + 1}, ${kind}:\n${shown.join('\n')}`)
      }
    }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  const text = report(results)
  await mkdir(join(values.out, '..'), { recursive: true })
  await writeFile(values.out, text)
  console.log(`\n${text}`)
}

await main()
