// Reads a topic through one gateway and no other, whoever leads its partitions: by assignment, from offset 0, on a
// connection that is made again when the gateway comes back. Every offset must be the one after the last, so a hole, a
// record served twice and a step back all end the reading with an error.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Address } from '../../../lib/base/address.ts'
import type { TopicId } from '../../../lib/base/ids.ts'
import { type Connection, openConnection } from '../../../lib/client/connection.ts'
import { ErrorCode, errorName } from '../../../lib/wire/errors.ts'
import { fetch } from '../../../lib/wire/messages/fetch.ts'
import { metadata } from '../../../lib/wire/messages/metadata.ts'
import { threadedCompression } from '../../../lib/wire/native-compression.ts'
import { batchSizeBytes } from '../../../lib/wire/record-batch.ts'
import { openBatch, readRecords } from '../../../lib/wire/records.ts'

export interface Reading {
  /** Values by partition; the place in the list is the offset. */
  readonly values: readonly (readonly string[])[]
  readonly count: () => number
  /** Ends the reading; rejects with whatever was wrong. */
  stop(): Promise<void>
}

export interface TopicSeen {
  readonly errorCode: number
  readonly id: TopicId
  readonly partitions: number
  /** By partition; all are the version of the list of gateways. */
  readonly leaderEpochs: readonly number[]
}

export interface Seen {
  /** Ports of the gateways that it lists. */
  readonly ports: readonly number[]
  readonly clusterId: string | null
  readonly topics: ReadonlyMap<string, TopicSeen>
}

/** Metadata of all topics, or of these, as a gateway tells it. */
export async function look(connection: Connection, names?: readonly string[]): Promise<Seen> {
  const topics = names?.map((name) => ({ name })) ?? null
  const answer = await connection.request(metadata, { topics, allowAutoTopicCreation: false })
  return {
    ports: answer.brokers.map(({ port }) => port).sort((a, b) => a - b),
    clusterId: answer.clusterId,
    topics: new Map(
      answer.topics.map((topic) => {
        const leaderEpochs = topic.partitions.map(({ leaderEpoch }) => leaderEpoch)
        const { errorCode, topicId: id } = topic
        return [topic.name ?? '', { errorCode, id, partitions: leaderEpochs.length, leaderEpochs }]
      }),
    ),
  }
}

/** One fetch of all partitions of a topic from these offsets on, as a long poll. */
export function fetchAll(connection: Connection, id: TopicId, offsets: readonly number[], maxWaitMs: number) {
  const partitions = offsets.map((fetchOffset, partition) => ({ partition, fetchOffset, partitionMaxBytes: 1 << 20 }))
  return connection.request(fetch, { maxWaitMs, minBytes: 1, topics: [{ topicId: id, partitions }] })
}

export function readAlong(address: Address, id: TopicId, partitions: number): Reading {
  const values: string[][] = Array.from({ length: partitions }, () => [])
  let stopped = false
  const take = async (connection: Connection): Promise<void> => {
    const offsets = values.map((list) => list.length)
    const answer = await fetchAll(connection, id, offsets, 300)
    for (const result of answer.responses.flatMap((topic) => topic.partitions)) {
      if (result.errorCode !== ErrorCode.NONE) throw new Error(`fetching: ${errorName(result.errorCode)}`)
      await unpack(result.records ?? new Uint8Array(0), values[result.partitionIndex]!)
    }
  }
  const run = async (): Promise<void> => {
    while (!stopped) {
      const connection = await openConnection(address).catch(() => undefined)
      if (connection === undefined) {
        await sleep(50)
        continue
      }
      try {
        while (!stopped) await take(connection)
      } catch (error) {
        // A connection that broke is made again; anything else is what this reader is there to find.
        if (connection.usable) throw error
      } finally {
        await connection.close()
      }
    }
  }
  const running = run()
  running.catch(() => {})
  return {
    values,
    count: () => values.reduce((sum, list) => sum + list.length, 0),
    stop: () => {
      stopped = true
      return running
    },
  }
}

async function unpack(bytes: Uint8Array, into: string[]): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const sizeBytes = batchSizeBytes(bytes, at)
    const opened = await openBatch(bytes.subarray(at, at + sizeBytes), threadedCompression)
    if (opened.kind !== 'ok') throw new Error(`a batch cannot be read: ${opened.cause}`)
    for (const record of readRecords(opened.header, opened.records)) {
      const offset = opened.header.baseOffset + record.offsetDelta
      if (offset < into.length) continue
      if (offset > into.length) throw new Error(`offset ${offset} follows ${into.length - 1}`)
      into.push(Buffer.from(record.value ?? []).toString())
    }
    at += sizeBytes
  }
}
