// A sender that answers what the test says, when the test says so, and keeps what it was asked: with it the client side of
// HTTPS runs in virtual time.
import type { Answered, FrameToSend, Sender, Sent } from '../../../../lib/client/https/sender.ts'
import { encodeRequestFrame, encodeResponseFrame } from '../../../../lib/wire/frame.ts'
import { apiVersions } from '../../../../lib/wire/messages/api-versions.ts'
import { fetch } from '../../../../lib/wire/messages/fetch.ts'
import { heartbeat } from '../../../../lib/wire/messages/heartbeat.ts'
import { metadata } from '../../../../lib/wire/messages/metadata.ts'
import { produce } from '../../../../lib/wire/messages/produce.ts'

/** One try of a request; it waits until the test answers it. */
export class ManualAsk {
  readonly request: FrameToSend
  /** When it was sent. */
  readonly atMs: number
  readonly #settled = Promise.withResolvers<Sent>()
  #isAnswered = false

  constructor(request: FrameToSend, atMs: number) {
    this.request = request
    this.atMs = atMs
  }

  get answered(): Promise<Sent> {
    return this.#settled.promise
  }

  get isAnswered(): boolean {
    return this.#isAnswered
  }

  get correlationId(): number {
    return Buffer.from(this.request.frame).readInt32BE(4)
  }

  answer(sent: Sent): void {
    this.#isAnswered = true
    this.#settled.resolve(sent)
  }
}

export interface ScriptedSender extends Sender {
  /** All tries so far. */
  readonly asked: ManualAsk[]
  /** Those that wait for their answer. */
  readonly open: ManualAsk[]
  /** Answers every try from now on; `undefined` leaves it open. */
  respond: ((request: FrameToSend, index: number) => Sent | undefined) | undefined
}

export function scriptedSender(nowMs: () => number): ScriptedSender {
  const asked: ManualAsk[] = []
  const sender: ScriptedSender = {
    url: 'https://log.example.org',
    asked,
    get open() {
      return asked.filter((ask) => !ask.isAnswered)
    },
    respond: undefined,
    send(request) {
      const ask = new ManualAsk(request, nowMs())
      const index = asked.push(ask) - 1
      const sent = sender.respond?.(request, index)
      if (sent !== undefined) ask.answer(sent)
      return ask.answered
    },
    close: () => {},
  }
  return sender
}

/** An answer of ours. */
export function status(code: number, body: Uint8Array | object = new Uint8Array(0), generation = 7): Answered {
  const isBytes = body instanceof Uint8Array
  return {
    kind: 'answered',
    status: code,
    body: isBytes ? body : Buffer.from(JSON.stringify(body)),
    contentType: isBytes ? 'application/octet-stream' : 'application/problem+json',
    generation: generation === 0 ? undefined : generation,
    position: undefined,
    signedAs: undefined,
    release: () => {},
  }
}

/** A 200 with a response frame. */
export function framed(buffers: readonly Uint8Array[], generation = 7): Answered {
  const frame = Buffer.concat(buffers)
  const prefix = Buffer.alloc(4)
  prefix.writeInt32BE(frame.length)
  return status(200, Buffer.concat([prefix, frame]), generation)
}

export const lost: Sent = { kind: 'lost', reason: 'socket hang up' }
export const later = status(202)

const header = (correlationId: number) => ({ correlationId, clientId: 'test' })
const whole = (buffers: readonly Uint8Array[]): Buffer => Buffer.concat(buffers)

export const correlationOf = (frame: Uint8Array): number => Buffer.from(frame).readInt32BE(4)

export function metadataFrame(correlationId: number): Buffer {
  return whole(encodeRequestFrame(metadata, 12, header(correlationId), { topics: null }))
}

export function metadataAnswer(correlationId: number): Answered {
  return framed(
    encodeResponseFrame(metadata, 12, correlationId, { brokers: [], topics: [], clusterId: 'c', controllerId: 1 }),
  )
}

export function heartbeatFrame(correlationId: number): Buffer {
  const request = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }
  return whole(encodeRequestFrame(heartbeat, 4, header(correlationId), request))
}

export function versionsFrame(correlationId: number): Buffer {
  return whole(encodeRequestFrame(apiVersions, 0, header(correlationId), {}))
}

export function versionsAnswer(correlationId: number, generation = 7): Answered {
  return framed(encodeResponseFrame(apiVersions, 0, correlationId, { errorCode: 0, apiKeys: [] }), generation)
}

export interface FetchFacts {
  readonly maxWaitMs?: number
  readonly offset?: number
  readonly partitions?: readonly number[]
}

export function fetchFrame(correlationId: number, facts: FetchFacts = {}): Buffer {
  const { maxWaitMs = 500, offset = 0, partitions = [0] } = facts
  const topics = [
    {
      topic: 'orders',
      partitions: partitions.map((partition) => ({ partition, fetchOffset: offset, partitionMaxBytes: 1 << 20 })),
    },
  ]
  return whole(encodeRequestFrame(fetch, 12, header(correlationId), { maxWaitMs, minBytes: 1, topics }))
}

/** Of one partition: `records` stand for themselves. */
export function fetchAnswer(correlationId: number, records = '', errorCode = 0): Answered {
  const partition = {
    partitionIndex: 0,
    errorCode,
    highWatermark: 0,
    abortedTransactions: null,
    records: Buffer.from(records),
  }
  const responses = [{ topic: 'orders', partitions: [partition] }]
  return framed(encodeResponseFrame(fetch, 12, correlationId, { responses }))
}

export function produceFrame(correlationId: number, acks = -1, sizeBytes = 100, partitions = [0]): Buffer {
  const partitionData = partitions.map((index) => ({ index, records: new Uint8Array(sizeBytes / partitions.length) }))
  const request = { acks, timeoutMs: 1000, topicData: [{ name: 'orders', partitionData }] }
  return whole(encodeRequestFrame(produce, 9, header(correlationId), request))
}

export function produceAnswer(correlationId: number): Answered {
  const partitionResponses = [{ index: 0, errorCode: 0, baseOffset: 0 }]
  return framed(encodeResponseFrame(produce, 9, correlationId, { responses: [{ name: 'orders', partitionResponses }] }))
}
