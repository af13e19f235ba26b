// What one Lambda environment keeps between its requests: stores, log, door. It is opened by the first request and by
// another one when opening failed; nothing in it must survive. It writes no checkpoints (that is for maintenance, which has
// the time) and nothing is under way in it once `settle` has resolved, so it may be frozen then, for ever if need be.
import { type Logger, silentLogger } from '../base/logger.ts'
import { type Random, systemRandom } from '../base/random.ts'
import { brokerSettings } from '../broker/broker-settings.ts'
import { createBroker, type RequestReport } from '../broker/router.ts'
import { createGroups, type GroupCoordinator } from '../groups/coordinator.ts'
import type { GroupSettings } from '../groups/step.ts'
import { type OpenedLog, openLog } from '../log/open-log.ts'
import type { IdentifyOutcome } from '../storage/aws/deployment.ts'
import type { Stores } from '../storage/ports.ts'
import type { Compression } from '../wire/compression.ts'
import { createFrameDoor, FRAME_DOOR_SETTINGS, type FrameDoor } from './frame-door.ts'
import { createFunctionClock, type FunctionClock } from './function-clock.ts'
import { NO_ADDRESS, readFunctionMembers } from './function-members.ts'
import { createAnswerMemory } from './remembered-answers.ts'
import { type HttpResponse, problem } from './responses.ts'

/** Stores whose cluster is named: `openAwsDeployment`, or something like it in a test. */
export interface Deployment {
  readonly stores: Stores
  /** What DescribeLogDirs calls them. */
  readonly logDir?: string
  identify(): Promise<IdentifyOutcome>
}

export interface FunctionRuntime {
  readonly door: FrameDoor
  readonly log: OpenedLog
  readonly groups: GroupCoordinator
  readonly stores: Stores
  readonly clock: FunctionClock
  /** Resolves when nothing is under way in this process: a handler waits for it before it returns. */
  settle(): Promise<void>
}

export interface RuntimeOptions {
  readonly deployment: Deployment
  readonly compression: Compression
  readonly logger?: Logger
  readonly clock?: FunctionClock
  readonly random?: Random
  readonly onRequest?: (report: RequestReport) => void
  /** Default: as the settings of the door say. */
  readonly groups?: GroupSettings
}

export type OpenRuntimeOutcome =
  | { readonly kind: 'opened'; readonly runtime: FunctionRuntime }
  /** Nothing is left open but the deployment; try again with the next request. */
  | { readonly kind: 'problem'; readonly response: HttpResponse }

/** The block cache of an environment of 1 GB. */
const CACHE_BYTES_MAX = 128 * 1024 * 1024
/** Never, here. */
const CHECKPOINT_ENTRIES = Number.MAX_SAFE_INTEGER

/** Opens the log of a deployment for one environment: what is read is read side by side. */
export async function openFunctionRuntime(options: RuntimeOptions): Promise<OpenRuntimeOutcome> {
  const { deployment, compression } = options
  const { stores } = deployment
  const logger = options.logger ?? silentLogger
  const clock = options.clock ?? createFunctionClock()
  const random = options.random ?? systemRandom
  const open = () =>
    openLog({
      stores,
      clock,
      random,
      compression,
      logger,
      options: { checkpointEntries: CHECKPOINT_ENTRIES, cacheBytesMax: CACHE_BYTES_MAX },
    })
  const [identified, firstOpened, membersRead] = await Promise.all([
    deployment.identify(),
    open(),
    readFunctionMembers(stores.documents),
  ])
  if (identified.kind === 'unavailable' || membersRead.kind === 'unavailable') {
    // Causes name accounts and resources, which are not for clients.
    logger.warn({ deployment: identified, members: membersRead }, 'the log could not be opened')
    return refused('the stores do not answer')
  }
  if (identified.kind === 'problem') return refused(identified.sentence)
  if (membersRead.kind === 'problem') return refused(membersRead.sentence)
  // The journal may have been begun just now.
  const opened = firstOpened.kind === 'missing' ? await open() : firstOpened
  if (opened.kind !== 'opened') {
    return refused(opened.kind === 'halted' ? opened.reason : `the journal is ${opened.kind}`)
  }
  const { log } = opened
  const members = membersRead.membersOf(identified.clusterId)
  const onRequest = options.onRequest === undefined ? {} : { onRequest: options.onRequest }
  const logDir = deployment.logDir === undefined ? {} : { logDir: deployment.logDir }
  const groups = createGroups({
    log,
    documents: stores.documents,
    clock,
    random,
    settings: options.groups ?? SETTINGS.group,
  })
  const door = createFrameDoor({
    log,
    members,
    logger,
    answers: createAnswerMemory({ log, documents: stores.documents, clock, random }),
    broker: (seen) =>
      createBroker({
        log,
        groups,
        members: seen,
        settings: SETTINGS,
        compression,
        clock,
        random,
        logger,
        ...onRequest,
        ...logDir,
      }),
    advertise: NO_ADDRESS,
  })
  const settle = async (): Promise<void> => {
    await door.settle()
    await groups.settle()
    await log.settle()
  }
  return { kind: 'opened', runtime: { door, log, groups, stores, clock, settle } }
}

const SETTINGS = (() => {
  const outcome = brokerSettings(new Map(Object.entries(FRAME_DOOR_SETTINGS)))
  if (outcome.kind !== 'ok') throw new Error(outcome.message)
  return outcome.settings
})()

function refused(cause: string): OpenRuntimeOutcome {
  const response = problem(503, 'Not available', `The log cannot be served now: ${cause}`, { 'retry-after': '1' })
  return { kind: 'problem', response }
}
