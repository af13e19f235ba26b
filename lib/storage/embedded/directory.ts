// Whose a data directory is. `tidelog.json` marks ours, with the format of the data and the cluster's id; it is made once,
// atomically, even when several processes start at the same moment. A directory that holds anything without it is somebody
// else's and stays untouched.
import { randomBytes } from 'node:crypto'
import { access, constants, link, mkdir, open, readdir, readFile, realpath, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf, describe } from './failures.ts'
import { syncDirectory } from './files.ts'

/** The newest data format that this release reads and writes. */
export const DATA_FORMAT = 1
const MARKER = 'tidelog.json'

export type ClaimOutcome =
  | { readonly kind: 'ours'; readonly dir: string; readonly clusterId: string }
  | { readonly kind: 'refused'; readonly message: string }

/** Finds out that a directory is ours, or makes it so if it is empty or not there. */
export async function claimDirectory(dir: string): Promise<ClaimOutcome> {
  try {
    const made = await makeDirectory(dir)
    const path = await realpath(dir)
    if (made) await syncDirectory(dirname(path))
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
    const marker = (await readMarker(path)) ?? (await makeMarker(path))
    if (marker === undefined) {
      return refused(`The directory ${dir} is not empty and holds no Tidelog data; choose another one or empty it.`)
    }
    return judge(dir, path, marker)
  } catch (error) {
    return refused(explain(dir, error))
  }
}

/**
 * Makes a directory and those above it; false if it was there. Node's own recursive `mkdir` never returns where a parent
 * exists and says that it does not, as `/proc` does.
 */
async function makeDirectory(dir: string): Promise<boolean> {
  const make = async (): Promise<boolean> => {
    try {
      await mkdir(dir)
      return true
    } catch (error) {
      if (codeOf(error) === 'EEXIST' && (await stat(dir)).isDirectory()) return false
      throw error
    }
  }
  try {
    return await make()
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(dir) === dir) throw error
    await makeDirectory(dirname(dir))
    return make()
  }
}

function judge(dir: string, path: string, marker: string): ClaimOutcome {
  const content = parse(marker)
  if (content === undefined) return refused(`The file ${MARKER} in ${dir} is damaged: it is not what Tidelog wrote.`)
  if (content.format > DATA_FORMAT) {
    return refused(
      `The data in ${dir} was written by a newer release (format ${content.format}; this one reads ${DATA_FORMAT}).`,
    )
  }
  return { kind: 'ours', dir: path, clusterId: content.clusterId }
}

function parse(marker: string): { format: number; clusterId: string } | undefined {
  try {
    const content: unknown = JSON.parse(marker)
    if (typeof content !== 'object' || content === null) return undefined
    if (!('format' in content) || !Number.isSafeInteger(content.format) || Number(content.format) < 1) return undefined
    const format = Number(content.format)
    const clusterId = 'clusterId' in content ? content.clusterId : undefined
    if (typeof clusterId === 'string' && clusterId !== '') return { format, clusterId }
    return format > DATA_FORMAT ? { format, clusterId: '' } : undefined
  } catch {
    return undefined
  }
}

async function readMarker(path: string): Promise<string | undefined> {
  return readFile(join(path, MARKER), 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
}

/** Makes the marker in an empty directory; of several who try, one wins and all read that one. */
async function makeMarker(path: string): Promise<string | undefined> {
  const names = await readdir(path)
  const foreign = names.filter((name) => name !== 'lost+found' && !name.startsWith(`${MARKER}.`))
  // Another process may have made the marker, and more, since we looked for it.
  if (foreign.length > 0) return readMarker(path)
  const clusterId = randomBytes(16).toString('base64url')
  const temporary = join(path, `${MARKER}.${process.pid}-${randomBytes(6).toString('hex')}`)
  try {
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(`${JSON.stringify({ format: DATA_FORMAT, clusterId })}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await link(temporary, join(path, MARKER)).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error
    })
  } finally {
    await rm(temporary, { force: true })
  }
  await syncDirectory(path)
  return readMarker(path)
}

function explain(dir: string, error: unknown): string {
  switch (codeOf(error)) {
    case 'EACCES':
    case 'EPERM':
      return `The directory ${dir} cannot be read and written: permission denied.`
    case 'EROFS':
      return `The directory ${dir} lies on a read-only file system.`
    case 'ENOTDIR':
    case 'EEXIST':
      return `${dir} is not a directory.`
    case 'ENOSPC':
      return `The disk that holds ${dir} is full.`
    default:
      return `The directory ${dir} cannot be used: ${describe(error)}.`
  }
}

function refused(message: string): ClaimOutcome {
  return { kind: 'refused', message }
}
