// A simulated administrator: creates topics (two at once may want the same name), changes their settings, adds partitions,
// deletes and re-creates them, and looks at names through any process. Every look is a fact about now.
import type { Log, Topic } from '../../lib/log/log.ts'
import type { Admin } from './history.ts'
import type { Seeded } from './random.ts'
import { createLine, KEPT_TOPIC, type KnownTopic, type Line, type Scene } from './scene.ts'

type Outcome = Pick<Admin, 'outcome' | 'topic'>

const REQUEST_TIMEOUT_MS = 15_000
const NAMES = ['orders', 'clicks', 'audit', 'metrics']

const fact = ({ id, number, version, partitions }: Topic) => ({ id, number, version, partitions })

/** Runs one administrator for a number of actions. */
export async function runAdmin(scene: Scene, random: Seeded, actions: number): Promise<void> {
  const line = createLine(scene, random)
  for (let i = 0; i < actions && scene.busy; i++) {
    const topic = scene.topics.size > 0 ? random.pick([...scene.topics.values()]) : undefined
    const draw = random.fraction()
    if (topic === undefined || draw < 0.15) await createTopic(scene, line, random.pick(NAMES), random.int(1, 4))
    else if (draw < 0.3) await changeTopic(scene, random, line, topic)
    else if (draw < 0.38 && scene.topics.size > 2 && topic.name !== KEPT_TOPIC) await deleteTopic(scene, line, topic)
    else await look(scene, line, random.chance(0.7) ? topic.name : random.pick(NAMES))
    if (random.chance(0.2)) line.leave()
    await scene.world.pause(random.duration(random.pick([20, 200, 800])))
  }
  line.leave()
}

/** Does one thing through a process and notes it; undefined: no answer. */
async function act(
  scene: Scene,
  line: Line,
  op: Pick<Admin, 'action' | 'name' | 'topic'>,
  work: (log: Log) => Promise<Outcome>,
): Promise<Admin> {
  const { history } = scene
  scene.operations++
  const connection = line.connection()
  const noted = history.add<Admin>({
    kind: 'admin',
    ...op,
    process: connection.hostName,
    invoked: history.tick(),
    completed: undefined,
    outcome: 'info',
  })
  const reply = await connection.request(
    (log) => ({ admitted: Promise.resolve(), answer: work(log) }),
    REQUEST_TIMEOUT_MS,
  )
  if (reply.kind !== 'answer') {
    line.leave()
    return noted
  }
  noted.outcome = reply.value.outcome
  if (reply.value.topic !== undefined) noted.topic = reply.value.topic
  noted.completed = history.tick()
  return noted
}

function learn(scene: Scene, name: string, topic: Admin['topic']): void {
  if (topic === undefined) return
  const id = topic.id as KnownTopic['id']
  const known = scene.topics.get(id)
  if (known === undefined) scene.topics.set(id, { id, name, partitions: topic.partitions })
  else known.partitions = Math.max(known.partitions, topic.partitions)
}

export async function createTopic(scene: Scene, line: Line, name: string, partitions: number): Promise<Admin> {
  const op = await act(scene, line, { action: 'create', name, topic: undefined }, async (log) => {
    const outcome = await log.createTopic({ name, partitions, configs: new Map() })
    if (outcome.kind === 'created') return { outcome: 'ok', topic: fact(outcome.topic) }
    const failed = outcome.kind === 'exists' || outcome.kind === 'limit' || outcome.kind === 'unavailable'
    return { outcome: failed ? 'fail' : 'info', topic: undefined }
  })
  if (op.outcome === 'ok') learn(scene, name, op.topic)
  return op
}

export async function look(scene: Scene, line: Line, name: string): Promise<Admin> {
  const op = await act(scene, line, { action: 'look', name, topic: undefined }, async (log) => {
    const fresh = await log.refresh()
    if (fresh.kind !== 'fresh') return { outcome: 'info', topic: undefined }
    const topic = log.topicByName(name)
    return topic === undefined ? { outcome: 'none', topic } : { outcome: 'ok', topic: fact(topic) }
  })
  if (op.outcome === 'ok') learn(scene, name, op.topic)
  return op
}

async function changeTopic(scene: Scene, random: Seeded, line: Line, known: KnownTopic): Promise<void> {
  const grow = random.chance(0.4) && known.partitions < 8
  const setting = new Map([['retention.ms', String(random.int(1, 1_000_000))]])
  const op = await act(scene, line, { action: 'change', name: known.name, topic: undefined }, async (log) => {
    const topic = log.topicById(known.id)
    if (topic === undefined) return { outcome: 'fail', topic: undefined }
    const outcome = grow
      ? await log.addPartitions(topic, topic.partitions + 1)
      : await log.configureTopic(topic, setting)
    if (outcome.kind === 'changed' && outcome.topic.version !== topic.version + 1) {
      const detail = `${known.name}: version ${topic.version} became ${outcome.topic.version}`
      scene.history.add({ kind: 'sight', anomaly: 'lost-update', detail })
    }
    if (outcome.kind === 'changed') return { outcome: 'ok', topic: fact(outcome.topic) }
    return { outcome: outcome.kind === 'unknown' || outcome.kind === 'halted' ? 'info' : 'fail', topic: undefined }
  })
  if (op.outcome === 'ok') learn(scene, known.name, op.topic)
}

async function deleteTopic(scene: Scene, line: Line, known: KnownTopic): Promise<void> {
  scene.topics.delete(known.id)
  const topic = { id: known.id, number: 0, version: 0, partitions: known.partitions }
  await act(scene, line, { action: 'delete', name: known.name, topic }, async (log) => {
    const found = log.topicById(known.id)
    if (found === undefined) return { outcome: 'fail', topic: undefined }
    const outcome = await log.deleteTopic(found)
    const unsure = outcome.kind === 'unknown' || outcome.kind === 'halted'
    return { outcome: outcome.kind === 'deleted' ? 'ok' : unsure ? 'info' : 'fail', topic: undefined }
  })
}
