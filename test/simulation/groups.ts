// Consumer groups in a run: which groups there are, who their members are and what becomes of them, the watchers who look at
// offsets from outside, and the sweeps. Members come and go through every process; some fall silent, some wake up after a
// rebalance (or hours later) and go on as if nothing had happened. At the end members that do what they should must make each
// group stable in time.
import { defaultBrokerSettings } from '../../lib/broker/broker-settings.ts'
import type { GroupCoordinator } from '../../lib/groups/coordinator.ts'
import type { GroupSettings } from '../../lib/groups/step.ts'
import type { Log } from '../../lib/log/log.ts'
import { administer } from './group-admin.ts'
import { createClassicMember } from './group-classic.ts'
import { createConsumerMember } from './group-consumer.ts'
import { fetchOffsets, type GroupClient, type GroupMember, NOBODY, SESSION_MS } from './group-desk.ts'
import { type GroupLine, gatewayLine } from './group-line.ts'
import { type GroupPlan, type GroupTraffic, keptTopic, lineFor } from './group-traffic.ts'
import type { Seeded } from './random.ts'

/** Sessions of seconds, so that a run sees many of them end. */
export const GROUP_SETTINGS: GroupSettings = {
  ...defaultBrokerSettings.group,
  initialRebalanceDelayMs: 300,
  consumerSessionTimeoutMs: SESSION_MS,
  consumerHeartbeatIntervalMs: 1_500,
  // Longer than any run: what the journal forgets by itself would look like a loss.
  offsetsRetentionMs: 30 * 24 * 3_600_000,
}

const HOUR_MS = 3_600_000
/** What is a member's session, what others are waited for, and what a rebalance may be asked for once more. */
const STABLE_MS_MAX = 90_000
const CLASSIC: GroupPlan = { id: 'billing', protocol: 'classic' }
const CONSUMER: GroupPlan = { id: 'search', protocol: 'consumer' }
const MIXED: GroupPlan = { id: 'stock', protocol: 'mixed' }

/** The groups of a run. */
export const planGroups = (random: Seeded): readonly GroupPlan[] =>
  random.pick([
    [],
    [],
    [],
    [CLASSIC, CONSUMER],
    [CLASSIC, CONSUMER],
    [CLASSIC, CONSUMER],
    [CLASSIC, MIXED],
    [CONSUMER, MIXED],
    [CLASSIC, CONSUMER],
  ])

/** The groups as a process serves them, where it does. */
export const groupsOf = (log: Log | undefined): GroupCoordinator | undefined =>
  log !== undefined && 'groups' in log ? (log.groups as GroupCoordinator) : undefined

function createMember(plan: GroupPlan, client: GroupClient): GroupMember {
  const isClassic = plan.protocol === 'mixed' ? client.random.chance(0.5) : plan.protocol === 'classic'
  return isClassic ? createClassicMember(client) : createConsumerMember(client)
}

/** The clients of one busy time. */
export function groupClients(traffic: GroupTraffic, index: number, part: (total: number) => number): Promise<void>[] {
  const { random, groups } = traffic
  const clients: Promise<void>[] = []
  for (const plan of groups) {
    const statics = random.chance(0.35)
    const lives: Promise<void>[] = []
    for (let i = random.int(2, 4); i > 0; i--) {
      const name = `${plan.id}${index}-${i}`
      const instanceId = statics && i === 1 ? `${plan.id}-static` : undefined
      lives.push(liveAsMember(traffic, random.fork(name), plan, name, instanceId, part(27)))
    }
    clients.push(
      Promise.all(lives).then(() => succeed(traffic, random.fork(`after ${index}${plan.id}`), plan, index, part(6))),
    )
    // At the beginning of a later busy time the members of the one before are gone, or soon will be.
    if (random.chance(index === 0 ? 0.1 : 0.5)) {
      const name = `ga${index}${plan.id}`
      clients.push(administer(traffic, random.fork(name), plan.id, name, random.int(2, 6)))
    }
    clients.push(watch(traffic, random.fork(`gw${index}${plan.id}`), plan.id, `gw${index}${plan.id}`, part(8)))
  }
  return clients
}

