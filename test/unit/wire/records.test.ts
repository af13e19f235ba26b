// Reading records of every codec as Kafka's own client writes them, searching by time, recompression, and batches whose
// records lie.
import { describe, expect, it } from 'vitest'
import { buildBatch, buildPlainBatch } from '../../../lib/wire/build-batch.ts'
import { inlineCompression, threadedCompression } from '../../../lib/wire/native-compression.ts'
import {
  assembleBatch,
  BATCH_HEADER_BYTES,
  batchCodec,
  CODECS,
  readBatchHeader,
  validateProducedBatch,
  withLogAppendTime,
} from '../../../lib/wire/record-batch.ts'
import {
  firstRecordAtOrAfter,
  openBatch,
  RecordsError,
  readRecords,
  recompress,
  recordOfMaxTimestamp,
} from '../../../lib/wire/records.ts'
import javaBatches from './fixtures/java-batches.json' with { type: 'json' }

const utf8 = new TextDecoder()
const bytes = (value: string | null): Uint8Array | null => (value === null ? null : new TextEncoder().encode(value))
const string = (value: Uint8Array | null): string | null => (value === null ? null : utf8.decode(value))

/** What fixtures/Batches.java writes. */
function javaRecords(size: 'small' | 'large'): unknown[] {
  return Array.from({ length: size === 'large' ? 300 : 5 }, (_, i) => ({
    offsetDelta: i,
    timestamp: 1.7e12 + (i === 3 ? 1_000_000 : i * 7),
    key: i % 5 === 1 ? null : `key-${i}`,
    value: i % 5 === 2 ? null : `value ${i} ` + 'tide '.repeat(size === 'large' ? 150 + (i % 50) : 3),
    headers:
      i % 5 === 4
        ? [
            ['h', `x${i}`],
            ['null', null],
          ]
        : [],
  }))
}

async function recordsOf(batch: Uint8Array, compression = inlineCompression): Promise<unknown[]> {
  const opened = await openBatch(batch, compression)
  if (opened.kind !== 'ok') throw new Error(opened.cause)
  return [...readRecords(opened.header, opened.records)].map((record) => ({
    ...record,
    key: string(record.key),
    value: string(record.value),
    headers: record.headers.map((header) => [string(header.key), string(header.value)]),
  }))
}

const fixtures = Object.entries(javaBatches).flatMap(([codec, sizes]) =>
  Object.entries(sizes).map(([size, hex]) => ({
    codec,
    size: size as 'small' | 'large',
    batch: Buffer.from(hex, 'hex'),
  })),
)

describe("Java's batches", () => {
  it.each(fixtures)('are read: $codec, $size', async ({ size, batch }) => {
    expect(await recordsOf(batch, inlineCompression)).toEqual(javaRecords(size))
    expect(await recordsOf(batch, threadedCompression)).toEqual(javaRecords(size))
  })

  it.each(fixtures)('keep their records when recompressed: $codec, $size', async ({ size, batch }) => {
    for (const codec of CODECS) {
      const result = await recompress(batch, codec, threadedCompression)
      if (result.kind !== 'ok') throw new Error(result.message)
      expect(validateProducedBatch(result.batch, 11).kind).toBe('ok')
      const [before, after] = [readBatchHeader(batch), readBatchHeader(result.batch)]
      expect(batchCodec(after)).toBe(codec)
      expect({ ...after, attributes: 0, crc: 0, batchLength: 0 }).toEqual({
        ...before,
        attributes: 0,
        crc: 0,
        batchLength: 0,
      })
      expect(await recordsOf(result.batch)).toEqual(javaRecords(size))
    }
  })

  it('our own builder makes the same bytes where nothing is compressed', () => {
    const records = (
      javaRecords('small') as {
        timestamp: number
        key: string | null
        value: string | null
        headers: [string, string | null][]
      }[]
    ).map((record) => ({
      timestamp: record.timestamp,
      key: bytes(record.key),
      value: bytes(record.value),
      headers: record.headers.map(([key, value]) => ({ key: bytes(key)!, value: bytes(value) })),
    }))
    expect(Buffer.from(buildPlainBatch({ records })).toString('hex')).toBe(javaBatches.none.small)
  })
})

