// `npm run test:clients`: real foreign clients, each a process of its own, against a server started for the run (Tidelog;
// with `--server kafka` Apache Kafka, which shows that the suite asks for nothing Kafka does not do) or against
// `--bootstrap HOST:PORT`. Prints a line per client and scenario and ends with `N passed, N failed`.
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { adminScenarios, timeScenarios } from './administration.ts'
import { DRIVERS } from './commands.ts'
import { type Driver, startDriver } from './protocol.ts'
import { ROOT, type RunningServer, run, startKafka, startTidelog } from './servers.ts'
import {
  autoCreateScenario,
  codecScenario,
  keyedScenario,
  readScenario,
  type Scenario,
  type Written,
  writeScenarios,
} from './suite.ts'
import { createTally } from './tally.ts'

const { values } = parseArgs({
  options: {
    server: { type: 'string', default: 'tidelog' },
    bootstrap: { type: 'string' },
    only: { type: 'string' },
    'no-setup': { type: 'boolean', default: false },
  },
})

const tally = createTally()

/** One after the other for one client, two clients at a time. */
async function inParallel(tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const left = [...tasks]
  const work = async (): Promise<void> => {
    for (let task = left.shift(); task !== undefined; task = left.shift()) await task()
  }
  await Promise.all([work(), work()])
}

const perform = (who: string, scenario: Scenario): Promise<void> =>
  tally.perform(`${who}: ${scenario.name}`, scenario.run)

async function suite(bootstrap: string, replicas: number): Promise<void> {
  const wanted = values.only?.split(',') ?? Object.keys(DRIVERS)
  const started = new Map<string, Driver>()
  const start = async (name: string): Promise<void> => {
    const [command, ...args] = DRIVERS[name] ?? ['false']
    try {
      started.set(name, await startDriver(command, args, bootstrap))
    } catch (error) {
      await tally.perform(`${name}: connects`, () => Promise.reject(error))
    }
  }
  await inParallel([...new Set(['java', ...wanted])].map((name) => () => start(name)))
  const reference = started.get('java')
  if (reference === undefined) return
  const clients = wanted.flatMap((name) => started.get(name) ?? [])
  const performAll = async (who: Driver, scenarios: readonly Scenario[]): Promise<void> => {
    for (const scenario of scenarios) await perform(who.can.name, scenario)
  }
  const written: Written[] = []
  const timestamps = new Map<string, number>()
  await inParallel(clients.map((who) => () => performAll(who, writeScenarios(reference, who, written))))
  const port = Number(bootstrap.split(':')[1])
  for (const topic of written) await perform(topic.writer.can.name, codecScenario(port, topic))
  const readers = clients.filter(({ can }) => can.reads)
  await inParallel(
    readers.map(
      (who) => () =>
        performAll(
          who,
          written.map((topic) => readScenario(who, topic, timestamps)),
        ),
    ),
  )
  await inParallel(
    clients.map(
      (who) => () => performAll(who, [keyedScenario(reference, who, reference), autoCreateScenario(who, reference)]),
    ),
  )
  await inParallel(clients.map((who) => () => performAll(who, adminScenarios(who, reference, replicas))))
  await performAll(reference, timeScenarios(reference, clients))
  await Promise.all([...started.values()].map((driver) => driver.close()))
}

async function main(): Promise<void> {
  if (!values['no-setup']) process.stdout.write(await run('sh', [join(import.meta.dirname, 'setup.sh')]))
  const scratch = await mkdtemp(join(ROOT, '.cache', 'run-'))
  const directory = join(scratch, 'data')
  let server: RunningServer | undefined
  try {
    if (values.bootstrap === undefined) {
      server = values.server === 'kafka' ? await startKafka({ directory }) : await startTidelog({ directory })
      console.log(`${server.kind} on ${server.bootstrap} after ${Math.round(server.startMs)} ms`)
    }
    // One Apache Kafka node refuses more replicas than nodes; one gateway of Tidelog takes three.
    await suite(server?.bootstrap ?? values.bootstrap ?? '', values.server === 'kafka' ? 1 : 3)
  } finally {
    await server?.stop()
    await rm(scratch, { recursive: true, force: true })
  }
  tally.end()
}

await main()
