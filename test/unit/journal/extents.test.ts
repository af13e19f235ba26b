// Extents: dense, found by offset, the same after being stored; full blocks are immutable and known by their hash.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteReader, ByteWriter, StoredBytesError } from '../../../lib/base/bytes.ts'
import { ulidFromBytes } from '../../../lib/base/ids.ts'
import { BLOCK_EXTENTS } from '../../../lib/base/limits.ts'
import { objectKey } from '../../../lib/journal/object-keys.ts'
import {
  appendExtent,
  decodeBlockObject,
  dropExtentsBefore,
  type Extent,
  encodeBlockObject,
  extentAt,
  extentCount,
  findExtent,
  noExtents,
  readColumns,
  segmentKey,
  segmentReference,
  writeColumns,
} from '../../../lib/journal/state/extents.ts'
import { seededRandom } from '../support/manual-clock.ts'

const random = seededRandom(21)
const keys = Array.from({ length: 5 }, (_, i) =>
  objectKey(i % 2 ? 'tiny' : 'segment', 1 + i * 1000, ulidFromBytes(random.bytes(16))),
)

const shapes = fc.array(
  fc.record({
    key: fc.constantFrom(...keys),
    recordCount: fc.integer({ min: 1, max: 1e6 }),
    start: fc.nat(1e9),
    length: fc.nat(1e8),
    maxTimestamp: fc.integer({ min: -1, max: 2 ** 50 }),
  }),
  { minLength: 1, maxLength: 80 },
)

function build(
  list: readonly { key: string; recordCount: number; start: number; length: number; maxTimestamp: number }[],
) {
  const extents = noExtents()
  let baseOffset = 3
  const made: (Omit<Extent, 'segment'> & { key: string })[] = []
  for (const { key, ...rest } of list) {
    appendExtent(extents, { ...rest, baseOffset, segment: segmentReference(key) })
    made.push({ ...rest, baseOffset, key })
    baseOffset += rest.recordCount
  }
  return { extents, made }
}

describe('extents', () => {
  it('are the same after being stored, and found by every offset they hold', () => {
    fc.assert(
      fc.property(shapes, (list) => {
        const { extents, made } = build(list)
        const writer = new ByteWriter()
        writeColumns(writer, extents.open)
        const reader = new ByteReader(writer.finish())
        const columns = readColumns(reader)
        reader.end()
        made.forEach((expected, i) => {
          const { segment, ...rest } = extentAt(columns, i)
          expect({ ...rest, key: segmentKey(segment) }).toEqual(expected)
          for (const offset of [expected.baseOffset, expected.baseOffset + expected.recordCount - 1]) {
            expect(findExtent(columns, offset)).toBe(i)
          }
        })
        expect(findExtent(columns, 2)).toBe(-1)
      }),
    )
  })

  it('before a log start leave, whole ones only, and those that stay are as they were', () => {
    fc.assert(
      fc.property(shapes, fc.double({ min: 0, max: 1.1, noNaN: true }), (list, part) => {
        const { extents, made } = build(list)
        const end = made.at(-1)!.baseOffset + made.at(-1)!.recordCount
        const start = Math.floor(part * end)
        const before = extents.open
        const count = before.baseOffset.length
        dropExtentsBefore(extents, start)
        const kept = extents.open.baseOffset.map((_, i) => {
          const { segment, ...rest } = extentAt(extents.open, i)
          return { ...rest, key: segmentKey(segment) }
        })
        expect(kept).toEqual(made.filter(({ baseOffset, recordCount }) => baseOffset + recordCount > start))
        // Who reads the columns as they were goes on undisturbed.
        expect(before.baseOffset.length).toBe(count)
      }),
    )
  })

  it('leave with their block once all of it lies before the log start', () => {
    const shape = { key: keys[0]!, recordCount: 2, start: 0, length: 100, maxTimestamp: 1 }
    const { extents } = build(Array.from({ length: BLOCK_EXTENTS * 2 + 10 }, () => shape))
    const [first, second] = extents.blocks
    const open = extents.open
    dropExtentsBefore(extents, first!.endOffset - 1)
    expect(extents.blocks).toEqual([first, second])
    dropExtentsBefore(extents, first!.endOffset)
    expect(extents.blocks).toEqual([second])
    dropExtentsBefore(extents, second!.endOffset - 2)
    expect([extents.blocks, extents.open]).toEqual([[second], open])
    dropExtentsBefore(extents, second!.endOffset + 4)
    expect([extents.blocks, extents.open.baseOffset.length]).toEqual([[], 8])
    dropExtentsBefore(extents, second!.endOffset + 20)
    expect(extentCount(extents)).toBe(0)
  })

  it('become blocks of 4,096, each the object that its hash names and no other', () => {
    const list = Array.from({ length: BLOCK_EXTENTS * 2 + 1 }, (_, i) => ({
      key: keys[i % 5]!,
      recordCount: 1 + (i % 3),
      start: i,
      length: 100,
      maxTimestamp: i === 4500 ? 9e9 : i,
    }))
    const { extents, made } = build(list)
    expect([extents.blocks.length, extents.open.baseOffset.length]).toEqual([2, 1])
    expect(extentCount(extents)).toBe(list.length)
    const [first, second] = extents.blocks
    expect([first!.baseOffset, first!.endOffset]).toEqual([3, made[BLOCK_EXTENTS]!.baseOffset])
    expect([first!.maxTimestamp, second!.maxTimestamp]).toEqual([BLOCK_EXTENTS - 1, 9e9])
    const bytes = encodeBlockObject(first!.columns!)
    expect(decodeBlockObject(bytes, first!.hash).baseOffset).toEqual(first!.columns!.baseOffset)
    expect(() => decodeBlockObject(bytes, second!.hash)).toThrow(StoredBytesError)
  })
})
