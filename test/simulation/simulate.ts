// One seed, one run: a deployment is set up, clients work through busy times with hours between them while faults come and
// go, then the faults stop, everything must come to an end, fresh consumers read every partition through every process,
// replicas are compared with each other and with the history folded anew, and the checker judges it all.
import { createGroups } from '../../lib/groups/coordinator.ts'
import type { OpenedLog } from '../../lib/log/open-log.ts'
import { openLog } from '../../lib/log/open-log.ts'
import { createMemoryBackend } from '../../lib/storage/memory/memory.ts'
import type { Stores } from '../../lib/storage/ports.ts'
import type { Compression } from '../../lib/wire/compression.ts'
import { createTopic, look } from './admin.ts'
import { busyTime } from './busy.ts'
import { type Anomaly, check } from './checker.ts'
import { createCluster } from './cluster.ts'
import { readToEnd } from './consumer.ts'
import { CALM, type FaultTable, MIXES } from './faults.ts'
import { brokerFor, type ServedLog } from './frames.ts'
import { createFleet } from './functions.ts'
import { countGroups } from './group-counts.ts'
import { watchGroups } from './group-removals.ts'
import { GROUP_SETTINGS, lastLooks, planGroups, settleGroups } from './groups.ts'
import { createHistory, type History } from './history.ts'
import { createHost, type Host } from './host.ts'
import { createGateway } from './https.ts'
import { finalReadsByHttps } from './https-traffic.ts'
import { createIncidents, type Incidents } from './incidents.ts'
import { createOracle } from './oracle.ts'
import { compareReplicas, poisonJournal } from './replicas.ts'
import { CALM_MS_MAX, HOUR_MS, MINUTE_MS, type Run, setMix } from './run.ts'
import { createLine, type Scene } from './scene.ts'
import { createNetwork } from './stores.ts'
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

/** The longest that a busy time may take; more means that something hangs. */
const BUSY_MS_MAX = 12 * HOUR_MS

/** A journal that nobody can read any more makes hours of retries; the run has failed long before. */
const SIGHTS_MAX = 20

/** Nothing is compressed in simulation: batches are opaque to everything that is tested here. */
const compression: Compression = {
  compress: async (_codec, bytes) => bytes,
  decompress: async (_codec, bytes) => ({ kind: 'ok', bytes }),
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
  const stores = createMemoryBackend().open()
  const watched = { ...stores, documents: watchGroups(stores.documents, history) }
  const oracle = createOracle(watched, world.now, sight)
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
