// What simulated clients do over HTTPS: produce, fetch and ask for ends of partitions through the real channel, create and
// delete topics of their own with requests that may be repeated, and break the rules (one request id for two frames, a
// request id from the future). What counts is what the client was told; an answer about what was not done is definite only
// where nobody but the try that gave it carried the request.
import { newUlid } from '../../lib/base/ids.ts'
import type { AppendBatchOutcome, FetchPartitionOutcome } from '../../lib/log/log.ts'
import { ErrorCode } from '../../lib/wire/errors.ts'
import { formatRequestId } from '../../lib/wire/https.ts'
import { batchOf } from './batches.ts'
import type { Reply } from './cluster.ts'
import {
  endFrame,
  endIn,
  fetchFrame,
  fetchOutcomes,
  onceError,
  onceFrame,
  produceFrame,
  produceOutcomes,
  producerIdFrame,
  producerIdIn,
} from './frames.ts'
import type { Ask, Once, Send, Try } from './history.ts'
import { EPOCH_MS } from './host.ts'
import type { HttpsClient, HttpsConnection } from './https.ts'
import type { Incidents } from './incidents.ts'
import type { Seeded } from './random.ts'
import { KEPT_TOPIC, type Scene, type Target, targetName } from './scene.ts'

/** One connection at a time. */
export interface HttpsLine {
  connection(): HttpsConnection
  leave(): void
  /** How long a client waits for an answer. */
  readonly timeoutMs: number
}

export function createHttpsLine(client: HttpsClient, random: Seeded): HttpsLine {
  let current: HttpsConnection | undefined
  return {
    timeoutMs: random.pick([8_000, 40_000]),
    connection() {
      if (current?.open()) return current
      current = client.connect()
      return current
    },
    leave() {
      current?.close()
      current = undefined
    },
  }
}

const LONG_FRAME_BYTES = 5_000
const REQUEST_TIMEOUT_MS = 40_000
const FETCH_TIMEOUT_MS = 10_000

/** A produce request. What one try refused another one may have written, unless there was no other. */
export async function produceByHttps(
  { history }: Scene,
  connection: HttpsConnection,
  batches: readonly { readonly target: Target; readonly bytes: Uint8Array }[],
  tries: readonly Try[],
): Promise<Reply<readonly AppendBatchOutcome[]>> {
  const started = history.tick()
  const reply = await connection.request(produceFrame(batches), REQUEST_TIMEOUT_MS)
  if (reply.kind !== 'answer') return reply
  const { frame, deliveries } = reply.value
  const outcomes = produceOutcomes(frame)
  const answered = history.tick()
  for (const [i, attempt] of tries.entries()) {
    const { kind } = outcomes[i]!
    attempt.started = started
    attempt.answered = answered
    attempt.outcome = kind === 'appended' || deliveries === 1 ? kind : 'unknown'
  }
  return { kind: 'answer', value: outcomes }
}

export async function producerIdByHttps({ world }: Scene, line: HttpsLine): Promise<number | undefined> {
  for (let tries = 0; tries < 3; tries++) {
    if (tries > 0) await world.pause(100)
    const reply = await line.connection().request(producerIdFrame(), line.timeoutMs)
    const id = reply.kind === 'answer' ? producerIdIn(reply.value.frame) : undefined
    if (id !== undefined) return id
  }
  return undefined
}

export async function fetchByHttps(
  connection: HttpsConnection,
  wanted: readonly { readonly target: Target; readonly offset: number }[],
  limits: Parameters<typeof fetchFrame>[1],
): Promise<
  Reply<{
    readonly outcomes: readonly FetchPartitionOutcome[]
    readonly environment: string
    readonly invoked: number
  }>
> {
  const reply = await connection.request(fetchFrame(wanted, limits), FETCH_TIMEOUT_MS + limits.waitMsMax)
  if (reply.kind !== 'answer') return reply
  const { frame, environment, invoked } = reply.value
  return { kind: 'answer', value: { outcomes: fetchOutcomes(frame), environment, invoked } }
}

/** Asks for the end of a partition; undefined: no answer. */
async function askEnd(scene: Scene, connection: HttpsConnection, target: Target): Promise<number | undefined> {
  const reply = await connection.request(endFrame(target), FETCH_TIMEOUT_MS)
  const end = reply.kind === 'answer' ? endIn(reply.value.frame) : undefined
  if (reply.kind !== 'answer' || end === undefined) return undefined
  scene.history.add<Ask>({
    kind: 'ask',
    process: reply.value.environment,
    partition: targetName(target),
    invoked: reply.value.invoked,
    completed: scene.history.tick(),
    answer: { kind: 'offsets', highWatermark: end, logStartOffset: 0 },
  })
  return end
}

/** Partitions of the topic whose name always means the same. */
function keptTargets(scene: Scene): Target[] {
  const topics = [...scene.topics.values()].filter(({ name }) => name === KEPT_TOPIC)
  return topics.flatMap((topic) => Array.from({ length: topic.partitions }, (_, partition) => ({ topic, partition })))
}

export async function askEndByHttps(scene: Scene, random: Seeded, line: HttpsLine): Promise<void> {
  scene.operations++
  await askEnd(scene, line.connection(), random.pick(keptTargets(scene)))
}

