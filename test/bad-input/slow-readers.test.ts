// Three hundred clients that ask for much and read nothing, against a real process; they keep sending, and come back as soon
// as they are cut off. What was read for them is bounded, and clients that read go on: the one that was there before (see
// support/guarded-server.ts), and one that comes later as soon as it had its turn once.
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FETCH_MEMORY_WAIT_MS_MAX } from '../../lib/base/limits.ts'
import { openConnection } from '../../lib/client/connection.ts'
import { buildPlainBatch } from '../../lib/wire/build-batch.ts'
import { encodeRequestFrame } from '../../lib/wire/frame.ts'
import { createTopics } from '../../lib/wire/messages/create-topics.ts'
import { fetch } from '../../lib/wire/messages/fetch.ts'
import { produce } from '../../lib/wire/messages/produce.ts'
import { type GuardedServer, startGuarded } from './support/guarded-server.ts'
import { dial, framed, header } from './support/hostile.ts'

const ATTACKERS = 300
const BATCH_BYTES = 900 * 1024
/** More than the cache keeps. */
const BATCHES = 110
const ASKED_BYTES = 12 * 1024 * 1024
const VERSION = 13
const API_VERSIONS = 18

let server: GuardedServer
beforeAll(async () => {
  server = await startGuarded()
})
afterAll(() => server.end())

test('who asks for much and reads nothing is bounded, and cut off while others wait', async () => {
  const connection = await openConnection(server.address)
  const topics = [{ name: 'much', numPartitions: 1, replicationFactor: 1 }]
  const topicId = (await connection.request(createTopics, { topics })).topics[0]!.topicId
  const records = [buildPlainBatch({ records: [{ timestamp: 1, value: Buffer.alloc(BATCH_BYTES, 'v') }] })]
  for (let i = 0; i < BATCHES; i++) {
    const topicData = [{ name: 'much', partitionData: [{ index: 0, records }] }]
    const { responses } = await connection.request(produce, { acks: -1, timeoutMs: 30_000, topicData })
    expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(0)
  }
  const asking = (fetchOffset: number) => ({
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: ASKED_BYTES,
    topics: [{ topicId, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: ASKED_BYTES }] }],
  })

  const sockets = new Set<Socket>()
  let cutOff = 0
  let stopped = false
  const attack = async (which: number): Promise<void> => {
    const socket = await dial(server.address)
    sockets.add(socket)
    socket.pause()
    const talk = setInterval(() => socket.write(framed(header(API_VERSIONS, 0))), 300)
    socket.on('close', () => {
      clearInterval(talk)
      sockets.delete(socket)
      if (stopped) return
      cutOff++
      void attack(which).catch(() => {})
    })
    // Several at once: the first might fit what the system holds between the two.
    for (let i = 0; i < 10; i++) {
      const offset = (which * 7 + i * 12) % (BATCHES - 12)
      const named = { correlationId: i, clientId: null }
      socket.write(framed(...encodeRequestFrame(fetch, VERSION, named, asking(offset))))
    }
  }
  try {
    await Promise.all(Array.from({ length: ATTACKERS }, (_, which) => attack(which)))
    await sleep(500)
    // Somebody new, who reads.
    const waits: number[] = []
    for (let offset = 0; waits.length < 20 && offset < BATCHES; ) {
      const began = performance.now()
      const [partition] = (await connection.request(fetch, asking(offset))).responses[0]!.partitions
      waits.push(Math.round(performance.now() - began))
      expect(partition).toMatchObject({ errorCode: 0, highWatermark: BATCHES })
      const batches = Math.floor((partition!.records?.length ?? 0) / BATCH_BYTES)
      expect(batches).toBeGreaterThan(0)
      offset += batches
    }
    expect(Math.max(...waits.slice(1)), waits.join(' ')).toBeLessThan(FETCH_MEMORY_WAIT_MS_MAX)
    for (let i = 0; i < 100 && cutOff === 0; i++) await sleep(100)
    if (process.env['TIDELOG_TEST_FIGURES'] !== undefined) console.log(waits.join(' '), 'ms;', cutOff, 'cut off')
    expect(cutOff).toBeGreaterThan(0)
  } finally {
    stopped = true
    for (const socket of sockets) socket.destroy()
    await connection.close()
  }
}, 60_000)
