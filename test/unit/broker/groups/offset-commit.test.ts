// OffsetCommit: what each version says of an offset, partitions that fail alone, and groups that refuse the rest.
import { describe, expect, test } from 'vitest'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { offsetCommit } from '../../../../lib/wire/messages/offset-commit.ts'
import { UNSERVED } from '../support/fake-groups.ts'
import { ENDLESS_ID, exchange, type GroupWorld, groupWorld, versionsOf } from '../support/group-world.ts'

const offset = (partitionIndex: number, committedOffset = 10, committedMetadata: string | null = '') => ({
  partitionIndex,
  committedOffset,
  committedMetadata,
})
const member = { groupId: 'g', generationIdOrMemberEpoch: 3, memberId: 'm-1' }

async function withTopic(): Promise<GroupWorld> {
  const w = groupWorld()
  await w.topic('t', 3)
  return w
}

/** The error codes by partition of topic `t`. */
async function codes(w: GroupWorld, partitions: ReturnType<typeof offset>[], version = 9, name = 't') {
  const { topics } = await w.ask(offsetCommit, version, { ...member, topics: [{ name, partitions }] })
  return topics.flatMap((topic) => topic.partitions.map(({ errorCode }) => errorCode))
}

describe.each(versionsOf(offsetCommit))('version %i', (version) => {
  test('what the group is asked and what is told', async () => {
    const w = groupWorld()
    const { id: topicId } = await w.topic('t', 3)
    const { id: otherId } = await w.topic('u')
    const response = await w.ask(offsetCommit, version, {
      ...member,
      groupInstanceId: version >= 7 ? 'i-1' : null,
      retentionTimeMs: version <= 4 ? 1 : -1,
      topics: [
        { name: 't', partitions: [{ ...offset(2, 2 ** 52, 'where I was: ü'), committedLeaderEpoch: 4 }, offset(0, 0)] },
        { name: 'u', partitions: [offset(0, 1, null)] },
      ],
    })
    expect(w.groups.asked.commit).toEqual([
      [
        {
          groupId: 'g',
          memberId: 'm-1',
          instanceId: version >= 7 ? 'i-1' : undefined,
          generationOrEpoch: 3,
          knowsEpochs: version >= 9,
        },
        [
          {
            topicId,
            partition: 2,
            offset: 2 ** 52,
            leaderEpoch: version >= 6 ? 4 : -1,
            metadata: 'where I was: ü',
          },
          { topicId, partition: 0, offset: 0, leaderEpoch: -1, metadata: '' },
          { topicId: otherId, partition: 0, offset: 1, leaderEpoch: -1, metadata: '' },
        ],
        undefined,
      ],
    ])
    expect(response).toEqual({
      throttleTimeMs: 0,
      topics: [
        {
          name: 't',
          partitions: [
            { partitionIndex: 2, errorCode: 0 },
            { partitionIndex: 0, errorCode: 0 },
          ],
        },
        { name: 'u', partitions: [{ partitionIndex: 0, errorCode: 0 }] },
      ],
    })
  })

  test('a refusal is told of every partition', async () => {
    const w = await withTopic()
    w.groups.answers.commit = { kind: 'illegalGeneration' }
    expect(await codes(w, [offset(0), offset(1)], version)).toEqual([22, 22])
  })
})

describe('partitions that fail alone', () => {
  test('those that do not exist, by a head read', async () => {
    const w = await withTopic()
    expect(await codes(w, [offset(0), offset(3), offset(-1)])).toEqual([0, 3, 3])
    expect(w.groups.asked.commit[0]![1].map(({ partition }) => partition)).toEqual([0])
    expect(w.log.calls.refresh).toBe(1)
  })

  test('a topic that was made a moment ago is found by that read', async () => {
    const w = await withTopic()
    w.log.hidden.add('t')
    expect(await codes(w, [offset(0)])).toEqual([0])
  })

  test('the group is not asked when no partition exists', async () => {
    const w = await withTopic()
    w.groups.answers.commit = { kind: 'unknownMember' }
    expect(await codes(w, [offset(0), offset(1)], 9, 'no')).toEqual([3, 3])
    expect(w.groups.asked.commit).toEqual([])
  })

  test('metadata that is too long', async () => {
    const w = await withTopic()
    expect(await codes(w, [offset(0, 1, 'm'.repeat(4096)), offset(1, 1, 'm'.repeat(4097)), offset(2)])).toEqual([
      0,
      ErrorCode.OFFSET_METADATA_TOO_LARGE,
      0,
    ])
    expect(w.groups.asked.commit[0]![1].map(({ partition }) => partition)).toEqual([0, 2])
  })

  test('an offset below zero', async () => {
    const w = await withTopic()
    expect(await codes(w, [offset(0, -1), offset(1, -(2 ** 40)), offset(2, 0)])).toEqual([
      ErrorCode.INVALID_COMMIT_OFFSET_SIZE,
      ErrorCode.INVALID_COMMIT_OFFSET_SIZE,
      0,
    ])
  })

  test('who is no member hears that first', async () => {
    const w = await withTopic()
    w.groups.answers.commit = { kind: 'unknownMember' }
    expect(await codes(w, [offset(0, 1, 'm'.repeat(4097)), offset(9)])).toEqual([25, 3])
    expect(w.groups.asked.commit[0]![1]).toEqual([])
  })
})

