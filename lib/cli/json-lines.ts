// Records as JSON lines, the same form in and out: {"key", "value", "headers", "partition", "offset", "timestamp"}. Texts
// are texts; bytes that are not valid UTF-8 go as base64 under "keyBase64" and "valueBase64"; headers are an object of
// texts, or a list of [name, text] where names repeat.
import { z } from 'zod'
import type { ConsumedRecord } from '../client/consumer.ts'
import type { RecordToWrite } from '../wire/build-batch.ts'
import type { RecordHeader } from '../wire/records.ts'
import { Problem } from './problem.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const HeaderValue = z.union([z.string(), z.null(), z.object({ base64: z.base64() }).strict()])
const JsonRecord = z
  .object({
    key: z.unknown().optional(),
    keyBase64: z.base64().optional(),
    value: z.unknown().optional(),
    valueBase64: z.base64().optional(),
    headers: z
      .union([z.record(z.string(), HeaderValue), z.array(z.tuple([z.string(), HeaderValue])), z.null()])
      .optional(),
    partition: z.int().min(0).optional(),
    timestamp: z.int().min(0).optional(),
    // What `consume --json` prints besides; a record that is written again gets new ones.
    offset: z.unknown().optional(),
    topic: z.unknown().optional(),
  })
  .strict()

export interface ParsedRecord {
  readonly record: RecordToWrite
  readonly partition: number | undefined
}

/** Reads one line. `lineNumber` is for the sentence when it makes no sense. */
export function parseJsonRecord(line: Buffer, lineNumber: number, nowMs: number): ParsedRecord {
  const parsed = JsonRecord.safeParse(parseJson(line, lineNumber))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const where = issue?.path.join('.') || 'the record'
    throw new Problem(`Line ${lineNumber}: ${where}: ${issue?.message ?? 'not a record'}.`)
  }
  const { data } = parsed
  return {
    partition: data.partition,
    record: {
      timestamp: data.timestamp ?? nowMs,
      key: bytesOf(data.key, data.keyBase64),
      value: bytesOf(data.value, data.valueBase64),
      headers: headersOf(data.headers),
    },
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
function bytesOf(value: unknown, base64: string | undefined): Buffer | null {
  if (base64 !== undefined) return Buffer.from(base64, 'base64')
  if (value === undefined || value === null) return null
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

function headersOf(headers: z.infer<typeof JsonRecord>['headers']): RecordHeader[] {
  const pairs = Array.isArray(headers) ? headers : Object.entries(headers ?? {})
  return pairs.map(([name, value]) => ({
    key: Buffer.from(name),
    value: value === null ? null : typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.base64, 'base64'),
  }))
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
