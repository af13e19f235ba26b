// `npm run test:dataset`: the package index through kcat into 12 partitions with each compression, read back by kcat and
// compared byte for byte, per key in order. What is stored must carry the codec that the producer chose. Ends with
// `N passed, N failed`; `--server kafka` shows the script against Apache Kafka.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadPackages, type Stanza } from './packages.ts'
import {
  CODECS,
  codecsIn,
  createTopicFrame,
  fetchFrame,
  hasFindCoordinator,
  openRaw,
  readCreated,
  readFetched,
} from './raw.ts'
import { ROOT, run, startKafka, startTidelog } from './servers.ts'

const PARTITIONS = 12
const KEY_END = '\x01'
const RECORD_END = '\x02'

const { values } = parseArgs({ options: { server: { type: 'string', default: 'tidelog' } } })

function kcat(args: readonly string[], input: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn('kcat', [...args], { stdio: ['pipe', 'pipe', 'inherit'] })
    const out: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stdin.on('error', () => undefined)
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? resolve(Buffer.concat(out)) : reject(new Error(`kcat ended with ${code}`)),
    )
    child.stdin.end(input)
  })
}

/** `partition offset keyLength valueLength` on a line, then key and value. */
function* recordsOf(output: Buffer): Generator<{ partition: number; offset: number; key: string; value: Buffer }> {
  let at = 0
  while (at < output.length) {
    const headEnd = output.indexOf('\n', at)
    const head = output.subarray(at, headEnd).toString().split(' ').map(Number)
    const [partition = -1, offset = -1, keyLength = -1, valueLength = -1] = head
    at = headEnd + 1 + keyLength + valueLength
    yield {
      partition,
      offset,
      key: output.subarray(headEnd + 1, headEnd + 1 + keyLength).toString(),
      value: output.subarray(headEnd + 1 + keyLength, at),
    }
  }
}

async function roundTrip(bootstrap: string, codec: string, stanzas: readonly Stanza[], input: Buffer): Promise<string> {
  const topic = `packages-${codec}`
  const port = Number(bootstrap.split(':')[1])
  const connection = await openRaw(port)
  assert.equal(readCreated(await connection.ask(createTopicFrame(topic, PARTITIONS))), 0)
  await new Promise((resolve) => setTimeout(resolve, 500))
  await kcat(['-b', bootstrap, '-P', '-t', topic, '-z', codec, '-K', KEY_END, '-D', RECORD_END], input)
  const read = ['-C', '-t', topic, '-o', 'beginning', '-c', String(stanzas.length), '-q', '-f', '%p %o %K %S\n%k%s']
  const output = await kcat(['-b', bootstrap, ...read], Buffer.alloc(0))
  const byKey = new Map<string, Buffer[]>()
  const next = new Map<number, number>()
  const home = new Map<string, number>()
  for (const { partition, offset, key, value } of recordsOf(output)) {
    assert.equal(offset, next.get(partition) ?? 0, `offsets of partition ${partition} are dense`)
    next.set(partition, offset + 1)
    assert.equal(partition, home.get(key) ?? partition, `${key} stays in one partition`)
    home.set(key, partition)
    byKey.set(key, [...(byKey.get(key) ?? []), value])
  }
  assert.equal(next.size, PARTITIONS)
  const sent = Map.groupBy(stanzas, ({ key }) => key)
  assert.equal(byKey.size, sent.size)
  for (const [key, list] of sent) {
    const got = byKey.get(key) ?? []
    assert.equal(got.length, list.length, key)
    for (const [index, { value }] of list.entries())
      assert.ok(got[index]?.equals(Buffer.from(value)), `${key} ${index}`)
  }
  const seenCodecs = new Map<string, number>()
  for (const [partition, end] of next) {
    const fetched = readFetched(await connection.ask(fetchFrame(topic, partition, 0, 0, 1 << 20)))
    assert.equal(fetched.end, end, `the end of partition ${partition}`)
    for (const stored of codecsIn(fetched.records)) seenCodecs.set(stored, (seenCodecs.get(stored) ?? 0) + 1)
  }
  connection.close()
  // librdkafka leaves a batch uncompressed where compressing gains nothing, such as one of a single small record; and it
  // uses lz4 only with a broker that has FindCoordinator.
  const expected = codec === 'lz4' && !(await hasFindCoordinator(port)) ? 'none' : codec
  const chosen = seenCodecs.get(expected) ?? 0
  const total = [...seenCodecs.values()].reduce((sum, count) => sum + count, 0)
  assert.equal(chosen + (expected === 'none' ? 0 : (seenCodecs.get('none') ?? 0)), total, `${[...seenCodecs]}`)
  assert.ok(chosen > total * 0.8, `${[...seenCodecs]}`)
  if (expected !== codec) return `${stanzas.length} stanzas, left uncompressed by kcat, which looks for FindCoordinator`
  return `${stanzas.length} stanzas, ${Math.round(output.length / 1048576)} MiB`
}

async function main(): Promise<void> {
  await run('sh', [join(import.meta.dirname, 'setup.sh')])
  const stanzas = await loadPackages()
  const input = Buffer.from(stanzas.map(({ key, value }) => `${key}${KEY_END}${value}${RECORD_END}`).join(''))
  const scratch = await mkdtemp(join(ROOT, '.cache', 'run-'))
  const directory = join(scratch, 'data')
  const server = values.server === 'kafka' ? await startKafka({ directory }) : await startTidelog({ directory })
  const tally = { passed: 0, failed: 0 }
  try {
    for (const codec of CODECS) {
      const startedAt = performance.now()
      let line: string
      try {
        line = `ok     ${codec}: ${await roundTrip(server.bootstrap, codec, stanzas, input)}`
        tally.passed += 1
      } catch (error) {
        line = `FAILED ${codec}: ${error instanceof Error ? error.stack : error}`
        tally.failed += 1
      }
      console.log(`${line} (${Math.round(performance.now() - startedAt)} ms)`)
    }
  } finally {
    await server.stop()
    await rm(scratch, { recursive: true, force: true })
  }
  console.log(`${tally.passed} passed, ${tally.failed} failed`)
  process.exitCode = tally.failed === 0 ? 0 : 1
}

await main()
