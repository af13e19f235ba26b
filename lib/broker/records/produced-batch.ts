// What happens to one partition's records between a produce request and the log: judged by Kafka's rules and the topic's
// settings, and changed only where a setting asks for it (compression.type, message.timestamp.type). Without such a setting
// the batch goes through as the same bytes, neither copied nor decompressed.
import { RECORD_ERRORS_MAX } from '../../base/limits.ts'
import type { BatchToAppend, Topic } from '../../log/log.ts'
import { type TopicSettings, topicSettings } from '../../log/topic-settings.ts'
import { ErrorCode } from '../../wire/errors.ts'
import {
  type BatchHeader,
  type InvalidBatchReason,
  isTransactional,
  validateProducedBatch,
  validateTimestamps,
  withLogAppendTime,
} from '../../wire/record-batch.ts'
import { openBatch, RecordsError, readRecords, recompress } from '../../wire/records.ts'
import type { BrokerContext } from '../context.ts'
import type { Failure } from '../outcomes.ts'

/** An error of one record: its place in the batch, and why. */
export interface RecordError {
  readonly batchIndex: number
  readonly batchIndexErrorMessage: string | null
}

export type ProducedBatch =
  /** `logAppendTimeMs` is -1 where the records keep the producer's time. */
  | { readonly kind: 'ready'; readonly batch: BatchToAppend; readonly logAppendTimeMs: number }
  | { readonly kind: 'refused'; readonly failure: Failure; readonly recordErrors?: readonly RecordError[] }

const REASONS: Record<InvalidBatchReason, number> = {
  corrupt: ErrorCode.CORRUPT_MESSAGE,
  invalidRecord: ErrorCode.INVALID_RECORD,
  unsupportedCompression: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
  invalidTimestamp: ErrorCode.INVALID_TIMESTAMP,
}

/** Makes a batch that the log may append out of the records of one partition. */
export async function prepareBatch(
  context: BrokerContext,
  topic: Topic,
  partition: number,
  records: Uint8Array,
  apiVersion: number,
): Promise<ProducedBatch> {
  const settings = topicSettings(topic.configs, context.settings)
  if (records.length > settings.maxMessageBytes) return tooLarge(records.length, settings.maxMessageBytes)
  const validated = validateProducedBatch(records, apiVersion)
  if (validated.kind === 'invalid') return refused(REASONS[validated.reason], validated.message)
  const { header } = validated
  if (isTransactional(header)) {
    // There are no transactions yet, so no producer can have an open one. Fatal to the producer, as it should be.
    return refused(ErrorCode.INVALID_TXN_STATE, 'The producer has no open transaction: transactions are not available.')
  }
  const nowMs = context.clock.now()
  if (!settings.logAppendTime) {
    const { timestampBeforeMaxMs: beforeMaxMs, timestampAfterMaxMs: afterMaxMs } = settings
    const problem = validateTimestamps(header, { nowMs, beforeMaxMs, afterMaxMs })
    if (problem !== undefined) return refused(REASONS[problem.reason], problem.message)
  }
  if (settings.compacted) {
    const keyless = await findKeyless(context, records)
    if (keyless !== undefined) return keyless
  }
  return finish(context, settings, { topic, partition, records }, header, nowMs)
}

/** Applies the settings that change the bytes. */
async function finish(
  context: BrokerContext,
  settings: TopicSettings,
  { topic, partition, records }: { readonly topic: Topic; readonly partition: number; readonly records: Uint8Array },
  header: BatchHeader,
  nowMs: number,
): Promise<ProducedBatch> {
  let bytes = records
  if (settings.compression !== 'producer') {
    const recompressed = await recompress(records, settings.compression, context.compression, settings.compressionLevel)
    if (recompressed.kind === 'invalid') return refused(REASONS[recompressed.reason], recompressed.message)
    bytes = recompressed.batch
    if (bytes.length > settings.maxMessageBytes) return tooLarge(bytes.length, settings.maxMessageBytes)
  }
  if (settings.logAppendTime) bytes = withLogAppendTime(bytes, nowMs)
  return {
    kind: 'ready',
    batch: {
      topic,
      partition,
      bytes,
      recordCount: header.recordCount,
      maxTimestamp: settings.logAppendTime ? nowMs : header.maxTimestamp,
      producerId: header.producerId,
      producerEpoch: header.producerEpoch,
      baseSequence: header.baseSequence,
    },
    logAppendTimeMs: settings.logAppendTime ? nowMs : -1,
  }
}

/** A compacted topic keeps the last record of each key: a record without one has no place in it. */
async function findKeyless(context: BrokerContext, records: Uint8Array): Promise<ProducedBatch | undefined> {
  const opened = await openBatch(records, context.compression)
  if (opened.kind !== 'ok') return refused(ErrorCode.CORRUPT_MESSAGE, `Unreadable batch: ${opened.cause}.`)
  const recordErrors: RecordError[] = []
  try {
    for (const record of readRecords(opened.header, opened.records)) {
      if (record.key !== null) continue
      const batchIndexErrorMessage = 'Compacted topic cannot accept message without key.'
      recordErrors.push({ batchIndex: record.offsetDelta, batchIndexErrorMessage })
      if (recordErrors.length === RECORD_ERRORS_MAX) break
    }
  } catch (error) {
    if (error instanceof RecordsError) return refused(ErrorCode.INVALID_RECORD, `Invalid batch: ${error.message}.`)
    throw error
  }
  if (recordErrors.length === 0) return undefined
  const errorMessage = 'One or more records have been rejected due to invalid records: they have no key.'
  return { kind: 'refused', failure: { errorCode: ErrorCode.INVALID_RECORD, errorMessage }, recordErrors }
}

function tooLarge(sizeBytes: number, maxBytes: number): ProducedBatch {
  return refused(
    ErrorCode.MESSAGE_TOO_LARGE,
    `The record batch is ${sizeBytes} bytes long, which exceeds max.message.bytes (${maxBytes}).`,
  )
}

function refused(errorCode: number, errorMessage: string): ProducedBatch {
  return { kind: 'refused', failure: { errorCode, errorMessage } }
}
