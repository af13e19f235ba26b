// Records as JSON lines, the same form in and out: {"key", "value", "headers", "partition", "offset", "timestamp"}. Texts
// are texts; bytes that are not valid UTF-8 go as base64 under "keyBase64" and "valueBase64"; headers are an object of
// texts, or a list of [name, text] where names repeat.
import type { ConsumedRecord } from '../client/consumer.ts'
import type { RecordToWrite } from '../wire/build-batch.ts'
import type { RecordHeader } from '../wire/records.ts'
import { Problem } from './problem.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** What a line may say. `offset` and `topic` are what `consume` prints besides; a record that is written gets new ones. */
const FIELDS = new Set([
  'key',
  'keyBase64',
  'value',
  'valueBase64',
  'headers',
  'partition',
  'timestamp',
  'offset',
  'topic',
])
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

export interface ParsedRecord {
  readonly record: RecordToWrite
  readonly partition: number | undefined
}

/** Reads one line. `lineNumber` is for the sentence when it makes no sense. */
export function parseJsonRecord(line: Buffer, lineNumber: number, nowMs: number): ParsedRecord {
  const data = parseJson(line, lineNumber)
  const wrong = (what: string): Problem => new Problem(`Line ${lineNumber}: ${what}.`)
  if (!isObject(data)) throw wrong('a record is an object, such as {"key": "42", "value": "two coffees"}')
  const foreign = Object.keys(data).find((name) => !FIELDS.has(name))
  if (foreign !== undefined) throw wrong(`a record has no "${foreign}", only ${[...FIELDS].join(', ')}`)
  const natural = (name: string): number | undefined => {
    const value = data[name]
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
    throw wrong(`"${name}" is a whole number from 0 on`)
  }
  const bytes = (name: string): Buffer | null => {
    const base64 = data[`${name}Base64`]
    if (base64 === undefined) return bytesOf(data[name])
    if (typeof base64 === 'string' && BASE64.test(base64)) return Buffer.from(base64, 'base64')
    throw wrong(`"${name}Base64" is not base64`)
  }
  const headers = headersOf(data['headers'])
  if (headers === undefined) throw wrong('"headers" is an object of texts, or a list of [name, text]')
  return {
    partition: natural('partition'),
    record: { timestamp: natural('timestamp') ?? nowMs, key: bytes('key'), value: bytes('value'), headers },
  }
}

/** The line for a record, without a newline. */
export function formatJsonRecord(record: ConsumedRecord): string {
  return JSON.stringify({
    partition: record.partition,
    offset: record.offset,
    timestamp: record.timestamp,
    ...(record.key === null ? { key: null } : field('key', record.key)),
    ...(record.value === null ? { value: null } : field('value', record.value)),
    ...(record.headers.length === 0 ? {} : { headers: jsonHeaders(record.headers) }),
  })
}

function parseJson(line: Buffer, lineNumber: number): unknown {
  try {
    return JSON.parse(line.toString('utf8'))
  } catch {
    throw new Problem(`Line ${lineNumber} is not JSON: ${line.toString('utf8', 0, 60)}`)
  }
}

/** A text as its bytes, null as null, any other JSON as its text. */
function bytesOf(value: unknown): Buffer | null {
  if (value === undefined || value === null) return null
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

/** `undefined` where they make no sense. */
function headersOf(headers: unknown): RecordHeader[] | undefined {
  if (headers === undefined || headers === null) return []
  const pairs: unknown[] = Array.isArray(headers) ? headers : isObject(headers) ? Object.entries(headers) : [undefined]
  const found: RecordHeader[] = []
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== 'string') return undefined
    const value = headerValue(pair[1])
    if (value === undefined) return undefined
    found.push({ key: Buffer.from(pair[0]), value })
  }
  return found
}

function headerValue(value: unknown): Buffer | null | undefined {
  if (value === null) return null
  if (typeof value === 'string') return Buffer.from(value)
  const base64 = isObject(value) ? value['base64'] : undefined
  return typeof base64 === 'string' && BASE64.test(base64) ? Buffer.from(base64, 'base64') : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function field(name: string, bytes: Uint8Array): Record<string, string> {
  const text = textOf(bytes)
  return text === undefined ? { [`${name}Base64`]: Buffer.from(bytes).toString('base64') } : { [name]: text }
}

function jsonHeaders(headers: readonly RecordHeader[]): unknown {
  const pairs = headers.map(({ key, value }) => {
    const text = value === null ? null : (textOf(value) ?? { base64: Buffer.from(value).toString('base64') })
    return [Buffer.from(key).toString('utf8'), text] as const
  })
  // `__proto__` would be lost in an object.
  const unique = new Set(pairs.map(([name]) => name)).size === pairs.length
  return unique && !pairs.some(([name]) => name === '__proto__') ? Object.fromEntries(pairs) : pairs
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
