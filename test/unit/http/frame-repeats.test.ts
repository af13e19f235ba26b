// The same frame again: one effect, one answer, whichever process is asked, and what a request id may not be used for.
import { describe, expect, it } from 'vitest'
import { type FunctionRuntime, openFunctionRuntime } from '../../../lib/http/function-runtime.ts'
import { createMemoryBackend } from '../../../lib/storage/memory/memory.ts'
import { ErrorCode } from '../../../lib/wire/errors.ts'
import { createTopics } from '../../../lib/wire/messages/create-topics.ts'
import { deleteTopics } from '../../../lib/wire/messages/delete-topics.ts'
import { initProducerId } from '../../../lib/wire/messages/init-producer-id.ts'
import { metadata } from '../../../lib/wire/messages/metadata.ts'
import { produce } from '../../../lib/wire/messages/produce.ts'
import { inlineCompression } from '../../../lib/wire/native-compression.ts'
import {
  body,
  call,
  decoded,
  deployment,
  endOffset,
  post,
  problemIn,
  produceRequest,
  topicRequest,
  ULID,
  withTopic,
} from './support/frames.ts'

describe('a repeat over HTTPS', () => {
  it('gives a repeat the same answer and no second effect', async () => {
    const { open, runtime } = await withTopic()
    const other = await open()
    const name = (n: number) => ({ 'tidelog-request-id': `1-${ULID(n)}` })
    const made = body(createTopics, 5, topicRequest('again'))
    const gone = body(deleteTopics, 5, { topicNames: ['again'], timeoutMs: 1000 })
    const producer = body(initProducerId, 3, {
      transactionalId: null,
      transactionTimeoutMs: 1,
      producerId: -1,
      producerEpoch: -1,
    })
    const records = body(produce, 9, produceRequest('once'))
    for (const [n, fn, sent] of [
      [1, 'admin', made],
      [2, 'admin', gone],
      [3, 'coordinate', producer],
      [4, 'produce', records],
    ] as const) {
      const answers = []
      for (const each of [runtime, other, runtime]) answers.push((await post(each, fn, sent, name(n))).body)
      expect(Buffer.compare(answers[0] as Uint8Array, answers[1] as Uint8Array), `request ${n}`).toBe(0)
      expect(Buffer.compare(answers[0] as Uint8Array, answers[2] as Uint8Array), `request ${n}`).toBe(0)
    }
    expect(await endOffset(runtime)).toBe(1)
  })

  it('gives a repeat the time that the first try gave the records', async () => {
    const { open } = await deployment()
    const [runtime, other] = [await open(), await open()]
    const configs = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }]
    const made = topicRequest('t')
    await call(runtime, createTopics, 5, { ...made, topics: made.topics.map((topic) => ({ ...topic, configs })) })
    const headers = { 'tidelog-request-id': `1-${ULID(9)}` }
    const first = await call(runtime, produce, 9, produceRequest('now'), headers)
    expect(first.responses[0]!.partitionResponses[0]!.logAppendTimeMs).toBeGreaterThan(1)
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await call(other, produce, 9, produceRequest('now'), headers)).toEqual(first)
  })

  it('does not say that nothing was written where it cannot look for the topic', async () => {
    const stores = createMemoryBackend().open()
    await stores.journal.init()
    let isBroken = false
    const readHead: typeof stores.journal.readHead = async () =>
      isBroken ? { kind: 'unavailable', throttled: false, cause: '' } : stores.journal.readHead()
    const deployed = {
      stores: { ...stores, journal: { ...stores.journal, readHead } },
      identify: async () => ({ kind: 'ready', clusterId: 'cluster' }) as const,
    }
    const outcome = await openFunctionRuntime({ deployment: deployed, compression: inlineCompression })
    if (outcome.kind !== 'opened') throw new Error('not opened')
    isBroken = true
    const errorWith = async (headers: Record<string, string>): Promise<number> => {
      const answer = await call(outcome.runtime, produce, 9, produceRequest('x'), headers)
      return answer.responses[0]!.partitionResponses[0]!.errorCode
    }
    // An earlier try, in a process that knew the topic, may have written.
    expect(await errorWith({ 'tidelog-request-id': `1-${ULID(10)}` })).toBe(ErrorCode.REQUEST_TIMED_OUT)
    expect(await errorWith({})).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
  })

  it('shares one effect between repeats that come at the same time', async () => {
    const { open, runtime } = await withTopic()
    const other = await open()
    const headers = { 'tidelog-request-id': `1-${ULID(5)}` }
    const sent = body(produce, 9, produceRequest('once'))
    const answers = await Promise.all(
      [runtime, runtime, other, other].map((each) => post(each, 'produce', sent, headers)),
    )
    for (const answer of answers) {
      expect(decoded(produce, 9, answer).responses[0]!.partitionResponses[0]).toMatchObject({
        errorCode: 0,
        baseOffset: 0,
      })
    }
    expect(await endOffset(runtime)).toBe(1)
  })

  it('refuses a request id that was used for another frame', async () => {
    const { open, runtime } = await withTopic()
    const other = await open()
    for (const [n, fn, one, two] of [
      [6, 'produce', body(produce, 9, produceRequest('one')), body(produce, 9, produceRequest('two'))],
      [7, 'admin', body(createTopics, 5, topicRequest('one')), body(createTopics, 5, topicRequest('two'))],
    ] as const) {
      const headers = { 'tidelog-request-id': `1-${ULID(n)}` }
      expect((await post(runtime, fn, one, headers)).status).toBe(200)
      for (const each of [runtime, other]) {
        const answer = await post(each, fn, two, headers)
        expect(answer.status).toBe(409)
        expect(problemIn(answer).detail).toMatch(/was used for/)
      }
    }
    expect(await endOffset(runtime)).toBe(1)
    const topics = (await call(runtime, metadata, 4, { topics: null, allowAutoTopicCreation: false })).topics
    expect(topics.map(({ name }) => name).sort()).toEqual(['one', 't'])
  })

  it('tells frames of both sizes under one id apart in any process, because the id names one store only', async () => {
    const { open, runtime } = await withTopic()
    const other = await open()
    const long = body(produce, 9, produceRequest('x'.repeat(5000)))
    const short = body(produce, 9, produceRequest('x'))
    const ask = async (where: FunctionRuntime, frame: Buffer, id: string) =>
      (await post(where, 'produce', frame, { 'tidelog-request-id': id })).status
    expect(await ask(runtime, long, `1-${ULID(11)}`)).toBe(400)
    expect(await ask(runtime, long, `1-${ULID(11)}-long`)).toBe(200)
    expect(await ask(other, short, `1-${ULID(11)}-long`)).toBe(409)
    expect(await ask(runtime, short, `1-${ULID(12)}-long`)).toBe(200)
    expect(await ask(other, long, `1-${ULID(12)}-long`)).toBe(409)
    expect(await endOffset(runtime)).toBe(2)
  })
})
