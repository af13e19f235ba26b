// What is done to a deployment so that its cost can be counted: a log that was written to for more than an hour of simulated
// time, with the maintenance that a deployment would run beside it, and then each kind of request, many times and in new
// environments. Everything is counted as it happens; nothing here knows a price.
import { systemClock } from '../../lib/base/clock.ts'
import { newUlid } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import { encodeRequestFrame } from '../../lib/wire/frame.ts'
import { deleteTopics } from '../../lib/wire/messages/delete-topics.ts'
import { initProducerId } from '../../lib/wire/messages/init-producer-id.ts'
import {
  createTopicFrame,
  fetchFrame,
  produceFrame,
  readCreated,
  readFetched,
  readProduced,
  recordBatch,
  requestFrame,
} from '../../test/clients/raw.ts'
import { type Environment, type Invocation, type Measured, measured, startEnvironment, type World } from './lambda.ts'
import type { Removed } from './meter.ts'
import { times, type Usage } from './prices.ts'

export const VALUE_BYTES = 1024
export const RECORDS_PER_BATCH = 100
/** Of simulated time, while maintenance is counted. */
export const SECONDS_PER_FLUSH = 5
export const SCHEDULED_EVERY_HOURS = 6

const UNBATCHED = 'orders'
const BATCHED = 'batches'
const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const MIB = 2 ** 20
const UNAVAILABLE = 6
const REQUEST_TIMED_OUT = 7

export interface Counted {
  readonly unbatched: Measured
  readonly batched: Measured
  readonly tail: Measured
  readonly empty: Measured
  readonly catchUp: Measured
  readonly catchUpUnbatched: Measured
  readonly producerStart: Measured
  readonly versions: Measured
  readonly metadata: Measured
  readonly createTopic: Measured
  readonly cold: {
    readonly produce: Measured
    readonly tail: Measured
    readonly catchUp: Measured
    readonly metadata: Measured
    readonly producerStart: Measured
  }
  readonly maintenance: Measured
  /** Of maintenance, for each flush at the rate of `SECONDS_PER_FLUSH`. */
  readonly maintenancePerFlush: Usage
  /** For each collection among it, how many tiny segments lay in the table and what listing them all read. */
  readonly collections: readonly Collection[]
  readonly deletions: { readonly tinySegment: number; readonly answer: number }
  readonly scheduled: Measured
}

export interface Collection {
  readonly segments: number
  readonly readUnits: number
}

export const FLUSHES = 1024
/** So many that a checkpoint was due, and is old enough to collect what is before it while the others are written. */
const FLUSHES_BEFORE = 1050
const WARM = 32
const COLD_STARTS = 7

/** Somebody who sends numbered batches to one topic. */
interface Writer {
  send(environment: Environment, records?: number): Promise<Invocation>
}

async function openWriter(coordinate: Environment, topic: string): Promise<Writer> {
  const started = await coordinate.ask(startFrame(), ulid())
  const [error, id] = [started.body.readInt16BE(4), Number(started.body.readBigInt64BE(6))]
  if (error !== 0) throw new Error(`InitProducerId answered ${error}`)
  let sequence = 0
  return {
    async send(environment, records = 1) {
      const values = Array.from({ length: records }, () => Buffer.from(systemRandom.bytes(VALUE_BYTES)))
      const frame = produceFrame(topic, 0, recordBatch(values, Date.now(), { id, epoch: 0, sequence }))
      let answer = await environment.ask(frame, ulid())
      let produced = readProduced(answer.body)
      if (produced.error === REQUEST_TIMED_OUT && sequence === 0) {
        // The generation that this process was told last may be older than the horizon; the answer has told a newer one.
        answer = await environment.ask(frame, ulid())
        produced = readProduced(answer.body)
      }
      if (produced.error !== 0 || produced.baseOffset !== sequence) {
        const made = answer.calls.map((call) => `${call.operation} ${(call.endedAt - call.startedAt).toFixed(0)} ms`)
        const said = `${produced.error}, offset ${produced.baseOffset}`
        throw new Error(`a produce of ${topic} answered ${said}: ${made.join(', ')}`)
      }
      sequence += records
      return answer
    },
  }
}

