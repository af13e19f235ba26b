// Offsets as lines of CSV, in both forms that Kafka's own tool writes and reads: `topic,partition,offset`, and the same
// with the group in front. What `--export` prints `--from-file` reads back to the same offsets. Fields may be quoted,
// because a group's name may hold commas, quotes and spaces.
import { Problem } from '../problem.ts'

export interface OffsetLine {
  /** Undefined in the form without a group. */
  readonly group: string | undefined
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** The lines of a file, empty ones left out. `name` is for sentences about what is wrong with it. */
export function parseOffsets(text: string, name: string): OffsetLine[] {
  const lines: OffsetLine[] = []
  // A spreadsheet begins its files with a byte-order mark.
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() === '') continue
    const read = readLine(line)
    if (read === undefined) {
      const forms = 'topic,partition,offset or group,topic,partition,offset'
      throw new Problem(`Line ${index + 1} of ${name} is not of the form ${forms}.`)
    }
    lines.push(read)
  }
  return lines
}

export function formatOffsets(lines: readonly OffsetLine[]): string {
  return lines
    .map(({ group, topic, partition, offset }) => {
      const fields = [...(group === undefined ? [] : [quoted(group)]), quoted(topic), partition, offset]
      return `${fields.join(',')}\n`
    })
    .join('')
}

function readLine(line: string): OffsetLine | undefined {
  const fields = splitFields(line)
  if (fields === undefined || fields.length < 3 || fields.length > 4) return undefined
  const [offset, partition, topic, group] = fields.reverse()
  if (topic === undefined || topic === '' || !isWhole(partition) || !isWhole(offset)) return undefined
  return { group, topic, partition: Number(partition), offset: Number(offset) }
}

function isWhole(text: string | undefined): boolean {
  return text !== undefined && /^\d+$/.test(text) && Number.isSafeInteger(Number(text))
}

/** Undefined: a quote is never closed, or something follows the closing one. */
function splitFields(line: string): string[] | undefined {
  const fields: string[] = []
  let at = 0
  while (true) {
    const quotedField = /^\s*"((?:[^"]|"")*)"\s*(,|$)/.exec(line.slice(at))
    const match = quotedField ?? /^([^",]*)(,|$)/.exec(line.slice(at))
    if (match === null) return undefined
    fields.push(quotedField === null ? (match[1] ?? '').trim() : (match[1] ?? '').replaceAll('""', '"'))
    at += match[0].length
    if (match[2] === '') return fields
  }
}

function quoted(text: string): string {
  return /^[\w.:/-]+$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`
}
