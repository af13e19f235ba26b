// A simulated consumer without a group: it assigns itself partitions, polls them through any process, seeks, asks for offsets
// and times, moves to another process in the middle, and notes every answer. The final reader does the same in earnest: it
// reads every partition from the beginning to its end, through one process.
import { FETCH_VIEW_AGE_MS } from '../../lib/base/limits.ts'
import type { FetchPartitionOutcome, Log } from '../../lib/log/log.ts'
import { readFetched } from './batches.ts'
import type { Connection, Started } from './cluster.ts'
import { fetchByFrame, isServed } from './frames.ts'
import type { Ask, Poll } from './history.ts'
import { EPOCH_MS } from './host.ts'
import type { HttpsClient, HttpsConnection } from './https.ts'
import { askEndByHttps, createHttpsLine, endByHttps, fetchByHttps, type HttpsLine } from './https-clients.ts'
import type { Seeded } from './random.ts'
import { createLine, type KnownTopic, type Line, pickTarget, type Scene, type Target, targetName } from './scene.ts'

interface Position {
  readonly target: Target
  assignment: number
  offset: number
}

interface FetchLimits {
  readonly bytesMin: number
  readonly bytesMax: number
  readonly partitionBytesMax: number
  readonly waitMsMax: number
  /** Through the broker, as a frame. */
  readonly byFrame: boolean
}

const REQUEST_TIMEOUT_MS = 8_000
/** Clocks run up to 2 % slow, and the function's own may miss what passes between two looks at both. */
const VIEW_AGE_MS_MAX = FETCH_VIEW_AGE_MS * 1.05

export async function runConsumer(
  scene: Scene,
  random: Seeded,
  name: string,
  rounds: number,
  https?: HttpsClient,
): Promise<void> {
  const { world } = scene
  const line = createLine(scene, random)
  const httpsLine = https && createHttpsLine(https, random)
  const positions = new Map<string, Position>()
  for (let round = 0; round < rounds && scene.busy; round++) {
    if (positions.size === 0 || random.chance(0.08)) assign(scene, random, positions)
    const draw = random.fraction()
    if (draw < 0.2 && httpsLine !== undefined) await askEndByHttps(scene, random, httpsLine)
    else if (draw < 0.12) await askOffsets(scene, random, line)
    else if (draw < 0.2) await askTime(scene, random, line)
    else if (positions.size > 0) await pollOnce(scene, random, httpsLine ?? line, name, positions)
    if (random.chance(0.06)) (httpsLine ?? line).leave()
    if (random.chance(0.1)) seek(scene, random, positions)
    await world.pause(random.duration(random.pick([5, 60, 250])))
  }
  line.leave()
  httpsLine?.leave()
}

function assign(scene: Scene, random: Seeded, positions: Map<string, Position>): void {
  positions.clear()
  for (let i = random.int(1, 5); i > 0; i--) {
    const target = pickTarget(scene, random)
    if (target === undefined) return
    positions.set(targetName(target), { target, assignment: ++scene.assignments, offset: 0 })
  }
}

function seek(scene: Scene, random: Seeded, positions: Map<string, Position>): void {
  if (positions.size === 0) return
  const position = random.pick([...positions.values()])
  position.assignment = ++scene.assignments
  // Sometimes beyond the end: that answer is a fact about now.
  position.offset = random.chance(0.5) ? random.int(0, position.offset + 1) : position.offset + random.int(0, 4)
}

async function pollOnce(
  scene: Scene,
  random: Seeded,
  line: Line | HttpsLine,
  name: string,
  positions: Map<string, Position>,
): Promise<void> {
  const limits = {
    bytesMin: random.chance(0.8) ? 1 : 4000,
    bytesMax: random.chance(0.8) ? 1_000_000 : 500,
    partitionBytesMax: random.chance(0.7) ? 1_000_000 : random.int(1, 600),
    waitMsMax: random.pick([0, 0, 30, 300, 1000]),
    byFrame: random.chance(0.4),
  }
  scene.operations++
  const asked = [...positions.values()]
  const polls = await fetchOnce(scene, line.connection(), name, asked, limits, false)
  for (const poll of polls ?? []) {
    const position = positions.get(poll.partition)
    if (position === undefined) continue
    const last = poll.records.at(-1)
    if (last !== undefined) position.offset = last.offset + 1
    if (poll.outcome === 'outOfRange') {
      position.assignment = ++scene.assignments
      position.offset = random.chance(0.5) ? poll.logStartOffset : poll.highWatermark
    }
    if (poll.outcome === 'unknownTopic') {
      positions.delete(poll.partition)
      scene.topics.delete(position.target.topic.id)
    }
  }
}

