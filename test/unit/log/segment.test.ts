// The ingest segment: batches keep their bytes and their order within a partition, and the object says of itself what the
// journal says of it.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type TopicId, ulidFromBytes } from '../../../lib/base/ids.ts'
import { decodeFlush } from '../../../lib/journal/entries/flush.ts'
import { decodeEntry, verifyBody } from '../../../lib/journal/entry.ts'
import { buildSegment, flushEntry, readSegmentFooter } from '../../../lib/log/segment.ts'
import { batchOf } from '../support/world.ts'

const topicOf = (number: number) => ({
  number,
  id: number.toString(16).padStart(32, '0') as TopicId,
  name: `topic-${number}`,
  partitions: 100,
  configs: new Map(),
  version: 1,
})

const shape = fc.record({
  topic: fc.integer({ min: 1, max: 4 }),
  partition: fc.nat(5),
  values: fc.array(fc.string(), { minLength: 1, maxLength: 3 }),
  producer: fc.option(fc.nat(3)),
})

describe('segment', () => {
  it('holds every batch where its table says, in order of arrival within a partition', () => {
    fc.assert(
      fc.property(fc.array(shape, { minLength: 1, maxLength: 30 }), (shapes) => {
        const batches = shapes.map(({ topic, partition, values, producer }, i) =>
          batchOf(
            topicOf(topic),
            partition,
            [`${i}`, ...values],
            producer === null ? {} : { producerId: producer, producerEpoch: 1, baseSequence: i },
          ),
        )
        const segment = buildSegment(batches)
        const bytes = Buffer.concat(segment.body)
        expect(segment.sizeBytes).toBe(bytes.length)
        expect([...segment.order].sort((a, b) => a - b)).toEqual(batches.map((_, i) => i))
        segment.table.forEach((placed, i) => {
          const batch = batches[segment.order[i]!]!
          expect(bytes.subarray(placed.start, placed.start + placed.length).equals(batch.bytes)).toBe(true)
          expect(placed).toMatchObject({
            topicNumber: batch.topic.number,
            partition: batch.partition,
            recordCount: batch.recordCount,
            producerId: batch.producerId,
            baseSequence: batch.baseSequence,
          })
          const before = segment.table[i - 1]
          if (before === undefined) return
          const sameplace = before.topicNumber === placed.topicNumber && before.partition === placed.partition
          if (sameplace) expect(segment.order[i]!).toBeGreaterThan(segment.order[i - 1]!)
          expect(before.topicNumber * 1000 + before.partition).toBeLessThanOrEqual(
            placed.topicNumber * 1000 + placed.partition,
          )
        })
        // What an entry by reference points to is the table itself.
        const referred = bytes.subarray(segment.payloadStart, segment.payloadStart + segment.payload.length)
        expect(decodeFlush(referred)).toEqual(segment.table)
        const footer = readSegmentFooter(bytes)
        expect(footer.table).toEqual(segment.table)
        const named = new Set(batches.map(({ topic }) => topic.number))
        expect(new Set(footer.topics.keys())).toEqual(named)
        for (const number of named) {
          expect(footer.topics.get(number)).toEqual({ id: topicOf(number).id, name: `topic-${number}` })
        }
      }),
    )
  })

  it('does not copy what it was given', () => {
    const batches = [batchOf(topicOf(1), 0, ['a']), batchOf(topicOf(1), 1, ['b'])]
    expect(buildSegment(batches).body.slice(0, 2)).toEqual(batches.map(({ bytes }) => bytes))
    expect(buildSegment(batches).body[0]).toBe(batches[0]!.bytes)
  })
})

describe('flush entry', () => {
  const batches = (count: number) =>
    Array.from({ length: count }, (_, partition) => batchOf(topicOf(1), partition, ['x']))
  const id = ulidFromBytes(new Uint8Array(16))
  const head = { id, origin: 3, tiny: false }

  it('holds the table while it fits, and refers to the footer when it does not', () => {
    for (const count of [1, 50, 2000]) {
      const segment = buildSegment(batches(count))
      const { entry, body } = flushEntry(head, segment, () => true)!
      const { payload, reference, key } = decodeEntry(entry.bytes)
      expect(decodeFlush(payload ?? body!)).toEqual(segment.table)
      expect(payload === undefined).toBe(count === 2000)
      expect(reference?.key ?? key).toMatch(/^segment\//)
      if (reference === undefined) continue
      const bytes = Buffer.concat(segment.body)
      verifyBody(reference, bytes.subarray(reference.start, reference.start + reference.length))
    }
  })

  it('leaves out what is not kept, or is none at all', () => {
    const segment = buildSegment(batches(50))
    const { entry } = flushEntry(head, segment, (i) => i % 7 === 0)!
    expect(decodeFlush(decodeEntry(entry.bytes).payload!)).toEqual(segment.table.filter((_, i) => i % 7 === 0))
    expect(flushEntry(head, segment, () => false)).toBeUndefined()
    // The footer has them all, so a thinned table that does not fit an entry cannot be named.
    expect(flushEntry(head, buildSegment(batches(2000)), (i) => i > 0)).toBeUndefined()
    expect(flushEntry(head, buildSegment(batches(2000)), (i) => i < 5)).toBeDefined()
  })
})
