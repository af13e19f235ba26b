// Record batches as the simulated clients send and read them: real bytes, built and read by the code that clients of the
// project use, with every CRC checked on the way back. A record's value is its identity; its key is padding.
import { crc32c } from '../../lib/base/crc32c.ts'
import { buildPlainBatch } from '../../lib/wire/build-batch.ts'
import { BATCH_HEADER_BYTES, batchSizeBytes, readBatchHeader } from '../../lib/wire/record-batch.ts'
import { RecordsError, readRecords } from '../../lib/wire/records.ts'

export interface FetchedRecord {
  readonly offset: number
  readonly value: string
  readonly timestamp: number
}
export type Fetched =
  | { readonly kind: 'ok'; readonly records: readonly FetchedRecord[] }
  | { readonly kind: 'corrupt'; readonly cause: string }

/** A batch of these values. */
export function batchOf(args: {
  readonly values: readonly string[]
  readonly timestamps: readonly number[]
  readonly paddingBytes: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
}): Uint8Array {
  const { values, timestamps, paddingBytes, producerId, producerEpoch, baseSequence } = args
  return buildPlainBatch({
    records: values.map((value, i) => ({
      timestamp: timestamps[i]!,
      key: Buffer.alloc(Math.ceil(paddingBytes / values.length), 'k'),
      value: Buffer.from(value),
    })),
    producerId,
    producerEpoch,
    baseSequence,
  })
}

const CRC_FROM = 21

/** The records of a fetch answer from `position` on; records before it in the first batch are dropped, as clients do. */
export function readFetched(buffers: readonly Uint8Array[], position: number): Fetched {
  const bytes = buffers.length === 1 ? buffers[0]! : Buffer.concat(buffers)
  const records: FetchedRecord[] = []
  let at = 0
  while (at < bytes.length) {
    if (bytes.length - at < BATCH_HEADER_BYTES) return { kind: 'corrupt', cause: 'a batch without a whole header' }
    const size = batchSizeBytes(bytes, at)
    if (size < BATCH_HEADER_BYTES || size > bytes.length - at)
      return { kind: 'corrupt', cause: `a batch of ${size} bytes` }
    const header = readBatchHeader(bytes, at)
    if (crc32c(bytes.subarray(at + CRC_FROM, at + size)) !== header.crc)
      return { kind: 'corrupt', cause: 'a wrong CRC' }
    try {
      for (const record of readRecords(header, bytes.subarray(at + BATCH_HEADER_BYTES, at + size))) {
        const offset = header.baseOffset + record.offsetDelta
        if (offset < position) continue
        records.push({ offset, value: Buffer.from(record.value ?? []).toString(), timestamp: record.timestamp })
      }
    } catch (error) {
      if (!(error instanceof RecordsError)) throw error
      return { kind: 'corrupt', cause: error.message }
    }
    at += size
  }
  return { kind: 'ok', records }
}