/** One fetch; undefined: no answer. Answers that only say "try again" are left out. */
async function fetchOnce(
  scene: Scene,
  connection: Connection | HttpsConnection,
  name: string,
  asked: readonly Position[],
  limits: FetchLimits,
  final: boolean,
): Promise<Poll[] | undefined> {
  const { history } = scene
  const begun = history.tick()
  const places = asked.map(({ offset, assignment }) => ({ offset, assignment }))
  const timeoutMs = REQUEST_TIMEOUT_MS + limits.waitMsMax
  const isHttps = !('signal' in connection)
  const reply = isHttps
    ? await fetchByHttps(connection, wantedOf(asked, places), limits)
    : await connection.request((log) => answerOf(fetch(log, connection, asked, places, limits)), timeoutMs)
  if (reply.kind !== 'answer') return undefined
  const completed = history.tick()
  const [outcomes, process, invoked] =
    'outcomes' in reply.value
      ? [reply.value.outcomes, reply.value.environment, reply.value.invoked]
      : [reply.value, (connection as Connection).hostName, begun]
  const polls: Poll[] = []
  outcomes.forEach((outcome, i) => {
    if (outcome.kind === 'unavailable' || outcome.kind === 'unknown' || outcome.kind === 'halted') return
    const { offset, assignment } = places[i]!
    const records = outcome.kind === 'records' ? readFetched(outcome.records, offset) : undefined
    const shows = outcome.kind !== 'unknownTopic'
    polls.push(
      history.add<Poll>({
        kind: 'poll',
        consumer: name,
        assignment,
        process,
        partition: targetName(asked[i]!.target),
        position: offset,
        invoked,
        completed,
        outcome: records?.kind === 'corrupt' ? 'corrupt' : outcome.kind,
        highWatermark: shows ? outcome.highWatermark : 0,
        logStartOffset: shows ? outcome.logStartOffset : 0,
        records: records?.kind === 'ok' ? records.records : [],
        final,
        ...(isHttps ? { viewAgeMsMax: VIEW_AGE_MS_MAX } : {}),
      }),
    )
  })
  return polls
}

const wantedOf = (asked: readonly Position[], places: readonly { readonly offset: number }[]) =>
  asked.map(({ target }, i) => ({ target, offset: places[i]!.offset }))

/** The handler of a fetch request: looks up the topics, freshly before it says that there is none. */
async function fetch(
  log: Log,
  connection: Connection,
  asked: readonly Position[],
  places: readonly { readonly offset: number }[],
  limits: FetchLimits,
): Promise<readonly FetchPartitionOutcome[]> {
  if (limits.byFrame && isServed(log)) {
    return fetchByFrame(log, connection, wantedOf(asked, places), limits)
  }
  if (asked.some(({ target }) => log.topicById(target.topic.id) === undefined)) {
    const fresh = await log.refresh()
    if (fresh.kind !== 'fresh') return asked.map(() => fresh)
  }
  const outcomes: FetchPartitionOutcome[] = asked.map(() => ({ kind: 'unknownTopic' }))
  const known = asked.flatMap(({ target }, i) => {
    const topic = log.topicById(target.topic.id)
    return topic === undefined ? [] : [{ i, topic, partition: target.partition, offset: places[i]!.offset }]
  })
  const found = await log.fetch({
    partitions: known.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      offset,
      bytesMax: limits.partitionBytesMax,
    })),
    bytesMin: limits.bytesMin,
    bytesMax: limits.bytesMax,
    waitMsMax: limits.waitMsMax,
    committedOnly: false,
    leaderEpoch: 0,
    signal: connection.signal,
  })
  known.forEach(({ i }, at) => {
    outcomes[i] = found[at]!
  })
  return outcomes
}

const answerOf = <T>(answer: Promise<T>): Started<T> => ({ admitted: Promise.resolve(), answer })

type Question = (log: Log) => Promise<Ask['answer'] | undefined>

async function ask(scene: Scene, connection: Connection, target: Target, question: Question): Promise<Ask | undefined> {
  const { history } = scene
  const invoked = history.tick()
  const reply = await connection.request((log) => answerOf(question(log)), REQUEST_TIMEOUT_MS)
  if (reply.kind !== 'answer' || reply.value === undefined) return undefined
  const completed = history.tick()
  const partition = targetName(target)
  return history.add<Ask>({
    kind: 'ask',
    process: connection.hostName,
    partition,
    invoked,
    completed,
    answer: reply.value,
  })
}

