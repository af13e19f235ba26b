// `npm run test:groups`: real foreign clients consume as groups, from a server started for the run (Tidelog; with
// `--server kafka` Apache Kafka, which shows that the suite asks for nothing Kafka does not do) or from
// `--bootstrap HOST:PORT`. Several families run side by side, each with topics and groups of its own. Prints the seed, a line
// per scenario, and ends with `N passed, N failed`.
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT, type RunningServer, run, startKafka, startTidelog } from '../servers.ts'
import { churn, type Setting } from './churn.ts'
import { FAMILIES } from './families.ts'

const { values } = parseArgs({
  options: {
    server: { type: 'string', default: 'tidelog' },
    bootstrap: { type: 'string' },
    only: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'side-by-side': { type: 'string', default: '5' },
    'consumer-session-ms': { type: 'string', default: '45000' },
    'no-setup': { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})

interface Scenario {
  readonly name: string
  readonly run: (setting: Setting) => Promise<string>
}

const SCENARIOS: readonly Scenario[] = [
  ...FAMILIES.map((family) => ({
    name: `${family.name}: churn`,
    run: (setting: Setting) => churn(setting, family),
  })),
]

const tally = { passed: 0, failed: 0 }

async function perform(scenario: Scenario, setting: Setting): Promise<void> {
  const startedAt = performance.now()
  let line = 'ok    '
  let detail = ''
  try {
    detail = await scenario.run(setting)
    tally.passed += 1
  } catch (error) {
    line = 'FAILED'
    tally.failed += 1
    detail = `\n${String(error instanceof Error ? error.stack : error).replace(/^/gm, '        ')}`
  }
  console.log(`${line} ${scenario.name} (${Math.round((performance.now() - startedAt) / 100) / 10} s) ${detail}`)
}

async function main(): Promise<void> {
  if (!values['no-setup']) process.stdout.write(await run('sh', [join(import.meta.dirname, '..', 'setup.sh')]))
  const startedAt = performance.now()
  const scratch = await mkdtemp(join(ROOT, '.cache', 'groups-'))
  const directory = join(scratch, 'data')
  let server: RunningServer | undefined
  try {
    if (values.bootstrap === undefined) {
      server = values.server === 'kafka' ? await startKafka({ directory }) : await startTidelog({ directory })
    }
    const bootstrap = server?.bootstrap ?? values.bootstrap ?? ''
    console.log(`${server?.kind ?? 'server'} on ${bootstrap}, seed ${values.seed}, ${scratch}`)
    const setting = { bootstrap, seed: Number(values.seed), consumerSessionMs: Number(values['consumer-session-ms']) }
    const wanted = values.only?.split(',')
    const left = SCENARIOS.filter(({ name }) => wanted?.some((part) => name.includes(part)) ?? true)
    const work = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) await perform(next, setting)
    }
    await Promise.all(Array.from({ length: Number(values['side-by-side']) }, work))
  } finally {
    await server?.stop()
    if (!values.keep) await rm(scratch, { recursive: true, force: true })
  }
  console.log(`${tally.passed} passed, ${tally.failed} failed, ${Math.round((performance.now() - startedAt) / 1000)} s`)
  process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1
}

await main()
