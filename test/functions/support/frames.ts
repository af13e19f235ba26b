// Kafka frames in API Gateway's events, and answers taken apart again, for tests that call handlers as Lambda does.
import { buildPlainBatch } from '../../../lib/wire/build-batch.ts'
import { decodeResponseHeader, encodeRequestFrame } from '../../../lib/wire/frame.ts'
import { functionOf } from '../../../lib/wire/https.ts'
import { createTopics } from '../../../lib/wire/messages/create-topics.ts'
import { fetch } from '../../../lib/wire/messages/fetch.ts'
import { metadata } from '../../../lib/wire/messages/metadata.ts'
import { produce } from '../../../lib/wire/messages/produce.ts'
import { decodeResponse } from '../../../lib/wire/reader.ts'
import type { Api, RequestInput, ResponseOf } from '../../../lib/wire/schema.ts'

export interface FrameEvent {
  readonly version: '2.0'
  readonly rawPath: string
  readonly headers: Readonly<Record<string, string>>
  readonly requestContext: { readonly http: { readonly method: string }; readonly requestId: string }
  readonly body: string
  readonly isBase64Encoded: boolean
}

/** A request frame with its length prefix. */
export function frameOf<A extends Api>(api: A, version: number, request: RequestInput<A>): Buffer {
  const frame = Buffer.concat(encodeRequestFrame(api, version, { correlationId: 7, clientId: 'test' }, request))
  const prefix = Buffer.alloc(4)
  prefix.writeInt32BE(frame.length)
  return Buffer.concat([prefix, frame])
}

/** The event that API Gateway makes of a POST with this body. */
export function eventOf(path: string, body: Uint8Array, headers: Readonly<Record<string, string>> = {}): FrameEvent {
  return {
    version: '2.0',
    rawPath: path,
    headers: { 'content-type': 'application/octet-stream', ...headers },
    requestContext: { http: { method: 'POST' }, requestId: 'api-1' },
    body: Buffer.from(body).toString('base64'),
    isBase64Encoded: true,
  }
}

/** The response in an answer's body. */
export function responseIn<A extends Api>(api: A, version: number, body: string): ResponseOf<A> {
  const frame = Buffer.from(body, 'base64').subarray(4)
  const { bodyOffset } = decodeResponseHeader(api, version, frame)
  return decodeResponse(api, version, frame.subarray(bodyOffset))
}

/** A request of each kind that the tests and the benchmark need, about the topic `t` of one partition. */
export const REQUESTS = {
  createTopic: () =>
    frameOf(createTopics, 5, {
      topics: [{ name: 't', numPartitions: 1, replicationFactor: -1, assignments: [], configs: [] }],
      timeoutMs: 5000,
      validateOnly: false,
    }),
  metadata: () => frameOf(metadata, 9, { topics: [{ name: 't' }], allowAutoTopicCreation: false }),
  produce: (text: string) =>
    frameOf(produce, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 5000,
      topicData: [
        {
          name: 't',
          partitionData: [
            { index: 0, records: buildPlainBatch({ records: [{ timestamp: 1, value: Buffer.from(text) }] }) },
          ],
        },
      ],
    }),
  fetch: (offset: number) =>
    frameOf(fetch, 11, {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 1_000_000,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 1_000_000 }] }],
      forgottenTopicsData: [],
    }),
} as const

/** The path of the function that answers an API. */
export const pathOf = (api: Api): string => `/kafka/${functionOf(api.key)}`
