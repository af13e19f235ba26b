// `npm run groups:soak -- --minutes 5`: three gateways on one embedded directory (or, with `--store aws`, on one bucket and
// table of MiniStack), five groups of ten members each (KafkaJS and librdkafka, both protocols) in four processes, two
// hundred partitions under a steady load. Every twenty seconds one gateway is killed with `kill -9` and started again twelve
// seconds later, so that until then its groups have to go on elsewhere: within ten seconds (KafkaJS: twenty), without losing
// progress. At the end the judge of the client suite is asked about each group. `--server kafka` checks the run itself against
// Apache Kafka.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openConnection } from '../../lib/client/connection.ts'
import { findCoordinator } from '../../lib/wire/messages/find-coordinator.ts'
import type { GroupEvent, MemberSpec } from '../clients/groups/events.ts'
import type { GROUP_DRIVERS } from '../clients/groups/families.ts'
import { createFleet, type Fleet } from '../clients/groups/fleet.ts'
import { drained, summary } from '../clients/groups/scene.ts'
import { createTopic, endsOf, kafkaFor, sleep, startObserver, startTraffic } from '../clients/groups/traffic.ts'
import { type Observation, verify } from '../clients/groups/verify.ts'
import { freePort, ROOT, type RunningServer, run, startKafka, startTidelog } from '../clients/servers.ts'
import { aftermath, type Kill } from './measure.ts'
import { type Place, startPlace } from './place.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    server: { type: 'string', default: 'tidelog' },
    store: { type: 'string', default: 'embedded' },
    'kill-seconds': { type: 'string', default: '20' },
    'down-seconds': { type: 'string', default: '12' },
    'no-setup': { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})

const GATEWAYS = 3
const MEMBERS_PER_GROUP = 10
const PARTITIONS = 40
/** 500 records a second. */
const RECORDS_PER_TICK = 25
const SENDS_MAX = 100
const SETTLE_MS = 180_000
const DRAIN_MS = 90_000

interface SoakGroup {
  readonly name: string
  readonly driver: keyof typeof GROUP_DRIVERS
  readonly member: Omit<MemberSpec, 'group' | 'topics'>
  readonly resumeMs: number
  readonly lateRecords?: boolean
}

/**
 * When its coordinator is gone KafkaJS gives up after a while and begins anew as another member, finishing what it had in hand;
 * the group waits until the session of the one before is over. The others keep their places.
 */
const KAFKAJS = {
  driver: 'kafkajs',
  member: { protocol: 'classic', sessionTimeoutMs: 6000, commit: 'sync' },
  resumeMs: 20_000,
  lateRecords: true,
} as const
const LIBRDKAFKA = { driver: 'confluent', resumeMs: 10_000 } as const
const CLASSIC = { protocol: 'classic', sessionTimeoutMs: 30_000 } as const
const GROUPS: readonly SoakGroup[] = [
  { ...KAFKAJS, name: 'kafkajs-message' },
  { ...KAFKAJS, name: 'kafkajs-batch', member: { ...KAFKAJS.member, style: 'eachBatch' } },
  { ...LIBRDKAFKA, name: 'range', member: { ...CLASSIC, assignor: 'range', commit: 'sync' } },
  { ...LIBRDKAFKA, name: 'cooperative', member: { ...CLASSIC, assignor: 'cooperative-sticky', commit: 'async' } },
  { ...LIBRDKAFKA, name: 'consumer', member: { protocol: 'consumer', commit: 'sync' } },
]

const memberOf =
  (group: string) =>
  (event: GroupEvent): boolean =>
    event.member.startsWith(`${group}/`)

/** Two processes for each client, each with half of the members of each group. */
function startMembers(fleet: Fleet): void {
  const homes = { kafkajs: [fleet.open('kafkajs'), fleet.open('kafkajs')] as const }
  const others = [fleet.open('confluent'), fleet.open('confluent')] as const
  for (const { name, driver, member } of GROUPS) {
    const pair = driver === 'kafkajs' ? homes.kafkajs : others
    for (let index = 0; index < MEMBERS_PER_GROUP; index += 1) {
      const spec: MemberSpec = { group: name, topics: [name], ...member }
      fleet.start(driver, `${name}/${index}`, spec, pair[index % 2])
    }
  }
}