/** The end of a partition, asked for until there is an answer. */
export async function endByHttps(
  scene: Scene,
  client: HttpsClient,
  target: Target,
  triesMax: number,
): Promise<number | undefined> {
  for (let tries = 0; tries < triesMax; tries++) {
    if (tries > 0) await scene.world.pause(50)
    const connection = client.connect()
    const end = await askEnd(scene, connection, target)
    connection.close()
    if (end !== undefined) return end
  }
  return undefined
}

const DEFINITE_ERRORS: Record<Once['action'], number> = {
  create: ErrorCode.TOPIC_ALREADY_EXISTS,
  delete: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
}

/** Makes and deletes topics that nobody else knows, one after the other and again. */
export async function runOnce(
  scene: Scene,
  random: Seeded,
  client: HttpsClient,
  name: string,
  rounds: number,
): Promise<void> {
  const line = createHttpsLine(client, random)
  for (let round = 0; round < rounds && scene.busy; round++) {
    scene.operations++
    const action = round % 2 === 0 ? 'create' : 'delete'
    const op = noteOnce(scene, action, name, '')
    const reply = await line.connection().request(onceFrame(action, name), line.timeoutMs)
    finishOnce(scene, op, reply.kind === 'answer' ? reply.value.frame : undefined)
    await scene.world.pause(random.duration(random.pick([20, 200, 1_000])))
  }
  line.leave()
}

function noteOnce({ history }: Scene, action: Once['action'], name: string, requestId: string): Once {
  return history.add<Once>({
    kind: 'once',
    action,
    name,
    requestId,
    invoked: history.tick(),
    completed: undefined,
    outcome: 'info',
  })
}

function finishOnce({ history }: Scene, op: Once, frame: Uint8Array | undefined): void {
  if (frame === undefined) return
  const error = onceError(op.action, frame)
  if (error === ErrorCode.NONE) op.outcome = 'ok'
  else if (error === DEFINITE_ERRORS[op.action]) op.outcome = 'fail'
  op.completed = history.tick()
}

/** A client that breaks the rules for request ids: nothing that it was told may be untrue. */
export async function runRogue(
  scene: Scene,
  random: Seeded,
  client: HttpsClient,
  incidents: Incidents,
  name: string,
  rounds: number,
): Promise<void> {
  const clock = { now: () => EPOCH_MS + scene.world.now(), monotonic: scene.world.now, timer: () => () => {} }
  let generation = 1
  let values = 0

  async function frameOf(functionName: 'produce' | 'admin', requestId: string, frame: Uint8Array) {
    const sent = await client.send({ functionName, requestId, frame })
    if (sent.kind === 'answered' && sent.generation !== undefined) generation = sent.generation
    return sent.kind === 'answered' ? { status: sent.status, frame: Buffer.from(sent.body).subarray(4) } : undefined
  }
  /** True: it was told that its record is there. */
  async function produce(requestId: string, target: Target, paddingBytes = 0): Promise<boolean> {
    const value = `${name}.${++values}`
    const timestamps = [EPOCH_MS + Math.floor(scene.world.now())]
    const producer = { producerId: -1, producerEpoch: -1, baseSequence: -1 }
    const bytes = batchOf({ values: [value], timestamps, paddingBytes, ...producer })
    const attempt: Try = { connection: requestId, started: undefined, answered: undefined, outcome: undefined }
    const send = scene.history.add<Send>({
      kind: 'send',
      producer: name,
      idempotent: false,
      partition: targetName(target),
      values: [value],
      invoked: scene.history.tick(),
      completed: undefined,
      outcome: 'info',
      offset: undefined,
      tries: [attempt],
    })
    const answer = await frameOf('produce', requestId, produceFrame([{ target, bytes }]))
    const outcome = answer?.status === 200 ? produceOutcomes(answer.frame)[0] : undefined
    if (outcome?.kind === 'appended') Object.assign(send, { outcome: 'ok', offset: outcome.baseOffset })
    send.completed = scene.history.tick()
    return outcome?.kind === 'appended'
  }
  async function create(requestId: string, topic: string): Promise<void> {
    const op = noteOnce(scene, 'create', topic, requestId)
    const answer = await frameOf('admin', requestId, onceFrame('create', topic))
    finishOnce(scene, op, answer?.status === 200 ? answer.frame : undefined)
  }

  for (let round = 0; round < rounds && scene.busy; round++) {
    scene.operations++
    const id = newUlid(clock, random)
    // Under a short id a long frame is refused; under a long one both sizes go to the same store.
    const long = random.chance(0.3)
    const requestId = formatRequestId({ generation, id, long })
    if (random.chance(0.3)) {
      incidents.count('request id from the future')
      const later = formatRequestId({ generation: generation + random.int(1_000, 10_000), id, long })
      const isThere = await produce(later, random.pick(keptTargets(scene)))
      if (isThere) scene.history.add({ kind: 'sight', anomaly: 'future', detail: `${later} was answered` })
    } else {
      incidents.count('request id used for another frame')
      if (random.chance(0.5)) {
        // Side by side in one place or another: alike in everything but their records.
        const target = random.pick(keptTargets(scene))
        const paddingBytes = () => (random.chance(long ? 0.5 : 0.1) ? LONG_FRAME_BYTES : 0)
        const first = produce(requestId, target, paddingBytes())
        if (random.chance(0.5)) await first
        await Promise.all([first, produce(requestId, target, paddingBytes())])
      } else {
        await create(requestId, `${name}.${round}.a`)
        await create(requestId, `${name}.${round}.b`)
      }
    }
    await scene.world.pause(random.duration(300))
  }
}
