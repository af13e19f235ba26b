// The part of the simulated traffic that goes through the real broker as real Kafka frames: Produce by name and Fetch by
// topic id, encoded and decoded by the wire code, over a connection to a gateway or over HTTPS. Only topics that are never
// deleted are written to this way, since a name may stand for another topic by the time a frame arrives; error codes are
// turned back into the outcomes they stand for.
import type { Clock } from '../../lib/base/clock.ts'
import { silentLogger } from '../../lib/base/logger.ts'
import type { Random } from '../../lib/base/random.ts'
import type { Broker, Members } from '../../lib/broker/broker.ts'
import { defaultBrokerSettings } from '../../lib/broker/broker-settings.ts'
import { createBroker } from '../../lib/broker/router.ts'
import type { GroupCoordinator } from '../../lib/groups/coordinator.ts'
import type { AppendBatchOutcome, FetchPartitionOutcome, Log } from '../../lib/log/log.ts'
import type { Compression } from '../../lib/wire/compression.ts'
import { ErrorCode } from '../../lib/wire/errors.ts'
import { decodeResponseHeader, encodeRequestFrame } from '../../lib/wire/frame.ts'
import { createTopics } from '../../lib/wire/messages/create-topics.ts'
import { deleteTopics } from '../../lib/wire/messages/delete-topics.ts'
import { fetch as fetchApi } from '../../lib/wire/messages/fetch.ts'
import { initProducerId } from '../../lib/wire/messages/init-producer-id.ts'
import { listOffsets } from '../../lib/wire/messages/list-offsets.ts'
import { produce as produceApi } from '../../lib/wire/messages/produce.ts'
import { decodeResponse } from '../../lib/wire/reader.ts'
import type { Connection, Started } from './cluster.ts'
import type { Once } from './history.ts'
import type { Target } from './scene.ts'

const PRODUCE_VERSION = 9
const FETCH_VERSION = 15
const LIST_OFFSETS_VERSION = 7
const CREATE_VERSION = 7
const DELETE_VERSION = 6
const PRODUCER_ID_VERSION = 4
const LATEST = -1
const HEADER = { correlationId: 7, clientId: 'simulation' }

/** A log with the broker in front of it. */
export interface ServedLog extends Log {
  readonly broker: Broker
  readonly groups: GroupCoordinator
}
export const isServed = (log: Log): log is ServedLog => 'broker' in log

/** Puts the real broker in front of a log. Membership is fixed: it only routes clients. */
export function brokerFor(
  log: Log,
  groups: GroupCoordinator,
  ports: { clock: Clock; random: Random; compression: Compression },
): Broker {
  const members: Members = {
    self: 1,
    clusterId: 'simulation',
    epoch: () => 0,
    nodes: () => [{ nodeId: 1, host: 'localhost', port: 9092 }],
    refresh: async () => {},
  }
  return createBroker({ log, groups, members, settings: defaultBrokerSettings, logger: silentLogger, ...ports })
}

/** Sends a frame; the answer is its body, or undefined where the broker closes the connection. */
export function sendFrame(broker: Broker, connection: Connection, frame: Uint8Array) {
  const { admitted, response } = broker.handle(frame, {
    id: connection.id,
    clientAddress: 'client',
    signal: connection.signal,
  })
  return { admitted, body: response.then((r) => (r.kind === 'send' ? Buffer.concat(r.buffers) : undefined)) }
}

type Batches = readonly { readonly target: Target; readonly bytes: Uint8Array }[]

/** The frame of a produce request of several partitions. */
export function produceFrame(batches: Batches): Uint8Array {
  const topicData = batches.map(({ target, bytes }) => ({
    name: target.topic.name,
    partitionData: [{ index: target.partition, records: bytes }],
  }))
  const request = { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData }
  return Buffer.concat(encodeRequestFrame(produceApi, PRODUCE_VERSION, HEADER, request))
}

/** What the answer to a produce request says of each batch. */
export function produceOutcomes(frame: Uint8Array): readonly AppendBatchOutcome[] {
  const { bodyOffset } = decodeResponseHeader(produceApi, PRODUCE_VERSION, frame)
  const { responses } = decodeResponse(produceApi, PRODUCE_VERSION, frame.subarray(bodyOffset))
  return responses.map(({ partitionResponses: [one] }) => appendOutcome(one!.errorCode, one!.baseOffset))
}

/** A produce request of several partitions. */
export function produceByFrame(
  log: ServedLog,
  connection: Connection,
  batches: Batches,
): Started<readonly AppendBatchOutcome[]> {
  const sent = sendFrame(log.broker, connection, produceFrame(batches))
  const answer = sent.body.then((frame) => {
    if (frame === undefined) throw new Error('the broker closed the connection on a good produce request')
    return produceOutcomes(frame)
  })
  return { admitted: sent.admitted, answer }
}

function appendOutcome(errorCode: number, baseOffset: number | bigint): AppendBatchOutcome {
  switch (errorCode) {
    case ErrorCode.NONE:
      return { kind: 'appended', baseOffset: Number(baseOffset), logStartOffset: 0 }
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
      return { kind: 'unavailable' }
    case ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER:
      return { kind: 'outOfOrderSequence' }
    case ErrorCode.INVALID_PRODUCER_EPOCH:
      return { kind: 'invalidProducerEpoch' }
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
      return { kind: 'unknownTopic' }
    // A clock that is hours off refuses what it takes for the future: nothing is written, another process may take it.
    case ErrorCode.INVALID_TIMESTAMP:
      return { kind: 'limit' }
    default:
      return { kind: 'unknown' }
  }
}

