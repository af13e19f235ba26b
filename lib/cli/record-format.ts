// How `consume` prints a record that is not JSON: `--format` with kcat's letters. Keys and values are written as the bytes
// they are, so that output can be compared byte for byte with what was written.
import type { ConsumedRecord } from '../client/consumer.ts'
import { Problem } from './problem.ts'

type Part = (record: ConsumedRecord, topic: string) => Uint8Array | string

const NOTHING = new Uint8Array(0)
const FIELDS: Readonly<Record<string, Part>> = {
  t: (_, topic) => topic,
  p: ({ partition }) => String(partition),
  o: ({ offset }) => String(offset),
  T: ({ timestamp }) => String(timestamp),
  k: ({ key }) => key ?? NOTHING,
  s: ({ value }) => value ?? NOTHING,
  K: ({ key }) => String(key?.length ?? -1),
  S: ({ value }) => String(value?.length ?? -1),
  h: ({ headers }) => {
    return headers.map(({ key, value }) => `${text(key)}=${value === null ? 'NULL' : text(value)}`).join(',')
  },
  '%': () => '%',
}
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0', '\\': '\\' }

export const DEFAULT_FORMAT = '%s\\n'

/** Turns a format into a function from a record to its bytes. */
export function recordFormat(format: string, topic: string): (record: ConsumedRecord) => Uint8Array {
  const parts: Part[] = []
  for (const [token] of format.matchAll(/%.|\\x[0-9a-fA-F]{2}|\\.|[^%\\]+|./gsu)) parts.push(partOf(token, format))
  return (record) => {
    const pieces = parts.map((part) => {
      const piece = part(record, topic)
      return typeof piece === 'string' ? Buffer.from(piece) : piece
    })
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  }
}

function partOf(token: string, format: string): Part {
  if (token.startsWith('%')) {
    const field = FIELDS[token.slice(1)]
    if (field !== undefined) return field
    throw new Problem(
      `"${token}" in the format "${format}" means nothing. There are %t %p %o %T %k %s %h %K %S and %%.`,
    )
  }
  if (token.startsWith('\\x')) {
    const byte = Uint8Array.of(Number.parseInt(token.slice(2), 16))
    return () => byte
  }
  const literal = token.startsWith('\\') && token.length > 1 ? (ESCAPES[token.slice(1)] ?? token) : token
  return () => literal
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
