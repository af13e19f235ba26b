// `npm run bench:cross-gateway`: two gateways on one embedded directory; a record acknowledged by one reaches a long poll
// at the other. Prints the time from the acknowledgement's arrival at the producer to the record's arrival at the reader
// (0 where the reader had it first) as median, p99 and maximum, and fails when the p99 is 50 ms or more. Both directions,
// at random pauses, so that the reader's poll is met in every phase.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  createTopicFrame,
  fetchFrame,
  openRaw,
  produceFrame,
  type RawConnection,
  readCreated,
  readFetched,
  readProduced,
  recordBatch,
} from '../test/clients/raw.ts'
import { ROOT, type RunningServer, startTidelog } from '../test/clients/servers.ts'

const { values } = parseArgs({ options: { records: { type: 'string', default: '500' } } })
const P99_MS_MAX = 50
const TOPIC = 'across'

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const percentile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN

async function measure(
  writer: RawConnection,
  reader: RawConnection,
  partition: number,
  count: number,
): Promise<number[]> {
  const latencies: number[] = []
  for (let offset = 0; offset < count; offset += 1) {
    const arrived = (async (): Promise<number> => {
      for (;;) {
        const { error, records } = readFetched(await reader.ask(fetchFrame(TOPIC, partition, offset, 5000)))
        if (error !== 0) throw new Error(`fetching failed with ${error}`)
        if (records.length > 0) return performance.now()
      }
    })()
    await sleep(Math.random() * 120)
    const batch = recordBatch([Buffer.from(`record ${offset}`)], Date.now())
    const { error, baseOffset } = readProduced(await writer.ask(produceFrame(TOPIC, partition, batch)))
    const acknowledgedAt = performance.now()
    if (error !== 0 || baseOffset !== offset) throw new Error(`producing: error ${error}, offset ${baseOffset}`)
    latencies.push(Math.max(0, (await arrived) - acknowledgedAt))
  }
  return latencies.sort((a, b) => a - b)
}

async function main(): Promise<void> {
  await mkdir(join(ROOT, '.cache'), { recursive: true })
  const scratch = await mkdtemp(join(ROOT, '.cache', 'bench-'))
  const directory = join(scratch, 'data')
  const servers: RunningServer[] = []
  try {
    for (const name of ['one', 'two'])
      servers.push(await startTidelog({ directory, logPath: join(scratch, `${name}.log`) }))
    const port = (index: number): number => servers[index]?.ports[0] ?? 0
    const [one, two] = [await openRaw(port(0)), await openRaw(port(1))]
    const error = readCreated(await one.ask(createTopicFrame(TOPIC, 2)))
    if (error !== 0) throw new Error(`creating the topic failed with ${error}`)
    const count = Math.ceil(Number(values.records) / 2)
    const there = await measure(one, two, 0, count)
    const back = await measure(two, one, 1, count)
    for (const [way, list] of [['first to second', there] as const, ['second to first', back] as const]) {
      const [median, p99, worst] = [percentile(list, 0.5), percentile(list, 0.99), list.at(-1) ?? Number.NaN]
      console.log(
        `${way}: ${list.length} records, median ${median.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${worst.toFixed(1)} ms`,
      )
      if (!(p99 < P99_MS_MAX)) process.exitCode = 1
    }
    one.close()
    two.close()
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
    await rm(scratch, { recursive: true, force: true })
  }
}

await main()
