// OffsetFetch: one group and many, all topics and named ones, groups that are not there, and where errors are told.
import { describe, expect, test } from 'vitest'
import type { CommittedOffset } from '../../../../lib/groups/groups.ts'
import type { Topic } from '../../../../lib/log/log.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { offsetFetch } from '../../../../lib/wire/messages/offset-fetch.ts'
import { UNSERVED } from '../support/fake-groups.ts'
import { ENDLESS_ID, type GroupWorld, groupWorld, versionsOf } from '../support/group-world.ts'

const committed = (topic: Topic, partition: number, offset: number, rest: Partial<CommittedOffset> = {}) => ({
  topicId: topic.id,
  partition,
  offset,
  leaderEpoch: -1,
  metadata: '',
  committedMs: 0,
  ...rest,
})

/** Topics `t` and `a`; the group has read some of both, and something of a topic that is gone. */
async function filled(): Promise<GroupWorld> {
  const w = groupWorld()
  const t = await w.topic('t', 3)
  const a = await w.topic('a')
  const gone = await w.topic('gone')
  await w.log.deleteTopic(gone)
  w.groups.answers.committed = {
    kind: 'found',
    offsets: [
      committed(t, 2, 22, { leaderEpoch: 5, metadata: 'here' }),
      committed(t, 0, 2 ** 52),
      committed(a, 0, 7),
      committed(gone, 0, 1),
    ],
  }
  return w
}

type Topics = readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[] | null

/** The same question in any version, and its answer in one form. */
async function ask(w: GroupWorld, version: number, topics: Topics, groupId = 'g') {
  if (version >= 8) {
    const response = await w.ask(offsetFetch, version, { groups: [{ groupId, topics }] })
    return response.groups[0]!
  }
  return w.ask(offsetFetch, version, { groupId, topics })
}

const NAMED: Topics = [
  { name: 't', partitionIndexes: [2, 1] },
  { name: 'no', partitionIndexes: [0] },
]
const NOTHING = { committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: 0 }

describe.each(versionsOf(offsetFetch))('version %i', (version) => {
  test('named partitions: those without an offset are at -1, whether they exist or not', async () => {
    const answer = await ask(await filled(), version, NAMED)
    expect(answer.errorCode).toBe(0)
    expect(answer.topics).toEqual([
      {
        name: 't',
        partitions: [
          {
            partitionIndex: 2,
            committedOffset: 22,
            committedLeaderEpoch: version >= 5 ? 5 : -1,
            metadata: 'here',
            errorCode: 0,
          },
          { partitionIndex: 1, ...NOTHING },
        ],
      },
      { name: 'no', partitions: [{ partitionIndex: 0, ...NOTHING }] },
    ])
  })

  test('a group that is not there has read nothing, which is no error', async () => {
    const answer = await ask(groupWorld(), version, NAMED)
    expect(answer.errorCode).toBe(0)
    expect(answer.topics[1]!.partitions).toEqual([{ partitionIndex: 0, ...NOTHING }])
  })

  test.each(UNSERVED)('%s: every partition is to be asked about again', async (kind) => {
    const w = await filled()
    w.groups.answers.committed = { kind }
    const answer = await ask(w, version, NAMED)
    const code = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
    expect(answer.errorCode).toBe(version === 1 ? 0 : code)
    expect(answer.topics.flatMap(({ partitions }) => partitions.map((p) => [p.committedOffset, p.errorCode]))).toEqual([
      [-1, code],
      [-1, code],
      [-1, code],
    ])
  })

  test('an empty group id, of clients that only keep offsets', async () => {
    const w = await filled()
    expect((await ask(w, version, NAMED, '')).topics[0]!.partitions[0]!.committedOffset).toBe(22)
    expect(w.groups.asked.committed).toEqual([['', undefined]])
  })

  test('a group id that is too long', async () => {
    const w = await filled()
    const answer = await ask(w, version, NAMED, ENDLESS_ID)
    expect(answer.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.INVALID_GROUP_ID)
    expect(w.groups.asked.committed).toEqual([])
  })

  test('a handler that breaks down', () => {
    const request = version >= 8 ? { groups: [{ groupId: 'g', topics: NAMED }] } : { groupId: 'g', topics: NAMED }
    const response = groupWorld().broken(offsetFetch, version, request, -1)
    const { topics } = version >= 8 ? response.groups[0]! : response
    expect(topics[0]!.partitions[0]!.errorCode).toBe(-1)
  })
})

describe.each([2, 5, 7, 8, 9])('version %i, all topics', (version) => {
  test('in order, without those of topics that are gone', async () => {
    const { topics } = await ask(await filled(), version, null)
    expect(topics.map(({ name, partitions }) => [name, partitions.map((p) => p.committedOffset)])).toEqual([
      ['a', [7]],
      ['t', [2 ** 52, 22]],
    ])
  })

  test('of a group that is not there: none', async () => {
    expect(await ask(groupWorld(), version, null)).toMatchObject({ errorCode: 0, topics: [] })
  })

  test('an error is told of the group', async () => {
    const w = await filled()
    w.groups.answers.committed = { kind: 'unavailable' }
    expect(await ask(w, version, null)).toMatchObject({ errorCode: 14, topics: [] })
  })
})

