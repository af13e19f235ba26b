// The tarball of `npm pack`, installed in an empty folder: what a user gets. It must start, serve real clients, be typed,
// hold ten instances in one process, and say what it needs where Node is too old.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..', '..')
const HERE = import.meta.dirname
/** What a user's own code may look like; not a file, since nothing here resolves `tidelog` before it is built. */
const TYPED = `
import { Kafka } from 'kafkajs'
import { type RunningTidelog, Tidelog, type TidelogOptions, TidelogStartError } from 'tidelog'
import { httpSocketFactory, type HttpSocketFactoryOptions } from 'tidelog/kafkajs'

const options: TidelogOptions = { store: 'memory', settings: { 'num.partitions': '3' } }
const log: RunningTidelog = await Tidelog.start(options)
const bootstrap: string = log.bootstrap
const url: string | undefined = log.httpUrl
const overHttps: HttpSocketFactoryOptions = { url: 'https://example.org', region: 'eu-west-1' }
const kafka = new Kafka({ brokers: ['tidelog:9092'], socketFactory: httpSocketFactory(overHttps) })

export { bootstrap, kafka, TidelogStartError, url }

await log.close()
`
let folder = ''
let installed = ''

/** A folder with packages in it, as `npm install` makes it. */
async function install(name: string, packages: readonly string[]): Promise<string> {
  const path = join(folder, name)
  await mkdir(path)
  await writeFile(join(path, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }))
  await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...packages], { cwd: path })
  return path
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidelog-package-'))
  await run('npm', ['pack', '--pack-destination', folder, '--loglevel=error'], { cwd: ROOT })
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  // The types of KafkaJS, and ours for it, speak of Node's sockets.
  const clients = ['kafkajs', '@platformatic/kafka', 'typescript', '@types/node'].map(
    (name) => `${name}@${manifest.devDependencies[name]}`,
  )
  installed = await install('user', [join(folder, `tidelog-${manifest.version}.tgz`), ...clients])
  await copyFile(join(HERE, 'use.mjs'), join(installed, 'use.mjs'))
  await writeFile(join(installed, 'typed.ts'), TYPED)
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** The binary of another release of Node. */
async function nodeRelease(version: string): Promise<string> {
  const path = await install(`node-${version}`, [`node@${version}`])
  return join(path, 'node_modules', 'node', 'bin', 'node')
}

const TIDELOG = join('node_modules', 'tidelog', 'lib', 'cli', 'bin.js')

/** Starts the installed command, writes and reads a record with it, and stops it. */
async function useCommandLine(node: string): Promise<void> {
  const flags = ['start', '--store', 'memory', '--kafka', '127.0.0.1:0', '--http', '127.0.0.1:0']
  const server: ChildProcess = spawn(node, [TIDELOG, ...flags], {
    cwd: installed,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => server.on('exit', resolve))
  try {
    const kafka = await new Promise<string>((resolve, reject) => {
      let text = ''
      server.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        const match = /Kafka\s+(\S+)/.exec(text)
        if (match?.[1] !== undefined) resolve(match[1])
      })
      server.on('exit', () => reject(new Error(`it ended: ${text}`)))
    })
    const produced = run(node, [TIDELOG, 'produce', 'greetings', '--kafka', kafka, '--compression', 'zstd'], {
      cwd: installed,
    })
    produced.child.stdin?.end('hello, tide\n')
    await produced
    const consumed = await run(node, [TIDELOG, 'consume', 'greetings', '--from-beginning', '--kafka', kafka], {
      cwd: installed,
    })
    expect(consumed.stdout).toBe('hello, tide\n')
    server.kill('SIGTERM')
    expect(await ended).toBe(0)
  } finally {
    server.kill('SIGKILL')
  }
}

test('serves KafkaJS and @platformatic/kafka, ten times in one process', async () => {
  const { stdout } = await run(process.execPath, ['use.mjs'], { cwd: installed })
  expect(stdout).toContain('fine on Node 24')
  await rm(join(installed, 'data'), { recursive: true })
})

test('its command line runs', () => useCommandLine(process.execPath))

test('runs on the oldest Node that it promises', async () => {
  const node = await nodeRelease('22.15')
  const { stdout } = await run(node, ['use.mjs'], { cwd: installed })
  expect(stdout).toContain('fine on Node 22.15')
  await useCommandLine(node)
})

test('an older Node is told so in one sentence', async () => {
  const node = await nodeRelease('20')
  const ended = await run(node, [TIDELOG, 'start'], { cwd: installed }).catch((error: unknown) => error)
  expect(ended).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^Tidelog needs Node 22\.15 or newer[^\n]+\n$/),
  })
})

test('its types resolve under a strict compiler', async () => {
  const flags = ['--strict', '--noEmit', '--target', 'es2022', '--module', 'nodenext', '--exactOptionalPropertyTypes']
  const tsc = join(installed, 'node_modules', '.bin', 'tsc')
  const compiled = await run(tsc, [...flags, 'typed.ts'], { cwd: installed }).catch((error: unknown) => error)
  expect(compiled).toMatchObject({ stdout: '', stderr: '' })
})

test('holds what is needed and nothing else', async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'], {
    cwd: ROOT,
  })
  const files: string[] = JSON.parse(stdout)[0].files.map((file: { path: string }) => file.path)
  const foreign = files.filter(
    (path) => !/^(dist\/.+\.(js|d\.ts)|lib\/cli\/bin\.js|package\.json|README\.md|LICENSE)$/.test(path),
  )
  expect(foreign).toEqual([])
  expect(files).toContain('dist/index.d.ts')
  expect(files).toContain('dist/cli/main.js')
})
