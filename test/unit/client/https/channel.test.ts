// One connection over HTTPS in virtual time: the order of frames, what is repeated and under which name, and what ends the
// connection.
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { Channel, type ChannelAnswer } from '../../../../lib/client/https/channel.ts'
import { Line } from '../../../../lib/client/https/line.ts'
import type { Answered, Sent } from '../../../../lib/client/https/sender.ts'
import { decodeResponseHeader } from '../../../../lib/wire/frame.ts'
import { HTTPS_FRAME_BYTES_MAX, parseRequestId } from '../../../../lib/wire/https.ts'
import { produce } from '../../../../lib/wire/messages/produce.ts'
import { decodeResponse } from '../../../../lib/wire/reader.ts'
import { createManualClock, during, type ManualClock, rest, seededRandom } from '../../support/manual-clock.ts'
import { correlation, learn, type Opened, openChannel, times } from './opened-channel.ts'
import {
  correlationOf,
  fetchAnswer,
  fetchFrame,
  heartbeatFrame,
  later,
  lost,
  metadataAnswer,
  metadataFrame,
  produceAnswer,
  produceFrame,
  type ScriptedSender,
  scriptedSender,
  status,
  versionsAnswer,
} from './scripted-sender.ts'

let clock: ManualClock
let sender: ScriptedSender
let line: Line
let channel: Channel
let troubles: string[]
let opened: Opened

beforeEach(() => {
  opened = openChannel()
  ;({ clock, sender, line, channel, troubles } = opened)
})

