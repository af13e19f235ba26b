// The checker is checked: for every anomaly a history written by hand that shows it and must be flagged, under its name, and
// a clean history in which nothing may be. A checker that cannot fail proves nothing.
import { describe, expect, it } from 'vitest'
import { check } from './checker.ts'
import type { Admin, Ask, Effect, Once, Op, Poll, Send, Try } from './history.ts'

const PARTITION = 't1/0'
const END = 1000
/** Each poll of these histories is of an assignment of its own unless it says otherwise. */
let assignments = 100

const attempt = (more: Partial<Try> = {}): Try => ({
  connection: 'c1',
  started: 1,
  answered: 2,
  outcome: 'appended',
  ...more,
})
function send(values: readonly string[], offset: number | undefined, more: Partial<Send> = {}): Send {
  return {
    kind: 'send',
    producer: 'p/0',
    idempotent: true,
    partition: PARTITION,
    values,
    invoked: 1,
    completed: 2,
    outcome: offset === undefined ? 'info' : 'ok',
    offset,
    tries: [attempt()],
    ...more,
  }
}
function poll(position: number, values: readonly string[], more: Partial<Poll> = {}): Poll {
  return {
    kind: 'poll',
    consumer: 'c',
    assignment: assignments++,
    process: 'p1.1',
    partition: PARTITION,
    position,
    invoked: END,
    completed: END + 1,
    outcome: 'records',
    highWatermark: position + values.length,
    logStartOffset: 0,
    records: values.map((value, i) => ({ offset: position + i, value, timestamp: 100 + position + i })),
    final: false,
    ...more,
  }
}
const final = (values: readonly string[], more: Partial<Poll> = {}): Poll => poll(0, values, { final: true, ...more })
function ask(answer: Ask['answer'], more: Partial<Ask> = {}): Ask {
  return { kind: 'ask', process: 'p1.1', partition: PARTITION, invoked: 10, completed: 11, answer, ...more }
}
function admin(action: Admin['action'], outcome: Admin['outcome'], number: number, more: Partial<Admin> = {}): Admin {
  const topic = { id: `t${number}`, number, version: 1, partitions: 1 }
  return { kind: 'admin', action, process: 'p1.1', name: 'orders', invoked: 3, completed: 4, outcome, topic, ...more }
}
function once(action: Once['action'], outcome: Once['outcome'], more: Partial<Once> = {}): Once {
  return { kind: 'once', action, name: 'mine', requestId: '1-X', invoked: 1, completed: 2, outcome, ...more }
}
const effect = (action: Effect['action']): Effect => ({ kind: 'effect', action, name: 'mine' })
const names = (ops: readonly Op[]): string[] => [...new Set(check({ ops: [...ops] }).map((a) => a.name))].sort()

describe('a clean history', () => {
  it('is not flagged', () => {
    const ops: Op[] = [
      admin('create', 'ok', 1, { invoked: 0, completed: 0.5 }),
      send(['a', 'b'], 0),
      send(['c'], 2, { invoked: 3, completed: 4 }),
      send(['d'], undefined, { invoked: 5, completed: undefined }),
      send(['e'], undefined, {
        outcome: 'fail',
        invoked: 6,
        completed: 7,
        tries: [attempt({ outcome: 'unavailable' })],
      }),
      poll(0, ['a', 'b'], { invoked: 20, completed: 21, highWatermark: 3, assignment: 7 }),
      poll(2, ['c'], { invoked: 22, completed: 23, assignment: 7 }),
      ask({ kind: 'offsets', highWatermark: 3, logStartOffset: 0 }, { invoked: 24, completed: 25 }),
      ask({ kind: 'at', timestamp: 101, offset: 1, found: 101 }, { invoked: 26, completed: 27 }),
      ask({ kind: 'newest', offset: 2, found: 102 }, { invoked: 26, completed: 27 }),
      admin('look', 'ok', 1, { invoked: 30, completed: 31 }),
      final(['a', 'b', 'c']),
    ]
    expect(check({ ops })).toEqual([])
  })
  it('may hold a plain record once for each try, and what nobody knows', () => {
    const twice = send(['x'], 1, { idempotent: false, tries: [attempt({ outcome: 'unknown' }), attempt()] })
    const ops = [twice, send(['y'], undefined, { completed: undefined }), final(['x', 'x', 'y'])]
    expect(check({ ops })).toEqual([])
  })
})