/** When all members have said their last, the group may be removed, and another member may come to what is left. */
async function succeed(
  traffic: GroupTraffic,
  random: Seeded,
  plan: GroupPlan,
  index: number,
  rounds: number,
): Promise<void> {
  const { scene } = traffic
  if (!scene.busy || random.chance(0.5)) return
  await scene.world.pause(SESSION_MS * random.pick([0.1, 1.2]))
  const name = `${plan.id}${index}-new`
  const admin = administer(traffic, random.fork('admin'), plan.id, `${name}-admin`, 3)
  if (random.chance(0.6)) await admin
  await liveAsMember(traffic, random.fork(name), plan, name, undefined, rounds)
  await admin
}

/** One client of a group, and those that take its place. */
async function liveAsMember(
  traffic: GroupTraffic,
  random: Seeded,
  plan: GroupPlan,
  name: string,
  instanceId: string | undefined,
  rounds: number,
): Promise<void> {
  const { scene, incidents } = traffic
  let lives = 0
  const begin = (): { member: GroupMember; line: GroupLine } => {
    const life = `${name}-${++lives}`
    const line = lineFor(traffic, random, life)
    const client = {
      scene,
      random: random.fork(life),
      line,
      group: plan.id,
      name: life,
      topic: keptTopic(scene),
      instanceId,
    }
    return { member: createMember(plan, client), line }
  }
  let { member, line } = begin()
  await scene.world.pause(random.duration(800))
  for (let round = 0; round < rounds && scene.busy; round++) {
    if (instanceId !== undefined && member.working().length > 0 && random.chance(0.15)) {
      // Started anew while the one before is in the middle of a commit, of which nobody hears any more.
      incidents.count('static member replaced over a commit')
      void member.insist()
      await scene.world.pause(random.fraction() * 20)
      ;({ member, line } = begin())
    }
    const isAlive = await member.step()
    const draw = random.fraction()
    const works = member.working().length > 0
    if (!isAlive || draw < 0.04) {
      // It says nothing any more, and somebody else comes.
      incidents.count('group member falls silent')
      if (random.chance(0.4)) void wakeLate(traffic, random.fork(`z${lives}`), member)
      line.leave()
      await scene.world.pause(random.duration(300))
      ;({ member, line } = begin())
    } else if (draw < 0.12 && works) {
      incidents.count('group member sleeps and goes on')
      await scene.world.pause(random.pick([0.3, 1, 1.3, 2.5]) * SESSION_MS)
      await member.insist()
    } else if (draw < 0.16 && works) {
      await member.leave()
      line.leave()
      await scene.world.pause(random.duration(500))
      ;({ member, line } = begin())
    } else await scene.world.pause(random.duration(random.pick([150, 500, 900])))
  }
  if (random.chance(0.4)) await member.leave()
  else if (random.chance(0.5)) void wakeLate(traffic, random.fork('z'), member)
  line.leave()
}

/** A member that everybody has forgotten goes on where it was. Nobody waits for it. */
async function wakeLate({ scene, incidents }: GroupTraffic, random: Seeded, member: GroupMember): Promise<void> {
  await scene.world.pause(random.duration(random.pick([10_000, 60_000, HOUR_MS])))
  if (member.working().length === 0) return
  incidents.count('group member wakes up late')
  await member.insist()
}

/** Looks at all offsets of a group, as nobody. */
async function watch(
  traffic: GroupTraffic,
  random: Seeded,
  group: string,
  name: string,
  rounds: number,
): Promise<void> {
  const { scene } = traffic
  const line = lineFor(traffic, random, name)
  const topic = keptTopic(scene)
  const client = { scene, random, line, group, name, topic, instanceId: undefined }
  for (let round = 0; round < rounds && scene.busy; round++) {
    await scene.world.pause(random.duration(1_500))
    await fetchOffsets(client, NOBODY, [], undefined)
    if (random.chance(0.4)) line.leave()
  }
  line.leave()
}

