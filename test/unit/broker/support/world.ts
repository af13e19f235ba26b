// A broker with everything it stands on, and a client that speaks to it in frames: what a test sends and gets has been
// through the real codecs both ways.

import { systemRandom } from '../../../../lib/base/random.ts'
import type { Broker, BrokerConnection, BrokerResponse, Handled, Node } from '../../../../lib/broker/broker.ts'
import { type BrokerSettings, defaultBrokerSettings } from '../../../../lib/broker/broker-settings.ts'
import { createBroker, type RequestReport } from '../../../../lib/broker/router.ts'
import type { Log, Topic } from '../../../../lib/log/log.ts'
import { type BatchToBuild, buildPlainBatch } from '../../../../lib/wire/build-batch.ts'
import { decodeResponseHeader, encodeRequestFrame } from '../../../../lib/wire/frame.ts'
import { inlineCompression } from '../../../../lib/wire/native-compression.ts'
import { decodeResponse } from '../../../../lib/wire/reader.ts'
import type { Api, RequestInput, ResponseOf } from '../../../../lib/wire/schema.ts'
import { type FakeGroups, fakeGroups } from './fake-groups.ts'
import { type MemoryLog, memoryLog } from './memory-log.ts'
import { type TestClock, testClock } from './test-clock.ts'

/** Members that a test may change. */
export interface TestMembers {
  self: number
  readonly clusterId: string
  list: readonly Node[]
  version: number
  /** What the next refresh finds. */
  next: { readonly list?: readonly Node[]; readonly version?: number }
  refreshes: number
  epoch(): number
  nodes(): readonly Node[]
  refresh(): Promise<void>
}

export interface World<L extends Log = MemoryLog> {
  readonly log: L
  readonly groups: FakeGroups
  readonly clock: TestClock
  readonly members: TestMembers
  readonly broker: Broker
  readonly reports: RequestReport[]
  readonly errors: unknown[]
  /** Starts a request and gives its response once decoded. */
  start<A extends Api>(api: A, version: number, value: RequestInput<A>, connection?: BrokerConnection): Started<A>
  /** One request and its response. Fails if the broker sends none. */
  ask<A extends Api>(api: A, version: number, value: RequestInput<A>): Promise<ResponseOf<A>>
  topic(name: string, partitions?: number, configs?: Readonly<Record<string, string>>): Promise<Topic>
}
interface Started<A extends Api> {
  readonly admitted: Promise<void>
  readonly raw: Promise<BrokerResponse>
  readonly response: Promise<ResponseOf<A>>
}

export function node(nodeId: number): Node {
  return { nodeId, host: `gateway-${nodeId}`, port: 9092 + nodeId }
}

export function testMembers(...nodes: Node[]): TestMembers {
  const members: TestMembers = {
    self: nodes[0]?.nodeId ?? 1,
    clusterId: 'test-cluster',
    list: nodes,
    version: 7,
    next: {},
    refreshes: 0,
    epoch: () => members.version,
    nodes: () => members.list,
    refresh: async () => {
      members.refreshes += 1
      members.list = members.next.list ?? members.list
      members.version = members.next.version ?? members.version
    },
  }
  return members
}

let connections = 0
export function connect(signal: AbortSignal = new AbortController().signal): BrokerConnection {
  connections += 1
  return { id: `c${connections}`, clientAddress: '127.0.0.1:1', signal }
}

export function world(settings: Partial<BrokerSettings> = {}, nodes: readonly Node[] = [node(1)]): World {
  return worldOn(memoryLog(), settings, nodes)
}

/** A world on a log of the test's own. */
export function worldOn<L extends Log>(
  log: L,
  settings: Partial<BrokerSettings> = {},
  nodes: readonly Node[] = [node(1)],
): World<L> {
  const clock = testClock()
  const groups = fakeGroups()
  const members = testMembers(...nodes)
  const reports: RequestReport[] = []
  const errors: unknown[] = []
  const broker = createBroker({
    log,
    groups,
    members,
    settings: { ...defaultBrokerSettings, ...settings },
    compression: inlineCompression,
    clock,
    random: systemRandom,
    logger: { info: () => {}, warn: () => {}, error: (fields) => errors.push(fields) },
    onRequest: (report) => reports.push(report),
    logDir: '/data',
  })
  const own = connect()
  let correlations = 100
  const start: World<L>['start'] = (api, version, value, connection = own) => {
    correlations += 1
    const correlationId = correlations
    const frame = Buffer.concat(encodeRequestFrame(api, version, { correlationId, clientId: 'test' }, value))
    const handled = broker.handle(frame, connection)
    const response = handled.response.then((r) => decode(api, version, correlationId, r))
    response.catch(() => {})
    return { admitted: handled.admitted, raw: handled.response, response }
  }
  return {
    log,
    groups,
    clock,
    members,
    broker,
    reports,
    errors,
    start,
    ask: (api, version, value) => start(api, version, value).response,
    topic: async (name, partitions = 1, configs = {}) => {
      const outcome = await log.createTopic({ name, partitions, configs: new Map(Object.entries(configs)) })
      if (outcome.kind !== 'created') throw new Error(`not created: ${outcome.kind}`)
      return outcome.topic
    },
  }
}

function decode<A extends Api>(
  api: A,
  version: number,
  correlationId: number,
  response: BrokerResponse,
): ResponseOf<A> {
  if (response.kind !== 'send') throw new Error(`no response: ${JSON.stringify(response)}`)
  const frame = Buffer.concat(response.buffers)
  const header = decodeResponseHeader(api, version, frame)
  if (header.correlationId !== correlationId) throw new Error('another correlation id')
  return decodeResponse(api, version, frame.subarray(header.bodyOffset))
}

/** A raw frame, for what the codecs would not encode. */
export function rawFrame(apiKey: number, apiVersion: number, body: Uint8Array = new Uint8Array(0)): Buffer {
  const header = Buffer.alloc(10)
  header.writeInt16BE(apiKey, 0)
  header.writeInt16BE(apiVersion, 2)
  header.writeInt32BE(77, 4)
  header.writeInt16BE(-1, 8)
  return Buffer.concat([header, body])
}

export async function responseOf(handled: Handled): Promise<BrokerResponse> {
  await handled.admitted
  return handled.response
}

/** A batch of records with these values at this time; the key is `k`. */
export function batch(values: readonly string[], timestamp: number, rest: Partial<BatchToBuild> = {}): Uint8Array {
  const records = values.map((value) => ({ timestamp, key: Buffer.from('k'), value: Buffer.from(value) }))
  return buildPlainBatch({ records, ...rest })
}
