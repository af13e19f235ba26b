// What `group describe` shows, from made-up groups: the lag of each partition, the table and its remarks, and how the same is
// watched on a terminal and through a pipe.
import { expect, test } from 'vitest'
import { lagRows } from '../../../lib/cli/groups/lag.ts'
import { lagView, membersView, ranges, type View, viewText } from '../../../lib/cli/groups/views.ts'
import { type Output, picture, watch } from '../../../lib/cli/groups/watch.ts'
import { ClientError } from '../../../lib/client/errors.ts'
import type { DescribedGroup, GroupMember } from '../../../lib/client/group-admin.ts'

const member = (memberId: string, topic: string, partitions: number[]): GroupMember => {
  const where = { instanceId: null, clientId: 'shop', clientHost: '/10.0.0.1', epoch: undefined }
  return { memberId, ...where, assigned: [{ topic, partitions }] }
}
const group = (members: readonly GroupMember[], more: Partial<DescribedGroup> = {}): DescribedGroup => {
  const base = { id: 'billing', type: 'Classic', protocolType: 'consumer', state: 'Stable', assignor: 'range' } as const
  return { ...base, members, ...more }
}
const coordinator = { nodeId: 2, address: { host: '127.0.0.1', port: 9092 } }
const lag = (
  members: readonly GroupMember[],
  offsets: readonly [string, number, number][],
  ends: [string, number][],
) => {
  const committed = offsets.map(([topic, partition, offset]) => ({ topic, partition, offset }))
  return { group: group(members), coordinator, rows: lagRows(committed, new Map(ends), members) }
}

test('a partition is listed when it is committed or assigned, with what is known of it', () => {
  const { rows } = lag(
    [member('m1', 'orders', [0, 2])],
    [
      ['orders', 10, 5],
      ['orders', 0, 4],
      ['gone', 0, 9],
      ['anew', 1, 9],
    ],
    [
      ['orders:0', 10],
      ['orders:2', 7],
      ['orders:10', 5],
      ['anew:1', 2],
      ['unread:0', 99],
    ],
  )
  expect(rows.map((row) => [row.topic, row.partition, row.committed, row.end, row.lag, row.member?.memberId])).toEqual([
    ['anew', 1, 9, 2, 0, undefined],
    ['gone', 0, 9, undefined, undefined, undefined],
    ['orders', 0, 4, 10, 6, 'm1'],
    ['orders', 2, undefined, 7, undefined, 'm1'],
    ['orders', 10, 5, 5, 0, undefined],
  ])
})

test('a person can read it', () => {
  const offsets: [string, number, number][] = [
    ['orders', 0, 4],
    ['orders', 1, 1000],
  ]
  const ends: [string, number][] = [
    ['orders:0', 10],
    ['orders:1', 1007],
    ['orders:2', 3],
  ]
  expect(viewText(lagView(lag([member('m1', 'orders', [0, 2])], offsets, ends)))).toBe(
    `billing  Stable  1 member
classic protocol, assignor range, coordinator 2 at 127.0.0.1:9092

topic   partition  committed  log end  lag  member  client id  host
orders          0          4       10    6  m1      shop       /10.0.0.1
orders          1       1000     1007    7  -       -          -
orders          2          -        3    -  m1      shop       /10.0.0.1
total           -          -        -   13  -       -          -

1 partition has no committed offset: where reading begins there is the client's setting.
1 partition with committed offsets is assigned to nobody.
`,
  )
})

