// Much at once, and the wrong thing at the wrong door, against a real process: thousands of partitions in a request, a batch
// of 50 MiB, thousands of parked long polls, and SIGTERM in the middle of writes, after which nothing acknowledged is missing.
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Address, parseAddress } from '../../lib/base/address.ts'
import type { TopicId } from '../../lib/base/ids.ts'
import { type Connection, openConnection } from '../../lib/client/connection.ts'
import { buildPlainBatch } from '../../lib/wire/build-batch.ts'
import { createTopics } from '../../lib/wire/messages/create-topics.ts'
import { fetch as fetchApi } from '../../lib/wire/messages/fetch.ts'
import { produce } from '../../lib/wire/messages/produce.ts'
import { endAll, folder, run, startServer } from '../unit/cli/processes.ts'
import { framed, header, untilClosed } from './support/hostile.ts'

const PARTITIONS = 3000
let data: string
let server: Awaited<ReturnType<typeof startServer>>
let address: Address
let connection: Connection
beforeAll(async () => {
  data = join(await folder(), 'data')
  server = await startServer(data)
  address = parseAddress(server.kafka)!
  connection = await openConnection(address)
})
afterAll(endAll)

async function topic(name: string, numPartitions: number, value?: string): Promise<TopicId> {
  const configs = value === undefined ? [] : [{ name: 'max.message.bytes', value }]
  const topics = [{ name, numPartitions, replicationFactor: 1, configs }]
  const [made] = (await connection.request(createTopics, { topics })).topics
  expect(made!.errorCode).toBe(0)
  return made!.topicId
}

/** The error codes of a batch of one record written to each of these partitions. */
async function write(to: Connection, name: string, partitions: readonly number[], value = 'x'): Promise<number[]> {
  const records = [buildPlainBatch({ records: [{ timestamp: Date.now(), value: Buffer.from(value) }] })]
  const topicData = [{ name, partitionData: partitions.map((index) => ({ index, records })) }]
  const answer = await to.request(produce, { acks: -1, timeoutMs: 30_000, topicData })
  return answer.responses[0]!.partitionResponses.map(({ errorCode }) => errorCode)
}

async function read(from: Connection, topicId: TopicId, partition: number, fetchOffset: number) {
  const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1 }]
  const request = { maxWaitMs: 30_000, minBytes: 1, maxBytes: 1, topics: [{ topicId, partitions }] }
  return (await from.request(fetchApi, request)).responses[0]!.partitions[0]!
}

test('HTTP and TLS at the Kafka port are closed, Kafka at the HTTP port is a bad request', async () => {
  expect(await untilClosed(address, Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))).toHaveLength(0)
  expect(await untilClosed(address, Buffer.from('16030100c8010000c40303', 'hex'))).toHaveLength(0)
  const { hostname: host, port } = new URL(server.http)
  const said = await untilClosed({ host, port: Number(port) }, framed(header(18, 0)))
  expect(said.toString()).toMatch(/^HTTP\/1\.1 400 /)
  expect((await fetch(`${server.http}/health`)).status).toBe(200)
})

test('a connection that is reset in the middle of a request harms nobody', async () => {
  const socket = connect(address)
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.write(framed(header(3, 0), Buffer.alloc(4)).subarray(0, 12))
  socket.resetAndDestroy()
  expect(await write(await openConnection(address), 'made-by-nobody', [0])).toEqual([3])
})

test('3,000 partitions in one request, and 5,000 long polls woken by one record', async () => {
  const id = await topic('wide', PARTITIONS)
  const all = Array.from({ length: PARTITIONS }, (_, index) => index)
  expect(new Set(await write(connection, 'wide', all))).toEqual(new Set([0]))
  const waiting = await Promise.all(Array.from({ length: 500 }, () => openConnection(address)))
  let answered = 0
  const polls = waiting.flatMap((one) =>
    Array.from({ length: 10 }, async () => {
      const { errorCode, records } = await read(one, id, 5, 1)
      answered++
      return errorCode === 0 && records!.length > 61
    }),
  )
  await sleep(500)
  expect(answered).toBe(0)
  const began = performance.now()
  // Requests of one connection are answered in order: each of its ten polls is parked only when the one before is done.
  for (let i = 0; answered < polls.length && i < 200; i++) await write(connection, 'wide', [5])
  expect((await Promise.all(polls)).every((whole) => whole)).toBe(true)
  expect(performance.now() - began).toBeLessThan(10_000)
  await Promise.all(waiting.map((one) => one.close()))
})

test('a batch of 50 MiB, where the topic allows it, is read in one piece however little is asked for', async () => {
  const id = await topic('big', 1, '60000000')
  expect(await write(connection, 'big', [0], 'y'.repeat(50 << 20))).toEqual([0])
  expect((await read(connection, id, 0, 0)).records!.length).toBeGreaterThan(50 << 20)
})

test('SIGTERM, twice within a moment, under load: exit code 0, and what was acknowledged is there', async () => {
  await topic('ended', 1)
  const writers = await Promise.all(Array.from({ length: 20 }, () => openConnection(address)))
  const acknowledged: string[] = []
  let asked = false
  const writing = writers.map(async (one, w) => {
    for (let n = 0; ; n++) {
      const codes = await write(one, 'ended', [0], `${w}-${n}`).catch(() => undefined)
      if (codes === undefined) return
      if (codes[0] === 0) acknowledged.push(`${w}-${n}`)
      if (acknowledged.length < 200 || asked) continue
      asked = true
      server.child.kill('SIGTERM')
      setTimeout(() => server.child.kill('SIGTERM'), 20)
    }
  })
  expect(await server.ended).toMatchObject({ code: 0 })
  await Promise.all(writing)
  const again = await startServer(data)
  const { stdout } = await run(['consume', 'ended', '--from-beginning', '--kafka', again.kafka]).ended
  const there = stdout.trim().split('\n')
  expect(new Set(there).size).toBe(there.length)
  expect(acknowledged.length).toBeGreaterThanOrEqual(200)
  expect(acknowledged.filter((value) => !there.includes(value))).toEqual([])
})
