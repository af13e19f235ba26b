// What clients ask of the functions while costs are counted: producers that number their batches, topics, fetches. Whoever
// is answered otherwise than expected ends the run, so that no failed request is counted as a cheap one.
import { systemClock } from '../../lib/base/clock.ts'
import { newUlid, type Ulid } from '../../lib/base/ids.ts'
import { systemRandom } from '../../lib/base/random.ts'
import { encodeRequestFrame } from '../../lib/wire/frame.ts'
import { deleteTopics } from '../../lib/wire/messages/delete-topics.ts'
import { initProducerId } from '../../lib/wire/messages/init-producer-id.ts'
import {
  createTopicFrame,
  fetchFrame,
  produceFrame,
  readCreated,
  readFetched,
  readProduced,
  recordBatch,
  requestFrame,
} from '../../test/clients/raw.ts'
import { type Environment, type Invocation, type Measured, measured, type World } from './lambda.ts'

export const VALUE_BYTES = 1024
const UNAVAILABLE = 6
const REQUEST_TIMED_OUT = 7

/** Somebody who sends numbered batches to one topic. */
export interface Writer {
  send(environment: Environment, records?: number): Promise<Invocation>
}

export async function openWriter(coordinate: Environment, topic: string): Promise<Writer> {
  const started = await coordinate.ask(startFrame(), ulid())
  const [error, id] = [started.body.readInt16BE(4), Number(started.body.readBigInt64BE(6))]
  if (error !== 0) throw new Error(`InitProducerId answered ${error}`)
  let sequence = 0
  return {
    async send(environment, records = 1) {
      const values = Array.from({ length: records }, () => Buffer.from(systemRandom.bytes(VALUE_BYTES)))
      const frame = produceFrame(topic, 0, recordBatch(values, Date.now(), { id, epoch: 0, sequence }))
      let answer = await environment.ask(frame, ulid())
      let produced = readProduced(answer.body)
      if (produced.error === REQUEST_TIMED_OUT && sequence === 0) {
        // The generation that this process was told last may be older than the horizon; the answer has told a newer one.
        answer = await environment.ask(frame, ulid())
        produced = readProduced(answer.body)
      }
      if (produced.error !== 0 || produced.baseOffset !== sequence) {
        const made = answer.calls.map((call) => `${call.operation} ${(call.endedAt - call.startedAt).toFixed(0)} ms`)
        const said = `${produced.error}, offset ${produced.baseOffset}`
        throw new Error(`a produce of ${topic} answered ${said}: ${made.join(', ')}`)
      }
      sequence += records
      return answer
    },
  }
}

export const ulid = (): Ulid => newUlid(systemClock, systemRandom)

function framed(buffers: readonly Uint8Array[]): Buffer {
  const frame = Buffer.concat(buffers)
  const prefix = Buffer.alloc(4)
  prefix.writeInt32BE(frame.length)
  return Buffer.concat([prefix, frame])
}
const HEADER = { correlationId: 1, clientId: null }
export const startFrame = (): Buffer =>
  framed(encodeRequestFrame(initProducerId, 1, HEADER, { transactionalId: null, transactionTimeoutMs: 60_000 }))
export const versionsFrame = (): Buffer => requestFrame(18, 0, new Uint8Array())
/** Of all topics. */
export const metadataFrame = (): Buffer => requestFrame(3, 1, Buffer.from([255, 255, 255, 255]))

export async function createTopic(admin: Environment, topic: string): Promise<Invocation> {
  const answer = await admin.ask(createTopicFrame(topic, 1), ulid())
  const error = readCreated(answer.body)
  if (error !== 0) throw new Error(`creating the topic ${topic} answered ${error}`)
  return answer
}

export function fetched(answer: Invocation, bytesMin: number): Invocation {
  const { error, records } = readFetched(answer.body)
  if (error !== 0 || records.length < bytesMin) throw new Error(`a fetch answered ${error}, ${records.length} bytes`)
  return answer
}

export async function idleFetch(fetch: Environment, topic: string, offset: number): Promise<Invocation> {
  const answer = await fetch.ask(fetchFrame(topic, 0, offset, 500, 2 ** 20))
  if (answer.status !== 202) throw new Error(`a fetch with nothing to return was answered ${answer.status}`)
  return answer
}

/**
 * Reads a topic from its beginning; only whole steps count. A thousand items in a second may be too much for the emulator:
 * a step that has to be asked for again is not counted.
 */
export async function readThrough(
  world: World,
  fetch: Environment,
  topic: string,
  end: number,
  stepBytes: number,
): Promise<Measured> {
  const invocations: Invocation[] = []
  let isRepeat = false
  for (let offset = 0; offset < end; ) {
    world.aheadMs += 10
    const answer = await fetch.ask(fetchFrame(topic, 0, offset, 500, stepBytes))
    const { error, records } = readFetched(answer.body)
    const last = [...batchesIn(records)].at(-1)
    if (error === UNAVAILABLE) {
      isRepeat = true
      continue
    }
    if (error !== 0 || last === undefined) throw new Error(`a fetch of ${topic} at ${offset} answered ${error}`)
    offset = last.next
    if (offset < end && !isRepeat) invocations.push(answer)
    isRepeat = false
  }
  if (invocations.length === 0) throw new Error(`no step through ${topic} was answered at once`)
  return measured(invocations)
}

function* batchesIn(bytes: Buffer): Generator<{ readonly next: number }> {
  for (let at = 0; at + 61 <= bytes.length; at += 12 + bytes.readInt32BE(at + 8)) {
    yield { next: Number(bytes.readBigInt64BE(at)) + bytes.readInt32BE(at + 23) + 1 }
  }
}

export async function deleteTopic(admin: Environment, topic: string): Promise<Invocation> {
  const request = { topicNames: [topic], timeoutMs: 30_000 }
  return admin.ask(framed(encodeRequestFrame(deleteTopics, 1, HEADER, request)), ulid())
}