const ulid = (): string => newUlid(systemClock, systemRandom)

function framed(buffers: readonly Uint8Array[]): Buffer {
  const frame = Buffer.concat(buffers)
  const prefix = Buffer.alloc(4)
  prefix.writeInt32BE(frame.length)
  return Buffer.concat([prefix, frame])
}
const HEADER = { correlationId: 1, clientId: null }
const startFrame = (): Buffer =>
  framed(encodeRequestFrame(initProducerId, 1, HEADER, { transactionalId: null, transactionTimeoutMs: 60_000 }))
const versionsFrame = (): Buffer => requestFrame(18, 0, new Uint8Array())
/** Of all topics. */
const metadataFrame = (): Buffer => requestFrame(3, 1, Buffer.from([255, 255, 255, 255]))

/** A stream of the table woke it. */
const CHUNK_EVENT = { Records: [{ eventSource: 'aws:dynamodb', dynamodb: { SequenceNumber: '1' } }] }

export async function count(world: World, say: (what: string) => void): Promise<Counted> {
  const open = new Map<string, Environment>()
  const kept = async (name: Parameters<typeof startEnvironment>[1]): Promise<Environment> => {
    const environment = open.get(name) ?? (await startEnvironment(world, name))
    open.set(name, environment)
    return environment
  }
  try {
    return await scenes(world, say, kept)
  } finally {
    for (const environment of open.values()) await environment.end()
  }
}

async function scenes(
  world: World,
  say: (what: string) => void,
  kept: (name: Parameters<typeof startEnvironment>[1]) => Promise<Environment>,
): Promise<Counted> {
  const [admin, coordinate, produce, fetch] = [
    await kept('admin'),
    await kept('coordinate'),
    await kept('produce'),
    await kept('fetch'),
  ]
  for (const topic of [UNBATCHED, BATCHED]) await createTopic(admin, topic)
  const orders = await openWriter(coordinate, UNBATCHED)

  say('a log that was written to for an hour')
  const paceMs = SECONDS_PER_FLUSH * SECOND_MS
  await steadily(world, FLUSHES_BEFORE, paceMs, () => orders.send(produce), await kept('maintenance'))
  say('unbatched produce requests, with maintenance beside them')
  const steady = await steadily(world, FLUSHES, paceMs, () => orders.send(produce), await kept('maintenance'))
  if (steady.collections.length === 0) throw new Error('Nothing was collected while maintenance was counted.')
  const maintenance = measured(steady.maintenance)

  say('batched produce requests')
  const batches = await openWriter(coordinate, BATCHED)
  const batched = await repeatedly(world, 128, () => batches.send(produce, RECORDS_PER_BATCH), SECOND_MS)

  say('fetches')
  let next = FLUSHES_BEFORE + FLUSHES
  const tail = await repeatedly(
    world,
    96,
    async () => {
      await orders.send(produce)
      world.aheadMs += SECOND_MS
      return fetched(await fetch.ask(fetchFrame(UNBATCHED, 0, next++, 500, VALUE_BYTES)), VALUE_BYTES)
    },
    SECOND_MS,
  )
  const empty = await repeatedly(world, 128, () => idleFetch(fetch, next), 2 * SECOND_MS)
  const catchUp = await readThrough(world, fetch, BATCHED, (WARM + 128) * RECORDS_PER_BATCH, MIB)
  const catchUpUnbatched = await readThrough(world, fetch, UNBATCHED, next, MIB / 4)

  say('producers that start, versions, metadata, topics')
  const producerStart = await repeatedly(world, 64, () => coordinate.ask(startFrame(), ulid()), SECOND_MS)
  const versions = await repeatedly(world, 64, () => admin.ask(versionsFrame()), SECOND_MS)
  const metadata = await repeatedly(world, 64, () => admin.ask(metadataFrame()), SECOND_MS)
  let topics = 0
  const created = await repeatedly(world, 32, () => createTopic(admin, `another-${topics++}`), SECOND_MS)

  say('cold starts')
  const cold = {
    produce: await inNew(world, 'produce', (environment) => orders.send(environment)),
    tail: await inNew(world, 'fetch', async (environment) =>
      fetched(await environment.ask(fetchFrame(UNBATCHED, 0, next - 1, 500, VALUE_BYTES)), VALUE_BYTES),
    ),
    catchUp: await inNew(world, 'fetch', async (environment) =>
      fetched(await environment.ask(fetchFrame(BATCHED, 0, 0, 500, MIB)), MIB / 2),
    ),
    metadata: await inNew(world, 'admin', (environment) => environment.ask(metadataFrame())),
    producerStart: await inNew(world, 'coordinate', (environment) => environment.ask(startFrame(), ulid())),
  }

  say('deletion of everything')
  const deletions = await deleteAll(world, admin, await kept('maintenance'), () => batches.send(produce))
  say('days with nobody connected')
  const scheduled = await inNew(
    world,
    'maintenance',
    (environment) => maintained(environment, { job: 'maintain' }),
    SCHEDULED_EVERY_HOURS * HOUR_MS,
  )
  return {
    unbatched: measured(steady.flushes),
    batched,
    tail,
    empty,
    catchUp,
    catchUpUnbatched,
    producerStart,
    versions,
    metadata,
    createTopic: created,
    cold,
    maintenance,
    maintenancePerFlush: times(maintenance.usage, maintenance.count / FLUSHES),
    collections: steady.collections,
    deletions,
    scheduled,
  }
}

