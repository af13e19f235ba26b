// The parts of the command line that need no process: lines, JSON records, formats, addresses, log lines.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatAddress, parseAddress } from '../../../lib/base/address.ts'
import { formatJsonRecord, parseJsonRecord } from '../../../lib/cli/json-lines.ts'
import { linesOf } from '../../../lib/cli/lines.ts'
import { readable } from '../../../lib/cli/logger.ts'
import { recordFormat } from '../../../lib/cli/record-format.ts'
import { table } from '../../../lib/cli/table.ts'

async function* cut(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

test('lines are found however the stream is cut', async () => {
  const line = fc
    .uint8Array({ maxLength: 12 })
    .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 10 ? 0 : byte))))
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 9 }), async (lines, size) => {
      const text = Buffer.concat(lines.flatMap((bytes) => [bytes, Buffer.from('\n')]))
      const found: string[] = []
      for await (const got of linesOf(cut(text, size))) found.push(got.toString('hex'))
      expect(found).toEqual(lines.map((bytes) => bytes.toString('hex')))
    }),
  )
})

test('any record survives being printed as JSON and read again', () => {
  const bytes = fc.option(fc.uint8Array({ maxLength: 20 }))
  const header = fc.record({ key: fc.string({ maxLength: 5 }).map((text) => Buffer.from(text)), value: bytes })
  fc.assert(
    fc.property(bytes, bytes, fc.array(header, { maxLength: 3 }), fc.nat(), (key, value, headers, timestamp) => {
      const printed = formatJsonRecord({ partition: 3, offset: 9, timestamp, key, value, headers })
      const { record, partition } = parseJsonRecord(Buffer.from(printed), 1, 0)
      const hex = (part: Uint8Array | null | undefined) => (part ? Buffer.from(part).toString('hex') : part)
      expect(partition).toBe(3)
      expect(record.timestamp).toBe(timestamp)
      expect([hex(record.key), hex(record.value)]).toEqual([hex(key), hex(value)])
      const pairs = (list: typeof headers) => list.map((h) => `${hex(h.key)}=${hex(h.value)}`).sort()
      expect(pairs((record.headers ?? []) as typeof headers)).toEqual(pairs(headers))
    }),
  )
})

test.each(['not json', '[1]', '{"kee":1}', '{"partition":-1}', '{"headers":{"a":1}}', '{"valueBase64":"%"}'])(
  '%s is no record',
  (line) => {
    expect(() => parseJsonRecord(Buffer.from(line), 7, 0)).toThrow(/^Line 7/)
  },
)

test('formats', () => {
  const record = {
    partition: 2,
    offset: 11,
    timestamp: 99,
    key: Buffer.from('k'),
    value: null,
    headers: [{ key: Buffer.from('h'), value: Buffer.from('v') }],
  }
  const format = (text: string) => Buffer.from(recordFormat(text, 'topic')(record)).toString()
  expect(format('%t[%p]@%o %T %k=%s %K %S %h 100%%\\t\\x41\\n')).toBe('topic[2]@11 99 k= 1 -1 h=v 100%\tA\n')
  expect(() => format('%q')).toThrow('%q')
})

test('addresses', () => {
  expect(parseAddress('[::1]:9092')).toEqual({ host: '::1', port: 9092 })
  expect(parseAddress(':0')).toEqual({ host: '127.0.0.1', port: 0 })
  expect(formatAddress({ host: '::1', port: 1 })).toBe('[::1]:1')
  for (const text of ['', 'host', 'host:', 'host:70000', 'a b:1', 'http://x:1', '1:2:3']) {
    expect(parseAddress(text)).toBeUndefined()
  }
})

test('log lines for people', () => {
  const line = readable(JSON.stringify({ level: 40, time: 0, pid: 1, hostname: 'x', msg: 'Careful', n: 3, s: 'text' }))
  expect(line).toMatch(/^\d\d:\d\d:\d\d warn {2}Careful n=3 s=text\n$/)
})

test('tables', () => {
  expect(
    table(
      ['a', 'name'],
      [
        ['10', 'x'],
        ['9', 'long one'],
      ],
    ),
  ).toBe(' a  name\n10  x\n 9  long one\n')
})
