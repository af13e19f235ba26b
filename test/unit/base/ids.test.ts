// Ids: a ULID keeps its 128 bits through its text, tells its time, and sorts by it.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newTopicId, newUlid, ulidFromBytes, ulidTimeMs, ulidToBytes } from '../../../lib/base/ids.ts'
import { randomFraction, randomInt, systemRandom } from '../../../lib/base/random.ts'
import { createManualClock, seededRandom } from '../support/manual-clock.ts'

describe('ids', () => {
  it('keeps all bits of a ULID', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const text = ulidFromBytes(bytes)
        expect(text).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
        expect(ulidToBytes(text)).toEqual(bytes)
      }),
    )
  })

  it('carries its time, past 2^32 ms, and sorts by it', async () => {
    const clock = createManualClock(1_700_000_000_123)
    const early = newUlid(clock, systemRandom)
    await clock.advance(5000)
    const late = newUlid(clock, systemRandom)
    expect(ulidTimeMs(early)).toBe(1_700_000_000_123)
    expect(ulidTimeMs(late)).toBe(1_700_000_005_123)
    expect(early < late).toBe(true)
  })

  it('makes topic ids that are version 4 UUIDs', () => {
    expect(newTopicId(systemRandom)).toMatch(/^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/)
  })

  it('draws uniform fractions and integers within their bounds', () => {
    const random = seededRandom(3)
    const draws = Array.from({ length: 2000 }, () => randomInt(random, 3, 7))
    expect(new Set(draws)).toEqual(new Set([3, 4, 5, 6]))
    for (let i = 0; i < 1000; i++) {
      const fraction = randomFraction(random)
      expect(fraction >= 0 && fraction < 1).toBe(true)
    }
  })
})
