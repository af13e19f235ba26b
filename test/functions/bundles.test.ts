// The bundles as Lambda gets them: small, with the codecs of their function and their architecture and nothing that belongs
// elsewhere, and able to start where nothing else of this repository is.
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildSync } from 'esbuild'
import { afterAll, describe, expect, it } from 'vitest'
import {
  type Architecture,
  BUNDLE_BYTES_MAX,
  BUNDLES,
  type BundleName,
  bundle,
  bundleOptions,
  weights,
} from '../../infra/bundle.ts'
import { eventOf, REQUESTS } from './support/frames.ts'

const ARCHITECTURES: readonly Architecture[] = ['arm64', 'x86_64']
const HOST: Architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64'
/** ELF's number of each processor. */
const MACHINES: Readonly<Record<Architecture, number>> = { arm64: 183, x86_64: 62 }
const CRC = ['@node-rs/crc32']
const ALL = ['@antoniomuso/lz4-napi', '@napi-rs/snappy', '@node-rs/crc32']
const CODECS: Readonly<Record<BundleName, readonly string[]>> = {
  produce: ALL,
  fetch: ALL,
  coordinate: CRC,
  admin: CRC,
  maintenance: CRC,
  topic: CRC,
}

const PARTS = ['@aws-lambda-powertools/tracer', 're2js-part']

const filesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort()

