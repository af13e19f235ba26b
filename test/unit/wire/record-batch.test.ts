// The judge of produced batches, rule by rule, and the patches that leave a batch valid.
import { describe, expect, it } from 'vitest'
import { crc32c } from '../../../lib/base/crc32c.ts'
import { buildPlainBatch } from '../../../lib/wire/build-batch.ts'
import {
  BATCH_HEADER_BYTES,
  batchCodec,
  batchSizeBytes,
  type InvalidBatchReason,
  isLogAppendTime,
  patchedHeader,
  readBatchHeader,
  validateProducedBatch,
  validateTimestamps,
  withLogAppendTime,
} from '../../../lib/wire/record-batch.ts'
import { readRecords } from '../../../lib/wire/records.ts'
import javaBatches from './fixtures/java-batches.json' with { type: 'json' }

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const three = buildPlainBatch({
  records: [
    { timestamp: 1000, key: text('a'), value: text('1') },
    { timestamp: 3000, key: null, value: text('2') },
    { timestamp: 2000, key: text('c'), value: null },
  ],
  producerId: 7,
  producerEpoch: 2,
  baseSequence: 40,
})

/** A copy of the batch with `change` applied and, unless told otherwise, a CRC that fits again. */
function changed(change: (view: DataView) => void, fixCrc = true): Uint8Array {
  const copy = new Uint8Array(three)
  const view = new DataView(copy.buffer)
  change(view)
  if (fixCrc) view.setUint32(17, crc32c(copy.subarray(21)))
  return copy
}

/** The same with another record count and last offset delta. */
function counted(recordCount: number, lastOffsetDelta: number, attributes = 0): Uint8Array {
  return changed((view) => {
    view.setInt32(57, recordCount)
    view.setInt32(23, lastOffsetDelta)
    view.setInt16(21, attributes)
  })
}

describe('the header', () => {
  it('is read field by field', () => {
    expect(readBatchHeader(three)).toMatchObject({
      baseOffset: 0,
      batchLength: three.length - 12,
      partitionLeaderEpoch: -1,
      magic: 2,
      attributes: 0,
      lastOffsetDelta: 2,
      baseTimestamp: 1000,
      maxTimestamp: 3000,
      producerId: 7,
      producerEpoch: 2,
      baseSequence: 40,
      recordCount: 3,
    })
  })

  it('is read at an offset, from views, and with 64-bit numbers of either sign', () => {
    const padded = Buffer.concat([Buffer.alloc(5), three, Buffer.alloc(3)]).subarray(2)
    expect(readBatchHeader(padded, 3)).toEqual(readBatchHeader(three))
    expect(batchSizeBytes(padded, 3)).toBe(three.length)
    for (const value of [-1, -2, 0, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, -(2 ** 53) + 1]) {
      expect(readBatchHeader(changed((view) => view.setBigInt64(35, BigInt(value)))).maxTimestamp).toBe(value)
    }
  })

  it("agrees with Java's batches", () => {
    for (const [codec, { small }] of Object.entries(javaBatches)) {
      const batch = Buffer.from(small, 'hex')
      expect(validateProducedBatch(batch, 11).kind).toBe('ok')
      const header = readBatchHeader(batch)
      expect(batchCodec(header)).toBe(codec)
      expect(header).toMatchObject({
        recordCount: 5,
        baseTimestamp: 1.7e12,
        maxTimestamp: 1.7e12 + 1e6,
        producerId: -1,
      })
    }
    const large = Buffer.from(javaBatches.lz4.large, 'hex')
    expect(readBatchHeader(large)).toMatchObject({ producerId: 4711, producerEpoch: 3, baseSequence: 17 })
  })
})

