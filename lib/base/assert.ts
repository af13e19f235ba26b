// Assertions stay on in production: a broken invariant ends the request or the process instead of spreading. Expected
// outcomes (bad bytes from a client, a refused write) are never assertions; they are returned as values.

/** Thrown when an invariant of our own code is broken. Nothing catches it to carry on as if nothing had happened. */
export class AssertionError extends Error {
  override name = 'AssertionError'
}

/** Asserts an invariant. `message` says what must hold, not what went wrong. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(`broken invariant: ${message}`)
}

/** Marks a place that the types make unreachable. */
export function unreachable(value: never): never {
  throw new AssertionError(`broken invariant: unexpected ${JSON.stringify(value)}`)
}
