// Fuzzing of every message: random bytes, and valid messages with bytes flipped, cut, inserted or repeated. Whatever comes is
// either a message or one `WireError`, quickly and without more memory than the budget allows; and what decodes from damaged
// bytes can be encoded again.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeRequestHeader } from '../../lib/wire/frame.ts'
import { decodeRequest, decodeResponse, WireError } from '../../lib/wire/reader.ts'
import { encodeRequest, encodeResponse } from '../../lib/wire/writer.ts'
import { anyMessage, MESSAGE_TYPES, type Message } from '../unit/wire/arbitrary.ts'

type Place = Pick<Message, 'api' | 'version' | 'type'>

function decode({ api, version, type }: Place, bytes: Uint8Array): Readonly<Record<string, unknown>> {
  return type === 'request' ? decodeRequest(api, version, bytes) : decodeResponse(api, version, bytes)
}

function encode({ api, version, type, value }: Message): Buffer {
  return Buffer.concat(type === 'request' ? encodeRequest(api, version, value) : encodeResponse(api, version, value))
}

/** True when it decoded. */
function survives(place: Place, bytes: Uint8Array): boolean {
  try {
    const value = decode(place, bytes)
    expect(encode({ ...place, value }).length).toBeGreaterThanOrEqual(0)
    return true
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return false
  }
}

interface Damage {
  readonly kind: 'flip' | 'cut' | 'insert' | 'repeat'
  readonly at: number
  readonly bytes: Uint8Array
}
const anyDamage: fc.Arbitrary<Damage> = fc.record({
  kind: fc.constantFrom('flip', 'cut', 'insert', 'repeat'),
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 5 }),
    fc.constantFrom(...['7fffffff', 'ffffffff', 'ffffffff0f', 'ffffffffff', '80808080808001', '00', 'ff'].map(unhex)),
  ),
})

function unhex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

function damaged(bytes: Buffer, damages: readonly Damage[]): Buffer {
  return damages.reduce((before, damage) => {
    const at = Math.floor(damage.at * before.length)
    const size = damage.bytes.length
    const head = before.subarray(0, at)
    if (damage.kind === 'cut') return Buffer.concat([head, before.subarray(at + size)])
    if (damage.kind === 'insert') return Buffer.concat([head, damage.bytes, before.subarray(at)])
    if (damage.kind === 'repeat') return Buffer.concat([before, before.subarray(at)])
    return Buffer.concat([head, damage.bytes, before.subarray(at + size)]).subarray(0, before.length)
  }, bytes)
}

describe('only WireError', () => {
  test('random bytes as every message', () => {
    const bytes = fc.uint8Array({ maxLength: 200 })
    for (const place of MESSAGE_TYPES) {
      fc.assert(
        fc.property(bytes, (random) => void survives(place, random)),
        { numRuns: 100 },
      )
    }
  })

  test('random bytes as a header', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(...MESSAGE_TYPES), (random, { api, version }) => {
        const known = Buffer.concat([Buffer.from([0, api.key, 0, version]), random])
        for (const frame of [random, known]) expect(['ok', 'malformed']).toContain(decodeRequestHeader(frame).kind)
      }),
      { numRuns: 2000 },
    )
  })

  test('damaged messages, some of which still decode', () => {
    let decoded = 0
    let refused = 0
    fc.assert(
      fc.property(anyMessage, fc.array(anyDamage, { minLength: 1, maxLength: 4 }), (message, damages) => {
        const start = performance.now()
        if (survives(message, damaged(encode(message), damages))) decoded++
        else refused++
        expect(performance.now() - start).toBeLessThan(1000)
      }),
      { numRuns: 3000, interruptAfterTimeLimit: 20_000 },
    )
    expect(decoded).toBeGreaterThan(100)
    expect(refused).toBeGreaterThan(100)
  }, 30_000)
})

test('a megabyte of anything costs little time and memory, as every message', () => {
  const fills = [0x00, 0x01, 0x02, 0x7f, 0xff].map((fill) => Buffer.alloc(1024 * 1024, fill))
  for (const bytes of fills) {
    // Lead with counts that the rest can hold, so that the decoder goes as far as it can.
    const plain = Buffer.from(bytes)
    plain.writeInt32BE(200_000, 0)
    for (const place of MESSAGE_TYPES) {
      const before = process.memoryUsage().heapUsed
      const start = performance.now()
      survives(place, bytes)
      survives(place, plain)
      expect(performance.now() - start).toBeLessThan(2000)
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(256 * 1024 * 1024)
    }
  }
}, 60_000)
