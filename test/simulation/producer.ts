// A simulated producer. An idempotent one does what real clients do: one producer id, an epoch, a sequence per partition, at
// most five batches of a partition in flight, in order; whatever is not answered is sent again with the same sequence, over
// another connection to another process if need be, while the old request may still be on its way. A plain one either
// repeats what it does not know (and may so write twice) or gives up at once.
import type { AppendBatchOutcome, BatchToAppend, Log } from '../../lib/log/log.ts'
import { batchOf } from './batches.ts'
import type { Connection, Started } from './cluster.ts'
import { isServed, produceByFrame } from './frames.ts'
import type { Send, Try } from './history.ts'
import { EPOCH_MS } from './host.ts'
import type { HttpsClient } from './https.ts'
import { createHttpsLine, produceByHttps, producerIdByHttps } from './https-clients.ts'
import type { Seeded } from './random.ts'
import { createLine, KEPT_TOPIC, type Scene, type Target, targetName } from './scene.ts'

interface Batch {
  /** How many were made for its partition before it. */
  readonly index: number
  readonly send: Send
  readonly target: Target
  readonly bytes: Uint8Array
  readonly maxTimestamp: number
  readonly baseSequence: number
  readonly producerEpoch: number
  readonly bornMs: number
  inFlight: boolean
}

interface Lane {
  nextSequence: number
  /** Batches made so far. */
  made: number
  /** Sent or to be sent, oldest first. */
  readonly open: Batch[]
}

export interface ProducerOptions {
  readonly name: string
  readonly idempotent: boolean
  /** Plain producers: repeats what is unknown. */
  readonly repeats: boolean
  /** Batches to send. */
  readonly batches: number
  /** Through the broker, as frames, to the topic that is never deleted. */
  readonly byFrame: boolean
  /** Sends to this many partitions at once. */
  readonly fanOut: number
  /** Over HTTPS, to the topic that is never deleted. */
  readonly https?: HttpsClient
}

const IN_FLIGHT_MAX = 5
const REQUEST_TIMEOUT_MS = 8_000
const DELIVERY_TIMEOUT_MS = 600_000
const NEW_TRY = { started: undefined, answered: undefined, outcome: undefined }
/** Nothing was changed, or nothing ever will be. */
const DEFINITE = new Set(['unavailable', 'unknownTopic', 'outOfOrderSequence', 'invalidProducerEpoch', 'limit'])

