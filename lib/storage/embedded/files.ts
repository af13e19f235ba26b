// Large objects as files `objects/‹key›`. A file is written under a temporary name, synced, linked to its own name and its
// directory synced, all before the put resolves: whatever has a key's name is whole, and a crash leaves at most a temporary
// file, which no answer shows and a later list removes. Parts are written with `writev` as they are.
import { randomBytes } from 'node:crypto'
import { type FileHandle, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { DeleteObjectsOutcome, GetObjectOutcome, ListedObject, PutObjectOutcome } from '../ports.ts'
import { codeOf, unavailable, unknown } from './failures.ts'

/** The folder of the files and which directories below it are known to be durable. */
export interface FileStore {
  readonly folder: string
  readonly durable: Map<string, Promise<void>>
}

/** Buffers of one `writev`; more is written in several calls (IOV_MAX on Linux is 1024). */
const WRITEV_PARTS_MAX = 1024
/** A temporary file that nobody has written to for this long belongs to a process that is gone. */
const LEFTOVER_AGE_MS = 86_400_000
const TEMPORARY = '.tmp'

/** The files below `folder`, which exists. */
export function createFileStore(folder: string): FileStore {
  return { folder, durable: new Map() }
}

/** Stores a file that is durable when this resolves as `applied` or `exists`. */
export async function putFile(store: FileStore, key: string, body: readonly Uint8Array[]): Promise<PutObjectOutcome> {
  const path = join(store.folder, key)
  const temporary = `${path}.${process.pid}-${randomBytes(6).toString('hex')}${TEMPORARY}`
  let named = false
  try {
    await makeDurable(store, dirname(path))
    if (await isThere(path)) {
      await syncDirectory(dirname(path))
      return { kind: 'exists' }
    }
    await writeWhole(temporary, body)
    named = true
    const fresh = await nameExclusively(temporary, path)
    await syncDirectory(dirname(path))
    return { kind: fresh ? 'applied' : 'exists' }
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    return named ? unknown(error) : unavailable(error)
  }
}

/** Reads [start, end) of a file, or all of it. */
export async function readFile(
  store: FileStore,
  key: string,
  range: { readonly start: number; readonly end: number } | undefined,
): Promise<GetObjectOutcome> {
  let file: FileHandle | undefined
  try {
    file = await open(join(store.folder, key), 'r')
    const start = range?.start ?? 0
    const sizeBytes = (await file.stat()).size
    const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(range?.end ?? sizeBytes, sizeBytes) - start))
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return { kind: 'found', bytes: bytes.subarray(0, filled) }
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? { kind: 'missing' } : unavailable(error)
  } finally {
    await file?.close().catch(() => undefined)
  }
}

/** Removes files; those that are not there count as removed. */
export async function deleteFiles(store: FileStore, keys: readonly string[]): Promise<DeleteObjectsOutcome> {
  try {
    for (const key of keys) await rm(join(store.folder, key), { force: true })
    return { kind: 'applied' }
  } catch (error) {
    return unknown(error)
  }
}

/** Up to `limit` files of a kind in the order of their keys, after the key `after`. */
export async function listFiles(
  store: FileStore,
  kind: string,
  limit: number,
  after: string | undefined,
): Promise<{ readonly objects: readonly ListedObject[]; readonly complete: boolean }> {
  const objects: ListedObject[] = []
  for await (const key of walk(store, kind, after)) {
    if (objects.length === limit) return { objects, complete: false }
    const found = await stat(join(store.folder, key)).catch(() => undefined)
    if (found !== undefined) objects.push({ key, sizeBytes: found.size })
  }
  return { objects, complete: true }
}

/** Keys below `path` in ascending order, leaving out folders that end before `after`. */
async function* walk(store: FileStore, path: string, after: string | undefined): AsyncGenerator<string> {
  const entries = await readdir(join(store.folder, path), { withFileTypes: true }).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  })
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const entry of entries) {
    const inner = `${path}/${entry.name}`
    if (entry.isDirectory()) {
      if (after === undefined || inner >= after.slice(0, inner.length)) yield* walk(store, inner, after)
    } else if (entry.name.endsWith(TEMPORARY)) await removeLeftover(join(store.folder, inner))
    else if (after === undefined || inner > after) yield inner
  }
}

async function removeLeftover(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found !== undefined && Date.now() - found.mtimeMs > LEFTOVER_AGE_MS) await rm(path, { force: true })
}

async function writeWhole(path: string, body: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'wx')
  try {
    const parts = body.filter((part) => part.length > 0)
    for (let i = 0; i < parts.length; i += WRITEV_PARTS_MAX)
      await writeParts(file, parts.slice(i, i + WRITEV_PARTS_MAX))
    await file.datasync()
  } finally {
    await file.close()
  }
}

/** `writev` may write less than it was given: go on behind what it wrote. */
async function writeParts(file: FileHandle, parts: Uint8Array[]): Promise<void> {
  let rest = parts
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest)
    let whole = 0
    while (whole < rest.length && bytesWritten >= rest[whole]!.length) bytesWritten -= rest[whole++]!.length
    rest = rest.slice(whole)
    if (rest.length > 0 && bytesWritten > 0) rest[0] = rest[0]!.subarray(bytesWritten)
  }
}

/** Gives the temporary file its name unless that is taken. False: it is. */
async function nameExclusively(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') {
      await rm(temporary, { force: true })
      return false
    }
    // A file system without hard links. The name was free a moment ago, and keys name one content only.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(codeOf(error) ?? '')) throw error
    await rename(temporary, path)
    return true
  }
  await rm(temporary, { force: true })
  return true
}

/** Makes a directory and syncs every parent up to the folder, once per process: another one may have made it just now. */
function makeDurable(store: FileStore, directory: string): Promise<void> {
  const known = store.durable.get(directory)
  if (known !== undefined) return known
  const made = (async () => {
    await mkdir(directory, { recursive: true })
    for (let path = directory; path.length > store.folder.length; path = dirname(path))
      await syncDirectory(dirname(path))
  })()
  store.durable.set(directory, made)
  made.catch(() => store.durable.delete(directory))
  return made
}

/** Makes the names in a directory durable. Windows cannot sync a directory and journals names by itself. */
export async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return
  const opened = await open(directory, 'r')
  try {
    await opened.sync()
  } finally {
    await opened.close()
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
