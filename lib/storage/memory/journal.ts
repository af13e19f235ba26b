// The journal's head and chunks in memory. The conditions are those of `../head.ts`. Heads are never changed in place, so
// the one an answer carries stays what it was. Other handles are told of a change in a microtask: after the writer's call
// has returned, in a fixed order, without a timer.

import { READ_CHUNKS_BYTES } from '../../base/limits.ts'
import { appended, checkpointMoved, incarnationRaised, initialised, sealBegun, sealFinished } from '../head.ts'
import type { Head, JournalStore, UpdateHeadOutcome } from '../ports.ts'
import { CLOSED, type MemoryHandle, type MemoryState, type MemoryWatcher } from './state.ts'

/** The journal store of one handle. */
export function createMemoryJournal(state: MemoryState, handle: MemoryHandle): JournalStore {
  const update = (next: (head: Head | undefined) => Head | undefined): UpdateHeadOutcome => {
    if (handle.closed) return CLOSED
    const head = next(state.head)
    if (head === undefined) return { kind: 'rejected', head: state.head && copyOf(state.head) }
    state.head = head
    tellOthers(state, handle)
    return { kind: 'applied', head: copyOf(head) }
  }
  return {
    init: async () => update(initialised),
    readHead: async () => {
      if (handle.closed) return CLOSED
      return state.head === undefined ? { kind: 'missing' } : { kind: 'found', head: copyOf(state.head) }
    },
    append: async (args) => update((head) => appended(head, args)),
    beginSeal: async (args) => update((head) => sealBegun(head, args)),
    finishSeal: async (args) => update((head) => sealFinished(head, args)),
    moveCheckpoint: async (args) => update((head) => checkpointMoved(head, args)),
    putChunk: async (generation, bytes) => {
      if (handle.closed) return CLOSED
      if (state.chunks.has(generation)) return { kind: 'exists' }
      state.chunks.set(generation, new Uint8Array(bytes))
      tellOthers(state, handle)
      return { kind: 'applied' }
    },
    readChunks: async (from, to) => (handle.closed ? CLOSED : readChunks(state, from, to)),
    deleteChunks: async (from, to) => {
      if (handle.closed) return CLOSED
      for (const generation of generationsIn(state, from, to)) state.chunks.delete(generation)
      return { kind: 'applied' }
    },
    watch: (onChange) => {
      const watcher: MemoryWatcher = { handle, onChange }
      if (!handle.closed) state.watchers.add(watcher)
      return () => state.watchers.delete(watcher)
    },
  }
}

/** Raises the incarnation of a journal that is there. */
export function raiseIncarnation(state: MemoryState): void {
  state.head = incarnationRaised(state.head)
  tellOthers(state, undefined)
}

function tellOthers(state: MemoryState, handle: MemoryHandle | undefined): void {
  for (const watcher of state.watchers) {
    if (watcher.handle === handle) continue
    queueMicrotask(() => {
      if (state.watchers.has(watcher)) watcher.onChange()
    })
  }
}

function readChunks(state: MemoryState, from: number, to: number): Awaited<ReturnType<JournalStore['readChunks']>> {
  const chunks: { generation: number; bytes: Uint8Array }[] = []
  let sizeBytes = 0
  for (const generation of generationsIn(state, from, to)) {
    const bytes = state.chunks.get(generation)!
    if (chunks.length > 0 && sizeBytes + bytes.length > READ_CHUNKS_BYTES) {
      return { kind: 'found', chunks, complete: false }
    }
    chunks.push({ generation, bytes: new Uint8Array(bytes) })
    sizeBytes += bytes.length
  }
  return { kind: 'found', chunks, complete: true }
}

/** Generations of [from, to] whose chunk is there, ascending. */
function generationsIn(state: MemoryState, from: number, to: number): number[] {
  const found: number[] = []
  if (to - from < state.chunks.size) {
    for (let generation = from; generation <= to; generation++) {
      if (state.chunks.has(generation)) found.push(generation)
    }
    return found
  }
  for (const generation of state.chunks.keys()) if (generation >= from && generation <= to) found.push(generation)
  return found.sort((a, b) => a - b)
}

function copyOf(head: Head): Head {
  return {
    ...head,
    tail: head.tail.map((entry) => new Uint8Array(entry)),
    sealed: head.sealed.map((entry) => new Uint8Array(entry)),
    hash: new Uint8Array(head.hash),
  }
}