describe('order', () => {
  test('one frame is under way at a time, and answers come in the order of the requests', async () => {
    await learn(opened)
    const answers = [1, 2, 3].map((id) => channel.request(metadataFrame(id)))
    for (const id of [1, 2, 3]) {
      await clock.advance(10)
      expect(sender.open.map((ask) => ask.correlationId)).toEqual([id])
      expect(sender.open[0]!.request).toMatchObject({
        functionName: 'admin',
        connection: 'c1',
        advertise: '127.0.0.1:9092',
      })
      sender.open[0]!.answer(metadataAnswer(id))
      expect(correlation(await answers[id - 1]!)).toBe(id)
    }
  })

  test('any mix of failures and waits keeps order, names and one try at a time', async () => {
    const happening = fc.constantFrom<'fine' | 'lost' | '503' | '429' | 'later'>('fine', 'lost', '503', '429', 'later')
    const kind = fc.constantFrom<'produce' | 'fetch' | 'metadata'>('produce', 'fetch', 'metadata')
    await fc.assert(
      fc.asyncProperty(
        fc.array(kind, { maxLength: 8 }),
        fc.array(happening, { maxLength: 12 }),
        async (kinds, happenings) => {
          const time = createManualClock()
          const scripted = scriptedSender(() => time.monotonic())
          const ports = {
            sender: scripted,
            clock: time,
            random: seededRandom(2),
            advertise: 'a:1',
            onTrouble: () => {},
          }
          const own = new Channel('c', new Line(ports))
          const left = [...happenings]
          let underWay = 0
          scripted.respond = (request) => {
            expect(++underWay).toBe(1)
            queueMicrotask(() => underWay--)
            const next = left.shift() ?? 'fine'
            const id = correlationOf(request.frame)
            if (next === 'lost') return lost
            if (next === '503' || next === '429') return status(Number(next), { message: 'busy' }, 0)
            if (request.functionName === 'fetch') return next === 'later' ? later : fetchAnswer(id, 'r')
            if (request.functionName === 'produce') return produceAnswer(id)
            return id === 0 ? versionsAnswer(id) : metadataAnswer(id)
          }
          const frames = { produce: produceFrame, fetch: fetchFrame, metadata: metadataFrame }
          const answers = kinds.map((name, i) => own.request(frames[name](i + 1)))
          const got = await during(time, Promise.all(answers), 60_000, 50)
          expect(got.map(correlation)).toEqual(kinds.map((_, i) => i + 1))
          const names = new Map<number, Set<string | undefined>>()
          const order: number[] = []
          for (const { request, correlationId } of scripted.asked.filter((ask) => ask.correlationId > 0)) {
            names.set(correlationId, (names.get(correlationId) ?? new Set()).add(request.requestId))
            if (order.at(-1) !== correlationId) order.push(correlationId)
          }
          expect(order).toEqual(kinds.map((_, i) => i + 1))
          expect([...names.values()].every((ids) => ids.size === 1)).toBe(true)
          expect(new Set([...names.values()].flatMap((ids) => [...ids])).size).toBe(new Set(order).size)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('names', () => {
  test('the generation is learned before the first write, and the last one told is used', async () => {
    const first = channel.request(produceFrame(1))
    await rest()
    expect(sender.open[0]!.request).toMatchObject({ functionName: 'admin' })
    expect(sender.open[0]!.request.requestId).toBeUndefined()
    sender.open[0]!.answer(versionsAnswer(0, 41))
    await rest()
    expect(sender.open[0]!.request.functionName).toBe('produce')
    expect(parseRequestId(sender.open[0]!.request.requestId ?? '')?.generation).toBe(41)
    sender.open[0]!.answer({ ...produceAnswer(1), generation: 45 })
    await first
    const second = channel.request(produceFrame(2))
    await rest()
    expect(parseRequestId(sender.open[0]!.request.requestId ?? '')?.generation).toBe(45)
    sender.open[0]!.answer({ ...produceAnswer(2), generation: 3 })
    await second
    expect(line.generation).toBe(3)
  })

  test('a request to the coordinator names the furthest position told before it, the same in each repeat', async () => {
    await learn(opened)
    const metadata = channel.request(metadataFrame(1))
    await rest()
    expect(sender.open[0]!.request.told).toBeUndefined()
    sender.open[0]!.answer({ ...metadataAnswer(1), position: { generation: 7, index: 12 } })
    await metadata
    void channel.request(heartbeatFrame(2))
    await rest()
    expect(sender.open[0]!.request.told).toEqual({ generation: 7, index: 12 })
    sender.open[0]!.answer({ ...status(503, { message: 'busy' }, 0), position: { generation: 8, index: 0 } })
    await clock.advance(10_000)
    expect(sender.open[0]!.request.told).toEqual({ generation: 7, index: 12 })
    expect(line.position).toEqual({ generation: 8, index: 0 })
  })

  test('reading does not wait for a generation', async () => {
    void channel.request(fetchFrame(1))
    await rest()
    expect(sender.open.map(({ request }) => request.functionName)).toEqual(['fetch'])
  })

  test('a lost answer is asked for again under the same name, later and later, but never together with others', async () => {
    await learn(opened)
    sender.respond = (_, index) => (index < 6 ? lost : produceAnswer(1))
    const answer = await during(clock, channel.request(produceFrame(1)), 60_000, 10)
    expect(correlation(answer)).toBe(1)
    expect(sender.asked).toHaveLength(7)
    expect(new Set(sender.asked.map(({ request }) => request.requestId)).size).toBe(1)
    const pauses = times(opened)
      .slice(1)
      .map((at, i) => at - times(opened)[i]!)
    for (const [i, pause] of pauses.entries()) {
      const wholeMs = Math.min(100 * 2 ** i, 3000)
      expect(pause).toBeGreaterThanOrEqual(wholeMs / 2)
      expect(pause).toBeLessThanOrEqual(wholeMs)
    }
    const parts = pauses.map((pause, i) => (pause / Math.min(100 * 2 ** i, 3000)).toFixed(3))
    expect(new Set(parts).size).toBeGreaterThan(3)
  })
})

describe('ends', () => {
  const closes = async (sent: Sent, frame = metadataFrame(1)): Promise<string> => {
    await learn(opened)
    sender.respond = () => sent
    const answer = await during(clock, channel.request(frame), 60_000, 50)
    expect(answer.kind).toBe('close')
    // Whatever comes after it is not sent.
    const tries = sender.asked.length
    expect((await channel.request(metadataFrame(9))).kind).toBe('close')
    expect(sender.asked).toHaveLength(tries)
    expect(troubles).toHaveLength(1)
    return troubles[0]!
  }

  test.each([
    [409, { title: 'Conflict', detail: 'The request id was used for another frame.' }],
    [421, { title: 'Misdirected request', detail: 'API key 3 is answered by /kafka/admin.' }],
    [400, { title: 'Not a frame', detail: 'The length prefix is negative (-1).' }],
  ])('%i is told with title and detail, and not repeated', async (code, problem) => {
    const sentence = await closes(status(code, problem))
    expect(sentence).toContain(problem.title)
    expect(sentence).toContain(problem.detail.replace(/\.$/, ''))
    expect(sender.asked).toHaveLength(1)
  })

  test('403 is one sentence that says what is missing', async () => {
    const forbidden: Answered = { ...status(403, { Message: 'User is not authorized' }, 0), signedAs: 'AKIDEXAMPLE' }
    expect(await closes(forbidden)).toBe(
      'The AWS credentials AKIDEXAMPLE may not use https://log.example.org/kafka/admin (403 User is not authorized): ' +
        'they need execute-api:Invoke.',
    )
  })

  test('what cannot be signed is not repeated', async () => {
    expect(await closes({ kind: 'unsigned', sentence: 'There are no AWS credentials.' })).toBe(
      'There are no AWS credentials.',
    )
    expect(sender.asked).toHaveLength(1)
  })

  test.each([
    ['nobody of ours', status(200, Buffer.from('<html>hello</html>'), 0)],
    ['a frame without a generation', versionsAnswer(1, 0)],
    ['a 202 of somebody else', status(202, new Uint8Array(0), 0)],
  ])('%s is no Tidelog', async (_, sent) => {
    expect(await closes(sent)).toContain('no Tidelog')
  })

  test('the answer to another question ends the connection', async () => {
    expect(await closes(metadataAnswer(2))).toContain('a question that was not asked')
  })

  test('repeats end after 30 s', async () => {
    expect(await closes(status(503, { message: 'Service Unavailable' }, 0))).toContain('503 Service Unavailable')
    expect(times(opened).at(-1)).toBeGreaterThanOrEqual(30_000)
    expect(times(opened).at(-1)).toBeLessThan(34_000)
  })

  test('bytes that are no request end the connection', async () => {
    expect((await channel.request(Buffer.from([1, 2, 3]))).kind).toBe('close')
    expect(sender.asked).toHaveLength(0)
    expect(troubles).toHaveLength(1)
  })

  test('the same trouble is told once a minute', async () => {
    line.tell('Something is wrong.')
    line.tell('Something is wrong.')
    line.tell('Something else is wrong.')
    expect(troubles).toHaveLength(2)
    await clock.advance(60_000)
    line.tell('Something is wrong.')
    expect(troubles).toHaveLength(3)
  })
})

describe('produce', () => {
  test('with acks=0 nothing is answered, and the next request goes on', async () => {
    await learn(opened)
    sender.respond = ({ functionName, frame }) =>
      functionName === 'produce' ? status(204) : metadataAnswer(correlationOf(frame))
    expect(await channel.request(produceFrame(1, 0))).toEqual({ kind: 'none' })
    expect(correlation(await channel.request(metadataFrame(2)))).toBe(2)
  })

  const partitionsOf = (answer: ChannelAnswer) => {
    if (answer.kind !== 'send') throw new Error(answer.kind)
    const frame = Buffer.concat(answer.buffers)
    const { bodyOffset } = decodeResponseHeader(produce, 9, frame)
    return decodeResponse(produce, 9, frame.subarray(bodyOffset)).responses.flatMap((topic) => topic.partitionResponses)
  }

  test('a frame that is too long is answered with MESSAGE_TOO_LARGE for each partition and never sent', async () => {
    await learn(opened)
    const answer = await channel.request(produceFrame(5, -1, HTTPS_FRAME_BYTES_MAX, [0, 3]))
    expect(correlation(answer)).toBe(5)
    const told = partitionsOf(answer)
    expect(told.map(({ index, errorCode }) => [index, errorCode])).toEqual([
      [0, 10],
      [3, 10],
    ])
    expect(told[0]!.errorMessage).toContain('4 MiB')
    expect(sender.asked).toHaveLength(0)
    sender.respond = () => status(413, { message: 'Request Too Long' }, 0)
    expect(partitionsOf(await channel.request(produceFrame(6)))[0]).toMatchObject({ index: 0, errorCode: 10 })
  })

  test('the longest frame that fits is sent', async () => {
    await learn(opened)
    const overhead = produceFrame(1, -1, 3_000_000).length - 3_000_000
    void channel.request(produceFrame(1, -1, HTTPS_FRAME_BYTES_MAX - 4 - overhead))
    await rest()
    expect(sender.asked[0]!.request.frame.length).toBe(HTTPS_FRAME_BYTES_MAX - 4)
  })

  test.each([0, 1])(
    'a frame that is too long and has no room for an answer (acks=%i) ends the connection',
    async (acks) => {
      await learn(opened)
      const frame =
        acks === 0
          ? produceFrame(1, 0, HTTPS_FRAME_BYTES_MAX)
          : Buffer.concat([metadataFrame(1), Buffer.alloc(HTTPS_FRAME_BYTES_MAX)])
      expect((await channel.request(frame)).kind).toBe('close')
      expect(sender.asked).toHaveLength(0)
      expect(troubles[0]).toContain('4 MiB')
    },
  )
})
