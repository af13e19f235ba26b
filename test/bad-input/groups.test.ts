// Requests about groups that no honest client would send, against a real process: odd fields, names of any bytes, too much of
// everything, a crowd at one group's door. Each is answered with Kafka's own code, and all the time a member of another group
// keeps its place while a healthy client writes and reads (`guarded-server.ts`), in bounded memory.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TopicId } from '../../lib/base/ids.ts'
import { type Connection, openConnection } from '../../lib/client/connection.ts'
import { ErrorCode } from '../../lib/wire/errors.ts'
import { encodeRequestFrame } from '../../lib/wire/frame.ts'
import { consumerGroupHeartbeat } from '../../lib/wire/messages/consumer-group-heartbeat.ts'
import { createTopics } from '../../lib/wire/messages/create-topics.ts'
import { deleteGroups } from '../../lib/wire/messages/delete-groups.ts'
import { describeGroups } from '../../lib/wire/messages/describe-groups.ts'
import { heartbeat } from '../../lib/wire/messages/heartbeat.ts'
import { joinGroup } from '../../lib/wire/messages/join-group.ts'
import { leaveGroup } from '../../lib/wire/messages/leave-group.ts'
import { listGroups } from '../../lib/wire/messages/list-groups.ts'
import { offsetCommit } from '../../lib/wire/messages/offset-commit.ts'
import { offsetFetch } from '../../lib/wire/messages/offset-fetch.ts'
import { syncGroup } from '../../lib/wire/messages/sync-group.ts'
import type { RequestInput } from '../../lib/wire/schema.ts'
import { type GuardedServer, startGuarded } from './support/guarded-server.ts'
import { ask, dial, exchange, framed, header } from './support/hostile.ts'
import { HEARTBEAT_MS_MAX, type KeptMember, keepMember } from './support/kept-member.ts'

let server: GuardedServer
let kept: KeptMember
let connection: Connection
beforeAll(async () => {
  server = await startGuarded(['--store', 'memory'], HEARTBEAT_MS_MAX)
  connection = await openConnection(server.address)
  const topics = [{ name: 'target', numPartitions: 2, replicationFactor: 1 }]
  expect((await connection.request(createTopics, { topics })).topics[0]!.errorCode).toBe(ErrorCode.NONE)
  kept = await keepMember(server.address)
}, 60_000)
afterAll(async () => {
  const ended = await Promise.allSettled([kept.end()])
  await connection.close()
  await server.end()
  expect(ended).toMatchObject([{ status: 'fulfilled' }])
}, 60_000)

const joining = (
  groupId: string,
  more: Partial<RequestInput<typeof joinGroup>> = {},
): RequestInput<typeof joinGroup> => ({
  groupId,
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  memberId: '',
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: Buffer.alloc(8) }],
  ...more,
})
const join = async (groupId: string, more: Partial<RequestInput<typeof joinGroup>> = {}) =>
  (await connection.request(joinGroup, joining(groupId, more))).errorCode
const beat = (request: Partial<RequestInput<typeof heartbeat>>) =>
  connection.request(heartbeat, { groupId: kept.groupId, memberId: kept.memberId, generationId: 1, ...request })
/** Seconds, on a machine with little else to do. */
const CROWD_MS_MAX = 120_000
const LONG = 'x'.repeat(32_000)

