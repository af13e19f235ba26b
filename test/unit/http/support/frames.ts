// Requests to the door for frames, through the runtime that a Lambda function keeps, on memory stores.
import { expect } from 'vitest'
import { type FunctionRuntime, openFunctionRuntime } from '../../../../lib/http/function-runtime.ts'
import type { HttpResponse } from '../../../../lib/http/responses.ts'
import { createMemoryBackend } from '../../../../lib/storage/memory/memory.ts'
import { buildPlainBatch } from '../../../../lib/wire/build-batch.ts'
import { decodeResponseHeader, encodeRequestFrame } from '../../../../lib/wire/frame.ts'
import { type FrameFunction, functionOf } from '../../../../lib/wire/https.ts'
import { createTopics } from '../../../../lib/wire/messages/create-topics.ts'
import type { fetch } from '../../../../lib/wire/messages/fetch.ts'
import { listOffsets } from '../../../../lib/wire/messages/list-offsets.ts'
import type { produce } from '../../../../lib/wire/messages/produce.ts'
import { inlineCompression } from '../../../../lib/wire/native-compression.ts'
import { decodeResponse } from '../../../../lib/wire/reader.ts'
import type { Api, RequestInput, ResponseOf } from '../../../../lib/wire/schema.ts'

export const ULID = (n: number): string => `01JD${String(n).padStart(22, '0')}`

export async function deployment() {
  const backend = createMemoryBackend()
  const open = async (): Promise<FunctionRuntime> => {
    const stores = backend.open()
    await stores.journal.init()
    const identify = async () => ({ kind: 'ready', clusterId: 'cluster' }) as const
    const outcome = await openFunctionRuntime({ deployment: { stores, identify }, compression: inlineCompression })
    if (outcome.kind !== 'opened') throw new Error('not opened')
    return outcome.runtime
  }
  return { open }
}

export function body<A extends Api>(api: A, version: number, value: RequestInput<A>, correlationId = 7): Buffer {
  const frame = Buffer.concat(encodeRequestFrame(api, version, { correlationId, clientId: 'test' }, value))
  const prefix = Buffer.alloc(4)
  prefix.writeInt32BE(frame.length)
  return Buffer.concat([prefix, frame])
}

export function post(
  runtime: FunctionRuntime,
  name: FrameFunction,
  sent: Uint8Array,
  headers = {},
): Promise<HttpResponse> {
  const all = { 'content-type': 'application/octet-stream', ...headers }
  return runtime.door.answer(name, { method: 'POST', path: `/kafka/${name}`, headers: all, body: sent })
}

export function decoded<A extends Api>(api: A, version: number, response: HttpResponse): ResponseOf<A> {
  expect(response.status, String(response.body)).toBe(200)
  const bytes = Buffer.from(response.body as Uint8Array)
  expect(bytes.readInt32BE(0)).toBe(bytes.length - 4)
  const frame = bytes.subarray(4)
  const { correlationId, bodyOffset } = decodeResponseHeader(api, version, frame)
  expect(correlationId).toBe(7)
  return decodeResponse(api, version, frame.subarray(bodyOffset))
}

export async function call<A extends Api>(
  runtime: FunctionRuntime,
  api: A,
  version: number,
  value: RequestInput<A>,
  headers = {},
): Promise<ResponseOf<A>> {
  return decoded(api, version, await post(runtime, functionOf(api.key), body(api, version, value), headers))
}

export const topicRequest = (name: string, partitions = 2): RequestInput<typeof createTopics> => ({
  topics: [{ name, numPartitions: partitions, replicationFactor: -1, assignments: [], configs: [] }],
  timeoutMs: 1000,
  validateOnly: false,
})

export const produceRequest = (text: string, acks = -1, partition = 0): RequestInput<typeof produce> => ({
  transactionalId: null,
  acks,
  timeoutMs: 5000,
  topicData: [
    {
      name: 't',
      partitionData: [
        { index: partition, records: buildPlainBatch({ records: [{ timestamp: 1, value: Buffer.from(text) }] }) },
      ],
    },
  ],
})

export const fetchRequest = (
  offset: number,
  more: Partial<RequestInput<typeof fetch>> = {},
): RequestInput<typeof fetch> => ({
  maxWaitMs: 500,
  minBytes: 1,
  maxBytes: 1_000_000,
  isolationLevel: 0,
  sessionId: 0,
  sessionEpoch: -1,
  topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 1_000_000 }] }],
  forgottenTopicsData: [],
  ...more,
})

export async function withTopic() {
  const { open } = await deployment()
  const runtime = await open()
  await call(runtime, createTopics, 5, topicRequest('t'))
  return { open, runtime }
}

export async function endOffset(runtime: FunctionRuntime): Promise<number> {
  const answer = await call(runtime, listOffsets, 5, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
  })
  return answer.topics[0]!.partitions[0]!.offset
}

export function problemIn(response: HttpResponse): { status: number; title: string; detail: string } {
  expect(response.headers['content-type']).toBe('application/problem+json')
  expect(String(response.body)).not.toMatch(/\bat .*[:(]\d|node_modules|\.ts\b/)
  return JSON.parse(String(response.body))
}