test.each([
  ['unknownMember', ErrorCode.UNKNOWN_MEMBER_ID],
  ['rebalanceInProgress', ErrorCode.REBALANCE_IN_PROGRESS],
  ['fencedInstance', ErrorCode.FENCED_INSTANCE_ID],
  ['staleMemberEpoch', ErrorCode.STALE_MEMBER_EPOCH],
  ['groupNotFound', ErrorCode.GROUP_ID_NOT_FOUND],
  ['limit', ErrorCode.INVALID_COMMIT_OFFSET_SIZE],
] as const)('%s', async (kind, errorCode) => {
  const w = await withTopic()
  w.groups.answers.commit = { kind }
  expect(await codes(w, [offset(0)])).toEqual([errorCode])
})

test('what was not stored now, or perhaps, is committed again', async () => {
  const w = await withTopic()
  const told = []
  for (const kind of UNSERVED) {
    w.groups.answers.commit = { kind }
    told.push(...(await codes(w, [offset(0)])))
  }
  expect(told).toEqual([
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_COORDINATOR,
  ])
})

test('no head to read: nobody is told that a topic is not there', async () => {
  const w = await withTopic()
  w.log.failure = { kind: 'unavailable' }
  expect(await codes(w, [offset(0)], 9, 'no')).toEqual([ErrorCode.COORDINATOR_LOAD_IN_PROGRESS])
})

test('a request that may come late says what its client had been told', async () => {
  const w = await withTopic()
  const told = { generation: 4, index: 2 }
  const connection = exchange()
  await w.ask(
    offsetCommit,
    9,
    { ...member, topics: [{ name: 't', partitions: [offset(0)] }] },
    { ...connection, exchange: { ...connection.exchange!, told } },
  )
  expect(w.groups.asked.commit[0]![2]).toBe(told)
})

describe('group ids', () => {
  const topics = [{ name: 't', partitions: [offset(0)] }]

  test('an empty one, of clients that only keep offsets', async () => {
    const w = await withTopic()
    const response = await w.ask(offsetCommit, 2, { groupId: '', topics })
    expect(response.topics[0]!.partitions[0]!.errorCode).toBe(0)
    expect(w.groups.asked.commit[0]![0]).toMatchObject({ groupId: '', memberId: '', generationOrEpoch: -1 })
  })

  test('one that is too long', async () => {
    const w = await withTopic()
    const response = await w.ask(offsetCommit, 9, { ...member, groupId: ENDLESS_ID, topics })
    expect(response.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.INVALID_GROUP_ID)
    expect(w.groups.asked.commit).toEqual([])
  })

  test('1,024 bytes of UTF-8 are not too long', async () => {
    const w = await withTopic()
    await w.ask(offsetCommit, 9, { ...member, groupId: 'ü'.repeat(512), topics })
    expect(w.groups.asked.commit).toHaveLength(1)
    await w.ask(offsetCommit, 9, { ...member, groupId: 'ü'.repeat(513), topics })
    expect(w.groups.asked.commit).toHaveLength(1)
  })
})

test('a handler that breaks down', () => {
  const topics = [{ name: 't', partitions: [offset(0), offset(1)] }]
  const response = groupWorld().broken(offsetCommit, 9, { ...member, topics }, -1)
  expect(response.topics[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual([-1, -1])
})
