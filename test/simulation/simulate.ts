// One seed, one run: a deployment is set up, clients work through busy times with hours between them while faults come and
// go, then the faults stop, everything must come to an end, fresh consumers read every partition through every process,
// replicas are compared with each other and with the history folded anew, and the checker judges it all.
import { createGroups } from '../../lib/groups/coordinator.ts'
import type { OpenedLog } from '../../lib/log/open-log.ts'
import { openLog } from '../../lib/log/open-log.ts'
import { createMemoryBackend } from '../../lib/storage/memory/memory.ts'
import type { Stores } from '../../lib/storage/ports.ts'
import type { Compression } from '../../lib/wire/compression.ts'
import { createTopic, look, runAdmin } from './admin.ts'
import { type Anomaly, check } from './checker.ts'
import { createCluster } from './cluster.ts'
import { collect } from './collector.ts'
import { readToEnd, runConsumer } from './consumer.ts'
import { CALM, type FaultTable, MIXES, type Mix } from './faults.ts'
import { brokerFor, type ServedLog } from './frames.ts'
import { createFleet } from './functions.ts'
import { countGroups } from './group-counts.ts'
import {
  GROUP_SETTINGS,
  type GroupTraffic,
  groupClients,
  lastLooks,
  planGroups,
  runSweeps,
  settleGroups,
} from './groups.ts'
import { createHistory, type History } from './history.ts'
import { createHost, type Host } from './host.ts'
import { createGateway } from './https.ts'
import { finalReadsByHttps, httpsClients, runMaintenance, type Traffic } from './https-traffic.ts'
import { createIncidents, type Incidents } from './incidents.ts'
import { createOracle } from './oracle.ts'
import { runProducer } from './producer.ts'
import { compareReplicas, isOpened, poisonJournal } from './replicas.ts'
import { createLine, type Scene } from './scene.ts'
import { createNetwork, type Network } from './stores.ts'
import { createWorld, type World } from './world.ts'

export interface RunResult {
  readonly seed: number
  readonly anomalies: readonly Anomaly[]
  readonly traceHash: string
  readonly operations: number
  readonly faults: number
  readonly processes: number
  readonly partitions: number
  readonly events: number
  readonly virtualMs: number
  readonly entries: number
  readonly seals: number
  readonly checkpoints: number
  readonly collections: number
  readonly crashes: number
  readonly freezes: number
  readonly table: FaultTable
  readonly incidents: Incidents
}

