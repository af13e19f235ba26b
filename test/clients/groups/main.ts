// `npm run test:groups`: real foreign clients consume as groups, from a server started for the run (Tidelog; with
// `--server kafka` Apache Kafka, which shows that the suite asks for nothing Kafka does not do) or from
// `--bootstrap HOST:PORT`. Several families run side by side, each with topics and groups of its own. Prints the seed, a line
// per scenario, and ends with `N passed, N failed`.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT, type RunningServer, run, startKafka, startTidelog } from '../servers.ts'
import { createTally } from '../tally.ts'
import { GROUP_DRIVERS } from './families.ts'
import { CONSUMER_SESSION_MS, QUIET, SCENARIOS, type Scenario } from './programme.ts'
import type { Setting } from './scene.ts'

const { values } = parseArgs({
  options: {
    server: { type: 'string', default: 'tidelog' },
    bootstrap: { type: 'string' },
    only: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'side-by-side': { type: 'string', default: '5' },
    // Of the server; it is started with this.
    'consumer-session-ms': { type: 'string', default: String(CONSUMER_SESSION_MS) },
    // How much longer than usual everything may take.
    patience: { type: 'string', default: '1' },
    'no-setup': { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})

const tally = createTally()

async function performAll(scenarios: readonly Scenario[], setting: Setting, sideBySide: number): Promise<void> {
  const wanted = values.only?.split(',')
  const left = scenarios.filter(({ name }) => wanted?.some((part) => name.includes(part)) ?? true)
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const scenario = next
      await tally.perform(scenario.name, () => scenario.run(setting))
    }
  }
  await Promise.all(Array.from({ length: sideBySide }, work))
}

/** JVMs start in half the time when they share the classes that a first one has loaded and archived. */
async function shareClasses(bootstrap: string, archive: string): Promise<void> {
  const [command, ...args] = GROUP_DRIVERS.java
  const ask = { op: 'fetchCommitted', id: 0, bootstrap, group: 'nobody', place: ['nothing', 0] }
  await run(command, [`-XX:ArchiveClassesAtExit=${archive}`, ...args], { input: `${JSON.stringify(ask)}\n` })
  process.env['JDK_JAVA_OPTIONS'] = `-XX:SharedArchiveFile=${archive}`
}

/** With a shorter session for members of KIP-848 than anybody is allowed by default, so that a kill does not take 45 s. */
async function start(directory: string): Promise<RunningServer> {
  const sessions = ['group.consumer.min.session.timeout.ms', 'group.consumer.session.timeout.ms']
  const properties = sessions.map((name) => `${name}=${values['consumer-session-ms']}\n`).join('')
  if (values.server === 'kafka') return startKafka({ directory, properties })
  const config = `${directory}.properties`
  await writeFile(config, properties)
  return startTidelog({ directory, args: ['--config', config] })
}

async function main(): Promise<void> {
  if (!values['no-setup']) process.stdout.write(await run('sh', [join(import.meta.dirname, '..', 'setup.sh')]))
  const scratch = await mkdtemp(join(ROOT, '.cache', 'groups-'))
  const directory = join(scratch, 'data')
  let server: RunningServer | undefined
  try {
    if (values.bootstrap === undefined) server = await start(directory)
    const bootstrap = server?.bootstrap ?? values.bootstrap ?? ''
    console.log(
      `${server?.kind ?? 'server'} on ${bootstrap}, seed ${values.seed}, log ${server?.logPath ?? 'elsewhere'}`,
    )
    await shareClasses(bootstrap, join(scratch, 'classes.jsa'))
    const consumerSessionMs = Number(values['consumer-session-ms'])
    const setting = {
      server: server?.kind ?? 'tidelog',
      bootstrap,
      seed: Number(values.seed),
      consumerSessionMs,
      scratch,
      patience: Number(values.patience),
    }
    await performAll(SCENARIOS, setting, Number(values['side-by-side']))
    // What is timed does not share the machine with everything else.
    await performAll(QUIET, setting, 3)
  } finally {
    await server?.stop()
    if (!values.keep) await rm(scratch, { recursive: true, force: true })
  }
  tally.end()
}

await main()
