// What every handler is given: the broker's ports, and the one request it answers. Handlers are functions of these two and
// the decoded request; they keep no state of their own between requests, so any process can answer any request.
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import type { Groups } from '../groups/groups.ts'
import type { Log } from '../log/log.ts'
import type { Compression } from '../wire/compression.ts'
import type { BrokerConnection, Members } from './broker.ts'
import type { BrokerSettings } from './broker-settings.ts'

/** The ports of the broker. */
export interface BrokerContext {
  readonly log: Log
  readonly groups: Groups
  readonly members: Members
  readonly settings: BrokerSettings
  readonly compression: Compression
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** What DescribeLogDirs calls the store: a directory, or a URL. */
  readonly logDir?: string
}

/** The request being answered, apart from its body. */
export interface Call {
  readonly apiVersion: number
  readonly clientId: string | null
  readonly connection: BrokerConnection
  /** Takes what gives back memory that the answer holds; undefined where nobody will tell when the answer is written. */
  readonly takeOver: ((giveBack: () => void) => void) | undefined
  /** The client has shown that it reads what it is sent. */
  readonly proven: boolean
}

/** Answers one decoded request. Rejects only for broken invariants. */
export type Handler<Request, Response> = (context: BrokerContext, request: Request, call: Call) => Promise<Response>
