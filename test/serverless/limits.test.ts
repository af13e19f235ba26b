// The largest that goes through, and what is beyond it: frames of 4 MiB in both directions fit Lambda's 6 MB of JSON; a larger
// body is refused by API Gateway before a function sees it; and what was written in one frame of 4 MiB is read back byte
// for byte although no answer may carry more than that.
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { encodeRequestFrame } from '../../lib/wire/frame.ts'
import { HTTPS_FRAME_BYTES_MAX } from '../../lib/wire/https.ts'
import { fetch as fetchApi } from '../../lib/wire/messages/fetch.ts'
import { produce } from '../../lib/wire/messages/produce.ts'
import { decodeResponse } from '../../lib/wire/reader.ts'
import { createTopicFrame, readCreated, recordBatch } from '../clients/raw.ts'
import { type Edge, EVENT_BYTES_MAX, startEdge } from './edge.ts'
import { ask, type Door, post, readPartition } from './frames.ts'

const { caller, apiUrl } = inject('deployed')
const TOPIC = 'limits'
const PARTITIONS = 5
const HEADER = { correlationId: 1, clientId: 'limits' }
const PRODUCE_VERSION = 7
const FETCH_VERSION = 11

let edge: Edge
let door: Door

beforeAll(async () => {
  // One of its own, because what is sent here is beyond what a client of ours may send.
  edge = await startEdge(apiUrl)
  door = { url: edge.url, keys: caller }
  expect(readCreated(await ask(door, 'admin', createTopicFrame(TOPIC, PARTITIONS)))).toBe(0)
})

afterAll(() => edge?.close())

function withPrefix(parts: readonly Uint8Array[]): Buffer {
  const frame = Buffer.concat([Buffer.alloc(4), ...parts])
  frame.writeInt32BE(frame.length - 4)
  return frame
}

/** A Produce frame with one record for each partition, as long in all as is asked for. */
function frameOf(sizeBytes: number): { readonly frame: Buffer; readonly values: readonly Buffer[] } {
  const frameWith = (values: readonly Buffer[]): Buffer => {
    const partitionData = values.map((value, index) => ({ index, records: recordBatch([value], 1_700_000_000_000) }))
    const request = { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData: [{ name: TOPIC, partitionData }] }
    return withPrefix(encodeRequestFrame(produce, PRODUCE_VERSION, HEADER, request))
  }
  const share = Math.floor(sizeBytes / PARTITIONS) - 200
  const values = Array.from({ length: PARTITIONS }, () => randomBytes(share))
  // All the lengths before the last value have their final width by now.
  values[0] = randomBytes(share + sizeBytes - frameWith(values).length)
  const frame = frameWith(values)
  expect(frame.length).toBe(sizeBytes)
  return { frame, values }
}

describe('limits', () => {
  it('a frame of 4 MiB goes through, and comes back in frames of at most 4 MiB', async () => {
    const { frame, values } = frameOf(HTTPS_FRAME_BYTES_MAX)
    const answer = await ask(door, 'produce', frame)
    const { responses } = decodeResponse(produce, PRODUCE_VERSION, answer)
    expect(responses[0]?.partitionResponses.map(({ errorCode }) => errorCode)).toEqual(values.map(() => 0))
    for (const [partition, value] of values.entries()) {
      expect(await readPartition(door, TOPIC, partition)).toEqual([value])
    }
    const partitions = values.map((_, partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 64 << 20 }))
    const request = { maxWaitMs: 0, minBytes: 1, maxBytes: 64 << 20, topics: [{ topic: TOPIC, partitions }] }
    const asked = withPrefix(encodeRequestFrame(fetchApi, FETCH_VERSION, HEADER, request))
    const reply = await post(door, 'fetch', asked)
    expect(reply.status).toBe(200)
    expect(reply.body.length).toBeLessThanOrEqual(HTTPS_FRAME_BYTES_MAX)
    expect(reply.body.length).toBeGreaterThan(HTTPS_FRAME_BYTES_MAX / 2)
    const fetched = decodeResponse(fetchApi, FETCH_VERSION, reply.body.subarray(8))
    expect(fetched.responses[0]?.partitions.map(({ errorCode }) => errorCode)).toEqual(values.map(() => 0))
    expect(edge.violations).toEqual([])
  })

  it('a longer frame is refused by the function, one beyond 6 MB of JSON by API Gateway, and neither is written', async () => {
    const longer = await post(door, 'produce', frameOf(HTTPS_FRAME_BYTES_MAX + 1).frame)
    expect(longer.status).toBe(413)
    expect(longer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    const beyond = await post(door, 'produce', frameOf(Math.ceil((EVENT_BYTES_MAX / 4) * 3)).frame)
    expect(beyond.status).toBe(413)
    expect(edge.violations).toHaveLength(1)
    expect(await readPartition(door, TOPIC, 0)).toHaveLength(1)
  })
})
