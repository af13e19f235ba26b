// Builds record batches as a producer sends them: for our own command line, for tests and for simulated clients. What
// comes out passes `validateProducedBatch`, and any Kafka client reads it.
import { assert } from '../base/assert.ts'
import { ByteWriter } from '../base/bytes.ts'
import type { Compression } from './compression.ts'
import { assembleBatch, type BatchHeader, batchAttributes, type Codec } from './record-batch.ts'
import type { RecordHeader } from './records.ts'

/** A record to be written. Absent key and value are null. */
export interface RecordToWrite {
  /** Milliseconds since the epoch; -1 for none. */
  readonly timestamp: number
  readonly key?: Uint8Array | null
  readonly value?: Uint8Array | null
  readonly headers?: readonly RecordHeader[]
}
/** A batch to be built; producer fields are -1 where absent. */
export interface BatchToBuild {
  /** At least one. */
  readonly records: readonly RecordToWrite[]
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
}

/**
 * Builds a batch with base offset 0 and leader epoch -1.
 *
 * @example await buildBatch({ records: [{ timestamp: clock.now(), value: bytes }] }, 'lz4', threadedCompression)
 */
export async function buildBatch(
  batch: BatchToBuild,
  codec: Codec,
  compression: Compression,
  level?: number,
): Promise<Uint8Array> {
  const body = await compression.compress(codec, encodeRecords(batch.records), level)
  return assembleBatch(headerFor(batch, codec), body)
}

/** `buildBatch` without compression, and so without waiting. */
export function buildPlainBatch(batch: BatchToBuild): Uint8Array {
  return assembleBatch(headerFor(batch, 'none'), encodeRecords(batch.records))
}

function headerFor(batch: BatchToBuild, codec: Codec): BatchHeader {
  const [first] = batch.records
  assert(first !== undefined, 'a batch has at least one record')
  return {
    baseOffset: 0,
    batchLength: 0,
    partitionLeaderEpoch: -1,
    magic: 2,
    crc: 0,
    attributes: batchAttributes(codec, { transactional: batch.transactional ?? false }),
    lastOffsetDelta: batch.records.length - 1,
    baseTimestamp: first.timestamp,
    maxTimestamp: batch.records.reduce((max, record) => Math.max(max, record.timestamp), -1),
    producerId: batch.producerId ?? -1,
    producerEpoch: batch.producerEpoch ?? -1,
    baseSequence: batch.baseSequence ?? -1,
    recordCount: batch.records.length,
  }
}

function encodeRecords(records: readonly RecordToWrite[]): Uint8Array {
  const out = new ByteWriter(1024)
  const baseTimestamp = records[0]?.timestamp ?? -1
  records.forEach((record, index) => {
    const body = new ByteWriter(64 + (record.key?.length ?? 0) + (record.value?.length ?? 0))
    body.u8(0)
    body.signed(record.timestamp - baseTimestamp)
    body.signed(index)
    writeNullable(body, record.key)
    writeNullable(body, record.value)
    const headers = record.headers ?? []
    body.signed(headers.length)
    for (const header of headers) {
      writeNullable(body, header.key)
      writeNullable(body, header.value)
    }
    out.signed(body.length)
    out.raw(body.finish())
  })
  return out.finish()
}

function writeNullable(out: ByteWriter, bytes: Uint8Array | null | undefined): void {
  if (bytes === null || bytes === undefined) out.signed(-1)
  else out.signed(bytes.length).raw(bytes)
}
