// What is done to a deployment so that its cost can be counted: a log that was written to for more than an hour of simulated
// time, with the maintenance that a deployment would run beside it, and then each kind of request, many times and in new
// environments. Everything is counted as it happens; nothing here knows a price.
import { FUNCTION_COLLECT_MS } from '../../lib/base/limits.ts'
import { fetchFrame } from '../../test/clients/raw.ts'
import {
  createTopic,
  deleteTopic,
  fetched,
  idleFetch,
  metadataFrame,
  openWriter,
  readThrough,
  startFrame,
  ulid,
  VALUE_BYTES,
  versionsFrame,
} from './clients.ts'
import { type CountedGroups, countGroups } from './groups.ts'
import { type Environment, type Invocation, type Measured, measured, startEnvironment, type World } from './lambda.ts'
import type { Removed } from './meter.ts'
import { times, type Usage } from './prices.ts'

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
  readonly groups: CountedGroups
  readonly cold: {
    readonly unbatched: Measured
    readonly batched: Measured
    readonly tail: Measured
    readonly empty: Measured
    readonly catchUp: Measured
    readonly producerStart: Measured
    readonly versions: Measured
    readonly metadata: Measured
    readonly createTopic: Measured
  }
  readonly maintenance: Measured
  /** Of maintenance, for each flush at the rate of `SECONDS_PER_FLUSH`. */
  readonly maintenancePerFlush: Usage
  /** For each collection among it, how many tiny segments lay in the table and what listing them all read. */
  readonly collections: readonly Collection[]
  readonly deletions: { readonly tinySegment: number; readonly answer: number }
  readonly scheduled: Measured
  /** The sweep of groups by the clock, when nobody is left whom it would remove. */
  readonly swept: Measured
}

export interface Collection {
  readonly segments: number
  readonly readUnits: number
}

export const FLUSHES = 1024
/** So many that a checkpoint was due, and is old enough to collect what is before it while the others are written. */
const FLUSHES_BEFORE = 1050
/** So many that a chunk is put, and a minute passes. */
const FLUSHES_TO_WAKE = 64
const WARM = 32
const COLD_STARTS = 7

/** A stream of the table woke it. */
const CHUNK_EVENT = { Records: [{ eventSource: 'aws:dynamodb', dynamodb: { SequenceNumber: '1' } }] }

const SWEEP_EVENT = { job: 'sweep' }

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
  // A collection collects what one before it has seen a checkpoint of.
  world.aheadMs += FUNCTION_COLLECT_MS
  await steadily(world, FLUSHES_TO_WAKE, paceMs, () => orders.send(produce), await kept('maintenance'))
  world.aheadMs += FUNCTION_COLLECT_MS
  say('unbatched produce requests, with maintenance and the collection of a day beside them')
  const steady = await steadily(world, FLUSHES, paceMs, () => orders.send(produce), await kept('maintenance'))
  if (steady.collections.length === 0) throw new Error('Nothing was collected while maintenance was counted.')
  const maintenance = measured(steady.maintenance)

  say('batched produce requests')
  const batches = await openWriter(coordinate, BATCHED)
  const batched = await repeatedly(world, 128, () => batches.send(produce, RECORDS_PER_BATCH), SECOND_MS)

  say('fetches')
  let next = FLUSHES_BEFORE + FLUSHES_TO_WAKE + FLUSHES
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
  const empty = await repeatedly(world, 128, () => idleFetch(fetch, UNBATCHED, next), 2 * SECOND_MS)
  const catchUp = await readThrough(world, fetch, BATCHED, (WARM + 128) * RECORDS_PER_BATCH, MIB)
  const catchUpUnbatched = await readThrough(world, fetch, UNBATCHED, next, MIB / 4)

  say('producers that start, versions, metadata, topics')
  const producerStart = await repeatedly(world, 64, () => coordinate.ask(startFrame(), ulid()), SECOND_MS)
  const versions = await repeatedly(world, 64, () => admin.ask(versionsFrame()), SECOND_MS)
  const metadata = await repeatedly(world, 64, () => admin.ask(metadataFrame()), SECOND_MS)
  let topics = 0
  const created = await repeatedly(world, 32, () => createTopic(admin, `another-${topics++}`), SECOND_MS)

  say('groups')
  const groups = await countGroups(world, coordinate, admin)

  say('cold starts')
  const cold = {
    tail: await inNew(world, 'fetch', async (environment) =>
      fetched(await environment.ask(fetchFrame(UNBATCHED, 0, next - 1, 500, VALUE_BYTES)), VALUE_BYTES),
    ),
    empty: await inNew(world, 'fetch', (environment) => idleFetch(environment, UNBATCHED, next)),
    catchUp: await inNew(world, 'fetch', async (environment) =>
      fetched(await environment.ask(fetchFrame(BATCHED, 0, 0, 500, MIB)), MIB / 2),
    ),
    unbatched: await inNew(world, 'produce', (environment) => orders.send(environment)),
    batched: await inNew(world, 'produce', (environment) => batches.send(environment, RECORDS_PER_BATCH)),
    producerStart: await inNew(world, 'coordinate', (environment) => environment.ask(startFrame(), ulid())),
    versions: await inNew(world, 'admin', (environment) => environment.ask(versionsFrame())),
    metadata: await inNew(world, 'admin', (environment) => environment.ask(metadataFrame())),
    createTopic: await inNew(world, 'admin', (environment) => createTopic(environment, `another-${topics++}`)),
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
  // The members that were counted fell silent days ago.
  await coordinate.invoke(SWEEP_EVENT)
  const swept = await inNew(world, 'coordinate', (environment) => maintained(environment, SWEEP_EVENT), HOUR_MS)
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
    groups,
    cold,
    maintenance,
    maintenancePerFlush: times(maintenance.usage, maintenance.count / FLUSHES),
    collections: steady.collections,
    deletions,
    scheduled,
    swept,
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

/** Deletes the topics and lets hours pass until the last tiny segment and the last remembered answer are gone. */
async function deleteAll(
  world: World,
  admin: Environment,
  maintenance: Environment,
  flush: () => Promise<unknown>,
): Promise<Counted['deletions']> {
  await deleteTopic(admin, UNBATCHED)
  const removed: Removed[] = []
  for (let rounds = 0; rounds < 10; rounds++) {
    world.aheadMs += FUNCTION_COLLECT_MS
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
