// The envelope of entries: what goes in comes out, inside or by reference; what only a newer release can know is told apart
// from what is damaged; and no number that a client chose can make an entry that nobody can read.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StoredBytesError } from '../../../lib/base/bytes.ts'
import { crc32c } from '../../../lib/base/crc32c.ts'
import { newUlid } from '../../../lib/base/ids.ts'
import { ENTRY_BYTES_MAX } from '../../../lib/base/limits.ts'
import { decodeFlush, encodeFlush } from '../../../lib/journal/entries/flush.ts'
import {
  decodeEntry,
  ENTRY_KINDS,
  type EntryKind,
  encodeEntry,
  encodeEntryByReference,
  UnknownEntryError,
  verifyBody,
} from '../../../lib/journal/entry.ts'
import { objectKey, parseObjectKey } from '../../../lib/journal/object-keys.ts'
import { OBJECT_KINDS } from '../../../lib/storage/ports.ts'
import { buildPlainBatch } from '../../../lib/wire/build-batch.ts'
import { readBatchHeader, validateProducedBatch } from '../../../lib/wire/record-batch.ts'
import { createManualClock, seededRandom } from '../support/manual-clock.ts'

const clock = createManualClock()
const random = seededRandom(5)
const kinds = Object.keys(ENTRY_KINDS) as EntryKind[]

describe('entry', () => {
  it('keeps kind, id, origin and payload, and is as long as it may be at most', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        fc.integer({ min: 1, max: 999_999_999_999 }),
        fc.uint8Array({ maxLength: 1100, size: 'max' }),
        fc.boolean(),
        (kind, origin, payload, tiny) => {
          const id = newUlid(clock, random)
          const entry = encodeEntry({ kind, id, origin, tiny }, payload)
          if (entry === undefined) {
            expect(payload.length).toBeGreaterThan(ENTRY_BYTES_MAX - 40)
            return
          }
          expect(entry.bytes.length).toBeLessThanOrEqual(ENTRY_BYTES_MAX)
          const decoded = decodeEntry(entry.bytes)
          expect(decoded).toMatchObject({ kind, id, origin, reference: undefined })
          expect(Buffer.compare(decoded.payload!, payload)).toBe(0)
          const object = kind !== 'flush' ? 'body' : tiny ? 'tiny' : 'segment'
          expect(parseObjectKey(decoded.key)).toEqual({ kind: object, origin, id })
        },
      ),
    )
  })

  it('refers to a body by place, length and hash', () => {
    const id = newUlid(clock, random)
    const body = random.bytes(5000)
    const { bytes } = encodeEntryByReference({ kind: 'flush', id, origin: 9 }, body, 1234)
    const { reference, payload } = decodeEntry(bytes)
    expect(payload).toBeUndefined()
    expect(reference).toMatchObject({ key: objectKey('segment', 9, id), start: 1234, length: 5000 })
    verifyBody(reference!, body)
    expect(() => verifyBody(reference!, body.subarray(1))).toThrow(StoredBytesError)
    const flipped = Uint8Array.from(body)
    flipped[4999]! ^= 1
    expect(() => verifyBody(reference!, flipped)).toThrow(StoredBytesError)
  })

  it('tells a newer format and a newer kind from damage', () => {
    const { bytes } = encodeEntry({ kind: 'foldVersion', id: newUlid(clock, random), origin: 1 }, new Uint8Array(1))!
    for (const [at, value] of [
      [0, 2],
      [1, 200],
      [1, 0],
    ] as const) {
      const other = Uint8Array.from(bytes)
      other[at] = value
      expect(() => decodeEntry(other)).toThrow(UnknownEntryError)
    }
    expect(() => decodeEntry(bytes.subarray(0, 10))).toThrow(StoredBytesError)
  })

  it('names objects so that their kind, origin and id can be read back', () => {
    for (const kind of OBJECT_KINDS) {
      const id = newUlid(clock, random)
      expect(parseObjectKey(objectKey(kind, 77, id))).toEqual({ kind, origin: 77, id })
    }
    for (const key of ['', 'segment/00/2/000000000001-0', 'other/00/1/000000000001-01HZZZZZZZZZZZZZZZZZZZZZZZ']) {
      expect(parseObjectKey(key)).toBeUndefined()
    }
  })

  // A producer id or a timestamp is 64 bits of a stranger's choice and the table holds 53: written all the same, the entry
  // could be read by nobody, and every process would have stopped at it for good.
  it('can always be read again, whatever producer id and timestamp a batch came with', () => {
    const extremes = [0, 1, -1, 2 ** 31, 2 ** 50, -(2 ** 50), 2 ** 52, 2 ** 53, 2 ** 62, -(2 ** 62), 2 ** 63 - 1024]
    let refused = 0
    for (const maxTimestamp of extremes) {
      for (const producerId of extremes) {
        const bytes = Buffer.from(buildPlainBatch({ records: [{ timestamp: 5, value: Buffer.from('x') }] }))
        bytes.writeBigInt64BE(BigInt(maxTimestamp), 35)
        bytes.writeBigInt64BE(BigInt(producerId), 43)
        bytes.writeInt16BE(0, 51)
        bytes.writeInt32BE(0, 53)
        bytes.writeUInt32BE(crcOf(bytes), 17)
        const validated = validateProducedBatch(bytes, 9)
        if (validated.kind === 'invalid') {
          expect(['invalidRecord', 'invalidTimestamp']).toContain(validated.reason)
          refused++
          continue
        }
        const header = readBatchHeader(bytes)
        const batch = {
          topicNumber: 1,
          partition: 0,
          start: 0,
          length: bytes.length,
          recordCount: 1,
          maxTimestamp: header.maxTimestamp,
          producerId: header.producerId,
          producerEpoch: header.producerEpoch,
          baseSequence: header.baseSequence,
        }
        const other = { ...batch, start: bytes.length, maxTimestamp: 0 - header.maxTimestamp }
        const [first, second] = decodeFlush(encodeFlush([batch, other]))
        expect([first!.maxTimestamp, second!.maxTimestamp]).toEqual([batch.maxTimestamp, other.maxTimestamp])
      }
    }
    expect(refused).toBeGreaterThan(20)
    expect(refused).toBeLessThan(extremes.length ** 2 - 20)
  })
})

function crcOf(batch: Uint8Array): number {
  return crc32c(batch.subarray(21))
}
