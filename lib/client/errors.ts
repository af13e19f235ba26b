// What can go wrong for our own client, told so that a person at a terminal knows what to do next. The `kind` is for code
// that acts differently; the message is one complete sentence.
import { errorName } from '../wire/errors.ts'

export type ClientErrorKind =
  /** Nobody answers at the address. */
  | 'unreachable'
  /** The connection ended in the middle. */
  | 'disconnected'
  | 'timeout'
  /** The server lacks an API or a version of it. */
  | 'unsupported'
  /** The server answered with an error; `code` is Kafka's. */
  | 'refused'
  /** The arguments cannot be right. */
  | 'invalid'

export class ClientError extends Error {
  override name = 'ClientError'
  readonly kind: ClientErrorKind
  /** Kafka's error code where `kind` is `refused`, else 0. */
  readonly code: number

  constructor(kind: ClientErrorKind, message: string, code = 0) {
    super(message)
    this.kind = kind
    this.code = code
  }
}

/** The error of a server's answer: its own sentence if it gave one, always with the name of the code. */
export function refused(what: string, code: number, message?: string | null): ClientError {
  const name = errorName(code)
  return new ClientError('refused', `${what}: ${message ? `${message} (${name})` : name}`, code)
}
