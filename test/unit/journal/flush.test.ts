// The batch table of a flush: what goes in comes out, and a batch costs about what the design says.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeFlush, encodeFlush, type FlushBatch } from '../../../lib/journal/entries/flush.ts'

const shape = fc.record({
  topicNumber: fc.integer({ min: 1, max: 40 }),
  partition: fc.integer({ min: 0, max: 5000 }),
  gap: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1e6 })),
  length: fc.integer({ min: 61, max: 1e7 }),
  recordCount: fc.integer({ min: 1, max: 1e6 }),
  maxTimestamp: fc.integer({ min: -1, max: 4e12 }),
  producer: fc.option(
    fc.record({
      producerId: fc.integer({ min: 0, max: 2 ** 53 - 1 }),
      producerEpoch: fc.integer({ min: 0, max: 32767 }),
      baseSequence: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    }),
  ),
})

function lay(shapes: readonly (typeof shape extends fc.Arbitrary<infer T> ? T : never)[]): FlushBatch[] {
  const sorted = [...shapes].sort((a, b) => a.topicNumber - b.topicNumber || a.partition - b.partition)
  let end = 0
  return sorted.map(({ gap, producer, ...rest }) => {
    const start = end + gap
    end = start + rest.length
    return { ...rest, start, ...(producer ?? { producerId: -1, producerEpoch: -1, baseSequence: -1 }) }
  })
}

describe('flush', () => {
  it('round-trips any table', () => {
    fc.assert(
      fc.property(fc.array(shape, { maxLength: 60 }), (shapes) => {
        const table = lay(shapes)
        expect(decodeFlush(encodeFlush(table))).toEqual(table)
      }),
    )
  })

  it('costs about 8 bytes a batch, 16 with a producer', () => {
    const table = (producerId: number): FlushBatch[] =>
      Array.from({ length: 60 }, (_, i) => ({
        topicNumber: 3,
        partition: i,
        start: i * 16_000,
        length: 16_000,
        recordCount: 15,
        maxTimestamp: 1_700_000_000_000 + i * 7,
        producerId: producerId < 0 ? -1 : producerId + (i % 5),
        producerEpoch: producerId < 0 ? -1 : 0,
        baseSequence: producerId < 0 ? -1 : i * 1000,
      }))
    expect(encodeFlush(table(-1)).length / 60).toBeLessThan(9)
    expect(encodeFlush(table(2 ** 40)).length / 60).toBeLessThan(16)
  })
})
