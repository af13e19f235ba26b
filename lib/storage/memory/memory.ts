// The memory adapter: one backend holds the state of a deployment, and each `open()` is one process's handle on it. For
// tests, simulation and `store: 'memory'`. It is deterministic: no timers, no randomness, every call does its work at once
// and returns a resolved promise. Bytes are copied on the way in and out, as a real store would, so that nobody can change
// what is stored by reusing a buffer.
import type { Stores } from '../ports.ts'
import { createMemoryDocuments } from './documents.ts'
import { createMemoryJournal, raiseIncarnation } from './journal.ts'
import { createMemoryObjects } from './objects.ts'
import type { MemoryHandle, MemoryState } from './state.ts'

/** A deployment in memory. */
export interface MemoryBackend {
  /** A new handle, as another process would have it. The state lives as long as the backend. */
  open(): Stores
  /** Raises the journal's incarnation, as an operator does after a restore from backup. */
  raiseIncarnation(): void
}

/**
 * Makes an empty deployment in memory.
 *
 * @example
 * const backend = createMemoryBackend()
 * const [one, other] = [backend.open(), backend.open()] // two gateways on one journal
 */
export function createMemoryBackend(): MemoryBackend {
  const state: MemoryState = {
    objects: new Map(),
    chunks: new Map(),
    documents: new Map(),
    head: undefined,
    watchers: new Set(),
  }
  return {
    open: () => openHandle(state),
    raiseIncarnation: () => raiseIncarnation(state),
  }
}

/** A deployment in memory with one handle. */
export function createMemoryStores(): Stores {
  return createMemoryBackend().open()
}

function openHandle(state: MemoryState): Stores {
  const handle: MemoryHandle = { closed: false }
  return {
    objects: createMemoryObjects(state, handle),
    journal: createMemoryJournal(state, handle),
    documents: createMemoryDocuments(state, handle),
    close: async () => {
      handle.closed = true
      for (const watcher of state.watchers) if (watcher.handle === handle) state.watchers.delete(watcher)
    },
  }
}
