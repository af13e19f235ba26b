// The rows of groups over groups that a test scripts and a log in memory; what is asked and answered goes through the real
// codecs both ways.
import { HINT_STEADY_MS } from '../../../../lib/base/limits.ts'
import { systemRandom } from '../../../../lib/base/random.ts'
import type { BrokerConnection, Members } from '../../../../lib/broker/broker.ts'
import { defaultBrokerSettings } from '../../../../lib/broker/broker-settings.ts'
import { coordinatorOf } from '../../../../lib/broker/cluster/leaders.ts'
import type { BrokerContext, Call } from '../../../../lib/broker/context.ts'
import { GROUP_ROWS } from '../../../../lib/broker/groups/group-handlers.ts'
import type { Answer, Started } from '../../../../lib/broker/row.ts'
import type { Topic } from '../../../../lib/log/log.ts'
import { inlineCompression } from '../../../../lib/wire/native-compression.ts'
import { decodeResponse } from '../../../../lib/wire/reader.ts'
import type { Api, RequestInput, ResponseOf } from '../../../../lib/wire/schema.ts'
import { encodeRequest } from '../../../../lib/wire/writer.ts'
import { type FakeGroups, fakeGroups } from './fake-groups.ts'
import { type MemoryLog, memoryLog } from './memory-log.ts'
import { testClock } from './test-clock.ts'
import { connect, node, testMembers } from './world.ts'

export interface GroupWorld {
  readonly context: BrokerContext
  readonly groups: FakeGroups
  readonly log: MemoryLog
  /** The answer as the router gets it. */
  start<A extends Api>(api: A, version: number, value: RequestInput<A>, connection?: BrokerConnection): Started
  /** One request and its response. Fails if there is none. */
  ask<A extends Api>(
    api: A,
    version: number,
    value: RequestInput<A>,
    connection?: BrokerConnection,
  ): Promise<ResponseOf<A>>
  /** The response that stands for a handler that broke down. */
  broken<A extends Api>(api: A, version: number, value: RequestInput<A>, errorCode: number): ResponseOf<A>
  topic(name: string, partitions?: number): Promise<Topic>
}

export function groupWorld({ coordinator }: { readonly coordinator?: 'another' } = {}): GroupWorld {
  const groups = fakeGroups()
  const log = memoryLog()
  const context: BrokerContext = {
    log,
    groups,
    members: coordinator === 'another' ? notTheCoordinator() : testMembers(node(1)),
    settings: defaultBrokerSettings,
    compression: inlineCompression,
    clock: testClock(),
    random: systemRandom,
    logger: { info: () => {}, warn: () => {}, error: () => {} },
  }
  const start: GroupWorld['start'] = (api, version, value, connection = connect()) => {
    const row = GROUP_ROWS.find((one) => one.api.key === api.key)
    if (row === undefined) throw new Error(`${api.name} is not served`)
    const call: Call = { apiVersion: version, clientId: 'test', connection, takeOver: undefined, proven: false }
    return row.start(context, Buffer.concat(encodeRequest(api, version, value)), call)
  }
  const decode = <A extends Api>(api: A, version: number, answer: Answer | undefined): ResponseOf<A> => {
    if (answer?.kind !== 'respond') throw new Error(`no response: ${JSON.stringify(answer)}`)
    return decodeResponse(api, version, Buffer.concat(answer.body))
  }
  return {
    context,
    groups,
    log,
    start,
    ask: async (api, version, value, connection) =>
      decode(api, version, await start(api, version, value, connection).answer),
    broken: (api, version, value, errorCode) => {
      const started = start(api, version, value)
      started.answer.catch(() => {})
      return decode(api, version, started.broken?.(errorCode))
    },
    topic: async (name, partitions = 1) => {
      const outcome = await log.createTopic({ name, partitions, configs: new Map() })
      if (outcome.kind !== 'created') throw new Error(`not created: ${outcome.kind}`)
      return outcome.topic
    },
  }
}

/** A gateway that has known for long that another one coordinates group `g`. */
function notTheCoordinator(): Members {
  const nodes = [node(1), node(2)]
  const other = coordinatorOf('g', nodes)
  const [self] = nodes.filter((one) => one !== other)
  return { ...testMembers(...nodes), self: self!.nodeId, nodes: () => nodes, steadyMs: () => HINT_STEADY_MS }
}

/** A connection as HTTPS makes one for each request. */
export function exchange(name?: NonNullable<BrokerConnection['exchange']>['name']): BrokerConnection {
  return { ...connect(), exchange: { name, waitedMs: 0, responseBytesMax: 4 * 1024 * 1024 } }
}

/** As long as a string on the wire can be. */
export const ENDLESS_ID = 'g'.repeat(32_767)

/** Every version of an API. */
export function versionsOf(api: Api): number[] {
  return Array.from({ length: api.max - api.serveMin + 1 }, (_, i) => api.serveMin + i)
}
