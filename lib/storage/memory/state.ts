// What the handles on one deployment in memory share, and what each has for itself.
import type { Head, Unavailable } from '../ports.ts'

/** What all handles on one backend share. */
export interface MemoryState {
  readonly objects: Map<string, Uint8Array>
  readonly chunks: Map<number, Uint8Array>
  readonly documents: Map<string, { readonly version: number; readonly body: Uint8Array }>
  head: Head | undefined
  /** Watchers of the journal, with the handle each belongs to. */
  readonly watchers: Set<MemoryWatcher>
}

export interface MemoryWatcher {
  readonly handle: MemoryHandle
  readonly onChange: () => void
}

/** One process's handle: after `close` its calls are refused. */
export interface MemoryHandle {
  closed: boolean
}

/** The answer of a closed handle. */
export const CLOSED: Unavailable = { kind: 'unavailable', throttled: false, cause: 'the store is closed' }