/** Sweeps through random processes and the coordinate function, until `over`. */
export async function runSweeps({ scene, random, incidents }: GroupTraffic, over: () => boolean): Promise<void> {
  const { world, cluster, fleet } = scene
  while (!over()) {
    await world.pause(random.duration(4_000))
    incidents.count('groups swept')
    if (random.chance(0.3)) {
      fleet.sweep()
      continue
    }
    const { host, log } = random.pick(cluster.processes)
    const groups = groupsOf(log)
    if (groups !== undefined) host.deliver(() => void groups.sweep().catch(world.fail))
  }
}

/**
 * Faults have stopped: new members that do what they should share out all partitions in time, and commit. Where wall clocks
 * differ they keep to one process, after a time in which everything has passed that a fast clock put into the future.
 */
export async function settleGroups(
  traffic: GroupTraffic,
  clocksDiffer: boolean,
  sight: (anomaly: string, detail: string) => void,
): Promise<void> {
  const { scene, random } = traffic
  if (clocksDiffer) await scene.world.pause(5 * HOUR_MS)
  await Promise.all(
    traffic.groups.map((plan) => settleGroup(traffic, random.fork(`settle ${plan.id}`), plan, clocksDiffer, sight)),
  )
}

async function settleGroup(
  traffic: GroupTraffic,
  random: Seeded,
  plan: GroupPlan,
  clocksDiffer: boolean,
  sight: (anomaly: string, detail: string) => void,
): Promise<void> {
  const { scene } = traffic
  const { world, cluster } = scene
  const topic = keptTopic(scene)
  const home = random.int(0, cluster.processes.length)
  let goesOn = true
  const members = Array.from({ length: random.int(1, 4) }, (_, i) => {
    const name = `${plan.id}-last-${i}`
    const line = clocksDiffer
      ? gatewayLine(scene, random, { connect: () => cluster.connect(home) })
      : lineFor(traffic, random, name)
    const client = { scene, random: random.fork(name), line, group: plan.id, name, topic, instanceId: undefined }
    return { line, member: createMember(plan, client) }
  })
  const lives = members.map(async ({ member }) => {
    while (goesOn && (await member.step())) await world.pause(random.int(300, 900))
  })
  const since = world.now()
  let before: readonly number[] | undefined
  const isShared = (): boolean => {
    const all = members.flatMap(({ member }) => member.working())
    // Somebody whose answer was lost may have added partitions that nobody here has heard of.
    return new Set(all).size === all.length && all.length >= topic.partitions
  }
  // Stable: everything is somebody's, and since it was so everybody who has something has committed.
  while (world.now() - since < STABLE_MS_MAX) {
    await world.pause(250)
    if (!isShared()) before = undefined
    else if (before === undefined) before = members.map(({ member }) => member.commits)
    else if (members.every(({ member }, i) => member.working().length === 0 || member.commits > before![i]!)) break
  }
  goesOn = false
  if (world.now() - since >= STABLE_MS_MAX) {
    const what = members.map(({ member }) => `${member.name} [${member.working()}] ${member.commits}`).join('; ')
    sight(
      'stuck',
      `the group ${plan.id} is not stable after ${STABLE_MS_MAX} ms, ${topic.partitions} partitions: ${what}`,
    )
  }
  await Promise.all(lives)
  for (const { member, line } of members) {
    await member.leave()
    line.leave()
  }
}

/** Everybody is asked for all offsets once more. */
export async function lastLooks({ scene, random, groups }: GroupTraffic): Promise<void> {
  const topic = keptTopic(scene)
  for (const { id } of groups) {
    for (const [index] of scene.cluster.processes.entries()) {
      const line = gatewayLine(scene, random, { connect: () => scene.cluster.connect(index) })
      const client = { scene, random, line, group: id, name: `last look ${index}`, topic, instanceId: undefined }
      for (let tries = 0; tries < 20; tries++) {
        if ((await fetchOffsets(client, NOBODY, [], undefined)) instanceof Map) break
        await scene.world.pause(100)
      }
      line.leave()
    }
  }
}