test('no topics named are no topics asked about', async () => {
  expect((await ask(await filled(), 7, [])).topics).toEqual([])
})

test('a topic made anew under its old name has no offsets', async () => {
  const w = await filled()
  const old = w.log.topicByName('t')!
  await w.log.deleteTopic(old)
  await w.topic('t', 3)
  const { topics } = await ask(w, 9, [{ name: 't', partitionIndexes: [2] }])
  expect(topics[0]!.partitions).toEqual([{ partitionIndex: 2, ...NOTHING }])
})

describe('many groups', () => {
  test('each has its own answer, whatever becomes of the others', async () => {
    const w = await filled()
    const { committed: found } = w.groups.answers
    w.groups.committed = async (groupId) => (groupId === 'b' ? { kind: 'unavailable' } : found)
    const topics = [{ name: 'a', partitionIndexes: [0] }]
    const response = await w.ask(offsetFetch, 8, {
      groups: ['a', 'b', 'c'].map((groupId) => ({ groupId, topics })),
    })
    expect(response.groups.map((g) => [g.groupId, g.errorCode, g.topics[0]!.partitions[0]!.committedOffset])).toEqual([
      ['a', 0, 7],
      ['b', 14, -1],
      ['c', 0, 7],
    ])
  })

  test('what is named again and again is answered once', async () => {
    const w = await filled()
    const repeated = { name: 't', partitionIndexes: [2, 2, 2, 0] }
    const group = { groupId: 'g', topics: [repeated, repeated] }
    const response = await w.ask(offsetFetch, 9, { groups: [group, group] })
    expect(response.groups).toHaveLength(1)
    expect(response.groups[0]!.topics).toHaveLength(1)
    expect(response.groups[0]!.topics[0]!.partitions.map(({ partitionIndex }) => partitionIndex)).toEqual([2, 0])
  })

  test('more than one answer may hold is refused, not gathered', async () => {
    const w = groupWorld()
    const t = await w.topic('t', 600)
    const metadata = 'm'.repeat(4096)
    const offsets = Array.from({ length: 600 }, (_, partition) => committed(t, partition, 1, { metadata }))
    w.groups.answers.committed = { kind: 'found', offsets }
    const groups = Array.from({ length: 20 }, (_, i) => ({ groupId: `g-${i}`, topics: null }))
    const response = await w.ask(offsetFetch, 9, { groups })
    const refused = response.groups.filter(({ errorCode }) => errorCode === ErrorCode.INVALID_REQUEST)
    expect(response.groups.map(({ groupId }) => groupId)).toEqual(groups.map(({ groupId }) => groupId))
    expect(refused.length).toBeGreaterThan(3)
    expect(refused.every(({ topics }) => topics.length === 0)).toBe(true)
  })
})

describe('members (KIP-848)', () => {
  const topics = [{ name: 'a', partitionIndexes: [0] }]

  test('who names itself is checked; who does not is not', async () => {
    const w = await filled()
    await w.ask(offsetFetch, 9, {
      groups: [
        { groupId: 'g', memberId: 'm-1', memberEpoch: 4, topics },
        { groupId: 'h', topics },
        { groupId: 'i', memberId: '', memberEpoch: 0, topics },
        { groupId: 'classic', memberId: 'm-1', memberEpoch: -1, topics },
      ],
    })
    const member = { instanceId: undefined, knowsEpochs: true }
    expect(w.groups.asked.committed).toEqual([
      ['g', { groupId: 'g', memberId: 'm-1', generationOrEpoch: 4, ...member }],
      ['h', undefined],
      ['i', { groupId: 'i', memberId: '', generationOrEpoch: 0, ...member }],
      ['classic', undefined],
    ])
  })

  test.each([
    ['staleMemberEpoch', ErrorCode.STALE_MEMBER_EPOCH],
    ['unknownMember', ErrorCode.UNKNOWN_MEMBER_ID],
  ] as const)('%s', async (kind, errorCode) => {
    const w = await filled()
    w.groups.answers.committed = { kind }
    const { groups } = await w.ask(offsetFetch, 9, {
      groups: [{ groupId: 'g', memberId: 'm-1', memberEpoch: 4, topics }],
    })
    expect(groups[0]).toMatchObject({ errorCode, topics: [{ partitions: [{ errorCode }] }] })
  })
})

test('a group that is not there has read nothing for its members either', async () => {
  const w = await filled()
  w.groups.answers.committed = { kind: 'groupNotFound' }
  const topics = [{ name: 'a', partitionIndexes: [0] }]
  const { groups } = await w.ask(offsetFetch, 9, {
    groups: [{ groupId: 'g', memberId: 'm-1', memberEpoch: 4, topics }],
  })
  expect(groups[0]).toMatchObject({ errorCode: 0, topics: [{ partitions: [{ partitionIndex: 0, ...NOTHING }] }] })
})

test('requireStable changes nothing: there are no open transactions', async () => {
  const w = await filled()
  const topics = [{ name: 'a', partitionIndexes: [0] }]
  const response = await w.ask(offsetFetch, 7, { groupId: 'g', topics, requireStable: true })
  expect(response.topics[0]!.partitions[0]!.committedOffset).toBe(7)
})
