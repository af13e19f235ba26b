// Immutable objects in a map. A put of a key that is there answers `exists` and changes nothing. Lists go in the order of
// the keys, so that a page can be continued from its last key whatever was added or deleted meanwhile.
import type { ListedObject, ObjectStore } from '../ports.ts'
import { CLOSED, type MemoryHandle, type MemoryState } from './state.ts'

/** The object store of one handle. */
export function createMemoryObjects(state: MemoryState, handle: MemoryHandle): ObjectStore {
  return {
    put: async (key, body) => {
      if (handle.closed) return CLOSED
      if (state.objects.has(key)) return { kind: 'exists' }
      state.objects.set(key, new Uint8Array(Buffer.concat(body)))
      return { kind: 'applied' }
    },
    get: async (key, range) => {
      if (handle.closed) return CLOSED
      const bytes = state.objects.get(key)
      if (bytes === undefined) return { kind: 'missing' }
      return { kind: 'found', bytes: range ? bytes.slice(range.start, range.end) : new Uint8Array(bytes) }
    },
    delete: async (keys) => {
      if (handle.closed) return CLOSED
      for (const key of keys) state.objects.delete(key)
      return { kind: 'applied' }
    },
    list: async (kind, { limit, next }) => {
      if (handle.closed) return CLOSED
      const prefix = `${kind}/`
      const keys = [...state.objects.keys()].filter(
        (key) => key.startsWith(prefix) && (next === undefined || key > next),
      )
      keys.sort()
      const page = keys.slice(0, limit)
      const objects: ListedObject[] = page.map((key) => ({ key, sizeBytes: state.objects.get(key)!.length }))
      return { kind: 'found', objects, next: keys.length > limit ? page.at(-1) : undefined }
    },
  }
}
