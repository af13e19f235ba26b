// Immutable objects: up to EMBEDDED_INLINE_BYTES_MAX as LMDB records under their key, larger ones as files. An object put
// `withNextAppend` waits in memory for the next commit, which every later append is part of or behind; until then only this
// process can read it. A list goes through LMDB first and through the files then.
import { assert } from '../../base/assert.ts'
import { EMBEDDED_INLINE_BYTES_MAX } from '../../base/limits.ts'
import type { GetObjectOutcome, ListObjectsOutcome, ObjectKind, ObjectStore, PutObjectOutcome } from '../ports.ts'
import { unavailable } from './failures.ts'
import { deleteFiles, listFiles, putFile, readFile } from './files.ts'
import type { Handle } from './handle.ts'

/** What a key looks like; nothing else may become a path. */
const KEY = /^[a-z]+\/[0-9a-f]{2}\/\d+\/[0-9A-Za-z-]+$/

/** A page of a list ends early past this: finding a size touches the object, and a list must not hold up the process. */
const LIST_SCANNED_BYTES = 16 * 1024 * 1024

/** The object store of one handle. */
export function createEmbeddedObjects(handle: Handle): ObjectStore {
  return {
    readsAreCheap: true,
    put: async (key, body, options) => {
      assert(KEY.test(key), 'an object key has the form of ObjectKey')
      const sizeBytes = body.reduce((sum, part) => sum + part.length, 0)
      return handle.run(() =>
        sizeBytes > EMBEDDED_INLINE_BYTES_MAX
          ? putFile(handle.files, key, body)
          : putInline(handle, key, Buffer.concat(body, sizeBytes), options?.withNextAppend === true),
      )
    },
    get: (key, range) => handle.run(() => getObject(handle, key, range), unavailable),
    delete: (keys) =>
      handle.run(async () => {
        const { deferred, objects, read, commit } = handle.environment
        for (const key of keys) deferred.delete(key)
        const inline = read(() => keys.filter((key) => objects.doesExist(key)))
        const files = await deleteFiles(
          handle.files,
          inline.length === 0 ? keys : keys.filter((k) => !inline.includes(k)),
        )
        // A deferred put may be on its way into a commit, so even a key that is not there yet is removed behind it.
        const outcome = await commit(() => {
          for (const key of keys) if (objects.doesExist(key)) objects.remove(key)
        })
        return outcome.kind === 'committed' ? files : outcome
      }),
    list: (kind, options) => handle.run(() => listObjects(handle, kind, options), unavailable),
  }
}

async function putInline(handle: Handle, key: string, bytes: Buffer, wait: boolean): Promise<PutObjectOutcome> {
  const { objects, deferred, commit, defer, read } = handle.environment
  if (wait) {
    if (deferred.has(key) || read(() => objects.doesExist(key))) return { kind: 'exists' }
    if (defer(key, bytes)) return { kind: 'applied' }
  }
  const outcome = await commit(() => {
    if (objects.doesExist(key)) return 'exists'
    objects.put(key, bytes)
    return 'applied'
  })
  return outcome.kind === 'committed' ? { kind: outcome.value } : outcome
}

async function getObject(
  handle: Handle,
  key: string,
  range: { readonly start: number; readonly end: number } | undefined,
): Promise<GetObjectOutcome> {
  const { objects, deferred, read } = handle.environment
  const waiting = deferred.get(key)
  if (waiting !== undefined) {
    return { kind: 'found', bytes: new Uint8Array(range ? waiting.subarray(range.start, range.end) : waiting) }
  }
  const inline = read(() => {
    // A view of memory that LMDB reuses at the next read: its `length` is right, the length of its array is not.
    const bytes = objects.getBinaryFast(key)
    return (
      bytes && new Uint8Array(bytes.subarray(range?.start ?? 0, Math.min(range?.end ?? bytes.length, bytes.length)))
    )
  })
  return inline === undefined ? readFile(handle.files, key, range) : { kind: 'found', bytes: inline }
}

async function listObjects(
  handle: Handle,
  kind: ObjectKind,
  { limit, next }: { readonly limit: number; readonly next?: string },
): Promise<ListObjectsOutcome> {
  const { objects, read } = handle.environment
  const [phase, after] = next === undefined ? ['m', undefined] : [next[0], next.slice(2) || undefined]
  const found: { key: string; sizeBytes: number }[] = []
  if (phase === 'm') {
    const prefix = `${kind}/`
    const more = read(() => {
      let scannedBytes = 0
      for (const key of objects.getKeys({ start: after ?? prefix })) {
        if (!key.startsWith(prefix)) break
        if (key === after) continue
        if (found.length === limit || scannedBytes > LIST_SCANNED_BYTES) return true
        const sizeBytes = objects.getBinaryFast(key)?.length ?? 0
        scannedBytes += sizeBytes
        found.push({ key, sizeBytes })
      }
      return false
    })
    if (more) return { kind: 'found', objects: found, next: `m:${found.at(-1)?.key ?? ''}` }
    if (found.length === limit) return { kind: 'found', objects: found, next: 'f:' }
  }
  const files = await listFiles(handle.files, kind, limit - found.length, phase === 'f' ? after : undefined)
  found.push(...files.objects)
  return { kind: 'found', objects: found, next: files.complete ? undefined : `f:${files.objects.at(-1)?.key ?? ''}` }
}
