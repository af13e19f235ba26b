// The syntax of Java's properties files, in which Kafka's settings are written: comments, lines that go on, escapes, and any
// of `=`, `:` and white space between name and value. It reads as `java.util.Properties.load` does, so a file means here
// what it means to Kafka. Java reads Latin-1; a file that is valid UTF-8 is read as that, since such files are written
// today and names of directories should be what they look like.

/** One setting, with the line of the file where it begins, counted from 1. */
export interface Property {
  readonly name: string
  readonly value: string
  readonly line: number
}
export type PropertiesOutcome =
  /** By name; of several with one name the last counts. */
  | { readonly kind: 'ok'; readonly properties: ReadonlyMap<string, Property> }
  | { readonly kind: 'malformed'; readonly line: number; readonly reason: string }

/**
 * Reads the text of a properties file.
 *
 * @example parseProperties('num.partitions = 12\nlog.dirs=/data') // two properties
 */
export function parseProperties(text: string): PropertiesOutcome {
  const properties = new Map<string, Property>()
  for (const { content, line } of logicalLines(text)) {
    const { rawName, rawValue } = split(content)
    const [name, value] = [withoutEscapes(rawName), withoutEscapes(rawValue)]
    if (name === undefined || value === undefined) {
      return { kind: 'malformed', line, reason: '\\u must be followed by four hexadecimal digits' }
    }
    properties.set(name, { name, value, line })
  }
  return { kind: 'ok', properties }
}

/** The text of a file's bytes. */
export function decodeProperties(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return Buffer.from(bytes).toString('latin1')
  }
}

const BLANK = /^[ \t\f]+/
const COMMENT = /^[#!]/
/** An odd number of backslashes: the last one is not itself escaped. */
const GOES_ON = /(?<!\\)(?:\\\\)*\\$/

/** Lines without comments and blank ones, those that go on joined; escapes are still in them. */
function* logicalLines(text: string): Generator<{ readonly content: string; readonly line: number }> {
  let open = { content: '', line: 0 }
  for (const [index, natural] of text.split(/\r\n|\r|\n/).entries()) {
    const stripped = natural.replace(BLANK, '')
    // What looks like a comment is none where a line goes on that has begun.
    if (open.content === '' && (stripped === '' || COMMENT.test(stripped))) continue
    const goesOn = GOES_ON.test(stripped)
    const line: number = open.content === '' ? index + 1 : open.line
    open = { content: open.content + (goesOn ? stripped.slice(0, -1) : stripped), line }
    if (goesOn) continue
    yield open
    open = { content: '', line: 0 }
  }
  if (open.content !== '') yield open
}

/** The name ends at the first separator that is not escaped; at most one `=` or `:` lies between it and the value. */
function split(content: string): { readonly rawName: string; readonly rawValue: string } {
  const [rawName = ''] = /^(?:\\.|[^\\=: \t\f])*/s.exec(content) ?? []
  const rawValue = content.slice(rawName.length).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '')
  return { rawName, rawValue }
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

/** Undefined if it has a `\u` that is none. Before any other letter a backslash means nothing. */
function withoutEscapes(raw: string): string | undefined {
  let malformed = false
  const text = raw.replace(/\\(u[0-9a-fA-F]{4}|.)/gs, (_, escaped: string) => {
    if (escaped.length > 1) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    if (escaped === 'u') malformed = true
    return ESCAPES[escaped] ?? escaped
  })
  return malformed ? undefined : text
}
