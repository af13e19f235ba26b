// `npm run test:tools`: Apache Kafka's own command-line tools, unmodified, against two gateways of Tidelog on one store that
// are started for the run (with `--server kafka` against Apache Kafka, which shows that the suite asks for nothing that it
// does not do; with `--bootstrap HOST:PORT` against an empty Tidelog of one node, as `tidelog connect` shows it). Prints a line per scenario and ends with `N passed, N failed`. All tools run in one JVM (`host.ts`).
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT, type RunningServer, run, startKafka, startTidelog } from '../servers.ts'
import { createTally } from '../tally.ts'
import { configScenarios } from './configs.ts'
import { goneScenario } from './gone.ts'
import { groupScenarios } from './groups.ts'
import { startToolHost } from './host.ts'
import { recordScenarios } from './records.ts'
import { replicaScenarios } from './replicas.ts'
import { createToolbox } from './toolbox.ts'
import { topicScenarios } from './topics.ts'

const SUITES = {
  topics: topicScenarios,
  configs: configScenarios,
  records: recordScenarios,
  replicas: replicaScenarios,
  groups: groupScenarios,
}

const { values } = parseArgs({
  options: {
    server: { type: 'string', default: 'tidelog' },
    bootstrap: { type: 'string' },
    only: { type: 'string', default: Object.keys(SUITES).join() },
    'no-setup': { type: 'boolean', default: false },
  },
})

const tally = createTally()

async function startServers(directory: string): Promise<RunningServer[]> {
  if (values.server === 'kafka') return [await startKafka({ directory })]
  const first = await startTidelog({ directory })
  return [first, await startTidelog({ directory, logPath: `${directory}-2.log` })]
}

async function main(): Promise<void> {
  if (!values['no-setup']) process.stdout.write(await run('sh', [join(import.meta.dirname, '..', 'setup.sh')]))
  const scratch = await mkdtemp(join(ROOT, '.cache', 'tools-'))
  const host = startToolHost()
  const servers: RunningServer[] = []
  try {
    if (values.bootstrap === undefined) servers.push(...(await startServers(join(scratch, 'data'))))
    const [{ kind, bootstrap } = { kind: 'tidelog' as const, bootstrap: values.bootstrap ?? '' }] = servers
    const nodes = servers.length > 1 ? servers.map((_, i) => i + 1) : [1]
    const tools = createToolbox({ host, kind, bootstrap, nodes, scratch })
    console.log(`${nodes.length} × ${kind} on ${bootstrap}`)
    const wanted = values.only.split(',')
    // Each suite has topics and groups of its own; one after the other they find the JVM warm.
    for (const [name, scenarios] of Object.entries(SUITES)) {
      if (!wanted.includes(name)) continue
      for (const scenario of scenarios(tools)) await tally.perform(scenario.name, scenario.run)
    }
    const last = servers[1]
    if (last !== undefined) {
      const gone = goneScenario(tools, last)
      await tally.perform(gone.name, gone.run)
    }
  } finally {
    await host.close()
    await Promise.all(servers.map((server) => server.stop()))
    await rm(scratch, { recursive: true, force: true })
  }
  tally.end(`${host.count} invocations of tools`)
}

await main()
