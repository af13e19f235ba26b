// The code of each function as Lambda takes it: a directory with `index.js`, one CommonJS file of ours, middy, Powertools and
// the AWS SDK; beside it what few invocations need, a file for each, since a cold start takes the longer the more there is to
// parse; and only those native codecs that this function uses, for the architecture that it runs on. The platform package of
// each codec is loaded straight, without the loader that would look for it. What another platform needs than this machine's
// comes from the registry in the version and with the checksum that the lock file names. Directories are named after their
// content, so a bundle that is there is complete and the same one.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { type BuildOptions, buildSync, type Metafile } from 'esbuild'
import { FRAME_FUNCTIONS } from '../lib/wire/https.ts'

/** As Lambda calls them. */
export type Architecture = 'arm64' | 'x86_64'

/** The files of `functions/` that are functions. */
export const BUNDLES = [...FRAME_FUNCTIONS, 'maintenance', 'topic'] as const
export type BundleName = (typeof BUNDLES)[number]

/** JavaScript of one bundle. A larger one takes longer to load than a small request to answer. */
export const BUNDLE_BYTES_MAX = 900_000

const ROOT = join(import.meta.dirname, '..')
const CACHE = join(ROOT, '.cache')

/** Our native codecs, as they are imported, and the packages with their binaries; Lambda's Linux has glibc. */
const CODECS: Readonly<Record<string, (platform: string) => string>> = {
  '@node-rs/crc32': (platform) => `@node-rs/crc32-${platform}`,
  'lz4-napi/native': (platform) => `@antoniomuso/lz4-napi-${platform}`,
  'snappy/native': (platform) => `@napi-rs/snappy-${platform}`,
}
/** Packages in whose place bundles have a file of `functions/bundled/`, which says why. */
const REPLACED: Readonly<Record<string, string>> = {
  'lz4-napi': 'lz4-napi.ts',
  re2js: 're2js.ts',
  snappy: 'snappy.ts',
  '@aws-sdk/credential-provider-node': 'credentials.ts',
}
/** Packages that are loaded when they are first needed, by the name under which they lie in a file of their own. */
const PARTS: Readonly<Record<string, string>> = {
  '@aws-lambda-powertools/tracer': '@aws-lambda-powertools/tracer',
  're2js-part': 're2js',
}
const PLATFORMS: Readonly<Record<Architecture, string>> = { arm64: 'linux-arm64-gnu', x86_64: 'linux-x64-gnu' }

/** Nothing of these belongs in a function: the gateway's store, metrics and log, and the command line. */
const FORBIDDEN = [
  /^node_modules\/(lmdb|prom-client|pino|commander|cli-progress)\//,
  /^node_modules\/@aws-sdk\/(credential-provider-|nested-clients)/,
  /^lib\/(cli|gateway|client)\//,
]

/** Says what `index.js` is, whatever lies in the directories above. */
const PACKAGE = '{"type":"commonjs"}\n'

/** Makes the bundle of a function and answers the directory that it lies in. */
export function bundleFunction(name: BundleName, architecture: Architecture): string {
  return bundle(name, architecture).directory
}

/** How any JavaScript for Lambda is made: one CommonJS file. */
export const ONE_FILE = {
  absWorkingDir: ROOT,
  outfile: 'index.js',
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  minify: true,
  legalComments: 'none',
  write: false,
  logLevel: 'error',
  mainFields: ['module', 'main'],
} as const satisfies BuildOptions

/** How esbuild makes one file of ours into what runs on this architecture. */
export function bundleOptions(entryPoint: string, architecture: Architecture) {
  const platform = PLATFORMS[architecture]
  const binaries = Object.values(CODECS).map((binary) => binary(platform))
  return {
    entryPoints: [join(ROOT, entryPoint)],
    ...ONE_FILE,
    metafile: true,
    alias: {
      're2js/package': 're2js-part',
      ...Object.fromEntries(Object.entries(CODECS).map(([codec, binary]) => [codec, binary(platform)])),
      ...Object.fromEntries(Object.entries(REPLACED).map(([of, by]) => [of, join(ROOT, 'functions/bundled', by)])),
    },
    // Of a part beside, too.
    supported: { 'dynamic-import': false },
    external: [...binaries, ...Object.keys(PARTS), 'lmdb'],
  } as const satisfies BuildOptions
}

/** The same, with what it consists of. */
export function bundle(name: BundleName, architecture: Architecture) {
  const built = buildSync(bundleOptions(`functions/${name}.ts`, architecture))
  const code = built.outputFiles[0]!.contents
  const { metafile } = built
  const natives = nativesIn(name, metafile, PLATFORMS[architecture]).map((of) => nativePackage(of))
  const parts = Object.keys(PARTS).filter((part) => requests(metafile).has(part))
  const files = new Map([
    ['index.js', code],
    ...parts.map((part) => [`node_modules/${part}/index.js`, partCode(part)] as const),
  ])
  const hash = createHash('sha256').update(PACKAGE)
  for (const content of files.values()) hash.update(content)
  for (const { id } of natives) hash.update(id)
  const directory = join(CACHE, 'bundles', `${name}-${architecture}-${hash.digest('hex').slice(0, 16)}`)
  if (!existsSync(directory)) writeBundle(directory, files, natives)
  return { directory, codeBytes: code.length, natives: natives.map(({ id }) => id), parts, metafile }
}

const partCodes = new Map<string, Uint8Array>()

/** A package with all that it needs, as one file. */
function partCode(part: string): Uint8Array {
  const known = partCodes.get(part)
  if (known !== undefined) return known
  const stdin = { contents: `module.exports = require('${PARTS[part]}')`, resolveDir: ROOT }
  const built = buildSync({ ...ONE_FILE, stdin })
  const code = built.outputFiles[0]!.contents
  partCodes.set(part, code)
  return code
}