test('members, and those of whom little is known', () => {
  const consumer = { ...member('m1', 'orders', [0, 1, 2, 5, 8, 9]), epoch: 7, instanceId: 'till-1' }
  const connect = { ...member('\x1b[2Jm2', 'x', []), assigned: undefined }
  const view = membersView({ group: group([consumer, connect]), coordinator, rows: [] })
  expect(view.rows).toEqual([
    ['m1', 'till-1', 'shop', '/10.0.0.1', '7', '6', 'orders:0-2,5,8-9'],
    // What a client calls itself must not move the reader's cursor.
    ['\uFFFD[2Jm2', '-', 'shop', '/10.0.0.1', '-', '-', '-'],
  ])
  const nobody = { group: group([], { state: 'Empty', assignor: '' }), coordinator, rows: [] }
  expect(viewText(membersView(nobody))).toMatch(/^billing {2}Empty {2}0 members\n[^\n]+\n\nNobody is in the group/)
  expect(viewText(lagView(nobody))).toMatch(/\n\nNothing is committed/)
  expect(ranges([])).toBe('')
})

/** Gives the pictures one after the other, and stops when there is none left. */
async function watched(pictures: readonly (View | Error)[], terminal: boolean) {
  const stop = new AbortController()
  let [out, errors, at] = ['', '', 0]
  const output: Output = {
    ...(terminal ? { isTTY: true, rows: 6, columns: 40 } : {}),
    write: (text) => {
      out += text
    },
  }
  const look = async (): Promise<View> => {
    const next = pictures[at++]
    if (at >= pictures.length) setTimeout(() => stop.abort(), 20)
    // Nothing more to see: a server that does not answer must not keep anybody from leaving.
    if (next === undefined) return new Promise(() => {})
    if (next instanceof Error) throw next
    return next
  }
  const now = (): Date => new Date(Date.UTC(2026, 0, 31, 12, 0, at))
  const failure = await watch(look, {
    ...{ intervalMs: 1, signal: stop.signal, output, now },
    errors: {
      write: (text) => {
        errors += text
      },
    },
  }).catch((error: unknown) => error)
  return { out, errors, failure }
}
const view = (...cells: string[]): View => ({ heading: 'h', header: ['x', 'y'], rows: [cells], remarks: [] })
const gone = new ClientError('disconnected', 'It closed the connection.')

test('through a pipe: plain lines with their time, the header once, troubles beside them', async () => {
  const { out, errors, failure } = await watched([view('a', '1'), gone, view('b', '22')], false)
  expect(failure).toBeUndefined()
  expect(errors).toBe('It closed the connection.\n')
  expect(out).toBe('time                      x  y\n2026-01-31T12:00:01.000Z  a  1\n2026-01-31T12:00:03.000Z  b  22\n')
})

test('on a terminal: pictures on a screen of their own, the last one left behind', async () => {
  const { out, errors } = await watched([view('a', '1'), gone, view('b', '2')], true)
  expect(errors).toBe('')
  expect(out.startsWith('\x1b[?1049h\x1b[?25l\x1b[H')).toBe(true)
  expect(out).toContain('It closed the connection.')
  const [screen, left] = out.split('\x1b[?25h\x1b[?1049l')
  expect(left).toBe('h\n\nx  y\nb  2\n')
  expect(screen!.split('\x1b[H').slice(1)).toHaveLength(3)
})

test('a first picture that fails is an error', async () => {
  const { out, failure } = await watched([gone], true)
  expect([out, failure]).toEqual(['', gone])
})

const plain = (painted: string): string =>
  ['H', 'K', 'J'].reduce((text, key) => text.replaceAll(`\x1b[${key}`, ''), painted)

test('a picture never scrolls: what does not fit is counted', () => {
  const text = Array.from({ length: 30 }, (_, i) => `line ${i} ${'x'.repeat(50)}`).join('\n')
  const lines = plain(picture(text, 'the end', { rows: 5, columns: 20 })).split('\r\n')
  expect(lines).toEqual([
    'line 0 xxxxxxxxxxxxx',
    'line 1 xxxxxxxxxxxxx',
    'line 2 xxxxxxxxxxxxx',
    '… 27 more lines',
    'the end',
  ])
  expect(plain(picture('one\n', 'end', {}))).toBe('one\r\nend')
})
