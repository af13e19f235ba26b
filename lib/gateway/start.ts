// Puts a gateway together: ports bound first (a taken one is known before anything else happens), then stores, log,
// membership and broker; and takes it apart in the opposite order. What a person can put right is an outcome with one
// sentence; nothing is left open behind it.
import { networkInterfaces } from 'node:os'
import { type Address, formatAddress } from '../base/address.ts'
import { StoredBytesError } from '../base/bytes.ts'
import { type Clock, sleep, systemClock } from '../base/clock.ts'
import { GROUP_SWEEP_MS } from '../base/limits.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import { systemRandom } from '../base/random.ts'
import { startRepeating } from '../base/repeat.ts'
import type { Broker, Members } from '../broker/broker.ts'
import { type BrokerSettings, brokerSettings } from '../broker/broker-settings.ts'
import { createBroker } from '../broker/router.ts'
import { createGroups } from '../groups/coordinator.ts'
import { createFrameDoor, FRAME_DOOR_SETTINGS, type FrameDoor } from '../http/frame-door.ts'
import { health } from '../http/health.ts'
import { createMetrics, type Metrics } from '../http/metrics.ts'
import { createAnswerMemory, forgetAnswers } from '../http/remembered-answers.ts'
import { type HttpServer, openHttpServer, type Route, type Routes, reading } from '../http/server.ts'
import { startMaintenance } from '../log/maintenance.ts'
import { type OpenedLog, openLog } from '../log/open-log.ts'
import { observeStores } from '../storage/observed.ts'
import type { Stores } from '../storage/ports.ts'
import { FRAME_FUNCTIONS, HTTPS_FRAME_BYTES_MAX } from '../wire/https.ts'
import { threadedCompression } from '../wire/native-compression.ts'
import { type Listener, openListener } from './listener.ts'
import { joinMembers } from './membership.ts'
import { openStores, type StoreChoice } from './open-stores.ts'
import { RELEASE } from './release.ts'

/** How long a gateway that stops tries to take itself off the list; the others notice anyway. */
const LEAVE_MS_MAX = 3000

export interface StartOptions {
  readonly store: StoreChoice
  /** Where Kafka clients connect; port 0 takes any. */
  readonly kafka: Address
  readonly http?: Address
  /** What Metadata tells clients, if it differs from where the gateway listens. */
  readonly advertise?: Address
  /** The node id that this gateway must have (`node.id`); otherwise it gets a free one. */
  readonly nodeId?: number
  /** Broker settings by Kafka's names. */
  readonly settings?: Readonly<Record<string, string>>
  readonly logger?: GatewayLogger
  readonly clock?: Clock
  /** Bytes that requests may hold; see `REQUEST_MEMORY_BYTES_MAX`. */
  readonly memoryBytesMax?: number
}

export interface GatewayLogger extends Logger {
  debug(fields: object, message: string): void
}

export interface Gateway {
  readonly kafka: Address
  readonly http: Address | undefined
  readonly advertised: Address
  /** Where the data is, for people. */
  readonly where: string
  readonly members: Members
  readonly log: OpenedLog
  /** Finishes what is under way (bounded) and ends. Safe to call twice. */
  close(): Promise<void>
}

export type StartOutcome =
  | { readonly kind: 'started'; readonly gateway: Gateway }
  | { readonly kind: 'problem'; readonly sentence: string }

/** Something that a person has to put right, on its way to the outcome. */
class Problem extends Error {
  override name = 'Problem'
}

/** Undoes what was done, last first; every step runs, whatever an earlier one threw. */
class Cleanup {
  readonly #steps: (() => Promise<void> | void)[] = []
  #running: Promise<void> | undefined

  add(step: () => Promise<void> | void): void {
    this.#steps.push(step)
  }

  run(): Promise<void> {
    this.#running ??= this.#undo()
    return this.#running
  }