describe.each(BUNDLES)('%s', (name) => {
  it.each(ARCHITECTURES)('for %s holds its code, its codecs and nothing else', (architecture) => {
    const { directory, codeBytes, natives, parts, metafile } = bundle(name, architecture)
    const platform = architecture === 'arm64' ? 'linux-arm64-gnu' : 'linux-x64-gnu'
    console.log(`${name} ${architecture}: ${codeBytes} bytes of JavaScript`)
    expect(codeBytes).toBeLessThanOrEqual(BUNDLE_BYTES_MAX)
    expect(natives.map((id) => id.replace(/@[^@]+$/, ''))).toEqual(CODECS[name].map((codec) => `${codec}-${platform}`))
    const files = filesIn(directory)
    const binaries = files.filter((file) => file.endsWith('.node'))
    expect(binaries).toHaveLength(CODECS[name].length)
    for (const binary of binaries) {
      const elf = readFileSync(join(directory, binary))
      expect(elf.subarray(0, 4).toString('latin1'), binary).toBe('\x7fELF')
      expect(elf.readUInt16LE(18), binary).toBe(MACHINES[architecture])
    }
    const packages = CODECS[name].map((codec) => `node_modules/${codec}-${platform}/package.json`)
    expect(parts).toEqual(PARTS)
    const beside = parts.map((part) => `node_modules/${part}/index.js`)
    const texts = files.filter((file) => !file.endsWith('.node'))
    expect(texts).toEqual(['index.js', ...[...packages, ...beside].sort(), 'package.json'])
    const inside = weights(metafile).map(([of]) => of)
    for (const foreign of ['lmdb', 'prom-client', 'pino', 'commander', 'lib/cli', 'lib/gateway', 'lib/client']) {
      expect(inside).not.toContain(foreign)
    }
    expect(readFileSync(join(directory, 'index.js'), 'utf8')).not.toMatch(/require\("(lmdb|pino|prom-client)/)
  })

  it('is the same when it is made again', () => {
    expect(bundle(name, HOST).directory).toBe(bundle(name, HOST).directory)
  })
})

describe('a bundle', () => {
  const away = mkdtempSync(join(tmpdir(), 'tidelog-bundle-'))
  afterAll(() => rmSync(away, { recursive: true, force: true }))
  const invoker = join(import.meta.dirname, 'support/invoke.cjs')

  /** Invokes the host's bundle from a directory of its own, with nothing but this environment. */
  async function invoke(name: BundleName, event: unknown, env: Readonly<Record<string, string>> = {}) {
    const directory = join(away, name)
    cpSync(bundle(name, HOST).directory, directory, { recursive: true })
    const run = promisify(execFile)
    const timeout = 20_000
    const args = [invoker, directory, JSON.stringify(event)]
    const { stdout, stderr } = await run(process.execPath, args, {
      cwd: away,
      env: { AWS_REGION: 'us-east-1', ...env },
      timeout,
    })
    return { log: stdout + stderr, answer: JSON.parse(/^ANSWER (.*)$/m.exec(stdout)?.[1] ?? 'null') }
  }

  it.each(['produce', 'fetch', 'coordinate', 'admin'] as const)(
    'of %s starts alone and refuses nonsense',
    async (name) => {
      const { answer } = await invoke(name, { nonsense: true })
      expect(answer.statusCode).toBe(400)
      expect(JSON.parse(answer.body).title).toBe('Not an event of an HTTP API')
    },
  )

  it('says nothing of the inside when it does not know where the log is', async () => {
    const { answer, log } = await invoke('admin', eventOf('/kafka/admin', REQUESTS.metadata()))
    expect(answer.statusCode).toBe(500)
    expect(answer.body).not.toMatch(/TIDELOG_BUCKET|index\.js/)
    expect(log).toContain('TIDELOG_BUCKET')
  })

  it('has codecs that work, and loads them when they are needed', async () => {
    const directory = join(away, 'codecs')
    cpSync(bundle('produce', HOST).directory, directory, { recursive: true })
    const { outputFiles } = buildSync(bundleOptions('lib/wire/native-compression.ts', HOST))
    writeFileSync(join(directory, 'index.js'), outputFiles[0]!.contents)
    const script = `
      const loaded = () => Object.keys(require.cache).filter((path) => path.endsWith('.node')).length
      const { inlineCompression: inline, threadedCompression: threaded } = require('./index.js')
      const before = loaded()
      const bytes = Buffer.alloc(100_000, 'tide')
      const check = async () => {
        for (const { compress, decompress } of [inline, threaded]) for (const codec of ['lz4', 'snappy', 'gzip', 'zstd']) {
          const back = await decompress(codec, await compress(codec, bytes), 1e6)
          if (back.kind !== 'ok' || !bytes.equals(back.bytes)) throw new Error(codec)
        }
        process.stdout.write(before + ' ' + loaded())
      }
      check()`
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { cwd: directory })
    expect(stdout).toBe('0 2')
  })

  it('matches patterns of topics with what lies beside it, loaded by the first one', async () => {
    const directory = join(away, 'patterns')
    cpSync(bundle('coordinate', HOST).directory, directory, { recursive: true })
    const { outputFiles } = buildSync(bundleOptions('lib/groups/consumer/pattern.ts', HOST))
    writeFileSync(join(directory, 'index.js'), outputFiles[0]!.contents)
    const script = `
      const loaded = () => Object.keys(require.cache).filter((path) => path.includes('re2js')).length
      const { checkPattern, matchingNames } = require('./index.js')
      const said = [loaded(), checkPattern('a+').kind, checkPattern('(').kind, matchingNames('a+', ['aa', 'b']), loaded()]
      process.stdout.write(JSON.stringify(said))`
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { cwd: directory })
    expect(JSON.parse(stdout)).toEqual([0, 'valid', 'invalid', ['aa'], 1])
  })

  it('sends a trace of a sampled invocation', async () => {
    const daemon = createSocket('udp4')
    await new Promise<void>((resolve) => daemon.bind(0, '127.0.0.1', resolve))
    const seen: string[] = []
    const first = new Promise<void>((resolve) => {
      daemon.on('message', (message) => {
        seen.push(message.toString())
        resolve()
      })
    })
    try {
      await invoke(
        'admin',
        { nonsense: true },
        {
          LAMBDA_TASK_ROOT: away,
          AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
          AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${daemon.address().port}`,
          _X_AMZN_TRACE_ID: 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1',
        },
      )
      await first
    } finally {
      daemon.close()
    }
    expect(seen.join()).toContain('## admin')
  })
})
