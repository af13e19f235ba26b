// How long nothing is waited for on a connection over HTTPS, in virtual time.
import { beforeEach, describe, expect, test } from 'vitest'
import { Channel } from '../../../../lib/client/https/channel.ts'
import type { Line } from '../../../../lib/client/https/line.ts'
import { during, type ManualClock, rest } from '../../support/manual-clock.ts'
import { correlation, learn, type Opened, openChannel, times, withCorrelation } from './opened-channel.ts'
import {
  correlationOf,
  fetchAnswer,
  fetchFrame,
  later,
  metadataAnswer,
  metadataFrame,
  produceAnswer,
  produceFrame,
  type ScriptedSender,
} from './scripted-sender.ts'

let clock: ManualClock
let sender: ScriptedSender
let line: Line
let channel: Channel
let opened: Opened

beforeEach(() => {
  opened = openChannel()
  ;({ clock, sender, line, channel } = opened)
})

describe('waiting', () => {
  test('a fetch at the end of the log is asked again at growing intervals, and says how long it has waited', async () => {
    await learn(opened)
    sender.respond = ({ waitedMs = 0, frame }) => (waitedMs < 10_000 ? later : fetchAnswer(correlationOf(frame)))
    const answer = await during(clock, channel.request(fetchFrame(1, { maxWaitMs: 10_000 })), 60_000, 10)
    expect(correlation(answer)).toBe(1)
    expect(times(opened)).toEqual([0, 50, 150, 350, 750, 1550, 3150, 5150, 7150, 9150, 11_150])
    expect(sender.asked.map(({ request }) => request.waitedMs)).toEqual(times(opened))
    expect(new Set(sender.asked.map(({ request }) => request.requestId)).size).toBe(1)
  })

  test('a consumer that is idle with a wait of 500 ms costs one request in 2 s', async () => {
    await learn(opened)
    sender.respond = ({ waitedMs = 0, frame }) => (waitedMs < 500 ? later : fetchAnswer(correlationOf(frame)))
    const consume = async (untilMs: number): Promise<void> => {
      for (let id = 1; clock.monotonic() < untilMs; id++) {
        expect(correlation(await channel.request(fetchFrame(id)))).toBe(id)
      }
    }
    await during(clock, consume(70_000), 100_000, 10)
    const idle = sender.asked.filter(({ atMs }) => atMs > 10_000 && atMs <= 70_000)
    expect(idle.length).toBeGreaterThanOrEqual(29)
    expect(idle.length).toBeLessThanOrEqual(31)
  })

  test('the first record brings the pace back', async () => {
    await learn(opened)
    let end = 0
    sender.respond = ({ frame, waitedMs = 0 }) => {
      const id = correlationOf(frame)
      if (clock.monotonic() >= 20_000 && end === 0) {
        end = 1
        return fetchAnswer(id, 'record')
      }
      return waitedMs < 500 ? later : fetchAnswer(id)
    }
    const consume = async (): Promise<void> => {
      for (let id = 1; clock.monotonic() < 22_000; id++) await channel.request(fetchFrame(id, { offset: end }))
    }
    await during(clock, consume(), 60_000, 10)
    const after = sender.asked.filter(({ atMs }) => atMs >= 20_000).map(({ atMs }) => atMs)
    // With the record, at once from the next offset, then from 50 ms on again.
    const since = after.map((atMs) => atMs - after[0]!)
    expect(since.slice(0, 7)).toEqual([0, 0, 50, 150, 350, 750, 1550])
  })

  test('another question is asked at once', async () => {
    await learn(opened)
    sender.respond = ({ waitedMs = 0, frame }) => (waitedMs < 500 ? later : fetchAnswer(correlationOf(frame)))
    for (let id = 1; id <= 5; id++) await during(clock, channel.request(fetchFrame(id)), 10_000, 10)
    sender.asked.length = 0
    sender.respond = ({ frame }) => fetchAnswer(correlationOf(frame), 'old record')
    const startedMs = clock.monotonic()
    await during(clock, channel.request(fetchFrame(6, { offset: 3 })), 10_000, 10)
    expect(clock.monotonic() - startedMs).toBeLessThan(10)
    expect(sender.asked).toHaveLength(1)
  })

  test('the pace of another question begins anew', async () => {
    await learn(opened)
    sender.respond = ({ waitedMs = 0, frame }) => (waitedMs < 500 ? later : fetchAnswer(correlationOf(frame)))
    for (let id = 1; id <= 5; id++) await during(clock, channel.request(fetchFrame(id)), 10_000, 10)
    sender.asked.length = 0
    await during(clock, channel.request(fetchFrame(6, { offset: 3 })), 10_000, 10)
    expect(times(opened)).toEqual([0, 50, 150, 350, 750])
  })

  test.each([
    ['records', fetchAnswer(2, 'record')],
    ['an error', fetchAnswer(2, '', 3)],
  ])('after an answer with %s the same question is asked at once', async (_, something) => {
    await learn(opened)
    sender.respond = ({ functionName, frame, waitedMs = 0 }) => {
      const id = correlationOf(frame)
      if (functionName === 'admin') return metadataAnswer(id)
      if (id > 1) return { ...something, body: withCorrelation(something.body, id) }
      return waitedMs < 500 ? later : fetchAnswer(1)
    }
    await during(clock, channel.request(fetchFrame(1)), 10_000, 10)
    const startedMs = clock.monotonic()
    // Before its turn, because somebody is behind it.
    const answers = [channel.request(fetchFrame(2)), channel.request(metadataFrame(3))]
    expect((await Promise.all(answers)).map(correlation)).toEqual([2, 3])
    for (const id of [4, 5]) expect(correlation(await channel.request(fetchFrame(id)))).toBe(id)
    expect(clock.monotonic()).toBe(startedMs)
  })

  test('a part of a question that was answered with nothing is held, a larger one is not', async () => {
    await learn(opened)
    sender.respond = ({ waitedMs = 0, frame }) => (waitedMs < 500 ? later : fetchAnswer(correlationOf(frame)))
    await during(clock, channel.request(fetchFrame(1, { partitions: [0, 1, 2] })), 10_000, 10)
    sender.asked.length = 0
    void channel.request(fetchFrame(2, { partitions: [2, 0] }))
    await clock.advance(100)
    expect(sender.asked).toHaveLength(0)
    await clock.advance(2000)
    expect(sender.asked).toHaveLength(1)
    void channel.request(fetchFrame(3, { partitions: [0, 1, 2, 3] }))
    await rest()
    expect(sender.asked).toHaveLength(2)
  })

  test('a parked fetch is finished at once for the request behind it', async () => {
    await learn(opened)
    sender.respond = ({ functionName, waitedMs = 0, frame }) => {
      const id = correlationOf(frame)
      if (functionName !== 'fetch') return metadataAnswer(id)
      return waitedMs < 5000 ? later : fetchAnswer(id)
    }
    const parked = channel.request(fetchFrame(1, { maxWaitMs: 5000 }))
    await clock.advance(400)
    const behind = channel.request(metadataFrame(2))
    await rest()
    expect(correlation(await parked)).toBe(1)
    expect(correlation(await behind)).toBe(2)
    expect(clock.monotonic()).toBe(400)
    expect(sender.asked.at(-2)!.request.waitedMs).toBe(5000)
  })

  test('two idle fetches on one connection do not drive each other', async () => {
    await learn(opened)
    sender.respond = ({ waitedMs = 0, frame }) => (waitedMs < 500 ? later : fetchAnswer(correlationOf(frame)))
    let id = 0
    const consume = async (partition: number): Promise<void> => {
      while (clock.monotonic() < 60_000) await channel.request(fetchFrame(++id, { partitions: [partition] }))
    }
    await during(clock, Promise.all([consume(0), consume(1)]), 100_000, 10)
    expect(sender.asked.filter(({ atMs }) => atMs > 10_000).length).toBeLessThanOrEqual(27)
  })

  test('a parked fetch is finished at once when its client has nothing more to ask', async () => {
    await learn(opened)
    sender.respond = ({ waitedMs = 0, frame }) => (waitedMs < 60_000 ? later : fetchAnswer(correlationOf(frame)))
    const parked = channel.request(fetchFrame(1, { maxWaitMs: 60_000 }))
    await clock.advance(3000)
    channel.hurry()
    await rest()
    expect(correlation(await parked)).toBe(1)
    expect(clock.monotonic()).toBe(3000)
  })

  test('a server that says "later" to the last poll, too, is not asked without pause', async () => {
    await learn(opened)
    sender.respond = () => later
    void channel.request(fetchFrame(1))
    channel.hurry()
    await clock.advance(10_000)
    expect(sender.asked.length).toBeLessThanOrEqual(12)
  })

  test('a write acknowledged to another client of the listener wakes a parked fetch', async () => {
    await learn(opened)
    const other = new Channel('c2', line)
    let written = false
    sender.respond = ({ functionName, waitedMs = 0, frame }) => {
      const id = correlationOf(frame)
      if (functionName === 'produce') {
        written = true
        return produceAnswer(id)
      }
      if (written) return fetchAnswer(id, 'record')
      return waitedMs < 60_000 ? later : fetchAnswer(id)
    }
    const parked = channel.request(fetchFrame(1, { maxWaitMs: 60_000 }))
    await clock.advance(5000)
    await other.request(produceFrame(1))
    expect(correlation(await parked)).toBe(1)
    expect(clock.monotonic()).toBe(5000)
  })

  test('a write that is acknowledged while the fetch is being answered with nothing is not overlooked', async () => {
    await learn(opened)
    const other = new Channel('c2', line)
    const parked = channel.request(fetchFrame(1, { maxWaitMs: 60_000 }))
    await rest()
    sender.respond = ({ functionName, frame }) =>
      functionName === 'produce' ? produceAnswer(correlationOf(frame)) : fetchAnswer(correlationOf(frame), 'record')
    await other.request(produceFrame(1))
    sender.open[0]!.answer(later)
    expect(correlation(await parked)).toBe(1)
    expect(clock.monotonic()).toBe(0)
  })

  test('writes to other topics wake it less and less', async () => {
    await learn(opened)
    const other = new Channel('c2', line)
    sender.respond = ({ functionName, waitedMs = 0, frame }) => {
      if (functionName === 'produce') return produceAnswer(correlationOf(frame))
      return waitedMs < 500 ? later : fetchAnswer(correlationOf(frame))
    }
    let stop = false
    const consume = async (): Promise<void> => {
      for (let id = 1; !stop; id++) await channel.request(fetchFrame(id))
    }
    const consuming = consume()
    for (let id = 1; id <= 1000; id++) {
      await other.request(produceFrame(id))
      await clock.advance(20)
    }
    const polls = sender.asked.filter(({ request, atMs }) => request.functionName === 'fetch' && atMs > 10_000)
    expect(polls.length).toBeLessThanOrEqual(6)
    stop = true
    await during(clock, consuming, 10_000, 50)
  })
})