/** Runs until all batches are resolved or given up. */
export async function runProducer(scene: Scene, random: Seeded, options: ProducerOptions): Promise<void> {
  const { world, history } = scene
  const https = options.https && createHttpsLine(options.https, random)
  const producerId = options.idempotent ? await newProducerId() : -1
  const line = createLine(scene, random)
  const lanes = new Map<string, Lane>()
  let epoch = options.idempotent ? 0 : -1
  let left = options.batches
  let values = 0
  let requests = 0
  let wake: () => void = () => {}

  async function newProducerId(): Promise<number> {
    const own = 2 ** 32 + random.int(0, 2 ** 30)
    return https === undefined ? own : ((await producerIdByHttps(scene, https)) ?? own)
  }
  function leave(): void {
    line.leave()
    https?.leave()
  }
  const laneOf = (target: Target): Lane => {
    const key = targetName(target)
    let lane = lanes.get(key)
    if (lane === undefined) {
      lane = { nextSequence: 0, made: 0, open: [] }
      lanes.set(key, lane)
    }
    return lane
  }
  const openBatches = (): Batch[] => [...lanes.values()].flatMap((lane) => lane.open)

  function makeBatch(target: Target): void {
    const lane = laneOf(target)
    // Brokers remember the last five batches: who is not sure of one stays within five of it, answered ones included.
    const [first] = lane.open
    if (first !== undefined && lane.made - first.index >= IN_FLIGHT_MAX) return
    const count = random.int(1, 4)
    const names = Array.from({ length: count }, () => `${options.name}.${++values}`)
    const timestamps = names.map(() => EPOCH_MS + Math.floor(world.now()) + random.int(-500, 500))
    const baseSequence = options.idempotent ? lane.nextSequence : -1
    const paddingBytes = random.chance(0.1) ? random.int(1000, 7000) : random.int(0, 100)
    const bytes = batchOf({ values: names, timestamps, paddingBytes, producerId, producerEpoch: epoch, baseSequence })
    const send = history.add<Send>({
      kind: 'send',
      producer: `${options.name}/${epoch}`,
      idempotent: options.idempotent,
      partition: targetName(target),
      values: names,
      invoked: history.tick(),
      completed: undefined,
      outcome: 'info',
      offset: undefined,
      tries: [],
    })
    const maxTimestamp = Math.max(...timestamps)
    lane.open.push({
      index: lane.made++,
      send,
      target,
      bytes,
      maxTimestamp,
      baseSequence,
      producerEpoch: epoch,
      bornMs: world.now(),
      inFlight: false,
    })
    lane.nextSequence += count
    left--
    scene.operations++
  }

  function finish(batch: Batch, outcome: Send['outcome'], offset?: number): void {
    const lane = laneOf(batch.target)
    const at = lane.open.indexOf(batch)
    if (at < 0) return
    lane.open.splice(at, 1)
    batch.send.completed = history.tick()
    batch.send.outcome = outcome
    batch.send.offset = offset
  }
  /** What remains in doubt once no further try is made. */
  function giveUp(batch: Batch): void {
    const definite = batch.send.tries.every((t) => t.outcome !== undefined && DEFINITE.has(t.outcome))
    finish(batch, definite ? 'fail' : 'info')
  }
  /** A new epoch: whatever is open under the old one stays unknown, and sequences start anew. */
  function renew(): void {
    for (const batch of openBatches()) giveUp(batch)
    lanes.clear()
    leave()
    if (options.idempotent) epoch++
  }

  function judge(batch: Batch, outcome: AppendBatchOutcome): void {
    const first = laneOf(batch.target).open[0] === batch
    switch (outcome.kind) {
      case 'appended':
      case 'duplicate':
        finish(batch, 'ok', outcome.baseOffset)
        return
      case 'unknownTopic':
        scene.topics.delete(batch.target.topic.id)
        for (const open of [...laneOf(batch.target).open]) giveUp(open)
        return
      case 'outOfOrderSequence':
      case 'invalidProducerEpoch':
        if (first || outcome.kind === 'invalidProducerEpoch') {
          const detail = `${batch.send.partition} ${batch.send.values[0]}: ${outcome.kind}, nothing before it is open`
          history.add({ kind: 'sight', anomaly: 'sequence-lost', detail })
          renew()
        }
        return
      case 'halted':
        leave()
        return
      default:
        if (!options.idempotent && !options.repeats) giveUp(batch)
    }
  }

  function nextRequest(): Batch[] {
    const chosen: Batch[] = []
    for (const lane of lanes.values()) {
      const next = lane.open.find((batch) => !batch.inFlight)
      if (next !== undefined && chosen.length < options.fanOut) chosen.push(next)
    }
    return chosen
  }

  async function send(batches: readonly Batch[]): Promise<void> {
    requests++
    const connection = https?.connection() ?? line.connection()
    const tries = batches.map((batch) => {
      batch.inFlight = true
      const attempt: Try = { ...NEW_TRY, connection: connection.id, alone: https !== undefined }
      batch.send.tries.push(attempt)
      return attempt
    })
    const reply =
      'signal' in connection
        ? await connection.request(
            (log) => produce(scene, log, connection, batches, tries, options.byFrame),
            REQUEST_TIMEOUT_MS,
          )
        : await produceByHttps(scene, connection, batches, tries)
    requests--
    for (const batch of batches) batch.inFlight = false
    const current = batches.filter((batch) => batch.producerEpoch === epoch)
    if (reply.kind === 'answer') {
      for (const batch of current) judge(batch, reply.value[batches.indexOf(batch)]!)
    } else if (!options.idempotent && !options.repeats) for (const batch of current) giveUp(batch)
    wake()
  }

  for (;;) {
    if (!scene.busy) left = 0
    for (const batch of openBatches()) if (world.now() - batch.bornMs > DELIVERY_TIMEOUT_MS) return renew()
    const open = openBatches()
    if (left === 0 && open.length === 0) break
    for (let i = 0; i < options.fanOut && left > 0; i++) {
      const targets = pickTargets(scene, random, options)
      for (const target of targets) if (left > 0) makeBatch(target)
      if (targets.length === 0 || targets.length > 1) break
    }
    const batches = requests < IN_FLIGHT_MAX ? nextRequest() : []
    if (batches.length > 0) void send(batches)
    if (options.idempotent && random.chance(0.01)) renew()
    else if (random.chance(0.04)) leave()
    const again = batches.length > 0 && random.chance(0.5) ? random.fraction() * 3 : random.duration(60)
    await Promise.race([world.pause(again), new Promise<void>((resolve) => (wake = resolve))])
  }
  leave()
}