/** Measures `count` of them after some that warm the environment; simulated time passes before each. */
async function repeatedly(
  world: World,
  count: number,
  run: () => Promise<Invocation>,
  pauseMs: number,
): Promise<Measured> {
  const invocations: Invocation[] = []
  for (let i = 0; i < WARM + count; i++) {
    world.aheadMs += pauseMs
    const invocation = await run()
    if (i >= WARM) invocations.push(invocation)
  }
  return measured(invocations)
}

/** The same in a new environment for each. */
async function inNew(
  world: World,
  name: Parameters<typeof startEnvironment>[1],
  run: (environment: Environment) => Promise<Invocation>,
  pauseMs = MINUTE_MS,
): Promise<Measured> {
  const invocations: Invocation[] = []
  for (let i = 0; i < COLD_STARTS; i++) {
    world.aheadMs += pauseMs
    const environment = await startEnvironment(world, name)
    try {
      invocations.push(await run(environment))
    } finally {
      await environment.end()
    }
  }
  return measured(invocations)
}

/** Flushes at a steady pace; new chunks wake maintenance, once a minute at most. */
async function steadily(
  world: World,
  count: number,
  pauseMs: number,
  flush: () => Promise<Invocation>,
  maintenance: Environment,
): Promise<{ flushes: Invocation[]; maintenance: Invocation[]; collections: Collection[] }> {
  const seen = { flushes: [] as Invocation[], maintenance: [] as Invocation[], collections: [] as Collection[] }
  let wakeAt = world.aheadMs + MINUTE_MS
  let generation = world.generation
  for (let i = 0; i < count; i++) {
    world.aheadMs += pauseMs
    seen.flushes.push(await flush())
    if (world.aheadMs < wakeAt || world.generation === generation) continue
    wakeAt = world.aheadMs + MINUTE_MS
    generation = world.generation
    const run = await maintained(maintenance, CHUNK_EVENT)
    seen.maintenance.push(run)
    const readUnits = tinyListing(run.calls)
    if (readUnits > 0) seen.collections.push({ segments: world.meter.count('TINY#'), readUnits })
  }
  return seen
}

