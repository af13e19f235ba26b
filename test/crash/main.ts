// `npm run crash:long`: 2 GiB of the package index, written while the server is killed with `kill -9` twenty times at random
// moments, sometimes once more while it starts, and started again on the same directory; first by an idempotent producer,
// then by one without idempotence; then through two gateways on one directory, one of them killed. Afterwards nothing
// acknowledged is missing, offsets are dense, and an idempotent producer's records are there once, in order.
// `npm run test:crash` (`--short`) does the same with less, in under two minutes.
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createTopicFrame, openRaw, readCreated } from '../clients/raw.ts'
import { freePort, ROOT, type RunningServer, run, startKafka, startTidelog } from '../clients/servers.ts'
import { type Mode, startWriter, verify, type Writer } from './writing.ts'

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    server: { type: 'string', default: 'tidelog' },
    mebibytes: { type: 'string' },
    kills: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string', default: 'idempotent,plain,two-gateways,slow-store' },
    keep: { type: 'boolean', default: false },
  },
})
const totalBytes = Number(values.mebibytes ?? (values.short ? 80 : 2048)) * 1024 * 1024
const kills = Number(values.kills ?? (values.short ? 4 : 20))

/** A small generator, so that the moments of a run can be repeated from its seed. */
let state = Number(values.seed) >>> 0
function random(): number {
  state = (state + 0x6d2b79f5) >>> 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** A server that can be started again where it was. */
async function startOn(directory: string, again?: RunningServer): Promise<RunningServer> {
  if (values.server === 'kafka')
    return startKafka(again === undefined ? { directory } : { directory, ports: again.ports })
  return startTidelog(again === undefined ? { directory } : { directory, ports: again.ports })
}

async function createTopic(server: RunningServer, topic: string): Promise<void> {
  const connection = await openRaw(Number(server.bootstrap.split(':')[1]))
  const error = readCreated(await connection.ask(createTopicFrame(topic, 12)))
  connection.close()
  if (error !== 0) throw new Error(`creating ${topic} failed with ${error}`)
  await sleep(500)
}

/** Begins a start and ends it before or after it serves. */
async function killWhileStarting(server: RunningServer): Promise<void> {
  const child = spawn(server.command, [...server.args], { stdio: 'ignore' })
  const closed = new Promise((resolve) => child.once('close', resolve))
  await sleep(100 + random() * 1500)
  child.kill('SIGKILL')
  await closed
}

/** Kills at random points of the writers' progress and starts again, `times` times in all. Resolves with the last one. */
async function killAndRestart(
  first: RunningServer,
  directory: string,
  writers: readonly Writer[],
  times: number,
): Promise<RunningServer> {
  let server = first
  const acknowledged = (): number => writers.reduce((sum, writer) => sum + writer.acknowledgedBytes(), 0)
  const points = Array.from({ length: times }, () => random() * 0.95 * totalBytes).sort((a, b) => a - b)
  let failure: unknown
  for (const writer of writers) writer.done.catch((error) => (failure = error))
  let starting = 0
  for (const point of points) {
    while (acknowledged() < point && failure === undefined) await sleep(5)
    if (failure !== undefined) break
    await sleep(random() * 50)
    await server.kill()
    if (values.server !== 'kafka' && random() < 0.3) {
      starting += 1
      await killWhileStarting(server)
    }
    await sleep(random() * 200)
    server = await startOn(directory, server)
  }
  console.log(
    `  killed ${times} times while writing, ${starting} more while starting; last start ${Math.round(server.startMs)} ms`,
  )
  return server
}

async function runKills(mode: Mode, scratch: string): Promise<string> {
  const directory = join(scratch, mode)
  let server = await startOn(directory)
  const writers: Writer[] = []
  try {
    await createTopic(server, 'packages')
    const acksPath = join(scratch, `${mode}.acks`)
    const about = { bootstrap: server.bootstrap, topic: 'packages', bytes: totalBytes, mode, acksPath, first: 0 }
    writers.push(startWriter(about))
    server = await killAndRestart(server, directory, writers, kills)
    await Promise.all(writers.map(({ done }) => done))
    // Once more before reading: what was acknowledged last must not hang on this process.
    await server.kill()
    server = await startOn(directory, server)
    const { records, acknowledged } = await verify(server.bootstrap, 'packages', writers)
    return `${records} records for ${acknowledged} acknowledged`
  } finally {
    for (const writer of writers) writer.end()
    await server.kill()
  }
}

/** Two processes on one directory, a writer through each; the first process is killed again and again. */
async function runTwoGateways(scratch: string): Promise<string> {
  const directory = join(scratch, 'two')
  let one = await startTidelog({ directory, logPath: `${directory}-1.log` })
  const two = await startTidelog({
    directory,
    logPath: `${directory}-2.log`,
    ports: [await freePort(), await freePort()],
  })
  const writers: Writer[] = []
  try {
    await createTopic(one, 'packages')
    for (const [index, { bootstrap }] of [one, two].entries()) {
      const acksPath = join(scratch, `two-${index}.acks`)
      const about = { bootstrap, topic: 'packages', bytes: totalBytes / 2, mode: 'idempotent' as const, acksPath }
      writers.push(startWriter({ ...about, first: index * 1_000_000_000 }))
    }
    one = await killAndRestart(one, directory, writers, Math.ceil(kills / 2))
    await Promise.all(writers.map(({ done }) => done))
    const seen = []
    for (const { bootstrap } of [one, two]) seen.push(await verify(bootstrap, 'packages', writers))
    if (seen[0]?.digest !== seen[1]?.digest) throw new Error('the readers of the two gateways saw different logs')
    return `${seen[0]?.records} records for ${seen[0]?.acknowledged} acknowledged, the same through either gateway`
  } finally {
    for (const writer of writers) writer.end()
    await one.kill()
    await two.kill()
  }
}

async function main(): Promise<void> {
  process.stdout.write(await run('sh', [join(ROOT, 'test/clients/setup.sh')]))
  await mkdir(join(ROOT, '.cache'), { recursive: true })
  const scratch = await mkdtemp(join(ROOT, '.cache', 'crash-'))
  console.log(`seed ${values.seed}: ${totalBytes / 1048576} MiB, ${kills} kills, ${values.server}, in ${scratch}`)
  const slowStore = [join(import.meta.dirname, 'slow-store.ts'), ...(values.short ? ['--seconds', '20'] : [])]
  const runs: Readonly<Record<string, () => Promise<string>>> = {
    idempotent: () => runKills('idempotent', scratch),
    plain: () => runKills('plain', scratch),
    'two-gateways': () => runTwoGateways(scratch),
    'slow-store': async () => (await run(process.execPath, slowStore)).trim().split('\n').at(-1) ?? '',
  }
  const tally = { passed: 0, failed: 0 }
  for (const name of values.only.split(',')) {
    const startedAt = performance.now()
    let line: string
    try {
      line = `ok     ${name}: ${await runs[name]?.()}`
      tally.passed += 1
    } catch (error) {
      line = `FAILED ${name}: ${error instanceof Error ? error.stack : error}`
      tally.failed += 1
    }
    console.log(`${line} (${Math.round((performance.now() - startedAt) / 1000)} s)`)
  }
  if (!values.keep && tally.failed === 0) await rm(scratch, { recursive: true, force: true })
  console.log(`${tally.passed} passed, ${tally.failed} failed`)
  process.exitCode = tally.failed === 0 ? 0 : 1
}

await main()
