// The part of the simulated traffic that goes through the real broker as real Kafka frames: Produce by name and Fetch by
// topic id, encoded and decoded by the wire code. Only topics that are never deleted are written to this way, since a name
// may stand for another topic by the time a frame arrives; error codes are turned back into the outcomes they stand for.
import type { Clock } from '../../lib/base/clock.ts'
import { silentLogger } from '../../lib/base/logger.ts'
import type { Random } from '../../lib/base/random.ts'
import type { Broker, Members } from '../../lib/broker/broker.ts'
import { defaultBrokerSettings } from '../../lib/broker/broker-settings.ts'
import { createBroker } from '../../lib/broker/router.ts'
import type { AppendBatchOutcome, FetchPartitionOutcome, Log } from '../../lib/log/log.ts'
import type { Compression } from '../../lib/wire/compression.ts'
import { ErrorCode } from '../../lib/wire/errors.ts'
import { decodeResponseHeader, encodeRequestFrame } from '../../lib/wire/frame.ts'
import { fetch as fetchApi } from '../../lib/wire/messages/fetch.ts'
import { produce as produceApi } from '../../lib/wire/messages/produce.ts'
import { decodeResponse } from '../../lib/wire/reader.ts'
import type { Connection, Started } from './cluster.ts'
import type { Target } from './scene.ts'

const PRODUCE_VERSION = 9
const FETCH_VERSION = 15
const HEADER = { correlationId: 7, clientId: 'simulation' }

/** A log with the broker in front of it. */
export interface ServedLog extends Log {
  readonly broker: Broker
}
export const isServed = (log: Log): log is ServedLog => 'broker' in log

/** Puts the real broker in front of a log. Membership is fixed: it only routes clients. */
export function brokerFor(log: Log, ports: { clock: Clock; random: Random; compression: Compression }): Broker {
  const members: Members = {
    self: 1,
    clusterId: 'simulation',
    epoch: () => 0,
    nodes: () => [{ nodeId: 1, host: 'localhost', port: 9092 }],
    refresh: async () => {},
  }
  return createBroker({ log, members, settings: defaultBrokerSettings, logger: silentLogger, ...ports })
}

/** Sends a frame; the answer is its body, or undefined where the broker closes the connection. */
function send(broker: Broker, connection: Connection, frame: readonly Uint8Array[]) {
  const { admitted, response } = broker.handle(Buffer.concat(frame), {
    id: connection.id,
    clientAddress: 'client',
    signal: connection.signal,
  })
  return { admitted, body: response.then((r) => (r.kind === 'send' ? Buffer.concat(r.buffers) : undefined)) }
}

/** A produce request of several partitions. */
export function produceByFrame(
  log: ServedLog,
  connection: Connection,
  batches: readonly { readonly target: Target; readonly bytes: Uint8Array }[],
): Started<readonly AppendBatchOutcome[]> {
  const topicData = batches.map(({ target, bytes }) => ({
    name: target.topic.name,
    partitionData: [{ index: target.partition, records: bytes }],
  }))
  const request = { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData }
  const sent = send(log.broker, connection, encodeRequestFrame(produceApi, PRODUCE_VERSION, HEADER, request))
  const answer = sent.body.then((frame) => {
    if (frame === undefined) throw new Error('the broker closed the connection on a good produce request')
    const { bodyOffset } = decodeResponseHeader(produceApi, PRODUCE_VERSION, frame)
    const { responses } = decodeResponse(produceApi, PRODUCE_VERSION, frame.subarray(bodyOffset))
    return responses.map(({ partitionResponses: [one] }) => appendOutcome(one!.errorCode, one!.baseOffset))
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

/** A fetch request of several partitions, without a session. */
export function fetchByFrame(
  log: ServedLog,
  connection: Connection,
  asked: readonly { readonly target: Target; readonly offset: number }[],
  limits: { bytesMin: number; bytesMax: number; partitionBytesMax: number; waitMsMax: number },
): Promise<readonly FetchPartitionOutcome[]> {
  const topics = asked.map(({ target, offset }) => ({
    topicId: target.topic.id,
    partitions: [{ partition: target.partition, fetchOffset: offset, partitionMaxBytes: limits.partitionBytesMax }],
  }))
  const request = { maxWaitMs: limits.waitMsMax, minBytes: limits.bytesMin, maxBytes: limits.bytesMax, topics }
  const sent = send(log.broker, connection, encodeRequestFrame(fetchApi, FETCH_VERSION, HEADER, request))
  return sent.body.then((frame) => {
    if (frame === undefined) throw new Error('the broker closed the connection on a good fetch request')
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
  })
}
