// Where a reset of offsets leads, decided without a server: the plan itself, times, files of offsets, and which partitions.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatOffsets, parseOffsets } from '../../../lib/cli/groups/offsets-csv.ts'
import { type PartitionFacts, partitionKey, planReset, type ResetTarget } from '../../../lib/cli/groups/plan-reset.ts'
import { readTopicScope, type Scope } from '../../../lib/cli/groups/scope.ts'
import { readDateTime, readDuration } from '../../../lib/cli/groups/times.ts'

/** A log from 10 to before 20, of which everything before 15 is done. */
const facts: PartitionFacts = { topic: 'orders', partition: 3, first: 10, end: 20, committed: 15, atTimestamp: 12 }
const planned = (target: ResetTarget, more: Partial<PartitionFacts> = {}) => {
  const plan = planReset(target, [{ ...facts, ...more }])
  if (plan.kind === 'impossible') return plan.sentence
  return [plan.offsets[0]?.offset, ...plan.warnings]
}
const each = (offset: number): ResetTarget => ({
  kind: 'each',
  offsets: new Map([[partitionKey('orders', 3), offset]]),
})
const before = expect.stringMatching(/^Offset -?\d+ of partition 3 of orders is before its first record: .* 10\.$/)
const beyond = expect.stringMatching(/^Offset \d+ of partition 3 of orders is beyond its end: .* 20\.$/)

describe('the plan', () => {
  test.each<[ResetTarget, Partial<PartitionFacts>, unknown]>([
    [{ kind: 'earliest' }, {}, [10]],
    [{ kind: 'latest' }, {}, [20]],
    [{ kind: 'current' }, {}, [15]],
    [{ kind: 'current' }, { committed: undefined }, [20]],
    // Kafka leaves it, so that an export of what is committed is exactly that.
    [{ kind: 'current' }, { committed: 4 }, [4]],
    [{ kind: 'offset', offset: 10 }, {}, [10]],
    [{ kind: 'offset', offset: 20 }, {}, [20]],
    [{ kind: 'offset', offset: 9 }, {}, [10, before]],
    [{ kind: 'offset', offset: 21 }, {}, [20, beyond]],
    [{ kind: 'shift', by: -5 }, {}, [10]],
    [{ kind: 'shift', by: -6 }, {}, [10, before]],
    [{ kind: 'shift', by: 5 }, {}, [20]],
    [{ kind: 'shift', by: 6 }, {}, [20, beyond]],
    [{ kind: 'shift', by: -100 }, {}, [10, before]],
    [{ kind: 'shift', by: 1 }, { committed: undefined }, expect.stringMatching(/^Nothing is committed for orders:3,/)],
    [{ kind: 'timestamp', timestampMs: 0 }, {}, [12]],
    [
      { kind: 'timestamp', timestampMs: 0 },
      { atTimestamp: undefined },
      [20, expect.stringMatching(/no record that young/)],
    ],
    [each(11), {}, [11]],
    [each(0), {}, [10, before]],
    [each(99), {}, [20, beyond]],
    [{ kind: 'offset', offset: 0 }, { first: 0, end: 0 }, [0]],
  ])('%j with %j', (target, more, expected) => {
    expect(planned(target, more)).toEqual(expected)
  })

  const partition = fc
    .record({
      topic: fc.constantFrom('a', 'b', 'c'),
      partition: fc.nat(20),
      first: fc.nat(50),
      length: fc.nat(50),
      committed: fc.option(fc.nat(150), { nil: undefined }),
      at: fc.option(fc.nat(50), { nil: undefined }),
    })
    .map(({ length, at, ...rest }) => {
      const end = rest.first + length
      return { ...rest, end, atTimestamp: at === undefined || at > length ? undefined : rest.first + at }
    })
  const partitions = fc.uniqueArray(partition, { selector: (p) => partitionKey(p.topic, p.partition) })
  const target: fc.Arbitrary<ResetTarget> = fc.oneof(
    fc.constantFrom<ResetTarget>({ kind: 'earliest' }, { kind: 'latest' }),
    fc.record({ kind: fc.constant('offset' as const), offset: fc.nat(150) }),
    fc.record({ kind: fc.constant('shift' as const), by: fc.integer({ min: -150, max: 150 }) }),
    fc.record({ kind: fc.constant('timestamp' as const), timestampMs: fc.nat() }),
  )

  test('never leads out of the log, names each partition once, in order, and says what it moved', () => {
    fc.assert(
      fc.property(target, partitions, (target, partitions) => {
        const plan = planReset(target, partitions)
        if (plan.kind === 'impossible') {
          expect(target.kind).toBe('shift')
          expect(partitions.some(({ committed }) => committed === undefined)).toBe(true)
          return
        }
        expect(plan.offsets.map((p) => [p.topic, p.partition])).toEqual(
          partitions
            .map((p) => [p.topic, p.partition])
            .sort(([a, p], [b, q]) => {
              return a === b ? Number(p) - Number(q) : String(a) < String(b) ? -1 : 1
            }),
        )
        let moved = 0
        for (const { topic, partition, offset } of plan.offsets) {
          const known = partitions.find((p) => p.topic === topic && p.partition === partition)!
          expect(offset).toBeGreaterThanOrEqual(known.first)
          expect(offset).toBeLessThanOrEqual(known.end)
          const asked =
            target.kind === 'offset'
              ? target.offset
              : target.kind === 'shift'
                ? known.committed! + target.by
                : undefined
          if (asked !== undefined && asked !== offset) moved++
          if (target.kind === 'timestamp' && known.atTimestamp === undefined) moved++
        }
        expect(plan.warnings).toHaveLength(moved)
      }),
    )
  })

  test('of what was planned, exported and read again is the same plan', () => {
    fc.assert(
      fc.property(target, partitions, fc.string({ minLength: 1 }), fc.boolean(), (target, partitions, name, named) => {
        const plan = planReset(target, partitions)
        if (plan.kind === 'impossible') return
        const group = named ? name.replaceAll(/[\r\n]/g, ' ') : undefined
        const lines = plan.offsets.map(({ topic, partition, offset }) => ({ group, topic, partition, offset }))
        const read = parseOffsets(formatOffsets(lines), 'a file')
        expect(read).toEqual(lines)
        const offsets = new Map(read.map((line) => [partitionKey(line.topic, line.partition), line.offset]))
        expect(planReset({ kind: 'each', offsets }, partitions)).toEqual({ ...plan, warnings: [] })
      }),
    )
  })
})

