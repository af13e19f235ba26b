// Whose a data directory is: one cluster id for everyone who opens it, also when all start at once, and one clear sentence
// for a directory that is not ours to use, which then stays as it was.
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openEmbeddedStores } from '../../../../lib/storage/embedded/embedded.ts'
import { bytesOf, must } from '../../../contract/place.ts'
import { useProcesses } from './processes.ts'

/** Runs as somebody whom permissions hold back, which they do not for root. */
async function unprivileged<T>(run: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return run()
  process.seteuid!(65534)
  try {
    return await run()
  } finally {
    process.seteuid!(0)
  }
}

describe('a data directory', () => {
  const { directory, start } = useProcesses()
  const refusalOf = async (dir: string): Promise<string> => must(await openEmbeddedStores({ dir }), 'refused').message

  it('is made where there is none, and keeps its cluster id and content', async () => {
    const dir = join(await directory(), 'some', 'where')
    const first = must(await openEmbeddedStores({ dir }), 'opened')
    must(await first.stores.journal.init(), 'applied')
    must(await first.stores.documents.put('groups/a', bytesOf('kept'), 0), 'applied')
    must(
      await first.stores.objects.put('tiny/00/1/000000000001-A', [bytesOf('x')], { withNextAppend: true }),
      'applied',
    )
    await first.stores.close()
    await first.stores.close()
    expect((await first.stores.journal.readHead()).kind).toBe('unavailable')

    const second = must(await openEmbeddedStores({ dir }), 'opened')
    expect(second.clusterId).toBe(first.clusterId)
    expect(second.clusterId).toMatch(/^[\w-]{22}$/)
    must(await second.stores.journal.init(), 'rejected')
    must(await second.stores.documents.get('groups/a'), 'found')
    // What waited for an append was written at the end.
    must(await second.stores.objects.get('tiny/00/1/000000000001-A'), 'found')
    await second.stores.close()
  })

  it('gets one cluster id although several processes start at once', async () => {
    const dir = await directory()
    const children = [0, 1, 2, 3].map(() => start('open', dir))
    const own = must(await openEmbeddedStores({ dir }), 'opened')
    const ids = await Promise.all(children.map((child) => child.line()))
    expect(new Set([...ids, own.clusterId]).size).toBe(1)
    expect((await readdir(dir)).sort()).toEqual(['lmdb', 'objects', 'tidelog.json'])
    await own.stores.close()
  })

  it('may be open in several handles of one process, each of which can be closed alone', async () => {
    const dir = await directory()
    const [one, other] = await Promise.all([openEmbeddedStores({ dir }), openEmbeddedStores({ dir })])
    const [a, b] = [must(one!, 'opened').stores, must(other!, 'opened').stores]
    await a.journal.init()
    await a.close()
    expect((await a.journal.readHead()).kind).toBe('unavailable')
    must(await b.journal.readHead(), 'found')
    await b.close()
    const again = must(await openEmbeddedStores({ dir }), 'opened').stores
    must(await again.journal.readHead(), 'found')
    await again.close()
  })

  it('is refused when it holds something else, and stays untouched', async () => {
    const dir = await directory()
    await writeFile(join(dir, 'letter.txt'), 'dear')
    expect(await refusalOf(dir)).toBe(
      `The directory ${dir} is not empty and holds no Tidelog data; choose another one or empty it.`,
    )
    expect(await readdir(dir)).toEqual(['letter.txt'])
  })

  it('is refused when a newer release wrote it', async () => {
    const dir = await directory()
    await writeFile(join(dir, 'tidelog.json'), '{"format":2,"something":"new"}')
    expect(await refusalOf(dir)).toBe(`The data in ${dir} was written by a newer release (format 2; this one reads 1).`)
    expect(await readFile(join(dir, 'tidelog.json'), 'utf8')).toBe('{"format":2,"something":"new"}')
  })

  it.each(['', 'null', '{', '{"format":"1"}', '{"format":1}', '{"format":0,"clusterId":"x"}'])(
    'is refused when its marker is damaged: %s',
    async (marker) => {
      const dir = await directory()
      await writeFile(join(dir, 'tidelog.json'), marker)
      expect(await refusalOf(dir)).toBe(`The file tidelog.json in ${dir} is damaged: it is not what Tidelog wrote.`)
    },
  )

  it('is refused when it cannot be read or written', async () => {
    const parent = await directory()
    await chmod(parent, 0o755)
    for (const mode of [0o000, 0o555]) {
      const dir = join(parent, String(mode))
      await mkdir(dir)
      await chmod(dir, mode)
      const message = await unprivileged(() => refusalOf(dir))
      expect(message).toBe(`The directory ${dir} cannot be read and written: permission denied.`)
    }
  })

  it('is refused when it is a file', async () => {
    const file = join(await directory(), 'file')
    await writeFile(file, 'x')
    expect(await refusalOf(file)).toBe(`${file} is not a directory.`)
    expect(await refusalOf(join(file, 'below'))).toBe(`${join(file, 'below')} is not a directory.`)
  })

  it.each([
    ['of other bytes', Buffer.alloc(16_384, 7)],
    ['of zeros', Buffer.alloc(16_384)],
    ['cut off', Buffer.alloc(10, 7)],
  ])('is refused when its LMDB file is %s', async (_, bytes) => {
    const dir = await directory()
    const { stores } = must(await openEmbeddedStores({ dir }), 'opened')
    await stores.close()
    await writeFile(join(dir, 'lmdb', 'data.mdb'), bytes)
    expect(await refusalOf(dir)).toBe(`The journal in ${dir} cannot be opened: data.mdb is damaged.`)
  })

  it('is refused when another data version of LMDB wrote it', async () => {
    const dir = await directory()
    const { stores } = must(await openEmbeddedStores({ dir }), 'opened')
    await stores.close()
    const bytes = await readFile(join(dir, 'lmdb', 'data.mdb'))
    bytes.writeUInt32LE(9, 28)
    await writeFile(join(dir, 'lmdb', 'data.mdb'), bytes)
    expect(await refusalOf(dir)).toContain("data.mdb has LMDB's data version 9, not 2")
  })

  it('is refused when its LMDB file may not be written', async () => {
    const dir = await directory()
    const { stores } = must(await openEmbeddedStores({ dir }), 'opened')
    await stores.close()
    for (const name of [dir, join(dir, 'lmdb'), join(dir, 'objects')]) await chmod(name, 0o777)
    await chmod(join(dir, 'lmdb', 'data.mdb'), 0o444)
    expect(await unprivileged(() => refusalOf(dir))).toBe(
      `The directory ${dir} cannot be read and written: permission denied.`,
    )
  })

  // Node's recursive mkdir never came back from the first: the start hung, and did not even end on SIGTERM.
  it('is refused where none can be made', async () => {
    expect(await refusalOf('/proc/tidelog')).toContain('/proc/tidelog')
    expect(await refusalOf('')).toContain('cannot be used')
    expect(await refusalOf(join('/dev/null', 'data'))).toContain('/dev/null/data')
  })
})
