// Our own client against real gateways that disappear under it: what it wrote is there once and in order; and against
// servers that are no Kafka at all.
import { createServer, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type Cluster, openCluster } from '../../../lib/client/cluster.ts'
import { openConnection } from '../../../lib/client/connection.ts'
import { consume, planConsume } from '../../../lib/client/consumer.ts'
import { openProducer } from '../../../lib/client/producer.ts'
import { type Gateway, startGateway } from '../../../lib/gateway/start.ts'
import { createMemoryBackend } from '../../../lib/storage/memory/memory.ts'
import type { Codec } from '../../../lib/wire/record-batch.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function start(backend = createMemoryBackend(), port = 0): Promise<Gateway> {
  const store = { kind: 'given', stores: backend.open() } as const
  const outcome = await startGateway({ store, kafka: { host: '127.0.0.1', port }, settings: { 'num.partitions': '3' } })
  if (outcome.kind === 'problem') throw new Error(outcome.sentence)
  closers.push(() => outcome.gateway.close())
  return outcome.gateway
}

async function readAll(cluster: Cluster, name: string): Promise<Map<number, string[]>> {
  const options = { topic: await cluster.existingTopic(name), from: { kind: 'beginning' }, follow: false } as const
  const found = new Map<number, string[]>()
  for await (const records of consume(cluster, options, await planConsume(cluster, options))) {
    for (const { partition, offset, value } of records) {
      const values = found.get(partition) ?? []
      found.set(partition, values)
      expect(offset).toBe(values.length)
      values.push(Buffer.from(value ?? []).toString())
    }
  }
  return found
}

test('a producer outlives its gateway: every record once, in order', async () => {
  const backend = createMemoryBackend()
  let gateway = await start(backend)
  const { port } = gateway.kafka
  const cluster = await openCluster(gateway.kafka)
  closers.push(() => cluster.close())
  const topic = await cluster.topic('steady', { create: true })
  const producer = await openProducer(cluster, { topic: topic!, acks: -1, codec: 'lz4' })
  const expected = new Map<number, string[]>([0, 1, 2].map((partition) => [partition, []]))
  for (let i = 0; i < 6000; i++) {
    const partition = i % 3
    expected.get(partition)!.push(`value ${i}`)
    await producer.write({ timestamp: i, value: Buffer.from(`value ${i}`) }, partition)
    if (i % 500 === 0) await new Promise((resolve) => setImmediate(resolve))
    if (i === 2000 || i === 4000) {
      const stopping = gateway.close()
      await producer.write({ timestamp: i, value: Buffer.from('meanwhile') }, 0)
      expected.get(0)!.push('meanwhile')
      await stopping
      gateway = await start(backend, port)
    }
  }
  await producer.flush()
  expect(producer.acknowledged).toBe(6002)
  expect(await readAll(cluster, 'steady')).toEqual(expected)
})

test.each<Codec>(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('writes and reads %s', async (codec) => {
  const cluster = await openCluster((await start()).kafka)
  closers.push(() => cluster.close())
  const topic = await cluster.topic('coded', { create: true })
  const producer = await openProducer(cluster, { topic: topic!, acks: 1, codec })
  const values = Array.from({ length: 3000 }, (_, i) => `value ${i} ${'x'.repeat(i % 700)}`)
  for (const value of values) await producer.write({ timestamp: 1, value: Buffer.from(value) }, 1)
  await producer.flush()
  expect((await readAll(cluster, 'coded')).get(1)).toEqual(values)
})

test('a record that is too large is refused by name', async () => {
  const cluster = await openCluster((await start()).kafka)
  closers.push(() => cluster.close())
  const topic = await cluster.topic('small', { create: true })
  const producer = await openProducer(cluster, { topic: topic!, acks: -1, codec: 'none' })
  await producer.write({ timestamp: 1, value: Buffer.alloc(2_000_000) }, 0)
  await expect(producer.flush()).rejects.toThrow(/MESSAGE_TOO_LARGE/)
  await expect(producer.write({ timestamp: 1, value: null }, 0)).rejects.toThrow(/MESSAGE_TOO_LARGE/)
})

async function fakeServer(answer: Buffer | undefined): Promise<{ host: string; port: number }> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => (answer === undefined ? socket.destroy() : socket.write(answer)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => new Promise((resolve) => server.close(resolve)))
  const address = server.address()
  return { host: '127.0.0.1', port: typeof address === 'object' && address !== null ? address.port : 0 }
}

test.each([
  ['an HTTP server', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /does not speak the Kafka protocol/],
  ['a server that answers another question', Buffer.from('00000006000000630000', 'hex'), /was not asked/],
  ['a server that hangs up', undefined, /closed the connection|broke/],
])('%s is told from a log', async (_, answer, sentence) => {
  await expect(openConnection(await fakeServer(answer))).rejects.toThrow(sentence)
})