function allShared(fleet: Fleet): boolean {
  return GROUPS.every(({ name }) => {
    const mine = [...fleet.owned].filter(([member]) => member.startsWith(`${name}/`)).map(([, places]) => places)
    const all = mine.flatMap((places) => [...places])
    return mine.every(({ size }) => size > 0) && all.length === PARTITIONS && new Set(all).size === PARTITIONS
  })
}

/** Which groups the gateway at this port coordinates, as any of the living ones says. */
async function coordinatedAt(servers: readonly RunningServer[], port: number): Promise<string[]> {
  for (const { ports } of servers) {
    try {
      const connection = await openConnection({ host: '127.0.0.1', port: ports[0] })
      const answer = await connection.request(findCoordinator, { coordinatorKeys: GROUPS.map(({ name }) => name) })
      connection.close()
      return answer.coordinators.filter((found) => found.port === port).map(({ key }) => key)
    } catch {
      // The next one may know.
    }
  }
  return []
}

type Start = (index: number, again?: RunningServer) => Promise<RunningServer>

function starter(scratch: string, place: Place): Start {
  return async (index, again) => {
    const directory = join(scratch, 'data')
    const ports = again?.ports ?? ([await freePort(), await freePort()] as const)
    if (values.server === 'kafka') return startKafka(again === undefined ? { directory } : { directory, ports })
    return startTidelog({
      directory,
      ports,
      timeoutMs: 90_000,
      args: place.args,
      logPath: join(scratch, `gateway-${index}.log`),
    })
  }
}

/** Kills and starts again until the time is over; resolves with what was killed when. */
async function killInTurn(servers: RunningServer[], start: Start, untilMs: number, startedAt: number): Promise<Kill[]> {
  const kills: Kill[] = []
  const downMs = Number(values['down-seconds']) * 1000
  const everyMs = Number(values['kill-seconds']) * 1000
  for (let turn = 0; ; turn += 1) {
    // The last one has to be back before the end.
    const next = startedAt + (turn + 0.25) * everyMs
    if (next + downMs + 2000 > untilMs) return kills
    await sleep(Math.max(0, next - Date.now()))
    const index = turn % servers.length
    const server = servers[index]
    if (server === undefined) return kills
    const coordinated = await coordinatedAt(servers, server.ports[0])
    const at = Date.now()
    await server.kill()
    kills.push({ at, gateway: index, coordinated })
    await sleep(downMs)
    servers[index] = await start(index, server)
  }
}

const shown = (ms: number | undefined): string => (ms === undefined ? 'never' : `${(ms / 1000).toFixed(1)} s`)

/** Prints what each kill did; returns what was too slow. */
function reportKills(kills: readonly Kill[], fleet: Fleet, endAt: number, startedAt: number): string[] {
  const slow: string[] = []
  for (const [index, { at, gateway, coordinated }] of kills.entries()) {
    const untilMs = kills[index + 1]?.at ?? endAt
    console.log(`gateway ${gateway} killed at ${((at - startedAt) / 1000).toFixed(1)} s`)
    for (const { name, resumeMs } of GROUPS) {
      const after = aftermath(fleet.events.filter(memberOf(name)), at, untilMs)
      const was = coordinated.includes(name) ? ', coordinated by it' : ''
      const { committedMs, allCommittedMs, progressedMs, rebalances } = after
      const times = `committed after ${shown(committedMs)}, all members after ${shown(allCommittedMs)}`
      console.log(
        `  ${name}${was}: ${times}, all partitions after ${shown(progressedMs)}, ${rebalances} rebalances told`,
      )
      if (committedMs === undefined || committedMs > resumeMs) slow.push(`${name} after the kill at ${at}: ${times}`)
    }
  }
  return slow
}

