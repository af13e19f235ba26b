// The command line as a person meets it: real processes, a real data directory, exit codes and sentences.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BIN, endAll, folder, run, startServer } from './processes.ts'

afterAll(endAll)

describe('with a running server', () => {
  let server: Awaited<ReturnType<typeof startServer>>
  const tide = (args: readonly string[], input = '') => run([...args, '--kafka', server.kafka], input).ended

  beforeAll(async () => {
    server = await startServer(join(await folder(), 'data'))
  })

  test('JSON lines come out as they went in', async () => {
    expect((await tide(['topic', 'create', 'orders', '--partitions', '4'])).stdout).toContain('4 partitions')
    const records = Array.from({ length: 200 }, (_, i) => ({
      key: i % 5 === 0 ? null : `key ${i}`,
      value: i % 7 === 0 ? null : `välue ${i}`,
      timestamp: 1_700_000_000_000 + i,
      partition: i % 4,
      ...(i % 3 === 0 ? { headers: { source: 'test', empty: null } } : {}),
    }))
    const lines = records.map((record) => `${JSON.stringify(record)}\n`).join('')
    for (const codec of ['none', 'zstd']) {
      expect(await tide(['produce', 'orders', '--json', '--compression', codec], lines)).toMatchObject({ code: 0 })
    }
    const read = await tide(['consume', 'orders', '--from-beginning', '--json'])
    expect(read).toMatchObject({ code: 0, stderr: '' })
    const got = read.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    for (const partition of [0, 1, 2, 3]) {
      const wanted = records.filter((record) => record.partition === partition)
      const expected = [...wanted, ...wanted].map((record, offset) => ({ ...record, offset }))
      expect(got.filter((record) => record.partition === partition)).toEqual(expected)
    }
    const two = await tide([
      'consume',
      'orders',
      '--partition',
      '2',
      '--offset',
      '10',
      '--max',
      '3',
      '--format',
      '%p/%o %k\\n',
    ])
    expect(two.stdout).toBe('2/10 key 42\n2/11 key 46\n2/12 \n')
    const late = await tide(['consume', 'orders', '--from-timestamp', '1700000000196', '--partition', '0', '--json'])
    expect(JSON.parse(late.stdout.split('\n')[0]!)).toMatchObject({ timestamp: 1_700_000_000_196, offset: 49 })
  })

  test('bytes that are no text survive, and keys choose partitions as the Java client would', async () => {
    await tide(['topic', 'create', 'bytes', '--partitions', '10'])
    const path = join(await folder(), 'input')
    const line = Buffer.from('foobar\tÿþ\u0000x', 'latin1')
    await writeFile(path, Buffer.concat([line, Buffer.from('\n\n'), line]))
    expect(await tide(['produce', 'bytes', path, '--key-separator', '\t'])).toMatchObject({ code: 0 })
    const read = await tide(['consume', 'bytes', '--from-beginning', '--json'])
    const got = read.stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text))
    expect(got).toHaveLength(3)
    const keyed = got.filter((record) => record.key === 'foobar')
    // murmur2('foobar') = -790332482, without its sign bit modulo 10.
    expect(keyed.map((record) => record.partition)).toEqual([6, 6])
    expect(keyed[0].valueBase64).toBe(Buffer.from('ÿþ\u0000x', 'latin1').toString('base64'))
    expect(got.find((record) => record.key === null).value).toBe('')
  })

  test('follow prints what comes', async () => {
    await tide(['topic', 'create', 'live'])
    const consumer = run(['consume', 'live', '--from-beginning', '--follow', '--max', '2', '--kafka', server.kafka])
    await tide(['produce', 'live'], 'one\n')
    await consumer.output(/one/)
    await tide(['produce', 'live', '--acks', '1', '--header', 'a=b'], 'two\n')
    expect(await consumer.ended).toMatchObject({ code: 0, stdout: 'one\ntwo\n' })
  })

  test('topics are listed, described, altered and deleted', async () => {
    await tide(['topic', 'create', 'short', '--config', 'retention.ms=1000'])
    expect((await tide(['topic', 'list'])).stdout.split('\n')).toContain('short')
    expect((await tide(['topic', 'describe', 'short'])).stdout).toMatch(/retention\.ms +1000/)
    await tide(['topic', 'alter', 'short', '--partitions', '3', '--reset', 'retention.ms'])
    const described = (await tide(['topic', 'describe', 'short'])).stdout
    expect(described).toContain('3 partitions')
    expect(described).not.toContain('retention.ms')
    expect((await tide(['topic', 'describe', 'short', '--all'])).stdout).toMatch(/retention\.ms +604800000/)
    expect(await tide(['topic', 'delete', 'short'])).toMatchObject({ code: 0 })
    expect((await tide(['topic', 'list'])).stdout.split('\n')).not.toContain('short')
  })

  test.each([
    [['topic', 'describe', 'nowhere'], /There is no topic named nowhere/],
    [['topic', 'create', 'a b'], /INVALID_TOPIC_EXCEPTION/],
    [['topic', 'create', 'x', '--config', 'nonsense=1'], /INVALID_CONFIG/],
    [['topic', 'create', 'x', '--partitions', 'many'], /whole number/],
    [['consume', 'nowhere', '--from-beginning'], /There is no topic named nowhere/],
    [['consume', 'x', '--format', '%z'], /means nothing|no topic/],
    [['consume', 'x', '--from-timestamp', 'yesterday'], /is no time/],
    [['produce', 'x', '/does/not/exist'], /cannot be read \(ENOENT\)/],
    [['frobnicate'], /unknown command/],
  ])('%j fails with a sentence', async (args, sentence) => {
    const ended = await run(args.includes('frobnicate') ? args : [...args, '--kafka', server.kafka]).ended
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(sentence)
    expect(ended.stderr).not.toMatch(/^\s+at /m)
  })

  test('a line that is no record is named', async () => {
    const ended = await tide(['produce', 'bad', '--json'], '{"value":"fine"}\n{"valve":1}\n')
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('Line 2')
  })

  test('a taken port and a taken HTTP port are sentences', async () => {
    const data = join(await folder(), 'data')
    const ended = await run(['start', '--kafka', server.kafka, '--data', data]).ended
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toContain(`${server.kafka} is taken`)
    const http = new URL(server.http).host
    const other = await run(['start', '--kafka', '127.0.0.1:0', '--http', http, '--data', data]).ended
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining(`${http} is taken`) })
  })

  test('health and metrics are served', async () => {
    expect(await (await fetch(`${server.http}/health`)).json()).toMatchObject({ status: 'ok', nodeId: 1 })
    const text = await (await fetch(`${server.http}/metrics`)).text()
    expect(text).toMatch(/tidelog_requests_total\{api="Produce"\} \d/)
    expect(text).toMatch(/tidelog_store_calls_total\{store="journal",call="append",outcome="applied"\} \d/)
  })
})