async function maintained(environment: Environment, event: unknown): Promise<Invocation> {
  return { ...(await environment.invoke(event)), apiBytes: 0 }
}

/** What listing tiny segments read in one invocation. */
function tinyListing(calls: Invocation['calls']): number {
  return calls.reduce((sum, { queried, readUnits }) => sum + (queried?.startsWith('TINY#') ? readUnits : 0), 0)
}

async function createTopic(admin: Environment, topic: string): Promise<Invocation> {
  const answer = await admin.ask(createTopicFrame(topic, 1), ulid())
  const error = readCreated(answer.body)
  if (error !== 0) throw new Error(`creating the topic ${topic} answered ${error}`)
  return answer
}

function fetched(answer: Invocation, bytesMin: number): Invocation {
  const { error, records } = readFetched(answer.body)
  if (error !== 0 || records.length < bytesMin) throw new Error(`a fetch answered ${error}, ${records.length} bytes`)
  return answer
}

async function idleFetch(fetch: Environment, offset: number): Promise<Invocation> {
  const answer = await fetch.ask(fetchFrame(UNBATCHED, 0, offset, 500, MIB))
  if (answer.status !== 202) throw new Error(`a fetch with nothing to return was answered ${answer.status}`)
  return answer
}

/**
 * Reads a topic from its beginning; only whole steps count. A thousand items in a second may be too much for the emulator:
 * a step that has to be asked for again is not counted.
 */
async function readThrough(
  world: World,
  fetch: Environment,
  topic: string,
  end: number,
  stepBytes: number,
): Promise<Measured> {
  const invocations: Invocation[] = []
  let isRepeat = false
  for (let offset = 0; offset < end; ) {
    world.aheadMs += 10
    const answer = await fetch.ask(fetchFrame(topic, 0, offset, 500, stepBytes))
    const { error, records } = readFetched(answer.body)
    const last = [...batchesIn(records)].at(-1)
    if (error === UNAVAILABLE) {
      isRepeat = true
      continue
    }
    if (error !== 0 || last === undefined) throw new Error(`a fetch of ${topic} at ${offset} answered ${error}`)
    offset = last.next
    if (offset < end && !isRepeat) invocations.push(answer)
    isRepeat = false
  }
  if (invocations.length === 0) throw new Error(`no step through ${topic} was answered at once`)
  return measured(invocations)
}

function* batchesIn(bytes: Buffer): Generator<{ readonly next: number }> {
  for (let at = 0; at + 61 <= bytes.length; at += 12 + bytes.readInt32BE(at + 8)) {
    yield { next: Number(bytes.readBigInt64BE(at)) + bytes.readInt32BE(at + 23) + 1 }
  }
}

/** Deletes the topics and lets hours pass until the last tiny segment and the last remembered answer are gone. */
async function deleteAll(
  world: World,
  admin: Environment,
  maintenance: Environment,
  flush: () => Promise<unknown>,
): Promise<Counted['deletions']> {
  const topics = { topicNames: [UNBATCHED], timeoutMs: 30_000 }
  await admin.ask(framed(encodeRequestFrame(deleteTopics, 1, HEADER, topics)), ulid())
  const removed: Removed[] = []
  for (let rounds = 0; rounds < 60; rounds++) {
    world.aheadMs += 10 * MINUTE_MS
    await flush()
    const { calls } = await maintained(maintenance, CHUNK_EVENT)
    removed.push(...calls.flatMap((call) => call.removed))
  }
  const perItem = (items: readonly Removed[], what: string): number => {
    if (items.length < 50) throw new Error(`Only ${items.length} ${what} were deleted.`)
    return items.reduce((sum, { writeUnits }) => sum + writeUnits, 0) / items.length
  }
  return {
    tinySegment: perItem(
      removed.filter(({ sk }) => sk.startsWith('tiny/')),
      'tiny segments',
    ),
    answer: perItem(
      removed.filter(({ pk, sk }) => `${pk}${sk}`.includes('answers')),
      'remembered answers',
    ),
  }
}