  async #undo(): Promise<void> {
    const failures: unknown[] = []
    for (const step of this.#steps.reverse()) {
      try {
        await step()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}

/** Starts a gateway. */
export async function startGateway(options: StartOptions): Promise<StartOutcome> {
  const cleanup = new Cleanup()
  try {
    return { kind: 'started', gateway: await start(options, cleanup) }
  } catch (error) {
    await cleanup.run().catch(() => {})
    if (error instanceof Problem) return { kind: 'problem', sentence: error.message }
    throw error
  }
}

async function start(options: StartOptions, cleanup: Cleanup): Promise<Gateway> {
  const clock = options.clock ?? systemClock
  const logger = options.logger ?? { ...silentLogger, debug: () => {} }
  const settings = settingsOf(options.settings ?? {})
  const metrics = createMetrics()
  cleanup.add(() => metrics.close())
  const listener = await bindKafka(options, settings, metrics, logger)
  let dropListener = (): Promise<void> => listener.close(0)
  cleanup.add(() => dropListener())
  const http = await bindHttp(options.http, cleanup)

  const { stores: opened, where, logDir = where, clusterId } = await open(options.store)
  cleanup.add(() => opened.close())
  const stores = observeStores(opened, metrics.onStoreCall, clock)
  const log = await openTheLog(stores, where, clock, logger)
  cleanup.add(() => log.close())
  const also = async (): Promise<void> => {
    await forgetAnswers(log, stores.documents, clock)
  }
  cleanup.add(startMaintenance({ log, stores, clock, random: systemRandom, logger, also }))

  const kafka = { host: listener.host, port: listener.port }
  const advertised = options.advertise ?? { host: reachableHost(kafka.host), port: kafka.port }
  const { nodeId } = options
  const identity = { ...(clusterId === undefined ? {} : { clusterId }), ...(nodeId === undefined ? {} : { nodeId }) }
  const ports = { documents: stores.documents, clock, random: systemRandom, logger, ...identity }
  const members = await joinMembers(ports, advertised).catch((error: unknown) => {
    if (error instanceof StoredBytesError) throw new Problem(`This release cannot join the others: ${error.message}.`)
    throw new Problem(error instanceof Error ? error.message : String(error))
  })
  cleanup.add(() => withinMs(clock, LEAVE_MS_MAX, members.leave()))
  // From now on requests under way are finished first, while log and membership are still there.
  dropListener = async () => {}
  cleanup.add(() => listener.close())

  const random = systemRandom
  const compression = threadedCompression
  const onRequest = metrics.onRequest
  const groups = createGroups({
    log,
    documents: stores.documents,
    clock,
    random,
    settings: settings.group,
  })
  const onError = (error: unknown): void =>
    logger.error({ err: error }, 'sweeping groups broke down; it is tried again')
  cleanup.add(startRepeating({ everyMs: GROUP_SWEEP_MS, clock, random, job: () => groups.sweep(), onError }))
  const brokerFor = (seen: Members, settings: BrokerSettings): Broker =>
    createBroker({ log, groups, members: seen, settings, compression, clock, random, logger, onRequest, logDir })
  const doorSettings = settingsOf({ ...options.settings, ...FRAME_DOOR_SETTINGS })
  const answers = createAnswerMemory({ log, documents: stores.documents, clock, random })
  const door = createFrameDoor({ log, members, answers, logger, broker: (seen) => brokerFor(seen, doorSettings) })
  listener.serve(brokerFor(members, settings), () => log.fetchMemory.waiting)
  metrics.attach({ status: () => log.status(), budget: () => listener.budget, fetchMemory: () => log.fetchMemory })
  http?.serve(routes(log, members, metrics, door))
  const httpAddress = http === undefined ? undefined : { host: http.host, port: http.port }
  return { kafka, http: httpAddress, advertised, where, members, log, close: () => cleanup.run() }
}

function settingsOf(explicit: Readonly<Record<string, string>>): BrokerSettings {
  const outcome = brokerSettings(new Map(Object.entries(explicit)))
  if (outcome.kind === 'ok') return outcome.settings
  const hint = outcome.kind === 'unknown' && outcome.nearest ? ` Did you mean ${outcome.nearest}?` : ''
  throw new Problem(outcome.message + hint)
}

async function bindKafka(
  { kafka, clock, memoryBytesMax }: StartOptions,
  settings: BrokerSettings,
  metrics: Metrics,
  logger: GatewayLogger,
): Promise<Listener> {
  const idleMsMax = settings.connectionIdleMsMax < 0 ? Number.POSITIVE_INFINITY : settings.connectionIdleMsMax
  try {
    return await openListener({
      ...kafka,
      idleMsMax,
      frameBytesMax: settings.frameBytesMax,
      connectionsMax: settings.connectionsMax,
      observer: metrics.observer,
      log: logger,
      ...(clock === undefined ? {} : { clock }),
      ...(memoryBytesMax === undefined ? {} : { memoryBytesMax }),
    })
  } catch (error) {
    throw new Problem(bindProblem(kafka, '--kafka', error))
  }
}

async function bindHttp(address: Address | undefined, cleanup: Cleanup): Promise<HttpServer | undefined> {
  if (address === undefined) return undefined
  try {
    const http = await openHttpServer(address.host, address.port)
    cleanup.add(() => http.close())
    return http
  } catch (error) {
    throw new Problem(bindProblem(address, '--http', error))
  }
}

/** Why an address could not be listened on, and what to do about it. `flag` is the option that names it. */
export function bindProblem(address: Address, flag: string, error: unknown): string {
  const { host } = address
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  const place = formatAddress(address)
  if (code === 'EADDRINUSE')
    return `${place} is taken: another process listens there. Choose another port with ${flag}.`
  if (code === 'EACCES') return `${place} may not be used without more rights. Choose a port above 1023 with ${flag}.`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `${host} is not an address of this machine (${flag}).`
  return `${place} cannot be listened on (${code}).`
}

async function open(choice: StoreChoice) {
  const opened = await openStores(choice)
  if (opened.kind === 'problem') throw new Problem(opened.sentence)
  return opened
}

async function openTheLog(stores: Stores, where: string, clock: Clock, logger: Logger): Promise<OpenedLog> {
  const opened = await openLog({ stores, clock, random: systemRandom, compression: threadedCompression, logger })
  switch (opened.kind) {
    case 'opened':
      return opened.log
    case 'missing':
      throw new Problem(`There is no journal in ${where}. Make one with: tidelog init`)
    case 'unavailable':
      throw new Problem(`The journal in ${where} does not answer. Try again in a moment.`)
    case 'halted':
      throw new Problem(`The journal in ${where} cannot be served by this release (${opened.reason}).`)
  }
}

function routes(log: OpenedLog, members: Members, metrics: Metrics, door: FrameDoor): Routes {
  const renderMetrics = async () => {
    const { contentType, text } = await metrics.render()
    return { status: 200, headers: { 'content-type': contentType }, body: text }
  }
  return new Map([
    ['/health', reading(() => health(log.status(), members, RELEASE))],
    ['/metrics', reading(renderMetrics)],
    ...FRAME_FUNCTIONS.map((name): [string, Route] => [
      `/kafka/${name}`,
      { method: 'POST', bodyBytesMax: HTTPS_FRAME_BYTES_MAX, answer: (request) => door.answer(name, request) },
    ]),
  ])
}

/** What others can dial, where the gateway listens on every address. */
function reachableHost(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return host
  const outward = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)
  return outward?.address ?? '127.0.0.1'
}

async function withinMs(clock: Clock, durationMs: number, work: Promise<void>): Promise<void> {
  const done = new AbortController()
  try {
    await Promise.race([work, sleep(clock, durationMs, done.signal)])
  } finally {
    done.abort()
  }
}
