// `npm run bench:cold-start`: from the start of a process to its first answered frame, for the functions as they are bundled
// for Lambda, against a bare handler in a bundle of its own that makes the same store calls with the same SDK clients (what
// they are is recorded from the function, and compared with what the bare handler then does). Both run on the same emulator
// in turn; the ratio of the lower quartiles must not exceed 1.3 (whatever else runs on the machine only ever adds time, and to
// half of the starts when it is busy). The log has a checkpoint and entries behind it, as one in use has.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildSync } from 'esbuild'
import { type Architecture, type BundleName, bundleFunction, ONE_FILE } from '../infra/bundle.ts'
import { systemClock } from '../lib/base/clock.ts'
import { systemRandom } from '../lib/base/random.ts'
import { openLog } from '../lib/log/open-log.ts'
import { initAws } from '../lib/storage/aws/init.ts'
import { openAwsStores } from '../lib/storage/aws/stores.ts'
import { buildPlainBatch } from '../lib/wire/build-batch.ts'
import { threadedCompression } from '../lib/wire/native-compression.ts'
import { EMULATOR_ENVIRONMENT, startMinistack } from '../test/aws/ministack.ts'
import { eventOf, REQUESTS } from '../test/functions/support/frames.ts'
import type { Plan } from './support/bare-handler.ts'
import { startRecorder } from './support/recorder.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } })
const RATIO_MAX = 1.3
const ROOT = join(import.meta.dirname, '..')
const NAME = 'cold-start'
const HOST: Architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64'
const INVOKER = join(ROOT, 'test/functions/support/invoke.cjs')
const RECORDS_BEFORE = 40
const RECORDS_BEHIND = 20

interface Case {
  readonly title: string
  readonly name: BundleName
  readonly body: Uint8Array
}
/** Those that change nothing come first, so that each case has the same work in every round. */
const CASES: readonly Case[] = [
  { title: 'metadata', name: 'admin', body: REQUESTS.metadata() },
  { title: 'fetch', name: 'fetch', body: REQUESTS.fetch(RECORDS_BEFORE + RECORDS_BEHIND - 2) },
  { title: 'produce, 1 KiB', name: 'produce', body: REQUESTS.produce('x'.repeat(1024)) },
  { title: 'produce, 64 KiB', name: 'produce', body: REQUESTS.produce('x'.repeat(65_536)) },
]

const environment = (endpointUrl: string): Record<string, string> => ({
  ...EMULATOR_ENVIRONMENT,
  AWS_ENDPOINT_URL: endpointUrl,
  TIDELOG_BUCKET: NAME,
  TIDELOG_TABLE: NAME,
  // As a deployment without `monitoring` has them.
  POWERTOOLS_METRICS_DISABLED: 'true',
  POWERTOOLS_TRACE_ENABLED: 'false',
})

/** A log with a topic, a checkpoint, and entries and records on both sides of it. */
async function prepare(endpointUrl: string): Promise<void> {
  const place = { bucket: NAME, table: NAME, region: 'us-east-1', endpointUrl }
  const made = await initAws(place)
  if (made.kind !== 'ready') throw new Error(made.sentence)
  const stores = openAwsStores(place)
  const ports = { clock: systemClock, random: systemRandom, compression: threadedCompression }
  const opened = await openLog({ stores, ...ports })
  if (opened.kind !== 'opened') throw new Error(opened.kind)
  const { log } = opened
  const created = await log.createTopic({ name: 't', partitions: 1, configs: new Map() })
  if (created.kind !== 'created') throw new Error(created.kind)
  const bytes = buildPlainBatch({ records: [{ timestamp: 1, value: Buffer.alloc(1024) }] })
  const anonymous = { producerId: -1, producerEpoch: -1, baseSequence: -1 }
  const batch = { topic: created.topic, partition: 0, bytes, recordCount: 1, maxTimestamp: 1, ...anonymous }
  for (let i = 0; i < RECORDS_BEFORE + RECORDS_BEHIND; i++) {
    if (i === RECORDS_BEFORE) await log.checkpoint()
    const [outcome] = await log.append('bench', [batch]).outcomes
    if (outcome?.kind !== 'appended') throw new Error(`record ${i}: ${outcome?.kind}`)
  }
  await log.close()
  await stores.close()
}

function bundleBare(): string {
  const directory = join(ROOT, '.cache/bundles/bare')
  mkdirSync(directory, { recursive: true })
  const entryPoints = [join(import.meta.dirname, 'support/bare-handler.ts')]
  const built = buildSync({ ...ONE_FILE, entryPoints })
  writeFileSync(join(directory, 'index.js'), built.outputFiles![0]!.contents)
  writeFileSync(join(directory, 'package.json'), '{"type":"commonjs"}\n')
  return directory
}