describe('what was written', () => {
  it('inconsistent-offsets: an offset holds two values', () => {
    expect(names([send(['a'], 0), send(['b'], 1), final(['a', 'b']), poll(0, ['b'])])).toContain('inconsistent-offsets')
    expect(names([send(['a'], 0), send(['b'], 0), final(['a'])])).toContain('inconsistent-offsets')
  })
  it('duplicate: an idempotent batch is there twice', () => {
    expect(names([send(['a'], 0), final(['a', 'a'])])).toEqual(['duplicate'])
  })
  it('duplicate: a plain batch is there more often than it was tried', () => {
    expect(names([send(['a'], 0, { idempotent: false }), final(['a', 'a'])])).toEqual(['duplicate'])
  })
  it('phantom: nobody sent it', () => {
    expect(names([send(['a'], 0), final(['a', 'z'])])).toEqual(['phantom'])
  })
  it('unseen: acknowledged and not there', () => {
    expect(
      names([send(['a'], 0), send(['b'], 1, { invoked: 3, completed: 4 }), final(['a'], { highWatermark: 2 })]),
    ).toEqual(['unseen'])
  })
  it('lost-write: seen in part and gone', () => {
    expect(names([send(['a', 'b'], undefined), poll(0, ['a'], { invoked: 5, completed: 6 }), final(['a'])])).toEqual([
      'lost-write',
    ])
  })
  // Seed 2001902 of a long run: a request over HTTPS that was given up landed when the gateways had read their last and the
  // reader over HTTPS had not.
  it('is not lost what nobody had heard of and lands while the last reads go on', () => {
    const late = send(['b'], undefined, { completed: undefined })
    const behind = poll(1, ['b'], { invoked: END + 5, completed: END + 6 })
    expect(names([send(['a'], 0), late, final(['a']), behind])).toEqual([])
  })
  it('G1a: refused for good and there', () => {
    const refused = send(['a'], undefined, { outcome: 'fail', tries: [attempt({ outcome: 'unavailable' })] })
    expect(names([refused, final(['a'])])).toEqual(['G1a'])
  })
  it('nonmonotonic-send: a producer goes back', () => {
    const ops = [send(['a'], 1), send(['b'], 0, { invoked: 3, completed: 4 }), final(['b', 'a'])]
    expect(names(ops)).toContain('nonmonotonic-send')
  })
  it('zombie: an older epoch lands after a newer one', () => {
    const ops = [
      send(['b'], 0, { producer: 'p/1', invoked: 3, completed: 4 }),
      send(['a'], undefined, { producer: 'p/0', completed: undefined }),
      final(['b', 'a']),
    ]
    expect(names(ops)).toEqual(['zombie'])
  })
  it('int-send-skip: a later request of the connection landed earlier', () => {
    const first = send(['a'], 1, { idempotent: false, tries: [attempt({ started: 1 })] })
    const later = send(['b'], 0, { idempotent: false, tries: [attempt({ started: 2 })] })
    expect(names([first, later, final(['b', 'a'])])).toEqual(['int-send-skip'])
  })
  it('overtaken: a later request landed although the one before it was refused', () => {
    const outcome = 'unavailable'
    const first = send(['a'], undefined, {
      idempotent: false,
      outcome: 'fail',
      tries: [attempt({ outcome, started: 1, answered: 5 })],
    })
    const later = send(['b'], 0, { idempotent: false, tries: [attempt({ started: 2 })] })
    expect(names([first, later, final(['b'])])).toEqual(['overtaken'])
  })
})

