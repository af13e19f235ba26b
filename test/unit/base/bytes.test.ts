// Stored formats: what is written is read back, whatever is cut off or altered is refused, and a number that the format
// cannot hold is refused before it is written: written, it would stop every replica that ever reads it.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AssertionError } from '../../../lib/base/assert.ts'
import { ByteReader, ByteWriter, openObject, StoredBytesError, sealObject } from '../../../lib/base/bytes.ts'

describe('bytes', () => {
  it('round-trips numbers, strings and bytes in any order', () => {
    const field = fc.oneof(
      fc.record({ kind: fc.constant('varint' as const), value: fc.maxSafeNat() }),
      fc.record({ kind: fc.constant('signed' as const), value: fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }) }),
      fc.record({ kind: fc.constant('u32' as const), value: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }),
      fc.record({ kind: fc.constant('string' as const), value: fc.string({ unit: 'grapheme' }) }),
    )
    fc.assert(
      fc.property(fc.array(field), fc.nat(20), (fields, capacity) => {
        const writer = new ByteWriter(capacity)
        for (const f of fields) {
          if (f.kind === 'string') writer.string(f.value)
          else writer[f.kind](f.value)
        }
        const reader = new ByteReader(writer.finish())
        for (const f of fields) expect(reader[f.kind]()).toBe(f.value)
        reader.end()
      }),
    )
  })

  it('takes the extremes of its numbers', () => {
    for (const value of [0, 127, 128, 2 ** 31, 2 ** 49, Number.MAX_SAFE_INTEGER]) {
      expect(new ByteReader(new ByteWriter(0).varint(value).finish()).varint()).toBe(value)
    }
    for (const value of [-(2 ** 52), -1, 0, 1, 2 ** 52 - 1]) {
      expect(new ByteReader(new ByteWriter(0).signed(value).finish()).signed()).toBe(value)
    }
  })

  it('refuses to write what it could not read', () => {
    for (const value of [-1, 2 ** 53, 2 ** 62, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => new ByteWriter().varint(value), `${value}`).toThrow(AssertionError)
    }
    for (const value of [2 ** 52, -(2 ** 52) - 1, 2 ** 62]) {
      expect(() => new ByteWriter().signed(value), `${value}`).toThrow(AssertionError)
    }
  })

  it('refuses every prefix of an envelope and every flipped bit', () => {
    const whole = sealObject('TEST', Buffer.from('some content'))
    expect(Buffer.from(openObject('TEST', whole)).toString()).toBe('some content')
    for (let length = 0; length < whole.length; length++) {
      expect(() => openObject('TEST', whole.subarray(0, length))).toThrow(StoredBytesError)
    }
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const copy = Uint8Array.from(whole)
      copy[bit >> 3]! ^= 1 << (bit & 7)
      expect(() => openObject('TEST', copy)).toThrow(StoredBytesError)
    }
    expect(() => openObject('OTHR', whole)).toThrow(StoredBytesError)
  })

  it('bounds counts by what is left', () => {
    const bytes = new ByteWriter().varint(1000).raw(new Uint8Array(999)).finish()
    expect(() => new ByteReader(bytes).count()).toThrow(StoredBytesError)
    expect(() => new ByteReader(bytes).count(2)).toThrow(StoredBytesError)
    expect(new ByteReader(new ByteWriter().varint(10).raw(new Uint8Array(20)).finish()).count(2)).toBe(10)
    expect(() => new ByteReader(Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 1)).varint()).toThrow(
      StoredBytesError,
    )
  })
})
