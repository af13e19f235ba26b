// Whatever bytes arrive as a record batch, from noise to one flipped byte of a good batch, the answer is a value or a
// `RecordsError`: no other exception, no time or memory beyond the bytes.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildBatch } from '../../lib/wire/build-batch.ts'
import { lz4Frame, snappyBlocks } from '../../lib/wire/compression.ts'
import { inlineCompression } from '../../lib/wire/native-compression.ts'
import {
  assembleBatch,
  BATCH_HEADER_BYTES,
  CODECS,
  readBatchHeader,
  validateProducedBatch,
} from '../../lib/wire/record-batch.ts'
import { openBatch, RecordsError, readRecords, recompress, recordOfMaxTimestamp } from '../../lib/wire/records.ts'

/** Buffers and plain arrays of the same bytes read the same. */
function asHex(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const raw = this[key]
  return raw instanceof Uint8Array ? Buffer.from(raw).toString('hex') : value
}

const nullable = fc.option(fc.uint8Array({ maxLength: 40 }), { nil: null })
const record = fc.record({
  timestamp: fc.integer({ min: 0, max: 2 ** 44 }),
  key: nullable,
  value: nullable,
  headers: fc.array(fc.record({ key: fc.uint8Array({ maxLength: 5 }), value: nullable }), { maxLength: 3 }),
})
const records = fc.array(record, { minLength: 1, maxLength: 20 })
const codec = fc.constantFrom(...CODECS)

describe('record batches', () => {
  it('come back as they were built', async () => {
    await fc.assert(
      fc.asyncProperty(records, codec, codec, async (input, from, to) => {
        const built = await buildBatch(
          { records: input, producerId: 3, producerEpoch: 0, baseSequence: 0 },
          from,
          inlineCompression,
        )
        expect(validateProducedBatch(built, 11).kind).toBe('ok')
        const again = await recompress(built, to, inlineCompression)
        if (again.kind !== 'ok') throw new Error(again.message)
        const opened = await openBatch(again.batch, inlineCompression)
        if (opened.kind !== 'ok') throw new Error(opened.cause)
        const output = [...readRecords(opened.header, opened.records)].map(({ offsetDelta: _, ...rest }) => rest)
        expect(JSON.stringify(output, asHex)).toBe(JSON.stringify(input, asHex))
      }),
      { numRuns: 300 },
    )
  })

  it('of random bytes are judged, not believed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(validateProducedBatch(bytes, 11).kind).toBe('invalid')
      }),
      { numRuns: 2000 },
    )
  })

  it('with any one byte changed are refused, unless it lies outside the checksum and is overwritten anyway', async () => {
    await fc.assert(
      fc.asyncProperty(records, codec, fc.nat(), fc.integer({ min: 1, max: 255 }), async (input, by, place, flip) => {
        const batch = await buildBatch({ records: input }, by, inlineCompression)
        const at = place % batch.length
        batch[at] = batch[at]! ^ flip
        const leaderEpoch = at >= 12 && at < 16
        expect(validateProducedBatch(batch, 11).kind).toBe(leaderEpoch ? 'ok' : 'invalid')
      }),
      { numRuns: 2000 },
    )
  })

  it('with valid checksums and damaged insides never do worse than a refusal', async () => {
    let refused = 0
    await fc.assert(
      fc.asyncProperty(records, codec, fc.nat(), fc.nat({ max: 255 }), async (input, by, place, value) => {
        const good = await buildBatch({ records: input }, by, inlineCompression)
        const body = Uint8Array.from(good.subarray(BATCH_HEADER_BYTES))
        body[place % body.length] = value
        const batch = assembleBatch(readBatchHeader(good), body)
        const verdict = await recompress(batch, by === 'gzip' ? 'zstd' : 'gzip', inlineCompression)
        await recordOfMaxTimestamp(batch, inlineCompression)
        if (verdict.kind !== 'ok') refused += 1
      }),
      { numRuns: 2000 },
    )
    expect(refused).toBeGreaterThan(100)
  })

  it('records of random bytes end in a RecordsError or in order', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.integer({ min: 1, max: 2 ** 31 - 1 }), (bytes, recordCount) => {
        const header = {
          ...readBatchHeader(new Uint8Array(BATCH_HEADER_BYTES)),
          recordCount,
          lastOffsetDelta: recordCount - 1,
        }
        try {
          for (const each of readRecords(header, bytes)) expect(each.offsetDelta).toBeLessThan(recordCount)
        } catch (error) {
          expect(error).toBeInstanceOf(RecordsError)
        }
      }),
      { numRuns: 3000 },
    )
  })
})

it('framings of random bytes are taken apart without an exception', () => {
  const kinds = new Set(['ok', 'malformed', 'tooLarge'])
  const lz4Start = fc.constantFrom(Uint8Array.of(4, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82), new Uint8Array(0))
  const snappyStart = fc.constantFrom(Buffer.from('82534e4150505900000000010000000100', 'hex'), new Uint8Array(0))
  fc.assert(
    fc.property(lz4Start, snappyStart, fc.uint8Array({ maxLength: 100 }), (lz4, snappy, rest) => {
      expect(kinds).toContain(lz4Frame(Buffer.concat([lz4, rest]), 50).kind)
      expect(kinds).toContain(snappyBlocks(Buffer.concat([snappy, rest]), 50).kind)
    }),
    { numRuns: 3000 },
  )
})
