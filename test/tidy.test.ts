// The house rules that neither compiler nor linter can hold: which folder may import which, what domain code may not name,
// that every file says what it owns, that none is dead or overgrown.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

const withoutComments = (path: string): string => read(path).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
}

const LIB = sources('lib')
const ALL = ['lib', 'test', 'bench', 'examples', 'functions', 'infra'].flatMap((folder) => {
  try {
    return sources(folder)
  } catch {
    return []
  }
})

/** What a file imports from the project, as paths, and from packages, by name. */
function imports(path: string): { files: string[]; packages: string[] } {
  const found = [
    ...read(path).matchAll(/^(?:import|export)\b[^'"]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm),
  ]
  const names = found.map((match) => match[1] ?? match[2] ?? match[3] ?? '')
  return {
    files: names.filter((name) => name.startsWith('.')).map((name) => relative(ROOT, join(ROOT, dirname(path), name))),
    packages: names.filter((name) => !name.startsWith('.')),
  }
}

/** The arrows of ARCHITECTURE.md: what files below the key may import from lib. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  'lib/base/': ['lib/base/'],
  'lib/wire/': ['lib/base/', 'lib/wire/'],
  'lib/storage/': ['lib/base/', 'lib/storage/'],
  'lib/journal/': ['lib/base/', 'lib/journal/', 'lib/wire/record-batch.ts', 'lib/storage/ports.ts'],
  'lib/log/': ['lib/base/', 'lib/wire/', 'lib/journal/', 'lib/log/', 'lib/storage/ports.ts'],
  'lib/groups/': ['lib/base/', 'lib/wire/', 'lib/journal/', 'lib/log/', 'lib/groups/', 'lib/storage/ports.ts'],
  'lib/broker/': [
    'lib/base/',
    'lib/wire/',
    'lib/journal/',
    'lib/log/',
    'lib/groups/',
    'lib/broker/',
    'lib/storage/ports.ts',
  ],
  'lib/client/': ['lib/base/', 'lib/wire/', 'lib/client/'],
}

const DOMAIN = ['lib/journal/', 'lib/log/', 'lib/groups/', 'lib/broker/']
const NATIVE = ['node:fs', 'node:net', 'node:http', 'node:zlib', 'node:timers', 'node:process', 'node:os']

describe('tidy', () => {
  it('imports flow in one direction', () => {
    const wrong = LIB.flatMap((path) => {
      const folder = Object.keys(ARROWS).find((prefix) => path.startsWith(prefix))
      if (folder === undefined) return []
      const allowed = ARROWS[folder]!
      const files = imports(path).files.filter((file) => !allowed.some((prefix) => file.startsWith(prefix)))
      return files.map((file) => `${path} imports ${file}`)
    })
    expect(wrong).toEqual([])
  })

  it('domain code reaches the world through ports only', () => {
    const wrong = LIB.filter((path) => DOMAIN.some((prefix) => path.startsWith(prefix))).flatMap((path) => {
      const words =
        withoutComments(path).match(
          /\b(Date|Math\.random|setTimeout|setInterval|setImmediate|console|process)\b[.(]/g,
        ) ?? []
      const packages = imports(path).packages.filter((name) => NATIVE.includes(name))
      return [...words, ...packages].map((word) => `${path} uses ${word}`)
    })
    expect(wrong).toEqual([])
  })

  it('every file opens with what it owns', () => {
    expect(ALL.filter((path) => !/^(#!.*\n)?\/\/ \S/.test(read(path)))).toEqual([])
  })

  it('no file of the library is dead', () => {
    const used = new Set(ALL.flatMap((path) => imports(path).files))
    const entries = new Set(['lib/index.ts', 'lib/cli/main.ts'])
    expect(LIB.filter((path) => !used.has(path) && !entries.has(path))).toEqual([])
  })

  it('no file is overgrown', () => {
    const long = LIB.filter((path) => read(path).split('\n').length > 400)
    expect(long).toEqual([])
  })

  it('nothing is left to do, silenced or loosely typed', () => {
    const left = /\b(TODO|FIXME|XXX|HACK)\b|@ts-(ignore|expect-error|nocheck)/
    const loose = /: any\b|\bas any\b|\b(it|test|describe)\.(only|skip|todo|fails)\b/
    const wrong = ALL.filter((path) => path !== 'test/tidy.test.ts').filter(
      (path) => left.test(read(path)) || loose.test(withoutComments(path)),
    )
    expect(wrong).toEqual([])
  })
})
