// What the three stores of one handle on a data directory share: the LMDB environment, the files, and the way in for every
// operation.
import type { Unavailable, Unknown } from '../ports.ts'
import type { Environment } from './environment.ts'
import type { FileStore } from './files.ts'

/** What the stores of one handle share. */
export interface Handle {
  readonly environment: Environment
  readonly files: FileStore
  /** Runs an operation unless the handle is closed; `close` waits for it. What it throws becomes an outcome. */
  run<T>(operation: () => Promise<T>, onError?: (error: unknown) => Unavailable): Promise<T | Unavailable>
  run<T>(operation: () => Promise<T>): Promise<T | Unavailable | Unknown>
  /** Says that this handle changed the head's record from `before` to `after`. */
  changed(before: Buffer | undefined, after: Buffer): void
  watch(onChange: () => void): () => void
}