async function soak(servers: RunningServer[], start: Start, scratch: string): Promise<number> {
  const bootstrap = servers.map((server) => server.bootstrap).join(',')
  const kafka = kafkaFor(bootstrap)
  const widths = Object.fromEntries(GROUPS.map(({ name }) => [name, PARTITIONS]))
  for (const { name } of GROUPS) await createTopic(kafka, name, PARTITIONS)
  const fleet = createFleet(bootstrap)
  const traffic = await startTraffic(kafka, widths, RECORDS_PER_TICK, SENDS_MAX)
  const observer = await startObserver(
    kafka,
    GROUPS.map(({ name }) => ({ group: name, topic: name })),
  )
  let failed = 0
  const result = (what: string, wrong: readonly string[], detail: string): void => {
    if (wrong.length > 0) failed += 1
    const said = wrong.length > 0 ? `\n${wrong.join('\n').replace(/^/gm, '        ')}` : detail
    console.log(`${wrong.length > 0 ? 'FAILED' : 'ok    '} ${what} ${said}`)
  }
  try {
    startMembers(fleet)
    await fleet.until('all groups share their partitions', () => allShared(fleet), SETTLE_MS)
    const startedAt = Date.now()
    console.log(`${GROUPS.length * MEMBERS_PER_GROUP} members of ${GROUPS.length} groups share their partitions`)
    const untilMs = startedAt + Number(values.minutes) * 60_000
    const kills = await killInTurn(servers, start, untilMs, startedAt)
    await sleep(Math.max(0, untilMs - Date.now()))
    const endAt = Date.now()
    await traffic.stop()
    const ends = await endsOf(kafka, Object.keys(widths))
    const reached = drained(fleet.events)
    const missing = await fleet
      .until('all records are processed', () => reached(ends), DRAIN_MS)
      .then(
        () => [],
        (error) => [String(error).slice(0, 3000)],
      )
    result('everything is processed', missing, `${traffic.produced.size} records, ${traffic.failures()} sends failed`)
    await Promise.allSettled([...fleet.owned.keys()].map((member) => fleet.stop(member)))
    await observer.stop()
    result(`groups go on after each of ${kills.length} kills`, reportKills(kills, fleet, endAt, startedAt), '')
    for (const { name, lateRecords = false } of GROUPS) {
      const about = (place: string): boolean => place.startsWith(`${name}/`)
      const observations: Observation[] = observer.observations.filter(({ offsets }) => offsets[0]?.[0] === name)
      const mine = new Map([...ends].filter(([place]) => about(place)))
      const expected = { produced: traffic.produced, ends: mine, observations, lateRecords }
      const { violations, figures } = verify(fleet.events.filter(memberOf(name)), expected)
      result(name, violations, summary(figures, observations))
    }
    return failed
  } finally {
    await writeFile(join(scratch, 'events.jsonl'), fleet.events.map((event) => JSON.stringify(event)).join('\n'))
    await writeFile(join(scratch, 'members.log'), fleet.errors(Number.POSITIVE_INFINITY))
    await Promise.allSettled([traffic.stop(), observer.stop(), fleet.close()])
  }
}

async function main(): Promise<void> {
  if (!values['no-setup']) process.stdout.write(await run('sh', [join(ROOT, 'test/clients/setup.sh')]))
  const startedAt = performance.now()
  const scratch = await mkdtemp(join(ROOT, '.cache', 'soak-'))
  const place = await startPlace(values.store)
  const servers: RunningServer[] = []
  let failed = 1
  try {
    const start = starter(scratch, place)
    const count = values.server === 'kafka' ? 1 : GATEWAYS
    for (let index = 0; index < count; index += 1) servers.push(await start(index))
    console.log(`${servers.map(({ kind, bootstrap }) => `${kind} on ${bootstrap}`).join(', ')}, logs in ${scratch}`)
    failed = await soak(servers, start, scratch)
  } catch (error) {
    console.log(`FAILED ${error instanceof Error ? error.stack : error}`)
    for (const { logPath } of servers) console.log(`${logPath}:\n${(await readFile(logPath, 'utf8')).slice(-1500)}`)
  } finally {
    for (const server of servers) await server.kill()
    await place.stop()
    if (!values.keep && failed === 0) await rm(scratch, { recursive: true, force: true })
  }
  console.log(`${failed} failed, ${Math.round((performance.now() - startedAt) / 1000)} s`)
  process.exitCode = failed === 0 ? 0 : 1
}

await main()
