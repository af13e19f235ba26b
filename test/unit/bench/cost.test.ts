// The rules by which `npm run bench:cost` counts: how long an item is, what a request consumes, how long calls take that
// partly overlap. The figures are worked out by hand from AWS's page on item sizes.
import { describe, expect, it } from 'vitest'
import { attributeBytes, itemBytes, readUnits, writeUnits } from '../../../bench/cost/capacity.ts'
import { type Call, criticalPathMs } from '../../../bench/cost/meter.ts'
import { add, cost, NOTHING, times, usage } from '../../../bench/cost/prices.ts'
import { boundsOf, type Row } from '../../../bench/cost/table.ts'

describe('the size of an item', () => {
  it('is the bytes of names and values', () => {
    expect(itemBytes({ pk: { S: 'JOURNAL#1' }, sk: { S: 'é' } })).toBe(2 + 9 + 2 + 2)
  })
  it('counts bytes, not their base 64', () => {
    expect(attributeBytes({ B: Buffer.alloc(1000).toString('base64') })).toBe(1000)
  })
  it('counts two digits of a number as a byte, zeros around them not at all', () => {
    expect(attributeBytes({ N: '0' })).toBe(2)
    expect(attributeBytes({ N: '7' })).toBe(2)
    expect(attributeBytes({ N: '123' })).toBe(3)
    expect(attributeBytes({ N: '1200000' })).toBe(2)
  })
  it('adds three bytes for a list or map and one for each element', () => {
    expect(attributeBytes({ L: [] })).toBe(3)
    expect(attributeBytes({ L: [{ B: 'AAAA' }, { B: 'AAAA' }] })).toBe(3 + 2 * (1 + 3))
    expect(attributeBytes({ M: { key: { S: 'abc' } } })).toBe(3 + 1 + 3 + 3)
  })
  it('is not guessed for a type without a rule', () => {
    expect(() => attributeBytes({ SS: ['a'] })).toThrow('No rule')
  })
})

it('units are whole, and at least one', () => {
  expect([0, 1, 1024, 1025, 2049].map(writeUnits)).toEqual([1, 1, 1, 2, 3])
  expect([0, 1, 4096, 4097].map(readUnits)).toEqual([1, 1, 1, 2])
})

describe('the time of calls', () => {
  const call = (startedAt: number, endedAt: number, modelledMs: number): Call => ({
    operation: 'dynamodb GetItem',
    writeUnits: 0,
    readUnits: 1,
    s3Writes: 0,
    s3Reads: 0,
    removed: [],
    startedAt,
    endedAt,
    modelledMs,
  })
  it('adds up where one follows the other', () => {
    expect(criticalPathMs([call(0, 10, 5), call(11, 20, 60), call(21, 30, 5)])).toBe(70)
  })
  it('is the longest of those side by side', () => {
    expect(criticalPathMs([call(0, 10, 5), call(1, 9, 3), call(2, 90, 60)])).toBe(60)
  })
  it('follows the longest chain', () => {
    expect(criticalPathMs([call(0, 10, 5), call(1, 40, 30), call(12, 20, 5), call(41, 50, 3)])).toBe(33)
  })
  it('is nothing without calls', () => {
    expect(criticalPathMs([])).toBe(0)
  })
})

it('counts meet prices', () => {
  const used = add(usage({ writeUnits: 2, apiUnits: 1 }), times(usage({ writeUnits: 1 }), 2))
  expect(cost(used) * 1e6).toBeCloseTo(4 * 0.625 + 1, 9)
  expect(cost(used, ['apiUnits']) * 1e6).toBeCloseTo(1, 9)
})

it('a bound is held against the request, its maintenance and its deletion, per message', () => {
  const measured = { count: 1, usage: usage({ apiUnits: 100 }), cpuMs: 0, storesMs: 0, requests: new Map() }
  const row: Row = {
    name: 'a hundred',
    unit: 'messages',
    measured,
    unitsPerRequest: 100,
    maintenance: usage({ apiUnits: 50 }),
    deletion: NOTHING,
    bound: 1.4,
  }
  const month = { name: 'quiet', parts: [['one', 0.5] as const, ['two', 0.4] as const], bound: 1 }
  const [ofRow, ofMonth] = boundsOf([row], [month])
  expect(ofRow?.usd).toBeCloseTo(1.5, 9)
  expect(ofRow!.usd > ofRow!.bound).toBe(true)
  expect(ofMonth?.usd).toBeCloseTo(0.9, 9)
})