describe('the search by time', () => {
  const times = [500, 700, 600, 900, 900, 100]
  const records = times.map((timestamp) => ({ timestamp, value: bytes('v') }))
  it.each(CODECS)('finds the exact record: %s', async (codec) => {
    const batch = await buildBatch({ records }, codec, inlineCompression)
    const first = (timestamp: number, from?: number) => firstRecordAtOrAfter(batch, timestamp, inlineCompression, from)
    expect(await first(0)).toEqual({ kind: 'found', offsetDelta: 0, timestamp: 500 })
    expect(await first(600)).toEqual({ kind: 'found', offsetDelta: 1, timestamp: 700 })
    expect(await first(600, 2)).toEqual({ kind: 'found', offsetDelta: 2, timestamp: 600 })
    expect(await first(701)).toEqual({ kind: 'found', offsetDelta: 3, timestamp: 900 })
    expect(await first(901)).toEqual({ kind: 'none' })
    expect(await first(200, 5)).toEqual({ kind: 'none' })
    expect(await recordOfMaxTimestamp(batch, inlineCompression)).toEqual({
      kind: 'found',
      offsetDelta: 3,
      timestamp: 900,
    })
    expect(await recordOfMaxTimestamp(batch, inlineCompression, 5)).toMatchObject({ offsetDelta: 5, timestamp: 100 })
  })

  it('takes the append time where the batch has one', async () => {
    const batch = withLogAppendTime(buildPlainBatch({ records }), 1234)
    expect(await firstRecordAtOrAfter(batch, 1000, inlineCompression)).toMatchObject({
      offsetDelta: 0,
      timestamp: 1234,
    })
    expect(await recordOfMaxTimestamp(batch, inlineCompression)).toMatchObject({ offsetDelta: 0, timestamp: 1234 })
  })
})

describe('records that lie', () => {
  const good = buildPlainBatch({ records: [{ timestamp: 1, key: bytes('k'), value: bytes('value') }] })
  const header = readBatchHeader(good)
  const body = good.subarray(BATCH_HEADER_BYTES)
  const altered = (at: number, value: number): Uint8Array => {
    const copy = new Uint8Array(body)
    copy[at] = value
    return copy
  }
  // length, attributes, timestamp delta, offset delta, key length, 'k', value length, 'value', header count
  const lies: [string, Uint8Array][] = [
    ['record length past the end', altered(0, 0x7e)],
    ['negative record length', altered(0, 0x01)],
    ['record length too short', altered(0, body[0]! - 2)],
    ['key length past the end', altered(4, 0x7e)],
    ['key length below -1', altered(4, 0x03)],
    ['value length past the end', altered(6, 0x7e)],
    ['header count past the end', altered(12, 0x7e)],
    ['negative header count', altered(12, 0x01)],
    ['an offset delta that the header does not know', altered(3, 0x02)],
    ['nothing', new Uint8Array(0)],
    ['an endless number', new Uint8Array(20).fill(0xff)],
    ['bytes behind the last record', Buffer.concat([body, Buffer.alloc(1)])],
  ]
  it.each(lies)('are refused: %s', async (_name, records) => {
    expect(() => [...readRecords(header, records)]).toThrow(RecordsError)
    const batch = assembleBatch(header, records)
    expect((await recompress(batch, 'gzip', inlineCompression)).kind).toBe('invalid')
    expect((await recordOfMaxTimestamp(batch, inlineCompression)).kind).toBe('unreadable')
  })

  it('a count too high is found without an allocation for it', () => {
    const many = { ...header, recordCount: 2 ** 31 - 1, lastOffsetDelta: 2 ** 31 - 2 }
    expect(() => [...readRecords(many, body)]).toThrow(RecordsError)
  })

  it('bytes that are not compressed at all are unreadable', async () => {
    for (const codec of CODECS.slice(1)) {
      const batch = assembleBatch({ ...header, attributes: CODECS.indexOf(codec) }, new Uint8Array(100).fill(7))
      expect((await openBatch(batch, inlineCompression)).kind).toBe('unreadable')
      expect(await recompress(batch, 'none', inlineCompression)).toMatchObject({ kind: 'invalid', reason: 'corrupt' })
    }
  })
})