interface FetchLimits {
  readonly bytesMin: number
  readonly bytesMax: number
  readonly partitionBytesMax: number
  readonly waitMsMax: number
}
type Asked = readonly { readonly target: Target; readonly offset: number }[]

/** The frame of a fetch request of several partitions, without a session. */
export function fetchFrame(asked: Asked, limits: FetchLimits): Uint8Array {
  const topics = asked.map(({ target, offset }) => ({
    topicId: target.topic.id,
    partitions: [{ partition: target.partition, fetchOffset: offset, partitionMaxBytes: limits.partitionBytesMax }],
  }))
  const request = { maxWaitMs: limits.waitMsMax, minBytes: limits.bytesMin, maxBytes: limits.bytesMax, topics }
  return Buffer.concat(encodeRequestFrame(fetchApi, FETCH_VERSION, HEADER, request))
}

/** What the answer to a fetch request says of each partition. */
export function fetchOutcomes(frame: Uint8Array): readonly FetchPartitionOutcome[] {
  const { bodyOffset } = decodeResponseHeader(fetchApi, FETCH_VERSION, frame)
  const { responses } = decodeResponse(fetchApi, FETCH_VERSION, frame.subarray(bodyOffset))
  return responses.map(({ partitions: [one] }): FetchPartitionOutcome => {
    const offsets = {
      highWatermark: Number(one!.highWatermark),
      lastStableOffset: Number(one!.lastStableOffset),
      logStartOffset: Number(one!.logStartOffset),
    }
    if (one!.errorCode === ErrorCode.NONE) {
      const records = one!.records ?? new Uint8Array()
      return { kind: 'records', ...offsets, records: [records], sizeBytes: records.length }
    }
    // Kafka tells no offsets with this error, so it says nothing that could be checked here.
    const unknown =
      one!.errorCode === ErrorCode.UNKNOWN_TOPIC_ID || one!.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return unknown ? { kind: 'unknownTopic' } : { kind: 'unavailable' }
  })
}

/** A fetch request of several partitions, without a session. */
export async function fetchByFrame(
  log: ServedLog,
  connection: Connection,
  asked: Asked,
  limits: FetchLimits,
): Promise<readonly FetchPartitionOutcome[]> {
  const frame = await sendFrame(log.broker, connection, fetchFrame(asked, limits)).body
  if (frame === undefined) throw new Error('the broker closed the connection on a good fetch request')
  return fetchOutcomes(frame)
}

/** The question for the end of a partition. */
export function endFrame({ topic, partition }: Target): Uint8Array {
  const topics = [{ name: topic.name, partitions: [{ partitionIndex: partition, timestamp: LATEST }] }]
  return Buffer.concat(encodeRequestFrame(listOffsets, LIST_OFFSETS_VERSION, HEADER, { topics }))
}

/** Its answer; undefined: try again. */
export function endIn(frame: Uint8Array): number | undefined {
  const { bodyOffset } = decodeResponseHeader(listOffsets, LIST_OFFSETS_VERSION, frame)
  const { topics } = decodeResponse(listOffsets, LIST_OFFSETS_VERSION, frame.subarray(bodyOffset))
  const [one] = topics[0]!.partitions
  return one!.errorCode === ErrorCode.NONE ? Number(one!.offset) : undefined
}

/** A request that creates or deletes a topic by its name. */
export function onceFrame(action: Once['action'], name: string): Uint8Array {
  const frame =
    action === 'create'
      ? encodeRequestFrame(createTopics, CREATE_VERSION, HEADER, {
          topics: [{ name, numPartitions: 1, replicationFactor: 1 }],
        })
      : encodeRequestFrame(deleteTopics, DELETE_VERSION, HEADER, { topics: [{ name }], timeoutMs: 30_000 })
  return Buffer.concat(frame)
}

/** Kafka's error code in its answer. */
export function onceError(action: Once['action'], frame: Uint8Array): number {
  if (action === 'create') {
    const { bodyOffset } = decodeResponseHeader(createTopics, CREATE_VERSION, frame)
    return decodeResponse(createTopics, CREATE_VERSION, frame.subarray(bodyOffset)).topics[0]!.errorCode
  }
  const { bodyOffset } = decodeResponseHeader(deleteTopics, DELETE_VERSION, frame)
  return decodeResponse(deleteTopics, DELETE_VERSION, frame.subarray(bodyOffset)).responses[0]!.errorCode
}

/** The request for a producer id. */
export function producerIdFrame(): Uint8Array {
  const request = { transactionalId: null, transactionTimeoutMs: 60_000 }
  return Buffer.concat(encodeRequestFrame(initProducerId, PRODUCER_ID_VERSION, HEADER, request))
}

/** The id in its answer; undefined: try again. */
export function producerIdIn(frame: Uint8Array): number | undefined {
  const { bodyOffset } = decodeResponseHeader(initProducerId, PRODUCER_ID_VERSION, frame)
  const answer = decodeResponse(initProducerId, PRODUCER_ID_VERSION, frame.subarray(bodyOffset))
  return answer.errorCode === ErrorCode.NONE ? Number(answer.producerId) : undefined
}