describe('what was read', () => {
  it('poll-skip and nonmonotonic-poll within one poll', () => {
    const sends = [send(['a', 'b', 'c'], 0)]
    const record = (offset: number, value: string) => ({ offset, value, timestamp: 100 + offset })
    const skipping = poll(0, [], { records: [record(0, 'a'), record(2, 'c')], highWatermark: 3 })
    const back = poll(0, [], { records: [record(1, 'b'), record(0, 'a')], highWatermark: 3 })
    expect(names([...sends, skipping, final(['a', 'b', 'c'])])).toEqual(['poll-skip'])
    expect(names([...sends, back, final(['a', 'b', 'c'])])).toContain('nonmonotonic-poll')
  })
  it('poll-skip between polls of one assignment', () => {
    const ops = [
      send(['a', 'b', 'c'], 0),
      poll(0, ['a'], { assignment: 9, invoked: 5, completed: 6, highWatermark: 3 }),
      poll(2, ['c'], { assignment: 9, invoked: 7, completed: 8 }),
      final(['a', 'b', 'c']),
    ]
    expect(names(ops)).toEqual(['poll-skip'])
  })
  it('beyond-end: a record at or above the high watermark', () => {
    expect(
      names([
        send(['a', 'b'], 0),
        poll(0, ['a', 'b'], { highWatermark: 1, invoked: 0, completed: 0.5 }),
        final(['a', 'b']),
      ]),
    ).toEqual(['beyond-end'])
  })
  it('hole: an offset below the end that a process does not show', () => {
    const records = [0, 2].map((offset) => ({ offset, value: 'abc'[offset]!, timestamp: 100 + offset }))
    expect(
      names([
        send(['a', 'b', 'c'], 0),
        final(['a', 'b', 'c']),
        final([], { process: 'p2.1', records, highWatermark: 3 }),
      ]),
    ).toContain('hole')
  })
  it('torn: bytes that fail their checks', () => {
    expect(names([poll(0, [], { outcome: 'corrupt' })])).toEqual(['torn'])
  })
  it('stuck: a final read gets nothing below the end', () => {
    expect(names([send(['a'], 0), final(['a']), final([], { highWatermark: 1, process: 'p2.1' })])).toContain('stuck')
  })
  it('wrong-time: a look-up by time that the log contradicts', () => {
    const at = ask({ kind: 'at', timestamp: 100, offset: 1, found: 101 })
    const none = ask({ kind: 'at', timestamp: 100, offset: undefined, found: -1 })
    const newest = ask({ kind: 'newest', offset: 0, found: 103 })
    const ops = [send(['a', 'b'], 0), final(['a', 'b'])]
    for (const wrong of [at, none, newest]) expect(names([...ops, wrong])).toEqual(['wrong-time'])
  })
})

describe('what is true now', () => {
  const shown = (highWatermark: number, more: Partial<Ask>): Ask =>
    ask({ kind: 'offsets', highWatermark, logStartOffset: 0 }, more)
  it('regress: the high watermark goes back within a process', () => {
    const ops = [shown(2, { invoked: 1, completed: 2 }), poll(0, ['a'], { invoked: 3, completed: 4, highWatermark: 1 })]
    expect(names([send(['a'], 0, { invoked: 0, completed: undefined, outcome: 'info' }), ...ops])).toContain('regress')
  })
  it('stale: an answer about now misses what was acknowledged or shown before, through any process', () => {
    expect(names([send(['a'], 0), shown(0, { process: 'p2.1' }), final(['a'])])).toEqual(['stale'])
    const empty = poll(0, [], { process: 'p2.1', invoked: 5, completed: 6, highWatermark: 0 })
    expect(names([send(['a'], 0), empty, final(['a'])])).toEqual(['stale'])
  })
  it('a poll below the end may be a little behind, and what overlaps proves nothing', () => {
    const behind = poll(0, ['a'], { process: 'p2.1', invoked: 5, completed: 6 })
    const overlapping = shown(0, { process: 'p2.1', invoked: 1.5, completed: 3 })
    const ops = [send(['a'], 0), send(['b'], 1, { invoked: 3, completed: 4 }), behind, overlapping, final(['a', 'b'])]
    expect(check({ ops })).toEqual([])
  })
  it('unknown-topic: nobody deleted it', () => {
    expect(names([ask({ kind: 'unknownTopic' })])).toEqual(['unknown-topic'])
    expect(names([poll(0, [], { outcome: 'unknownTopic' })])).toEqual(['unknown-topic'])
    expect(names([ask({ kind: 'unknownTopic' }), admin('delete', 'info', 1)])).toEqual([])
    const refused = send(['a'], undefined, { outcome: 'fail', tries: [attempt({ outcome: 'unknownTopic' })] })
    expect(names([refused, final([])])).toEqual(['unknown-topic'])
  })
  it('lost-topic, stale-topic, undead-topic, two-creators, two-topics', () => {
    const made = admin('create', 'ok', 1, { invoked: 1, completed: 2 })
    const gone = { invoked: 5, completed: 6 }
    expect(names([made, { ...admin('look', 'none', 1, gone), topic: undefined }])).toEqual(['lost-topic'])
    expect(names([made, admin('look', 'ok', 0, gone)])).toEqual(['stale-topic'])
    expect(names([made, admin('delete', 'ok', 1), admin('look', 'ok', 1, gone)])).toEqual(['undead-topic'])
    expect(names([made, admin('create', 'ok', 1, gone)])).toEqual(['two-creators', 'two-topics'])
    expect(names([made, admin('create', 'ok', 2, gone)])).toEqual(['two-topics'])
  })
  it('what the simulation itself saw is passed on', () => {
    expect(names([{ kind: 'sight', anomaly: 'divergence', detail: 'x' }])).toEqual(['divergence'])
  })
})

