// A busy time of a run: clients at work while faults come and go, processes crash and freeze, and collectors sweep.
import { runAdmin } from './admin.ts'
import { collect } from './collector.ts'
import { runConsumer } from './consumer.ts'
import { CALM, MIXES } from './faults.ts'
import { groupClients, runSweeps } from './groups.ts'
import { createHost } from './host.ts'
import { httpsClients, runMaintenance } from './https-traffic.ts'
import { runProducer } from './producer.ts'
import { isOpened } from './replicas.ts'
import { CALM_MS_MAX, HOUR_MS, type Run, setMix } from './run.ts'

/** A few hundred operations of several clients, under faults. */
export async function busyTime(run: Run, index: number, times: number): Promise<void> {
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