/** The question for the offsets of a partition now. */
function offsetsOf(target: Target): Question {
  return async (log) => {
    const topic = await freshTopic(log, target.topic)
    if (topic === undefined) return undefined
    if (topic === 'unknownTopic') return { kind: 'unknownTopic' }
    const offsets = await log.offsets(topic, target.partition)
    if (offsets.kind === 'found') return { ...offsets, kind: 'offsets' }
    return offsets.kind === 'unknownTopic' ? { kind: 'unknownTopic' } : undefined
  }
}

async function freshTopic(log: Log, { id }: KnownTopic) {
  const topic = log.topicById(id)
  if (topic !== undefined) return topic
  const fresh = await log.refresh()
  return fresh.kind === 'fresh' ? (log.topicById(id) ?? 'unknownTopic') : undefined
}

async function askOffsets(scene: Scene, random: Seeded, line: Line): Promise<void> {
  const target = pickTarget(scene, random)
  if (target === undefined) return
  scene.operations++
  await ask(scene, line.connection(), target, offsetsOf(target))
}

async function askTime(scene: Scene, random: Seeded, line: Line): Promise<void> {
  const target = pickTarget(scene, random)
  if (target === undefined) return
  scene.operations++
  const newest = random.chance(0.3)
  const timestamp = EPOCH_MS + Math.floor(scene.world.now()) - random.int(-1000, 20_000)
  await ask(scene, line.connection(), target, async (log) => {
    const topic = await freshTopic(log, target.topic)
    if (topic === undefined || topic === 'unknownTopic') return topic && { kind: 'unknownTopic' }
    const { partition } = target
    const found = newest
      ? await log.offsetOfMaxTimestamp(topic, partition)
      : await log.offsetForTimestamp(topic, partition, timestamp)
    if (found.kind !== 'found' && found.kind !== 'none') return undefined
    const place = {
      offset: found.kind === 'found' ? found.offset : undefined,
      found: found.kind === 'found' ? found.timestamp : -1,
    }
    return newest ? { kind: 'newest', ...place } : { kind: 'at', timestamp, ...place }
  })
}

/** Enough to outlast the slowest answer that was under way when the faults stopped. */
const FINAL_TRIES = 1000

/** Reads a partition from its start to its end through one process. False: it did not get there. */
export async function readToEnd(scene: Scene, process: number, target: Target, name: string): Promise<boolean> {
  const { world, cluster } = scene
  let connection = cluster.connect(process)
  let end: number | undefined
  const position: Position = { target, assignment: ++scene.assignments, offset: 0 }
  for (let tries = 0; tries < FINAL_TRIES; tries++) {
    if (tries > 0) await world.pause(50)
    if (!connection.open()) connection = cluster.connect(process)
    if (end === undefined) {
      const asked = await ask(scene, connection, target, offsetsOf(target))
      if (asked?.answer.kind === 'unknownTopic') return true
      if (asked?.answer.kind !== 'offsets') continue
      end = asked.answer.highWatermark
      position.offset = asked.answer.logStartOffset
    }
    const limits = { bytesMin: 1, bytesMax: 200_000, partitionBytesMax: 100_000, waitMsMax: 0, byFrame: false }
    const polls = await fetchOnce(scene, connection, name, [position], limits, true)
    const last = polls?.at(-1)
    if (last?.outcome === 'unknownTopic' || last?.outcome === 'corrupt') return true
    position.offset = Math.max(position.offset, (last?.records.at(-1)?.offset ?? -1) + 1)
    if (last !== undefined && position.offset >= end) {
      connection.close()
      return true
    }
  }
  return false
}

/** Reads a partition to the end that it has by then, over HTTPS. False: it did not get there. */
export async function readToEndByHttps(scene: Scene, https: HttpsClient, target: Target): Promise<boolean> {
  const end = await endByHttps(scene, https, target, FINAL_TRIES)
  let connection = https.connect()
  const position: Position = { target, assignment: ++scene.assignments, offset: 0 }
  const limits = { bytesMin: 1, bytesMax: 200_000, partitionBytesMax: 100_000, waitMsMax: 0, byFrame: true }
  for (let tries = 0; end !== undefined && tries < FINAL_TRIES; tries++) {
    if (position.offset >= end) {
      connection.close()
      return true
    }
    if (tries > 0) await scene.world.pause(50)
    if (!connection.open()) connection = https.connect()
    const polls = await fetchOnce(scene, connection, 'final https', [position], limits, false)
    position.offset = Math.max(position.offset, (polls?.at(-1)?.records.at(-1)?.offset ?? -1) + 1)
  }
  return false
}