describe('what is asked for over HTTPS', () => {
  const alone = { alone: true }
  it('second-effect: a topic was made or deleted more often than there were requests', () => {
    const asked = [once('create', 'ok'), once('delete', 'ok'), once('create', 'info')]
    const done = [effect('create'), effect('delete'), effect('create')]
    expect(names([...asked, ...done])).toEqual([])
    expect(names([...asked, ...done, effect('delete')])).toEqual(['second-effect'])
    expect(names([once('create', 'fail'), effect('create')])).toEqual(['second-effect'])
  })
  it('no-effect: a client was told of what did not happen', () => {
    expect(names([once('create', 'ok')])).toEqual(['no-effect'])
    expect(names([once('create', 'info')])).toEqual([])
  })
  it('duplicate: a plain record of one request id is there twice, however often the request was repeated', () => {
    const told = send(['a'], 0, { idempotent: false, tries: [attempt(alone)] })
    expect(names([told, final(['a', 'a'])])).toEqual(['duplicate'])
    const unknown = send(['a'], undefined, { idempotent: false, tries: [attempt({ ...alone, outcome: undefined })] })
    expect(names([unknown, final(['a', 'a'])])).toEqual(['duplicate'])
  })
  it('int-send-skip between what was acknowledged; what was given up may land behind', () => {
    const later = send(['b'], 0, { idempotent: false, tries: [attempt({ ...alone, started: 2 })] })
    const acknowledged = send(['a'], 1, { idempotent: false, tries: [attempt({ ...alone, started: 1 })] })
    expect(names([acknowledged, later, final(['b', 'a'])])).toEqual(['int-send-skip'])
    const givenUp = send(['a'], undefined, { idempotent: false, tries: [attempt({ ...alone, started: 1 })] })
    expect(names([givenUp, later, final(['b', 'a'])])).toEqual([])
  })
  it('old-view: a poll below the end misses what was known long before', () => {
    const times = [0, 100, 200, 300, 1400, 1500, 2000, 2001]
    const ops = (viewAgeMsMax: number, invoked: number): Op[] => [
      send(['a'], 0, { invoked: 0, completed: 1 }),
      send(['b'], 1, { invoked: 2, completed: 3 }),
      poll(0, ['a'], { invoked, completed: 5, highWatermark: 1, viewAgeMsMax }),
      final(['a', 'b'], { invoked: 6, completed: 7 }),
    ]
    const found = (viewAgeMsMax: number): string[] =>
      check({ ops: ops(viewAgeMsMax, 4), times }).map(({ name }) => name)
    expect(found(1000)).toEqual(['old-view'])
    expect(found(1200)).toEqual([])
  })
})