describe('who is no member', () => {
  test('heartbeats, syncs, leaves', async () => {
    expect((await beat({ memberId: 'nobody' })).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect((await beat({ groupId: 'nowhere' })).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect((await beat({ generationId: 0 })).errorCode).toBe(ErrorCode.ILLEGAL_GENERATION)
    expect((await beat({ generationId: -2_147_483_648 })).errorCode).toBe(ErrorCode.ILLEGAL_GENERATION)
    expect((await beat({ groupInstanceId: 'nobody' })).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    const sync = { groupId: kept.groupId, generationId: 1, memberId: kept.memberId, assignments: [] }
    const other = await connection.request(syncGroup, { ...sync, protocolType: 'connect', protocolName: 'range' })
    expect(other.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    const none = await connection.request(syncGroup, { ...sync, protocolType: null, protocolName: null })
    expect(none.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    const members = Array.from({ length: 100_000 }, (_, i) => ({ memberId: `m${i}`, groupInstanceId: null }))
    const left = await connection.request(leaveGroup, { groupId: kept.groupId, members })
    expect(new Set(left.members.map(({ errorCode }) => errorCode))).toEqual(new Set([ErrorCode.UNKNOWN_MEMBER_ID]))
  })

  test('joins in the wrong way', async () => {
    const { groupId } = kept
    expect(await join(groupId, { protocolType: 'connect' })).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    expect(await join(groupId, { protocolType: '' })).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    expect(await join(groupId, { protocols: [] })).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    const other = [{ name: 'other', metadata: Buffer.alloc(8) }]
    expect(await join(groupId, { protocols: other })).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    expect(await join(groupId, { memberId: 'nobody' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    for (const sessionTimeoutMs of [-1, 0, 5999, 0x7fffffff]) {
      expect(await join(groupId, { sessionTimeoutMs })).toBe(ErrorCode.INVALID_SESSION_TIMEOUT)
    }
    const large = [{ name: 'range', metadata: randomBytes(1 << 20) }]
    expect(await join('large', { protocols: large })).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED)
    const many = Array.from({ length: 50_000 }, (_, i) => ({ name: `p${i}`, metadata: Buffer.alloc(0) }))
    expect(await join('large', { protocols: many })).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED)
    const named = [{ name: LONG, metadata: Buffer.alloc(0) }]
    expect(await join('large', { protocols: named })).toBe(ErrorCode.INVALID_REQUEST)
  })
})

describe('the name of a group', () => {
  test.each(['', LONG])('empty or of 32,000 bytes', async (groupId) => {
    expect(await join(groupId)).toBe(ErrorCode.INVALID_GROUP_ID)
    expect((await beat({ groupId })).errorCode).toBe(ErrorCode.INVALID_GROUP_ID)
    const leaving = { groupId, members: [{ memberId: 'm', groupInstanceId: null }] }
    expect((await connection.request(leaveGroup, leaving)).errorCode).toBe(ErrorCode.INVALID_GROUP_ID)
  })

  test('of any bytes is a name', async () => {
    const socket = await dial(server.address)
    for (const name of [
      Buffer.from([0]),
      Buffer.from([0xff, 0xfe]),
      Buffer.from([0xed, 0xa0, 0x80]),
      randomBytes(200),
    ]) {
      const length = Buffer.alloc(2)
      length.writeInt16BE(name.length)
      const body = Buffer.concat([length, name, Buffer.alloc(4), Buffer.alloc(2)])
      const answer = await exchange(socket, framed(header(heartbeat.key, 0), body))
      expect(answer.readInt16BE(4)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    }
    socket.destroy()
    for (const groupId of ['\0', '../..', '__proto__', 'a/b', '🦔'.repeat(200), '\u202e']) {
      expect(await join(groupId), groupId).toBe(ErrorCode.MEMBER_ID_REQUIRED)
    }
  })
})

describe('offsets', () => {
  const commit = async (
    partitions: readonly { readonly partitionIndex: number; readonly committedMetadata?: string }[],
    name = 'target',
  ) => {
    const filled = partitions.map((partition) => ({ committedOffset: 5, committedMetadata: '', ...partition }))
    const answer = await ask(server.address, offsetCommit, 9, {
      groupId: 'simple',
      topics: [{ name, partitions: filled }],
    })
    return answer.topics[0]!.partitions.map(({ errorCode }) => errorCode)
  }

  test('of topics and partitions that there are not', async () => {
    expect(await commit([{ partitionIndex: 0 }], 'nowhere')).toEqual([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION])
    const partitions = [0, 2, -1, 0x7fffffff, -0x80000000].map((partitionIndex) => ({ partitionIndex }))
    expect(await commit(partitions)).toEqual([0, 3, 3, 3, 3])
  })

  test('of 100,000 partitions at once, and one partition 100,000 times', async () => {
    const all = Array.from({ length: 100_000 }, (_, partitionIndex) => ({ partitionIndex }))
    const codes = await commit(all)
    expect([codes.length, codes.filter((code) => code === ErrorCode.NONE).length]).toEqual([100_000, 2])
    expect(new Set(await commit(all.map(() => ({ partitionIndex: 1 }))))).toEqual(new Set([ErrorCode.NONE]))
  })

  test('with text of 32,000 bytes', async () => {
    const partitions = [{ partitionIndex: 0, committedMetadata: LONG }, { partitionIndex: 1 }]
    expect(await commit(partitions)).toEqual([ErrorCode.OFFSET_METADATA_TOO_LARGE, ErrorCode.NONE])
  })

  test('that a stale member commits', async () => {
    const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }]
    const committing = async (more: object) => {
      const request = { groupId: kept.groupId, topics: [{ name: 'target', partitions }], ...more }
      return (await ask(server.address, offsetCommit, 8, request)).topics[0]!.partitions[0]!.errorCode
    }
    const { memberId } = kept
    expect(await committing({})).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(await committing({ memberId, generationIdOrMemberEpoch: 0 })).toBe(ErrorCode.ILLEGAL_GENERATION)
    expect(await committing({ memberId: 'nobody', generationIdOrMemberEpoch: 1 })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })
})

test('thousands of groups in one request, and states that there are not', async () => {
  const names = Array.from({ length: 5000 }, (_, i) => `none ${i}`)
  const described = await connection.request(describeGroups, { groups: [...names, ...names] })
  expect(described.groups.length).toBe(5000)
  expect(new Set(described.groups.map(({ groupState }) => groupState))).toEqual(new Set(['Dead']))
  const groups = names.map((groupId) => ({ groupId, topics: [{ name: 'target', partitionIndexes: [0] }] }))
  const fetched = await ask(server.address, offsetFetch, 8, { groups })
  expect(fetched.groups.length).toBe(5000)
  expect(fetched.groups.every(({ topics }) => topics[0]!.partitions[0]!.committedOffset === -1)).toBe(true)
  const deleted = await connection.request(deleteGroups, { groupsNames: names.slice(0, 1000) })
  expect(new Set(deleted.results.map(({ errorCode }) => errorCode))).toEqual(new Set([ErrorCode.GROUP_ID_NOT_FOUND]))
  const statesFilter = ['bogus', '', 'stable ', LONG, '\0']
  const listed = await connection.request(listGroups, { statesFilter, typesFilter: [] })
  expect(listed.groups.map(({ groupId }) => groupId)).toEqual([kept.groupId])
  expect((await connection.request(listGroups, { statesFilter: ['bogus'] })).groups).toEqual([])
}, 60_000)

describe('ConsumerGroupHeartbeat', () => {
  const fine = {
    groupId: 'modern',
    memberId: 'm',
    memberEpoch: 0,
    rebalanceTimeoutMs: 1000,
    subscribedTopicNames: ['target'],
    topicPartitions: [],
  }
  const codeOf = async (more: Partial<RequestInput<typeof consumerGroupHeartbeat>>) =>
    (await connection.request(consumerGroupHeartbeat, { ...fine, ...more })).errorCode

  test.each([
    ['no group', { groupId: '' }],
    ['a blank group', { groupId: ' \t' }],
    ['a long group', { groupId: LONG }],
    ['no member', { memberId: '' }],
    ['a long member', { memberId: LONG }],
    ['a blank instance', { instanceId: ' ' }],
    ['a long instance', { instanceId: LONG }],
    ['a blank rack', { rackId: '' }],
    ['no timeout', { rebalanceTimeoutMs: -1 }],
    ['no topics', { subscribedTopicNames: null }],
    ['null partitions', { topicPartitions: null }],
    ['an epoch of -3', { memberEpoch: -3 }],
    ['the least epoch', { memberEpoch: -0x80000000 }],
    ['a while away, without an instance', { memberEpoch: -2 }],
  ])('with %s', async (_name, more) => {
    expect(await codeOf(more)).toBe(ErrorCode.INVALID_REQUEST)
  })

  test('of an epoch, an assignor, a subscription that cannot be', async () => {
    expect(await codeOf({ memberEpoch: 7 })).toBe(ErrorCode.GROUP_ID_NOT_FOUND)
    expect(await codeOf({ serverAssignor: 'mine' })).toBe(ErrorCode.UNSUPPORTED_ASSIGNOR)
    const subscribedTopicNames = Array.from({ length: 100_000 }, (_, i) => `topic-${i}`)
    expect(await codeOf({ subscribedTopicNames })).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED)
    expect(await codeOf({})).toBe(ErrorCode.NONE)
    expect(await codeOf({ memberEpoch: 0x7fffffff })).toBe(ErrorCode.FENCED_MEMBER_EPOCH)
    const topicPartitions = [{ topicId: '0'.repeat(31).concat('7') as TopicId, partitions: [0, 0, -1, 0x7fffffff] }]
    const owning = { memberEpoch: 1, rebalanceTimeoutMs: -0x80000000, topicPartitions }
    expect(await codeOf(owning)).toBe(ErrorCode.NONE)
    expect(await codeOf({ memberEpoch: -1 })).toBe(ErrorCode.NONE)
  })

  test.each([
    ['is none', '(', ErrorCode.INVALID_REGULAR_EXPRESSION],
    ['looks back', '(a)\\1', ErrorCode.INVALID_REGULAR_EXPRESSION],
    ['repeats what repeats', '((a{0,500}){0,500}){0,500}', ErrorCode.INVALID_REGULAR_EXPRESSION],
    ['is deep', '('.repeat(15_000) + ')'.repeat(15_000), ErrorCode.INVALID_REGULAR_EXPRESSION],
    ['would go back for ever', '(a+)+(a+)+(a+)+$', ErrorCode.NONE],
    ['has a thousand choices', `(${Array.from({ length: 1000 }, (_, i) => `a?b${i}`).join('|')})*`, ErrorCode.NONE],
  ])('whose pattern %s', async (_name, subscribedTopicRegex, errorCode) => {
    const long = [{ name: `a${'ab'.repeat(120)}`, numPartitions: 1, replicationFactor: 1 }]
    await connection.request(createTopics, { topics: long })
    const began = performance.now()
    expect(await codeOf({ groupId: 'pattern', subscribedTopicNames: [], subscribedTopicRegex })).toBe(errorCode)
    expect(performance.now() - began).toBeLessThan(5000)
  })
})

describe('a crowd', () => {
  /** Writes joins of one version to each of many connections without reading; resolves with the codes that came in a while. */
  async function crowd(
    connections: number,
    each: number,
    version: number,
    waitMs: number,
    groupOf: (n: number) => string,
  ) {
    const codes = new Map<number, number>()
    const sockets = await Promise.all(Array.from({ length: connections }, () => dial(server.address)))
    sockets.forEach((socket, s) => {
      let buffered = Buffer.alloc(0)
      socket.on('data', (chunk) => {
        buffered = Buffer.concat([buffered, chunk])
        while (buffered.length >= 4 && buffered.length >= 4 + buffered.readInt32BE(0)) {
          // Behind correlation id (and, in flexible versions, no tags) and throttle time.
          const code = buffered.readInt16BE(version >= 6 ? 13 : 12)
          codes.set(code, (codes.get(code) ?? 0) + 1)
          buffered = buffered.subarray(4 + buffered.readInt32BE(0))
        }
      })
      for (let i = 0; i < each; i++) {
        const ids = { correlationId: i, clientId: 'crowd' }
        socket.write(
          framed(
            ...encodeRequestFrame(
              joinGroup,
              version,
              ids,
              joining(groupOf(s * each + i), { sessionTimeoutMs: 300_000 }),
            ),
          ),
        )
      }
    })
    const answered = (): number => [...codes.values()].reduce((sum, count) => sum + count, 0)
    for (let waited = 0; waited < waitMs && answered() < connections * each; waited += 50) await sleep(50)
    for (const socket of sockets) socket.destroy()
    return codes
  }

  test(
    'of 5,000 that ask for an id: a group remembers a thousand of them',
    async () => {
      const codes = await crowd(50, 100, 7, CROWD_MS_MAX, () => 'crowd')
      expect(Object.fromEntries(codes)).toEqual({
        [ErrorCode.MEMBER_ID_REQUIRED]: 1000,
        [ErrorCode.GROUP_MAX_SIZE_REACHED]: 4000,
      })
    },
    2 * CROWD_MS_MAX,
  )

  test(
    'of 1,200 that join without one: as many as there is room for wait, the others are refused',
    async () => {
      const codes = await crowd(1200, 1, 3, CROWD_MS_MAX, () => 'waiting crowd')
      const { [ErrorCode.NONE]: joined = 0, [ErrorCode.GROUP_MAX_SIZE_REACHED]: refused = 0 } =
        Object.fromEntries(codes)
      expect([joined + refused, joined <= 1000]).toEqual([1200, true])
      // All of them have hung up by now.
      expect((await beat({})).errorCode).toBe(ErrorCode.NONE)
    },
    2 * CROWD_MS_MAX,
  )

  test('at 1,000 doors, and nobody comes back', async () => {
    const codes = await crowd(50, 20, 7, CROWD_MS_MAX, (n) => `storm ${n}`)
    expect(Object.fromEntries(codes)).toEqual({ [ErrorCode.MEMBER_ID_REQUIRED]: 1000 })
    const { groups } = await connection.request(listGroups, { statesFilter: ['Stable'] })
    const names = groups.map(({ groupId }) => groupId)
    expect([names.includes(kept.groupId), names.some((name) => name.startsWith('storm'))]).toEqual([true, false])
  }, 60_000)
})