interface Started {
  /** From the start of the process until its answer is here. */
  readonly elapsedMs: number
  readonly cpuMs: number
}

/** Starts a process that answers one event. */
async function run(directory: string, event: object, endpointUrl: string): Promise<Started> {
  const startedAt = performance.now()
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe']
  const options = { env: environment(endpointUrl), stdio }
  const child = spawn(process.execPath, [INVOKER, directory, JSON.stringify(event)], options)
  let elapsedMs: number | undefined
  let said = ''
  child.stdout.on('data', (piece: Buffer) => {
    said += piece.toString()
    if (elapsedMs === undefined && said.includes('ANSWER ')) elapsedMs = performance.now() - startedAt
  })
  child.stderr.on('data', (piece: Buffer) => {
    said += piece.toString()
  })
  await ended(child)
  if (elapsedMs === undefined || !said.includes('"statusCode":200'))
    throw new Error(`no answer: ${said.slice(0, 2000)}`)
  return { elapsedMs, cpuMs: Number(/^CPU (\S+)$/m.exec(said)?.[1]) }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => resolve())
  })
}

const lowerQuartile = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 4)] ?? Number.NaN

const lowerQuartiles = (runs: readonly Started[]) => ({
  elapsedMs: lowerQuartile(runs.map(({ elapsedMs }) => elapsedMs)),
  cpuMs: lowerQuartile(runs.map(({ cpuMs }) => cpuMs)),
})

const kindsOf = (plan: Plan): string =>
  plan
    .flat()
    .map(({ call }) => call)
    .sort()
    .join(' ')

/** Rounds of one case; the ratio of the lower quartiles. */
async function measure({ title, name, body }: Case, endpointUrl: string, bare: string): Promise<number> {
  const directory = bundleFunction(name, HOST)
  const event = eventOf(`/kafka/${name}`, body)
  const recorder = await startRecorder(endpointUrl)
  let bareEvent: object
  try {
    // Calls that go out side by side sometimes look as if they did not: the shortest of three plans is the truth.
    const plans: Plan[] = []
    for (let i = 0; i < 3; i++) {
      await run(directory, event, recorder.endpointUrl)
      plans.push(recorder.take())
    }
    const plan = plans.reduce((best, next) => (next.length < best.length ? next : best))
    bareEvent = { body: Buffer.from(body).toString('base64'), plan }
    await run(bare, bareEvent, recorder.endpointUrl)
    const copied = recorder.take()
    if (kindsOf(copied) !== kindsOf(plan)) throw new Error(`the calls differ: ${kindsOf(plan)} | ${kindsOf(copied)}`)
    console.log(`${title}: ${plan.map((stage) => stage.map(({ call }) => call).join('+')).join(', ')}`)
  } finally {
    await recorder.close()
  }
  const ours: Started[] = []
  const theirs: Started[] = []
  for (let round = 0; round < Number(values.rounds); round++) {
    const pair = [
      async () => ours.push(await run(directory, event, endpointUrl)),
      async () => theirs.push(await run(bare, bareEvent, endpointUrl)),
    ]
    // Who comes first changes, so that neither always follows the other.
    for (const one of round % 2 === 0 ? pair : pair.reverse()) await one()
  }
  const [mine, bareOnes] = [lowerQuartiles(ours), lowerQuartiles(theirs)]
  const ratio = mine.elapsedMs / bareOnes.elapsedMs
  const cpuRatio = mine.cpuMs / bareOnes.cpuMs
  console.log(
    `  function ${mine.elapsedMs.toFixed(0)} ms, bare ${bareOnes.elapsedMs.toFixed(0)} ms: ${ratio.toFixed(2)}` +
      `   (CPU ${mine.cpuMs.toFixed(0)} and ${bareOnes.cpuMs.toFixed(0)} ms: ${cpuRatio.toFixed(2)})`,
  )
  return ratio
}

async function main(): Promise<void> {
  Object.assign(process.env, EMULATOR_ENVIRONMENT)
  const ministack = await startMinistack()
  try {
    await prepare(ministack.endpointUrl)
    const bare = bundleBare()
    let worst = 0
    for (const one of CASES) worst = Math.max(worst, await measure(one, ministack.endpointUrl, bare))
    console.log(`the largest ratio is ${worst.toFixed(2)}; ${RATIO_MAX} is allowed`)
    if (worst > RATIO_MAX) process.exitCode = 1
  } finally {
    await ministack.stop()
  }
}

await main()
