// A gateway process under attack, and what must hold for it whatever the attack is: a healthy client on another connection
// writes and reads all the time without one error or a wait worth mentioning, and the memory of the process stays bounded.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { type Address, parseAddress } from '../../../lib/base/address.ts'
import type { TopicId } from '../../../lib/base/ids.ts'
import { type Connection, openConnection } from '../../../lib/client/connection.ts'
import { buildPlainBatch } from '../../../lib/wire/build-batch.ts'
import { ErrorCode } from '../../../lib/wire/errors.ts'
import { createTopics } from '../../../lib/wire/messages/create-topics.ts'
import { fetch } from '../../../lib/wire/messages/fetch.ts'
import { produce } from '../../../lib/wire/messages/produce.ts'
import { endAll, folder, startServer } from '../../unit/cli/processes.ts'

/**
 * What a process takes before anybody attacks is about 130 MiB. Requests may hold 128 MiB, one frame that overdraws 100 MiB
 * more, and what was released stays resident until it is collected.
 */
const RESIDENT_BYTES_MAX = 512 * 1024 * 1024
/** No write and no read of the healthy client takes longer. */
const HEALTHY_MS_MAX = 5000
const TOPIC = 'healthy'

export interface GuardedServer {
  readonly address: Address
  readonly pid: number
  /** Asserts what must hold, and ends it all. */
  end(): Promise<void>
}

/** Starts the process, with more options if need be, and the healthy client, whose requests take no longer than this. */
export async function startGuarded(
  more: readonly string[] = [],
  healthyMsMax = HEALTHY_MS_MAX,
): Promise<GuardedServer> {
  const server = await startServer(join(await folder(), 'data'), more)
  const address = parseAddress(server.kafka)!
  const pid = server.child.pid!
  const connection = await openConnection(address)
  const topics = [{ name: TOPIC, numPartitions: 1, replicationFactor: 1 }]
  const [topic] = (await connection.request(createTopics, { topics })).topics
  expect(topic!.errorCode).toBe(ErrorCode.NONE)
  const healthy = liveHealthily(connection, topic!.topicId)
  return {
    address,
    pid,
    end: async () => {
      const { rounds, slowestMs } = await healthy.stop()
      await connection.close()
      const residentBytes = await residentBytesPeak(pid)
      const said = `${rounds} rounds, slowest ${Math.round(slowestMs)} ms, at most ${residentBytes >> 20} MiB resident`
      server.child.kill('SIGTERM')
      const { code, stderr } = await server.ended
      await endAll()
      if (process.env['TIDELOG_TEST_FIGURES'] !== undefined) console.log(said)
      expect(rounds).toBeGreaterThan(5)
      expect(slowestMs, said).toBeLessThan(healthyMsMax)
      expect(residentBytes, said).toBeLessThan(RESIDENT_BYTES_MAX)
      expect(code).toBe(0)
      // Bad input is expected: nothing about a broken invariant may be in the log.
      expect(stderr).not.toMatch(/invariant|broke down/)
    },
  }
}

/** Writes a record, reads it back, and so on; every answer must be the one right one. */
function liveHealthily(connection: Connection, topicId: TopicId) {
  let stopped = false
  let rounds = 0
  let slowestMs = 0
  const timed = async <T>(asked: Promise<T>): Promise<T> => {
    const began = performance.now()
    const answer = await asked
    slowestMs = Math.max(slowestMs, performance.now() - began)
    return answer
  }
  const round = async (): Promise<void> => {
    const value = Buffer.from(`record ${rounds}`)
    const records = [buildPlainBatch({ records: [{ timestamp: Date.now(), value }] })]
    const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records }] }]
    const written = await timed(connection.request(produce, { acks: -1, timeoutMs: 30_000, topicData }))
    expect(written.responses[0]!.partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: rounds })
    const partitions = [{ partition: 0, fetchOffset: rounds, partitionMaxBytes: 1 << 20 }]
    const read = await timed(
      connection.request(fetch, { maxWaitMs: 1000, minBytes: 1, topics: [{ topicId, partitions }] }),
    )
    const [got] = read.responses[0]!.partitions
    expect(got).toMatchObject({ errorCode: 0, highWatermark: rounds + 1 })
    expect(Buffer.from(got!.records!).includes(value)).toBe(true)
    rounds++
  }
  const run = (async () => {
    while (!stopped) {
      await round()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  })()
  run.catch(() => {})
  return {
    stop: async () => {
      stopped = true
      await run
      return { rounds, slowestMs }
    },
  }
}

/** The most that the process ever had, where the system tells; otherwise what it has now. */
async function residentBytesPeak(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => undefined)
  if (status === undefined) return residentBytes(pid)
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024
}

async function residentBytes(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)])
  return Number(stdout) * 1024
}
