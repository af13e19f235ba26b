// `npm run bench:start`: from spawning the process to its first answered Metadata and to its first answered Fetch at offset
// 0, on an empty log and on one of 100,000 flushes over 1,000 partitions whose writer was not closed but cut off. Both are
// started in turn, several times; the difference of the medians must not exceed 300 ms.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../lib/base/clock.ts'
import { systemRandom } from '../lib/base/random.ts'
import { openStores } from '../lib/gateway/open-stores.ts'
import { openLog } from '../lib/log/open-log.ts'
import { threadedCompression } from '../lib/wire/native-compression.ts'
import { fetchFrame, openRaw, readFetched, recordBatch } from '../test/clients/raw.ts'
import { ROOT, run, startTidelog } from '../test/clients/servers.ts'

const { values } = parseArgs({
  options: {
    flushes: { type: 'string', default: '100000' },
    partitions: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '7' },
    build: { type: 'string' },
  },
})
const DIFFERENCE_MS_MAX = 300
const TOPIC = 'many'

/** One flush per append, since each waits for the one before. Ends the process without closing anything. */
async function build(directory: string): Promise<never> {
  const opened = await openStores({ kind: 'embedded', dir: directory })
  if (opened.kind === 'problem') throw new Error(opened.sentence)
  const ports = { clock: systemClock, random: systemRandom, compression: threadedCompression }
  const outcome = await openLog({ stores: opened.stores, ...ports })
  if (outcome.kind !== 'opened') throw new Error(outcome.kind)
  const { log } = outcome
  const partitions = Number(values.partitions)
  const created = await log.createTopic({ name: TOPIC, partitions, configs: new Map() })
  if (created.kind !== 'created') throw new Error(created.kind)
  for (let flush = 0; flush < Number(values.flushes); flush += 1) {
    const maxTimestamp = Date.now()
    const bytes = recordBatch([Buffer.from(`record of flush ${flush}`)], maxTimestamp)
    const batch = { topic: created.topic, partition: flush % partitions, bytes, recordCount: 1, maxTimestamp }
    const anonymous = { producerId: -1, producerEpoch: -1, baseSequence: -1 }
    const [verdict] = await log.append('builder', [{ ...batch, ...anonymous }]).outcomes
    if (verdict?.kind !== 'appended') throw new Error(`flush ${flush}: ${verdict?.kind}`)
  }
  process.exit(0)
}

interface Started {
  readonly metadataMs: number
  readonly fetchMs: number
}

async function measure(directory: string, expectRecords: boolean): Promise<Started> {
  const startedAt = performance.now()
  const server = await startTidelog({ directory })
  try {
    const connection = await openRaw(server.ports[0])
    const fetched = readFetched(await connection.ask(fetchFrame(TOPIC, 0, 0, 0, 1 << 20)))
    const fetchMs = performance.now() - startedAt
    connection.close()
    if (expectRecords !== fetched.records.length > 0)
      throw new Error(`error ${fetched.error}, ${fetched.records.length} bytes`)
    return { metadataMs: server.startMs, fetchMs }
  } finally {
    await server.kill()
  }
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

async function main(): Promise<void> {
  await mkdir(join(ROOT, '.cache'), { recursive: true })
  const scratch = await mkdtemp(join(ROOT, '.cache', 'bench-'))
  const [empty, full] = [join(scratch, 'empty'), join(scratch, 'full')]
  try {
    const buildStartedAt = performance.now()
    const counts = ['--flushes', values.flushes, '--partitions', values.partitions]
    await run(process.execPath, [join(import.meta.dirname, 'start.ts'), '--build', full, ...counts])
    const seconds = Math.round((performance.now() - buildStartedAt) / 1000)
    console.log(`${values.flushes} flushes over ${values.partitions} partitions written in ${seconds} s`)
    const results = { empty: [] as Started[], full: [] as Started[] }
    for (let round = 0; round < Number(values.rounds); round += 1) {
      results.empty.push(await measure(empty, false))
      results.full.push(await measure(full, true))
    }
    for (const what of ['metadataMs', 'fetchMs'] as const) {
      const [before, after] = [
        median(results.empty.map((one) => one[what])),
        median(results.full.map((one) => one[what])),
      ]
      const difference = after - before
      const name = what === 'metadataMs' ? 'first Metadata' : 'first Fetch at offset 0'
      console.log(
        `${name}: ${before.toFixed(0)} ms empty, ${after.toFixed(0)} ms full, difference ${difference.toFixed(0)} ms`,
      )
      if (!(difference <= DIFFERENCE_MS_MAX)) process.exitCode = 1
    }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

await (values.build === undefined ? main() : build(values.build))
