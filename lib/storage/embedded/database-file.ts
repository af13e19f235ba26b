// Looks at LMDB's files before LMDB does. The native module ends the process when it cannot open a file, so what can be
// foreseen (a file that is not LMDB's, that another data version wrote, that may not be read and written) is found out
// here and becomes a sentence. A file that is empty or not there is fine: LMDB makes it.
import { access, constants, open } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, describe } from './failures.ts'

/** LMDB's first page: its magic number lies behind the page's header of 24 bytes, the data version behind that. */
const MAGIC = 0xbeefc0de
const MAGIC_AT = 24
const DATA_VERSION = 2
/** The two meta pages, of at least 4 KiB each. */
const FILE_BYTES_MIN = 8192

/** Why LMDB could not open its files in `path`; undefined if nothing speaks against it. */
export async function databaseProblem(path: string): Promise<string | undefined> {
  try {
    for (const name of ['lock.mdb', 'data.mdb'])
      await ignoreMissing(access(join(path, name), constants.R_OK | constants.W_OK))
    return await ignoreMissing(headerProblem(join(path, 'data.mdb')))
  } catch (error) {
    return ['EACCES', 'EPERM'].includes(codeOf(error) ?? '') ? 'permission denied' : describe(error)
  }
}

async function headerProblem(path: string): Promise<string | undefined> {
  const file = await open(path, 'r')
  try {
    const sizeBytes = (await file.stat()).size
    if (sizeBytes === 0) return undefined
    const header = Buffer.alloc(MAGIC_AT + 8)
    await file.read(header, 0, header.length, 0)
    if (sizeBytes < FILE_BYTES_MIN || header.readUInt32LE(MAGIC_AT) !== MAGIC) return 'data.mdb is damaged'
    const version = header.readUInt32LE(MAGIC_AT + 4)
    return version === DATA_VERSION ? undefined : `data.mdb has LMDB's data version ${version}, not ${DATA_VERSION}`
  } finally {
    await file.close()
  }
}

async function ignoreMissing<T>(look: Promise<T>): Promise<T | undefined> {
  return look.catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
}