export interface SimulateOptions {
  readonly onTrace?: (line: string) => void
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** The longest that a busy time may take; more means that something hangs. */
const BUSY_MS_MAX = 12 * HOUR_MS
/** After the faults have stopped everything ends within this. */
const CALM_MS_MAX = 3 * MINUTE_MS

/** A journal that nobody can read any more makes hours of retries; the run has failed long before. */
const SIGHTS_MAX = 20

/** Nothing is compressed in simulation: batches are opaque to everything that is tested here. */
const compression: Compression = {
  compress: async (_codec, bytes) => bytes,
  decompress: async (_codec, bytes) => ({ kind: 'ok', bytes }),
}

interface Run extends Traffic, GroupTraffic {
  readonly network: Network
  readonly sight: (anomaly: string, detail: string) => void
  /** Processes do not agree about the time of day. */
  clocksDiffer: boolean
  crashes: number
  freezes: number
  /** So much went wrong that more of it tells nothing. */
  isBroken(): boolean
}

/** Runs one seed to its end. */
export async function simulate(seed: number, options: SimulateOptions = {}): Promise<RunResult> {
  const world = createWorld(seed, options)
  const random = world.random.fork('run')
  const history = createHistory(world.now)
  let sights = 0
  const sight = (anomaly: string, detail: string): void => {
    sights++
    world.trace(`SIGHT ${anomaly} ${detail}`)
    history.add({ kind: 'sight', anomaly, detail })
  }
  const oracle = createOracle(createMemoryBackend().open(), world.now, sight)
  const network = createNetwork(world, oracle, random.fork('network'), CALM)
  const checkpointEntries = random.pick([12, 20, 40, 100])
  const open = (host: Host, stores: Stores) => openProcess(world, host, stores, checkpointEntries, sight)
  const skewed = random.chance(0.5)
  const cluster = createCluster({ world, network, random: random.fork('cluster'), open, skewed })
  const incidents = createIncidents()
  const shared = { world, incidents, sight }
  const fleet = createFleet({
    ...shared,
    network,
    random: random.fork('fleet'),
    compression,
    checkpointEntries,
    groups: GROUP_SETTINGS,
    skewed,
  })
  const gateway = createGateway({ ...shared, fleet, history, random: random.fork('gateway') })
  const scene: Scene = {
    world,
    cluster,
    fleet,
    history,
    random,
    topics: new Map(),
    operations: 0,
    assignments: 0,
    busy: true,
    calm: false,
  }
  const run: Run = {
    scene,
    network,
    gateway,
    incidents,
    oracle,
    random,
    sight,
    groups: planGroups(random.fork('groups')),
    clocksDiffer: skewed,
    crashes: 0,
    freezes: 0,
    isBroken: () => sights > SIGHTS_MAX,
  }
  try {
    await live(run)
  } catch (error) {
    world.fail(error)
  }
  for (const error of world.failures) sight('error', error instanceof Error ? (error.stack ?? '') : String(error))
  return resultOf(run, history)
}

async function live(run: Run): Promise<void> {
  const { scene, random } = run
  const { world, cluster } = scene
  await initialise(run)
  for (let i = random.pick([3, 3, 3, 4, 5]); i > 0; i--) cluster.add()
  await phase(run, 'set-up', setUp(run), MINUTE_MS * 10)
  const times = random.int(2, 4)
  for (let i = 0; i < times; i++) {
    await phase(run, 'busy', busyTime(run, i, times), BUSY_MS_MAX)
    if (i < times - 1) await phase(run, 'idle', world.pause(random.pick([0.01, 1, 3]) * HOUR_MS), BUSY_MS_MAX)
  }
  setMix(run, CALM)
  if (run.groups.length > 0)
    await phase(run, 'groups settle', settleGroups(run, run.clocksDiffer, run.sight), BUSY_MS_MAX)
  await phase(run, 'final reads', finalReads(run), CALM_MS_MAX * 4)
  if (run.groups.length > 0) await phase(run, 'last looks', lastLooks(run), CALM_MS_MAX)
  compareReplicas(run.scene, run.oracle, run.sight)
  if (random.chance(0.3))
    await phase(run, 'newer release', poisonJournal(run.scene, run.oracle, random, run.sight), MINUTE_MS * 5)
}

/** Lets the world run until `work` is done. */
async function phase(run: Run, name: string, work: Promise<unknown>, limitMs: number): Promise<void> {
  const { world } = run.scene
  if (run.isBroken()) return
  let done = false
  work.then(
    () => {
      done = true
    },
    (error) => {
      world.fail(error)
      done = true
    },
  )
  const outcome = await world.run(() => done || run.isBroken(), world.now() + limitMs)
  if (outcome !== 'done')
    run.sight('stuck', `${name}: ${outcome === 'idle' ? 'nothing is left to happen' : 'it takes too long'}`)
  world.trace(`end of ${name}`)
}

async function openProcess(
  world: World,
  host: Host,
  stores: Stores,
  checkpointEntries: number,
  sight: Run['sight'],
): Promise<OpenedLog | undefined> {
  const opened = await openLog({
    stores,
    clock: host.clock,
    random: host.random,
    compression,
    options: { checkpointEntries, cacheBytesMax: host.random.pick([0, 2000, 1_000_000]) },
    logger: {
      info: (_fields, message) => world.trace(`${host.name} says ${message}`),
      warn: (_fields, message) => world.trace(`${host.name} warns ${message}`),
      error: (_fields, message) => world.trace(`${host.name} cries ${message}`),
    },
    onHalt: (reason) => {
      if (!reason.includes(NEWER_RELEASE)) sight('halted', `${host.name}: ${reason}`)
    },
  })
  if (opened.kind !== 'opened') return undefined
  const { log } = opened
  const ports = { clock: host.clock, random: host.random, compression }
  const groups = createGroups({
    log,
    documents: stores.documents,
    clock: host.clock,
    random: host.random,
    settings: GROUP_SETTINGS,
  })
  return Object.assign(log, { groups, broker: brokerFor(log, groups, ports) }) satisfies ServedLog
}
/** What a process says that met an entry of a newer release: the run puts one there on purpose at its end. */
const NEWER_RELEASE = 'the journal '

/** Several processes run `init` at once, until one of them is sure that there is a journal. */
async function initialise(run: Run): Promise<void> {
  const { world } = run.scene
  run.network.setMix(run.random.pick(MIXES))
  const one = async (name: string): Promise<void> => {
    const host = createHost(world, { name, random: run.random.fork(name), skewMs: 0, rate: 1 })
    const { journal } = run.network.storesFor(host)
    for (;;) {
      const { kind } = await journal.init()
      if (kind === 'applied' || kind === 'rejected') return
      await world.pause(50)
    }
  }
  await phase(run, 'init', Promise.all([one('init1'), one('init2')]), HOUR_MS)
  run.network.setMix(CALM)
}

async function setUp(run: Run): Promise<void> {
  const { scene, random } = run
  const line = createLine(scene, random)
  await scene.world.pause(200)
  const wide = random.chance(0.2)
  const wanted = [
    ['orders', random.int(2, 4)],
    ['clicks', random.int(2, 4)],
    [wide ? 'wide' : 'audit', wide ? 90 : random.int(1, 3)],
  ] as const
  for (const [name, partitions] of wanted) {
    while ((await createTopic(scene, line, name, partitions)).outcome !== 'ok') await scene.world.pause(100)
  }
  line.leave()
}

/** A few hundred operations of several clients, under faults. */
async function busyTime(run: Run, index: number, times: number): Promise<void> {
  const { scene, random } = run
  const { world } = scene
  const last = index === times - 1
  const clients: Promise<void>[] = []
  const part = (total: number): number => Math.ceil(total / times)
  const hasWide = [...scene.topics.values()].some((topic) => topic.partitions > 50)
  for (let i = 0; i < 2; i++) {
    const options = { idempotent: true, repeats: true, batches: part(52), fanOut: random.int(1, 4), byFrame: i === 1 }
    clients.push(runProducer(scene, random.fork(`i${index}.${i}`), { ...options, name: `i${index}.${i}` }))
  }
  for (const [i, repeats] of [true, false].entries()) {
    const options = {
      idempotent: false,
      repeats,
      batches: part(28),
      fanOut: random.int(1, 3),
      byFrame: random.chance(0.3),
    }
    clients.push(runProducer(scene, random.fork(`n${index}.${i}`), { ...options, name: `n${index}.${i}` }))
  }
  if (hasWide) {
    const options = { idempotent: random.chance(0.7), repeats: true, batches: 180, fanOut: 90, byFrame: false }
    clients.push(runProducer(scene, random.fork(`w${index}`), { ...options, name: `w${index}` }))
  }
  for (let i = 0; i < 2; i++)
    clients.push(runConsumer(scene, random.fork(`c${index}.${i}`), `c${index}.${i}`, part(40)))
  for (let i = 0; i < 2; i++) clients.push(runAdmin(scene, random.fork(`a${index}.${i}`), part(11)))
  clients.push(keepDocuments(run, `d${index}`, part(30)))
  clients.push(...httpsClients(run, index, part))
  clients.push(...groupClients(run, index, part))

  let over = false
  const faults = injectFaults(run, () => over)
  const collectors = runCollectors(run, index, () => over)
  const maintenance = runMaintenance(run, () => over)
  const sweeps = run.groups.length > 0 ? runSweeps(run, () => over) : undefined
  const all = Promise.all(clients)
  if (last) {
    await Promise.race([all, world.pause(random.int(5_000, 60_000))])
    await stopFaults(run)
  } else await Promise.race([all, world.pause(2 * HOUR_MS)])
  if (last) {
    const calmAt = world.now()
    await all
    if (world.now() - calmAt > CALM_MS_MAX) run.sight('stuck', 'clients went on too long after the faults had stopped')
  }
  over = true
  await faults
  await collectors
  await maintenance
  await sweeps
  setMix(run, CALM)
}

function setMix({ network, gateway, scene }: Run, mix: Mix): void {
  network.setMix(mix)
  gateway.setMix(mix)
  scene.fleet.setMix(mix)
}

async function stopFaults(run: Run): Promise<void> {
  const { scene } = run
  scene.world.trace('the faults stop')
  scene.busy = false
  scene.calm = true
  setMix(run, CALM)
  scene.cluster.heal()
  scene.fleet.heal()
}

/** Changes the mix from time to time, crashes and freezes hosts, lets clocks jump and stores refuse. */
async function injectFaults(run: Run, over: () => boolean): Promise<void> {
  const { scene, network, random } = run
  const { world, cluster } = scene
  while (!over() && !scene.calm) {
    const mix = random.chance(0.25) ? CALM : random.pick(MIXES)
    setMix(run, mix)
    world.trace(`mix: ${mix.name}`)
    const phaseMs = random.int(300, 2500)
    const happens = (perSecond: number): boolean => random.chance(Math.min(0.9, (perSecond * phaseMs) / 1000))
    if (happens(mix.throttlingPerSecond)) network.throttle(random.int(50, 2000))
    if (happens(mix.crashesPerSecond)) {
      run.crashes++
      cluster.crash(random.int(0, cluster.processes.length), random.duration(300))
    }
    if (happens(mix.freezesPerSecond)) {
      run.freezes++
      const ms = random.pick([60, 600, 6_000, 60_000, HOUR_MS, 3 * HOUR_MS])
      cluster.freeze(random.int(0, cluster.processes.length), random.duration(ms))
    }
    if (mix !== CALM && random.chance(0.03)) {
      run.clocksDiffer = true
      cluster.processes[random.int(0, cluster.processes.length)]!.host.jump(random.int(-600_000, 600_000))
    }
    await world.pause(phaseMs)
  }
}

/**
 * The log's own collector, through any process, and impatient ones, each on a host of its own, that may sleep in the
 * middle.
 */
async function runCollectors(run: Run, index: number, over: () => boolean): Promise<void> {
  const { scene, network, oracle, random } = run
  const { world } = scene
  for (let sweep = 0; !over(); sweep++) {
    const name = `gc${index}.${sweep}`
    const host = createHost(world, { name, random: random.fork(name), skewMs: 0, rate: 1 })
    if (random.chance(0.1))
      world.at(random.fraction() * 200, `${name} falls asleep`, () => host.freeze(random.duration(30_000)))
    void collect(world, host, network.storesFor(host), oracle, random.pick([0, 500, 10_000, HOUR_MS])).catch(world.fail)
    const process = scene.cluster.processes[random.int(0, scene.cluster.processes.length)]!
    const { log, host: server } = process
    if (isOpened(log) && random.chance(0.7)) {
      const graceMs = random.pick([0, 500, 10_000, HOUR_MS])
      const sweepOnce = (): void =>
        void log.collect({ graceMs }).then((o) => world.trace(`${server.name} ${o.kind}`), world.fail)
      server.deliver(sweepOnce)
    }
    // Where a busy time is long, what was left behind is swept more seldom.
    await world.pause(random.duration(1500 * (1 + sweep / 4)))
  }
}

/** Compare-and-set on documents: what is acknowledged must be there, and nothing may come back. */
async function keepDocuments(run: Run, name: string, rounds: number): Promise<void> {
  const { scene, network, random } = run
  const host = createHost(scene.world, { name, random: random.fork(name), skewMs: 0, rate: 1 })
  const { documents } = network.storesFor(host)
  const key = `members/${name}`
  let version = 0
  for (let i = 0; i < rounds && scene.busy; i++) {
    const drop = version > 0 && random.chance(0.25)
    const body = Buffer.from(`${i}`)
    const outcome = drop ? await documents.delete(key, version) : await documents.put(key, body, version)
    if (outcome.kind === 'applied') version = drop ? 0 : outcome.version
    else if (outcome.kind === 'conflict') version = outcome.current?.version ?? 0
    const read = await documents.get(key)
    if (read.kind === 'found') version = read.document.version
    else if (read.kind === 'missing') version = 0
    if (random.chance(0.4)) await documents.list('members')
    await scene.world.pause(random.duration(120))
  }
}

/** Everybody reads everything, while the last of the late requests come in. */
async function finalReads(run: Run): Promise<void> {
  const { scene, network, random, sight } = run
  const { world, cluster } = scene
  cluster.heal()
  cluster.add()
  await world.pause(3_000)
  if (random.chance(0.5)) network.flushLate()
  const line = createLine(scene, random)
  for (const name of ['orders', 'clicks', 'audit', 'metrics', 'wide']) {
    for (let tries = 0; tries < 20; tries++) {
      if ((await look(scene, line, name)).outcome !== 'info') break
      await world.pause(100)
    }
  }
  line.leave()
  const targets = [...scene.topics.values()].flatMap((topic) =>
    Array.from({ length: topic.partitions }, (_, partition) => ({ topic, partition })),
  )
  const readers = cluster.processes.map(async (process, index) => {
    for (const target of targets) {
      if (await readToEnd(scene, index, target, `final ${process.name}`)) continue
      sight('stuck', `${process.name} does not read ${target.topic.name}/${target.partition} to its end`)
      return
    }
  })
  await Promise.all([...readers, finalReadsByHttps(run, sight)])
  network.flushLate()
  await world.pause(5_000)
}

function resultOf(run: Run, history: History): RunResult {
  const { scene, network, oracle } = run
  const { world, cluster } = scene
  countGroups(history.ops, run.incidents)
  return {
    seed: world.seed,
    anomalies: check(history),
    traceHash: world.traceHash(),
    operations: scene.operations,
    faults: network.table.total() + run.crashes + run.freezes,
    incidents: run.incidents,
    processes: cluster.processes.length,
    partitions: new Set(history.ops.flatMap((op) => (op.kind === 'send' ? [op.partition] : []))).size,
    events: world.events(),
    virtualMs: world.now(),
    entries: [...oracle.generations.values()].reduce((sum, list) => sum + list.length, 0),
    seals: oracle.seals(),
    checkpoints: oracle.checkpoints.length,
    collections: oracle.collections(),
    crashes: run.crashes,
    freezes: run.freezes,
    table: network.table,
  }
}