/** What is asked for that is not in the file itself. */
const requests = ({ outputs }: Metafile): ReadonlySet<string> =>
  new Set(Object.values(outputs).flatMap(({ imports }) => imports.map(({ path }) => path)))

/** The native packages that the bundle asks for; it must ask for nothing else, nor contain what belongs elsewhere. */
function nativesIn(name: BundleName, metafile: Metafile, platform: string): string[] {
  const { inputs } = metafile
  const known = Object.values(CODECS).map((binary) => binary(platform))
  const foreign = Object.keys(inputs).filter((path) => FORBIDDEN.some((pattern) => pattern.test(path)))
  if (foreign.length > 0) throw new Error(`The function ${name} must not contain ${foreign.join(', ')}.`)
  const isForeign = (path: string): boolean => !path.startsWith('node:') && !BUILTIN.has(path) && !(path in PARTS)
  const packages = [...requests(metafile)].filter(isForeign)
  const unknown = packages.filter((path) => !known.includes(path))
  if (unknown.length > 0) throw new Error(`The function ${name} must not ask for ${unknown.join(', ')}.`)
  return packages.sort()
}

/** Node's own modules as older packages name them. */
const BUILTIN: ReadonlySet<string> = new Set(process.getBuiltinModule('node:module').builtinModules)

interface NativePackage {
  /** `‹name›@‹version›`. */
  readonly id: string
  readonly name: string
  readonly directory: string
}

/** Where a native package lies: among the installed ones, or fetched once into the cache. */
function nativePackage(name: string): NativePackage {
  const installed = join(ROOT, 'node_modules', name)
  const { version, integrity } = lockedPackage(name)
  const id = `${name}@${version}`
  if (existsSync(join(installed, 'package.json')) && versionIn(installed) === version) {
    return { id, name, directory: installed }
  }
  const directory = join(CACHE, 'native', `${name.replace('/', '+')}-${version}`)
  if (!existsSync(directory)) fetchPackage(id, integrity, directory)
  return { id, name, directory }
}

function versionIn(directory: string): string {
  return (JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { version: string }).version
}

function lockedPackage(name: string): { version: string; integrity: string } {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, { version: string; integrity?: string }>>
  }
  const locked = lock.packages[`node_modules/${name}`]
  if (locked?.integrity === undefined) throw new Error(`The lock file does not name ${name}: run npm install.`)
  return { version: locked.version, integrity: locked.integrity }
}

/** Gets a package by npm, which uses the registry that this machine is set to, and unpacks it. */
function fetchPackage(id: string, integrity: string, directory: string): void {
  const draft = `${directory}.draft-${process.pid}`
  mkdirSync(draft, { recursive: true })
  try {
    execFileSync('npm', ['pack', id, '--silent', '--pack-destination', draft], { cwd: draft, stdio: 'pipe' })
    const [archive] = readdirSync(draft)
    if (archive === undefined) throw new Error(`npm pack ${id} left nothing`)
    const path = join(draft, archive)
    const [algorithm = '', expected] = integrity.split('-', 2)
    const actual = createHash(algorithm).update(readFileSync(path)).digest('base64')
    if (actual !== expected) throw new Error(`${id} from the registry is not what the lock file names`)
    execFileSync('tar', ['-xzf', path, '-C', draft], { stdio: 'pipe' })
    renameIfAbsent(join(draft, 'package'), directory)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

function writeBundle(
  directory: string,
  files: ReadonlyMap<string, Uint8Array>,
  natives: readonly NativePackage[],
): void {
  const draft = `${directory}.draft-${process.pid}`
  mkdirSync(draft, { recursive: true })
  try {
    for (const [path, content] of files) {
      const file = join(draft, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content)
    }
    writeFileSync(join(draft, 'package.json'), PACKAGE)
    for (const { name, directory: from } of natives) {
      const to = join(draft, 'node_modules', name)
      mkdirSync(to, { recursive: true })
      for (const file of readdirSync(from)) {
        if (file === 'package.json' || file.endsWith('.node')) copyFileSync(join(from, file), join(to, file))
      }
    }
    renameIfAbsent(draft, directory)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/** Another process may have made the same thing meanwhile. */
function renameIfAbsent(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!existsSync(to)) throw error
  }
}

/** What weighs most in a bundle, by package or folder. */
export function weights({ outputs }: Metafile): readonly (readonly [name: string, bytes: number])[] {
  const sums = new Map<string, number>()
  for (const { inputs } of Object.values(outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const name = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path.split('/').slice(0, 2).join('/')
      sums.set(name, (sums.get(name) ?? 0) + bytesInOutput)
    }
  }
  return [...sums].sort(([, a], [, b]) => b - a)
}

/** `npm run bundle`: all bundles of both architectures, and their sizes. */
function main(): void {
  const kib = (bytes: number): string => `${(bytes / 1024).toFixed(0)} KiB`
  for (const architecture of Object.keys(PLATFORMS) as Architecture[]) {
    for (const name of BUNDLES) {
      const { codeBytes, natives, directory, metafile } = bundle(name, architecture)
      const heaviest = weights(metafile)
        .slice(0, 4)
        .map(([of, bytes]) => `${of} ${kib(bytes)}`)
      console.log(
        `${name.padEnd(12)} ${architecture.padEnd(7)} ${kib(codeBytes).padStart(9)}  ${relative(ROOT, directory)}`,
      )
      console.log(`${' '.repeat(21)}most: ${heaviest.join(', ')}`)
      console.log(`${' '.repeat(21)}native: ${natives.join(', ')}`)
    }
  }
}

if (import.meta.main) main()