describe('a produced batch', () => {
  const refused: [string, InvalidBatchReason, Uint8Array, number?][] = [
    ['nothing at all', 'invalidRecord', new Uint8Array(0)],
    ['a few bytes', 'invalidRecord', three.subarray(0, 16)],
    ['a batch cut short', 'invalidRecord', three.subarray(0, three.length - 1)],
    ['two batches', 'invalidRecord', Buffer.concat([three, three])],
    ['bytes behind the batch', 'invalidRecord', Buffer.concat([three, Buffer.alloc(1)])],
    ['magic 0', 'invalidRecord', changed((view) => view.setInt8(16, 0))],
    ['magic 1', 'invalidRecord', changed((view) => view.setInt8(16, 1))],
    ['magic 3', 'corrupt', changed((view) => view.setInt8(16, 3))],
    ['magic -1', 'corrupt', changed((view) => view.setInt8(16, -1))],
    ['a length below the header', 'corrupt', changed((view) => view.setInt32(8, 48))],
    ['a negative length', 'corrupt', changed((view) => view.setInt32(8, -1))],
    ['a length too long', 'invalidRecord', changed((view) => view.setInt32(8, 2 ** 31 - 1))],
    ['a length too short', 'invalidRecord', changed((view) => view.setInt32(8, three.length - 13))],
    ['a wrong checksum', 'corrupt', changed((view) => view.setUint8(three.length - 1, 1), false)],
    ['a base offset', 'invalidRecord', changed((view) => view.setBigInt64(0, 5n))],
    ['no records', 'invalidRecord', counted(0, -1)],
    ['a negative count', 'invalidRecord', counted(-1, -2)],
    ['a delta that does not fit the count', 'invalidRecord', changed((view) => view.setInt32(23, 3))],
    ['too many records announced', 'invalidRecord', counted(4, 3)],
    ['too few records announced', 'invalidRecord', counted(2, 1)],
    ['two billion records announced', 'invalidRecord', counted(2 ** 31 - 1, 2 ** 31 - 2)],
    ['two billion compressed records announced', 'invalidRecord', counted(2 ** 31 - 1, 2 ** 31 - 2, 4)],
    ['a record length past the end', 'invalidRecord', changed((view) => view.setUint8(BATCH_HEADER_BYTES, 126))],
    ['a negative record length', 'invalidRecord', changed((view) => view.setUint8(BATCH_HEADER_BYTES, 1))],
    ['records out of order', 'invalidRecord', changed((view) => view.setUint8(BATCH_HEADER_BYTES + 3, 2))],
    ['a control batch', 'invalidRecord', changed((view) => view.setInt16(21, 0x20))],
    ['a producer without sequence', 'invalidRecord', changed((view) => view.setInt32(53, -1))],
    ['a producer without epoch', 'invalidRecord', changed((view) => view.setInt16(51, -1))],
    ['an append time of its own', 'invalidTimestamp', changed((view) => view.setInt16(21, 0x08))],
    ['an unknown codec', 'unsupportedCompression', changed((view) => view.setInt16(21, 6))],
    ['zstd in an old request', 'unsupportedCompression', Buffer.from(javaBatches.zstd.small, 'hex'), 6],
  ]
  it.each(refused)('is refused: %s', (_name, reason, bytes, apiVersion = 11) => {
    expect(validateProducedBatch(bytes, apiVersion)).toMatchObject({ kind: 'invalid', reason })
  })

  it('is accepted as it was built, and zstd from version 7 on', () => {
    expect(validateProducedBatch(three, 3)).toEqual({ kind: 'ok', header: readBatchHeader(three) })
    expect(validateProducedBatch(Buffer.from(javaBatches.zstd.small, 'hex'), 7).kind).toBe('ok')
  })

  it('is accepted with long records, whose lengths take several bytes', () => {
    const value = new Uint8Array(300_000)
    const batch = buildPlainBatch({
      records: Array.from({ length: 200 }, () => ({ timestamp: 1.7e12, value: value.subarray(0, 20_000) })),
    })
    expect(validateProducedBatch(batch, 11).kind).toBe('ok')
  })
})

describe('timestamps', () => {
  const header = readBatchHeader(three)
  it('are accepted within the limits, ends included', () => {
    expect(validateTimestamps(header, { nowMs: 2000, beforeMaxMs: 1000, afterMaxMs: 1000 })).toBeUndefined()
  })
  it('are refused when the first is too old or the largest too new', () => {
    const refusal = { kind: 'invalid', reason: 'invalidTimestamp' }
    expect(validateTimestamps(header, { nowMs: 2000, beforeMaxMs: 999, afterMaxMs: 1000 })).toMatchObject(refusal)
    expect(validateTimestamps(header, { nowMs: 2000, beforeMaxMs: 1000, afterMaxMs: 999 })).toMatchObject(refusal)
  })
  it('that are absent are always in range', () => {
    const none = { ...header, baseTimestamp: -1, maxTimestamp: -1 }
    expect(validateTimestamps(none, { nowMs: 1e12, beforeMaxMs: 0, afterMaxMs: 0 })).toBeUndefined()
  })
})

describe('patches', () => {
  it('set offset and leader epoch in a copy and keep the checksum valid', () => {
    const stored = Buffer.from(three)
    const head = patchedHeader(stored, 2 ** 40 + 5, 9)
    expect(stored.equals(three)).toBe(true)
    const sent = Buffer.concat([head, stored.subarray(head.length)])
    expect(readBatchHeader(sent)).toMatchObject({ baseOffset: 2 ** 40 + 5, partitionLeaderEpoch: 9 })
    expect(crc32c(sent.subarray(21))).toBe(readBatchHeader(sent).crc)
  })

  it('give every record the append time', () => {
    const stamped = withLogAppendTime(three, 5_000_000_000_000)
    const header = readBatchHeader(stamped)
    expect(isLogAppendTime(header)).toBe(true)
    expect(crc32c(stamped.subarray(21))).toBe(header.crc)
    const times = [...readRecords(header, stamped.subarray(BATCH_HEADER_BYTES))].map((record) => record.timestamp)
    expect(times).toEqual([5e12, 5e12, 5e12])
    expect(isLogAppendTime(readBatchHeader(three))).toBe(false)
  })
})
