// Unmodified clients over the HTTP routes of a gateway: KafkaJS by the socket factory, others through `tidelog connect`, and
// the same log seen directly. What a deployment without servers adds (signatures, functions that freeze) is tested there.
import { join } from 'node:path'
import { Consumer } from '@platformatic/kafka'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { httpSocketFactory } from '../../lib/client/kafkajs.ts'
import { endAll, folder, type Running, run, startServer } from '../unit/cli/processes.ts'

let server: Awaited<ReturnType<typeof startServer>>
let connected: Running
/** Where `tidelog connect` listens. */
let kafka = ''

const unsigned = { AWS_ACCESS_KEY_ID: undefined }

beforeAll(async () => {
  server = await startServer(join(await folder(), 'data'), [])
  connected = run(['connect', '--url', server.http, '--kafka', '127.0.0.1:0'], '', undefined, unsigned)
  kafka = (await connected.output(/Kafka\s+(\S+)/))[1]!
})

afterAll(endAll)

function overHttps(): Kafka {
  return new Kafka({
    brokers: ['tidelog:9092'],
    logLevel: logLevel.NOTHING,
    socketFactory: httpSocketFactory({ url: server.http }),
  })
}

const tide = (args: readonly string[], address: string, input = '') => run([...args, '--kafka', address], input).ended

test('KafkaJS makes topics and writes by the socket factory; all of it is in the log, in order', async () => {
  const client = overHttps()
  const admin = client.admin()
  await admin.connect()
  expect(await admin.createTopics({ topics: [{ topic: 'direct', numPartitions: 3 }] })).toBe(true)
  // Whatever the log names as broker leads through the factory again.
  expect((await admin.describeCluster()).brokers).toEqual([{ nodeId: 1, host: 'tidelog', port: 9092 }])
  const producer = client.producer({ idempotent: true, createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  const values = Array.from({ length: 500 }, (_, i) => `value ${i}`)
  for (let at = 0; at < values.length; at += 50) {
    const messages = values.slice(at, at + 50).map((value, i) => ({ value, partition: (at + i) % 3 }))
    await producer.send({ topic: 'direct', acks: -1, messages })
  }
  const offsets = await admin.fetchTopicOffsets('direct')
  expect(offsets.map(({ high }) => Number(high)).reduce((sum, high) => sum + high, 0)).toBe(500)
  await producer.disconnect()
  await admin.disconnect()
  for (const address of [server.kafka, kafka]) {
    for (const partition of [0, 1, 2]) {
      const read = await tide(['consume', 'direct', '--from-beginning', '--partition', `${partition}`], address)
      const wanted = values.filter((_, i) => i % 3 === partition)
      expect(read).toMatchObject({ code: 0, stdout: wanted.map((value) => `${value}\n`).join('') })
    }
  }
})

test('KafkaJS is told of a frame that is too long for HTTPS', async () => {
  const admin = overHttps().admin()
  await admin.connect()
  const configEntries = [{ name: 'max.message.bytes', value: '8000000' }]
  await admin.createTopics({ topics: [{ topic: 'large', configEntries }] })
  await admin.disconnect()
  const producer = overHttps().producer({ createPartitioner: Partitioners.DefaultPartitioner, retry: { retries: 0 } })
  await producer.connect()
  const send = (bytes: number) => producer.send({ topic: 'large', messages: [{ value: Buffer.alloc(bytes) }] })
  await expect(send(4 * 1024 * 1024)).rejects.toMatchObject({ type: 'MESSAGE_TOO_LARGE' })
  // The connection goes on.
  expect(await send(4 * 1024 * 1024 - 1000)).toMatchObject([{ errorCode: 0, baseOffset: '0' }])
  await producer.disconnect()
})

test('KafkaJS is told why a log cannot be reached', async () => {
  const client = new Kafka({
    brokers: ['tidelog:9092'],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    socketFactory: httpSocketFactory({ url: `${server.http}/no-such-stage` }),
  })
  const admin = client.admin()
  await expect(admin.connect()).rejects.toThrow(/no such function at .+no-such-stage/)
  expect(() => httpSocketFactory({ url: 'tidelog:9092' })).toThrow(/is no URL/)
})

test('our own command line works through tidelog connect: codecs, keys, topics changed and deleted', async () => {
  expect(await tide(['topic', 'create', 'lines', '--partitions', '2'], kafka)).toMatchObject({ code: 0 })
  const lines = Array.from({ length: 2000 }, (_, i) => `${i % 10}:line ${i}`)
  for (const codec of ['none', 'zstd']) {
    const args = ['produce', 'lines', '--key-separator', ':', '--compression', codec]
    expect(await tide(args, kafka, `${lines.join('\n')}\n`)).toMatchObject({ code: 0, stderr: '' })
  }
  const through = await tide(['consume', 'lines', '--from-beginning', '--partition', '0', '--json'], kafka)
  expect(through).toEqual(
    await tide(['consume', 'lines', '--from-beginning', '--partition', '0', '--json'], server.kafka),
  )
  expect(through.stdout.split('\n').length).toBeGreaterThan(500)
  expect(
    await tide(['topic', 'alter', 'lines', '--partitions', '4', '--config', 'retention.ms=1000'], kafka),
  ).toMatchObject({ code: 0 })
  const described = await tide(['topic', 'describe', 'lines'], kafka)
  expect(described.stdout).toMatch(/4 partitions/)
  expect(described.stdout).toMatch(/retention\.ms\s+1000/)
  expect(await tide(['topic', 'delete', 'lines'], kafka)).toMatchObject({ code: 0 })
  expect((await tide(['topic', 'list'], server.kafka)).stdout.split('\n')).not.toContain('lines')
})

test('a parked fetch of @platformatic/kafka is woken by a write through the same listener', async () => {
  await tide(['topic', 'create', 'parked'], kafka)
  const consumer = new Consumer({ clientId: 'reader', groupId: 'unused', bootstrapBrokers: [kafka] })
  try {
    const metadata = await consumer.metadata({ topics: ['parked'] })
    const { id, partitions } = metadata.topics.get('parked')!
    expect(metadata.brokers.get(partitions[0]!.leader)).toMatchObject({
      host: '127.0.0.1',
      port: Number(kafka.split(':')[1]),
    })
    consumer.topics.trackAll('parked')
    const from = {
      partition: 0,
      currentLeaderEpoch: -1,
      fetchOffset: 0n,
      lastFetchedEpoch: -1,
      partitionMaxBytes: 1 << 20,
    }
    const limits = { maxWaitTime: 20_000, minBytes: 1, maxBytes: 1 << 20 }
    const startedMs = performance.now()
    const fetching = consumer.fetch({
      node: partitions[0]!.leader,
      topics: [{ topicId: id, partitions: [from] }],
      ...limits,
    })
    await new Promise((resolve) => setTimeout(resolve, 1500))
    await tide(['produce', 'parked'], kafka, 'at last\n')
    const answer = await fetching
    const batches = answer.responses[0]!.partitions[0]!.records ?? []
    expect(batches.flatMap((batch) => batch.records.map((record) => record.value?.toString()))).toEqual(['at last'])
    expect(performance.now() - startedMs).toBeLessThan(10_000)
  } finally {
    await consumer.close()
  }
})

test('SIGTERM ends the listener with 0', async () => {
  connected.child.kill('SIGTERM')
  expect(await connected.ended).toMatchObject({ code: 0, stdout: expect.stringContaining(`Log    ${server.http}`) })
})
