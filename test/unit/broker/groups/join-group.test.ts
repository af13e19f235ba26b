// JoinGroup: what each version says of a member and is told, waiting over TCP and over HTTPS, refusals.
import { describe, expect, test } from 'vitest'
import type { Ulid } from '../../../../lib/base/ids.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { joinGroup } from '../../../../lib/wire/messages/join-group.ts'
import { UNSERVED } from '../support/fake-groups.ts'
import { ENDLESS_ID, exchange, groupWorld, versionsOf } from '../support/group-world.ts'
import { connect } from '../support/world.ts'

const METADATA = new Uint8Array([0, 1, 250, 255])
const REQUEST = {
  groupId: 'g',
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 60_000,
  memberId: '',
  protocolType: 'consumer',
  protocols: [
    { name: 'range', metadata: METADATA },
    { name: 'roundrobin', metadata: new Uint8Array(0) },
  ],
}

describe.each(versionsOf(joinGroup))('version %i', (version) => {
  test('what the group is asked', async () => {
    const w = groupWorld()
    await w.ask(joinGroup, version, { ...REQUEST, groupInstanceId: version >= 5 ? 'i-1' : null })
    const [request, patience] = w.groups.asked.join[0]!
    expect(request).toMatchObject({
      groupId: 'g',
      memberId: '',
      instanceId: version >= 5 ? 'i-1' : undefined,
      clientId: 'test',
      clientHost: '/127.0.0.1:1',
      protocolType: 'consumer',
      protocols: [
        { name: 'range', metadata: 'AAH6/w==' },
        { name: 'roundrobin', metadata: '' },
      ],
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: version === 0 ? 10_000 : 60_000,
      memberIdRequired: version >= 4,
      knowsSkipAssignment: version >= 9,
    })
    expect(patience.mayWait).toBe(true)
  })

  test('what the leader is told', async () => {
    const w = groupWorld()
    w.groups.answers.join = {
      kind: 'joined',
      generation: 7,
      protocolType: 'consumer',
      protocol: 'range',
      leader: 'm-1',
      memberId: 'm-1',
      skipAssignment: true,
      members: [
        { memberId: 'm-1', instanceId: 'i-1', metadata: 'AAH6/w==' },
        { memberId: 'm-2', instanceId: undefined, metadata: '' },
      ],
    }
    expect(await w.ask(joinGroup, version, REQUEST)).toEqual({
      throttleTimeMs: 0,
      errorCode: 0,
      generationId: 7,
      protocolType: version >= 7 ? 'consumer' : null,
      protocolName: 'range',
      leader: 'm-1',
      skipAssignment: version >= 9,
      memberId: 'm-1',
      members: [
        { memberId: 'm-1', groupInstanceId: version >= 5 ? 'i-1' : null, metadata: METADATA },
        { memberId: 'm-2', groupInstanceId: null, metadata: new Uint8Array(0) },
      ],
    })
  })

  test('a refusal gives out the id that comes with it, or repeats that of the request', async () => {
    const w = groupWorld()
    w.groups.answers.join = { kind: 'memberIdRequired', memberId: 'given' }
    const given = await w.ask(joinGroup, version, REQUEST)
    expect(given).toMatchObject({ errorCode: ErrorCode.MEMBER_ID_REQUIRED, memberId: 'given', generationId: -1 })
    expect(given.protocolName).toBe(version >= 7 ? null : '')
    w.groups.answers.join = { kind: 'unknownMember' }
    expect(await w.ask(joinGroup, version, { ...REQUEST, memberId: 'm-9' })).toMatchObject({
      errorCode: ErrorCode.UNKNOWN_MEMBER_ID,
      memberId: 'm-9',
      leader: '',
      members: [],
    })
  })
})

test.each([
  ['inconsistentProtocol', ErrorCode.INCONSISTENT_GROUP_PROTOCOL],
  ['invalidSessionTimeout', ErrorCode.INVALID_SESSION_TIMEOUT],
  ['groupFull', ErrorCode.GROUP_MAX_SIZE_REACHED],
  ['fencedInstance', ErrorCode.FENCED_INSTANCE_ID],
  ['rebalanceInProgress', ErrorCode.REBALANCE_IN_PROGRESS],
] as const)('%s', async (kind, errorCode) => {
  const w = groupWorld()
  w.groups.answers.join = { kind }
  expect(await w.ask(joinGroup, 9, REQUEST)).toMatchObject({ errorCode })
})

test.each(UNSERVED)('%s: the code after which every client joins again', async (kind) => {
  const w = groupWorld()
  w.groups.answers.join = { kind }
  expect(await w.ask(joinGroup, 5, { ...REQUEST, memberId: 'm-1' })).toMatchObject({
    errorCode: ErrorCode.NOT_COORDINATOR,
    memberId: 'm-1',
  })
})

test.each(['', ENDLESS_ID])('a group id that cannot be is not asked about', async (groupId) => {
  const w = groupWorld()
  expect(await w.ask(joinGroup, 9, { ...REQUEST, groupId })).toMatchObject({ errorCode: ErrorCode.INVALID_GROUP_ID })
  expect(w.groups.asked.join).toEqual([])
})

describe('waiting', () => {
  const wait = { kind: 'wait', memberId: 'm-1' } as const

  test('over HTTPS nothing waits: the same request comes again under the same name', async () => {
    const w = groupWorld()
    w.groups.answers.join = wait
    const id = '01HZZZZZZZZZZZZZZZZZZZZZZZ' as Ulid
    const name = { generation: 12, id, long: false, frameHash: new Uint8Array(32) }
    for (let i = 0; i < 2; i++) {
      expect(await w.start(joinGroup, 9, REQUEST, exchange(name)).answer).toEqual({ kind: 'later' })
    }
    expect(w.groups.asked.join.map(([{ token }]) => token)).toEqual([`12-${id}`, `12-${id}`])
    expect(w.groups.asked.join[0]![1].mayWait).toBe(false)
  })

  test('over TCP each request is another, and one whose client is gone ends with its connection', async () => {
    const w = groupWorld()
    w.groups.answers.join = wait
    const connection = connect()
    for (let i = 0; i < 2; i++) {
      expect((await w.start(joinGroup, 9, REQUEST, connection).answer).kind).toBe('close')
    }
    const [first, second] = w.groups.asked.join.map(([{ token }]) => token)
    expect(first).not.toBe(second)
    expect(first).toContain(connection.id)
    expect(w.groups.asked.join[0]![1].signal).toBe(connection.signal)
  })

  test('a client on a socket for both versions of IP is told apart by its IPv4 address', async () => {
    const w = groupWorld()
    await w.ask(joinGroup, 9, REQUEST, { ...connect(), clientAddress: '::ffff:10.0.0.7' })
    await w.ask(joinGroup, 9, REQUEST, { ...connect(), clientAddress: '::1' })
    expect(w.groups.asked.join.map(([{ clientHost }]) => clientHost)).toEqual(['/10.0.0.7', '/::1'])
  })
})

test('a handler that breaks down', () => {
  expect(groupWorld().broken(joinGroup, 9, REQUEST, -1)).toMatchObject({ errorCode: -1, memberId: '' })
})

test('a client that is better off at the coordinator is sent there, once', async () => {
  const w = groupWorld({ coordinator: 'another' })
  const connection = connect()
  const codes = []
  for (let i = 0; i < 2; i++) codes.push((await w.ask(joinGroup, 9, REQUEST, connection)).errorCode)
  expect(codes).toEqual([ErrorCode.NOT_COORDINATOR, 0])
  expect(w.groups.asked.join).toHaveLength(1)
})