describe('files', () => {
  test('both forms, quoted or not, with blank lines and a byte-order mark', () => {
    const text = '\uFEFForders,0,5\r\n\n"orders", 1 , 6\nbilling,orders,2,7\n"a ""b"", c",orders,3,8'
    expect(parseOffsets(text, 'f')).toEqual([
      { group: undefined, topic: 'orders', partition: 0, offset: 5 },
      { group: undefined, topic: 'orders', partition: 1, offset: 6 },
      { group: 'billing', topic: 'orders', partition: 2, offset: 7 },
      { group: 'a "b", c', topic: 'orders', partition: 3, offset: 8 },
    ])
  })

  test.each(['orders,0', 'orders,0,-1', 'orders,x,1', ',0,1', 'a,b,c,0,1', '"orders,0,1', '"orders"x,0,1', 'o,0,1e3'])(
    '%s is none',
    (line) => {
      expect(() => parseOffsets(`orders,0,0\n${line}\n`, 'plan.csv')).toThrow(/^Line 2 of plan\.csv is not of the form/)
    },
  )
})

describe('times', () => {
  test.each([
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31T12:00:00', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31T12:00', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31', '2026-01-31T00:00:00.000Z'],
    ['2026-01-31T12:00:00.1239', '2026-01-31T12:00:00.123Z'],
    ['2026-01-31T12:00:00,5+02:00', '2026-01-31T10:00:00.500Z'],
    ['2026-01-31T12:00:00-0530', '2026-01-31T17:30:00.000Z'],
    ['2026-01-31T12:00:00+01', '2026-01-31T11:00:00.000Z'],
    ['2024-02-29T23:59:59.999Z', '2024-02-29T23:59:59.999Z'],
  ])('%s is %s', (text, expected) => {
    expect(new Date(readDateTime(text)).toISOString()).toBe(expected)
  })

  test.each([
    '',
    'yesterday',
    '12:00',
    '2026-02-30',
    '2026-13-01',
    '2026-01-31T25:00',
    '2026-01-31 12:00',
    '1767225600',
  ])('"%s" is none', (text) => {
    expect(() => readDateTime(text)).toThrow(/is no date and time/)
  })

  test.each([
    ['P7D', 604_800_000],
    ['P1W', 604_800_000],
    ['PT1H30M', 5_400_000],
    ['P1DT12H', 129_600_000],
    ['PT0.25S', 250],
    ['PT36H', 129_600_000],
    ['pt5m', 300_000],
    ['PT0S', 0],
  ])('%s is %d ms', (text, expected) => {
    expect(readDuration(text)).toBe(expected)
  })

  test.each(['', 'P', 'PT', 'P1DT', '7D', 'P1H', '-P1D', 'P-1D', 'PT1.5H', 'P1M', 'P1Y2D'])('"%s" is none', (text) => {
    expect(() => readDuration(text)).toThrow(/is no duration/)
  })

  test('any moment survives being printed and read', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
        (date) => {
          expect(readDateTime(date.toISOString())).toBe(date.getTime())
        },
      ),
    )
  })
})

describe('which partitions', () => {
  const read = (...texts: string[]): Scope =>
    texts.reduce<Scope>((scope, text) => readTopicScope(text, scope), new Map())

  test('topics, partitions of topics, and both together', () => {
    expect(read('orders')).toEqual(new Map([['orders', 'all']]))
    expect(read('orders:0,1', 'orders:1,7', 'a.b_c-d')).toEqual(
      new Map<string, unknown>([
        ['orders', new Set([0, 1, 7])],
        ['a.b_c-d', 'all'],
      ]),
    )
    expect(read('orders:0', 'orders')).toEqual(new Map([['orders', 'all']]))
    expect(read('orders', 'orders:0')).toEqual(new Map([['orders', 'all']]))
  })

  test.each(['', ':0', 'orders:', 'orders:a', 'orders:0,', 'orders:-1'])('"%s" is none', (text) => {
    expect(() => read(text)).toThrow(/Give it as TOPIC/)
  })
})
