// Whole gateways in this process, real sockets, real broker and log: several on one log, what hostile bytes do to them, and
// that a start that fails leaves nothing behind.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../../lib/base/clock.ts'
import { type Cluster, openCluster } from '../../../lib/client/cluster.ts'
import { consume, planConsume } from '../../../lib/client/consumer.ts'
import { openProducer } from '../../../lib/client/producer.ts'
import { type Gateway, type StartOptions, startGateway } from '../../../lib/gateway/start.ts'
import { ANSWERS, ANSWERS_KEPT_MS } from '../../../lib/http/remembered-answers.ts'
import { createMemoryBackend } from '../../../lib/storage/memory/memory.ts'
import { describeCluster } from '../../../lib/wire/messages/describe-cluster.ts'

const ANY = { host: '127.0.0.1', port: 0 }
const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function start(options: Partial<StartOptions> = {}): Promise<Gateway> {
  const outcome = await startGateway({ store: { kind: 'memory' }, kafka: ANY, ...options })
  if (outcome.kind === 'problem') throw new Error(outcome.sentence)
  closers.push(() => outcome.gateway.close())
  return outcome.gateway
}

async function client(gateway: Gateway): Promise<Cluster> {
  const cluster = await openCluster(gateway.kafka)
  closers.push(() => cluster.close())
  return cluster
}

async function write(cluster: Cluster, name: string, values: readonly string[]): Promise<void> {
  const topic = await cluster.topic(name, { create: true })
  const producer = await openProducer(cluster, { topic: topic!, acks: -1, codec: 'none' })
  for (const value of values) await producer.write({ timestamp: 1, value: Buffer.from(value) })
  await producer.flush()
}

async function read(cluster: Cluster, name: string): Promise<string[]> {
  const topic = await cluster.existingTopic(name)
  const options = { topic, from: { kind: 'beginning' }, follow: false } as const
  const values: string[] = []
  for await (const records of consume(cluster, options, await planConsume(cluster, options))) {
    values.push(...records.map(({ value }) => Buffer.from(value ?? []).toString()))
  }
  return values
}

test('two gateways on one log list each other, and each serves what the other wrote', async () => {
  const backend = createMemoryBackend()
  const given = () => ({ store: { kind: 'given', stores: backend.open() } }) as const
  const [one, two] = [await start(given()), await start(given())]
  const [a, b] = [await client(one), await client(two)]
  await write(a, 'shared', ['first'])
  await write(b, 'shared', ['second'])
  expect(await read(a, 'shared')).toEqual(['first', 'second'])
  expect(await read(b, 'shared')).toEqual(['first', 'second'])
  const described = await b.request(describeCluster, {})
  expect(described.brokers.map(({ brokerId, port }) => [brokerId, port])).toEqual([
    [1, one.kafka.port],
    [2, two.kafka.port],
  ])
  expect(one.members.clusterId).toBe(two.members.clusterId)
  const epoch = two.members.epoch()
  await one.close()
  await two.members.refresh()
  expect(two.members.nodes().map(({ nodeId }) => nodeId)).toEqual([2])
  expect(two.members.epoch()).toBeGreaterThan(epoch)
  expect(await read(b, 'shared')).toEqual(['first', 'second'])
})

test('a gateway forgets old answers to requests over HTTPS, also where no function does it', async () => {
  const backend = createMemoryBackend()
  const { documents } = backend.open()
  const at = Date.now() - ANSWERS_KEPT_MS - 1
  await documents.put(`${ANSWERS}/1-old`, Buffer.from(JSON.stringify({ at, by: 'x', frame: 'y' })), 0)
  const timer: Clock['timer'] = (delayMs, callback) => systemClock.timer(delayMs > 60_000 ? 20 : delayMs, callback)
  await start({ store: { kind: 'given', stores: backend.open() }, clock: { ...systemClock, timer } })
  await expect.poll(async () => (await documents.get(`${ANSWERS}/1-old`)).kind).toBe('missing')
})

/** Sends bytes and waits until the gateway closes the connection; returns what it answered. */
function send(gateway: Gateway, bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = connect(gateway.kafka)
    const received: Buffer[] = []
    socket.on('data', (chunk) => received.push(chunk))
    socket.on('error', () => {})
    socket.on('close', () => resolve(Buffer.concat(received)))
    socket.end(bytes)
  })
}

function framed(body: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}

test('random bytes in valid frames never disturb another connection', async () => {
  const gateway = await start()
  const cluster = await client(gateway)
  await write(cluster, 'calm', ['before'])
  const header = fc.tuple(fc.integer({ min: -2, max: 70 }), fc.integer({ min: -1, max: 20 })).map(([key, version]) => {
    const bytes = Buffer.alloc(10)
    bytes.writeInt16BE(key)
    bytes.writeInt16BE(version, 2)
    bytes.writeInt16BE(-1, 8)
    return bytes
  })
  await fc.assert(
    fc.asyncProperty(header, fc.uint8Array({ maxLength: 200 }), async (start, rest) => {
      await send(gateway, framed(Buffer.concat([start, rest])))
    }),
    { numRuns: 300 },
  )
  await write(cluster, 'calm', ['after'])
  expect(await read(cluster, 'calm')).toEqual(['before', 'after'])
})

test('twenty million tagged fields and a count of 2^31-1 cost one connection and no memory', async () => {
  const gateway = await start()
  const cluster = await client(gateway)
  // Metadata version 12: header with client id null, then tagged fields: 20,000,000 as a varint.
  const header = Buffer.from('0003000c00000001ffff80dac409', 'hex')
  const before = process.memoryUsage.rss()
  const flood = framed(Buffer.concat([header, Buffer.alloc(40_000_000)]))
  expect(await send(gateway, flood)).toHaveLength(0)
  // Metadata version 0 with an array of 2^31-1 topics.
  expect(await send(gateway, framed(Buffer.from('000300000000000100007fffffff', 'hex')))).toHaveLength(0)
  expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 1024 * 1024)
  await write(cluster, 'calm', ['still'])
  expect(await read(cluster, 'calm')).toEqual(['still'])
})

test('a start that fails says why and leaves its port free', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tidelog-start-'))
  closers.push(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'mine'), '')
  const busy = await start()
  const free = await start()
  await free.close()
  const refused = await startGateway({ store: { kind: 'embedded', dir: folder }, kafka: free.kafka })
  expect(refused).toEqual({ kind: 'problem', sentence: expect.stringContaining(folder) })
  const http = await startGateway({ store: { kind: 'memory' }, kafka: free.kafka, http: busy.kafka })
  expect(http).toEqual({ kind: 'problem', sentence: expect.stringContaining('is taken') })
  const setting = await startGateway({
    store: { kind: 'memory' },
    kafka: free.kafka,
    settings: { 'num.partition': '3' },
  })
  expect(setting).toEqual({ kind: 'problem', sentence: expect.stringContaining('num.partitions') })
  expect((await start({ kafka: free.kafka })).kafka).toEqual(free.kafka)
})

test('close is safe to call twice, at once', async () => {
  const gateway = await start({ http: ANY })
  await Promise.all([gateway.close(), gateway.close()])
  await expect(fetch(`http://127.0.0.1:${gateway.http!.port}/health`)).rejects.toThrow()
})
