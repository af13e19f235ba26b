// Patterns of topic names, in RE2's syntax as KIP-848 wants it. They come from clients and are matched in linear time: no
// pattern makes a name take longer than its length times the pattern's size, and a pattern that would become too large or too
// deep is invalid. A pattern stands for whole names, as in Kafka.
import { RE2JS, RE2JSException } from 're2js'

export type PatternCheck = { readonly kind: 'valid' } | { readonly kind: 'invalid'; readonly message: string }

function compile(pattern: string): RE2JS | RE2JSException {
  try {
    return RE2JS.compile(pattern)
  } catch (error) {
    if (error instanceof RE2JSException) return error
    throw error
  }
}

/** Whether it is a pattern, and if not why. */
export function checkPattern(pattern: string): PatternCheck {
  const compiled = compile(pattern)
  return compiled instanceof RE2JSException ? { kind: 'invalid', message: compiled.message } : { kind: 'valid' }
}

/** Those names that match as a whole, ascending. An invalid pattern matches none. */
export function matchingNames(pattern: string, names: Iterable<string>): readonly string[] {
  const compiled = compile(pattern)
  if (compiled instanceof RE2JSException) return []
  const matching: string[] = []
  for (const name of names) if (compiled.testExact(name)) matching.push(name)
  return matching.sort()
}