/** Several partitions of one topic; half of the time the first one, where batches then follow each other closely. */
function pickTargets(scene: Scene, random: Seeded, { fanOut, byFrame, https }: ProducerOptions): Target[] {
  const byName = byFrame || https !== undefined
  const topics = [...scene.topics.values()].filter((topic) => !byName || topic.name === KEPT_TOPIC)
  if (topics.length === 0) return []
  const wide = fanOut > 10
  const topic = wide ? topics.reduce((a, b) => (b.partitions > a.partitions ? b : a)) : random.pick(topics)
  if (!wide && random.chance(0.5)) return [{ topic: topics[0]!, partition: 0 }]
  const wanted = wide ? topic.partitions : random.int(1, fanOut + 1)
  const first = random.int(0, topic.partitions)
  return Array.from({ length: Math.min(wanted, topic.partitions) }, (_, i) => ({
    topic,
    partition: (first + i) % topic.partitions,
  }))
}

/** The handler of a produce request, as the gateway has it: looks up the topics, appends, answers. */
async function produce(
  scene: Scene,
  log: Log,
  connection: Connection,
  batches: readonly Batch[],
  tries: readonly Try[],
  byFrame: boolean,
): Promise<Started<readonly AppendBatchOutcome[]>> {
  const { history } = scene
  if (byFrame && isServed(log)) {
    const { admitted, answer } = produceByFrame(log, connection, batches)
    return {
      admitted,
      answer: answer.then((list) => list.map((outcome, i) => note(history.tick(), tries[i]!, outcome))),
    }
  }
  if (batches.some(({ target }) => target.partition >= (log.topicById(target.topic.id)?.partitions ?? 0))) {
    const fresh = await log.refresh()
    if (fresh.kind !== 'fresh') return answered(batches.map(() => fresh))
  }
  const outcomes: AppendBatchOutcome[] = batches.map(() => ({ kind: 'unknownTopic' }))
  const known: number[] = []
  const toAppend: BatchToAppend[] = []
  batches.forEach(({ target, bytes, send, maxTimestamp, producerEpoch, baseSequence }, i) => {
    const topic = log.topicById(target.topic.id)
    if (topic === undefined || target.partition >= topic.partitions) return
    known.push(i)
    const producerId = send.idempotent ? producerIdOf(bytes) : -1
    const recordCount = send.values.length
    toAppend.push({
      topic,
      partition: target.partition,
      bytes,
      recordCount,
      maxTimestamp,
      producerId,
      producerEpoch,
      baseSequence,
    })
  })
  const started = history.tick()
  for (const attempt of tries) attempt.started = started
  if (toAppend.length === 0) return answered(outcomes.map((outcome, i) => note(history.tick(), tries[i]!, outcome)))
  const append = log.append(connection.id, toAppend)
  const answer = append.outcomes.then((list) => {
    const now = history.tick()
    known.forEach((index, i) => {
      outcomes[index] = list[i]!
    })
    return outcomes.map((outcome, i) => note(now, tries[i]!, outcome))
  })
  return { admitted: append.admitted, answer }
}

function note(now: number, attempt: Try, outcome: AppendBatchOutcome): AppendBatchOutcome {
  attempt.answered = now
  attempt.outcome = outcome.kind
  return outcome
}

const answered = (outcomes: readonly AppendBatchOutcome[]): Started<readonly AppendBatchOutcome[]> => ({
  admitted: Promise.resolve(),
  answer: Promise.resolve(outcomes),
})

function producerIdOf(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset + 43, 8).getBigInt64(0))
}
