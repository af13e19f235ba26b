// Cuts a stream of bytes into lines without looking at what they say: no decoding, so any bytes but the newline pass
// through unchanged. A line has a limit, because it becomes one record.
import { Problem } from './problem.ts'

const NEWLINE = 10
/** Far above what a record may have; below it a missing newline is found before memory is full. */
const LINE_BYTES_MAX = 64 * 1024 * 1024

/** The lines of a stream, without their newlines. Empty lines are lines. */
export async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let partBytes = 0
  for await (const piece of input) {
    const chunk = Buffer.isBuffer(piece) ? piece : Buffer.from(piece)
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      const end = chunk.subarray(from, at)
      yield parts.length === 0 ? end : Buffer.concat([...parts, end])
      parts = []
      partBytes = 0
      from = at + 1
    }
    if (from < chunk.length) {
      parts.push(chunk.subarray(from))
      partBytes += chunk.length - from
      if (partBytes > LINE_BYTES_MAX) throw new Problem(`A line is longer than ${LINE_BYTES_MAX} bytes.`)
    }
  }
  if (parts.length > 0) yield Buffer.concat(parts)
}