test('SIGTERM ends with 0, and everything is there after the next start', async () => {
  const data = join(await folder(), 'data')
  const first = await startServer(data, [], BIN)
  await run(['produce', 'kept', '--kafka', first.kafka], 'still here\n').ended
  first.child.kill('SIGTERM')
  expect(await first.ended).toMatchObject({ code: 0 })
  const second = await startServer(data)
  const read = await run(['consume', 'kept', '--from-beginning', '--kafka', second.kafka]).ended
  expect(read).toMatchObject({ code: 0, stdout: 'still here\n' })
  second.child.kill('SIGINT')
  expect(await second.ended).toMatchObject({ code: 0 })
})

test('a foreign and a newer data directory are left alone', async () => {
  const foreign = await folder()
  await writeFile(join(foreign, 'thesis.txt'), 'mine')
  const ports = ['--kafka', '127.0.0.1:0', '--http', '127.0.0.1:0']
  const refused = await run(['start', ...ports, '--data', foreign]).ended
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/^The directory \S+ is not empty[^\n]+\n$/) })
  expect(await readFile(join(foreign, 'thesis.txt'), 'utf8')).toBe('mine')

  const file = await run(['start', ...ports, '--data', join(foreign, 'thesis.txt')]).ended
  expect(file).toMatchObject({ code: 1, stderr: expect.stringMatching(/^\S+ is not a directory\.\n$/) })

  const newer = join(await folder(), 'data')
  await mkdir(newer)
  await writeFile(join(newer, 'tidelog.json'), JSON.stringify({ format: 99, clusterId: 'x' }))
  const ended = await run(['start', ...ports, '--data', newer]).ended
  expect(ended).toMatchObject({ code: 1, stderr: expect.stringMatching(/^[^\n]*newer release[^\n]*\n$/) })
})

test('without a server the way to start one is told', async () => {
  const ended = await run(['consume', 'x', '--kafka', '127.0.0.1:1']).ended
  expect(ended).toMatchObject({
    code: 1,
    stderr: 'Nothing listens on 127.0.0.1:1. Start it with: npx tidelog start\n',
  })
})

test('help teaches with examples', async () => {
  const help = await run(['--help']).ended
  expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('tidelog produce greetings') })
  for (const command of ['start', 'init', 'topic', 'produce', 'consume']) {
    expect(help.stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'))
  }
})
