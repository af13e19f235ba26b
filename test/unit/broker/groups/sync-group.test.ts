// SyncGroup: assignments in and out, the protocol that version 5 asks for, waiting.
import { describe, expect, test } from 'vitest'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { syncGroup } from '../../../../lib/wire/messages/sync-group.ts'
import { UNSERVED } from '../support/fake-groups.ts'
import { ENDLESS_ID, exchange, groupWorld, versionsOf } from '../support/group-world.ts'

const ASSIGNMENT = new Uint8Array([9, 0, 255])
const REQUEST = { groupId: 'g', generationId: 3, memberId: 'm-1', assignments: [] }
const PROTOCOL = { protocolType: 'consumer', protocolName: 'range' }
const requestOf = (version: number) => (version >= 5 ? { ...REQUEST, ...PROTOCOL } : REQUEST)

describe.each(versionsOf(syncGroup))('version %i', (version) => {
  test('assignments go in and come out as the bytes they are', async () => {
    const w = groupWorld()
    w.groups.answers.sync = { kind: 'synced', protocolType: 'consumer', protocol: 'range', assignment: 'CQD/' }
    const response = await w.ask(syncGroup, version, {
      ...requestOf(version),
      groupInstanceId: version >= 3 ? 'i-1' : null,
      assignments: [
        { memberId: 'm-1', assignment: ASSIGNMENT },
        { memberId: 'm-2', assignment: new Uint8Array(0) },
      ],
    })
    expect(w.groups.asked.sync[0]![0]).toEqual({
      groupId: 'g',
      memberId: 'm-1',
      instanceId: version >= 3 ? 'i-1' : undefined,
      generation: 3,
      protocolType: version >= 5 ? 'consumer' : undefined,
      protocol: version >= 5 ? 'range' : undefined,
      assignments: [
        { memberId: 'm-1', assignment: 'CQD/' },
        { memberId: 'm-2', assignment: '' },
      ],
    })
    expect(response).toEqual({
      throttleTimeMs: 0,
      errorCode: 0,
      protocolType: version >= 5 ? 'consumer' : null,
      protocolName: version >= 5 ? 'range' : null,
      assignment: ASSIGNMENT,
    })
  })

  test('a refusal has empty bytes for an assignment, not none', async () => {
    const w = groupWorld()
    w.groups.answers.sync = { kind: 'rebalanceInProgress' }
    expect(await w.ask(syncGroup, version, requestOf(version))).toEqual({
      throttleTimeMs: 0,
      errorCode: ErrorCode.REBALANCE_IN_PROGRESS,
      protocolType: null,
      protocolName: null,
      assignment: new Uint8Array(0),
    })
  })
})

test.each([{ protocolType: 'consumer' }, { protocolName: 'range' }, {}])(
  'version 5 must name the protocol: %o does not',
  async (protocol) => {
    const w = groupWorld()
    expect(await w.ask(syncGroup, 5, { ...REQUEST, ...protocol })).toMatchObject({
      errorCode: ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
    })
    expect(w.groups.asked.sync).toEqual([])
  },
)

test.each([
  ['unknownMember', ErrorCode.UNKNOWN_MEMBER_ID],
  ['illegalGeneration', ErrorCode.ILLEGAL_GENERATION],
  ['inconsistentProtocol', ErrorCode.INCONSISTENT_GROUP_PROTOCOL],
  ['fencedInstance', ErrorCode.FENCED_INSTANCE_ID],
] as const)('%s', async (kind, errorCode) => {
  const w = groupWorld()
  w.groups.answers.sync = { kind }
  expect(await w.ask(syncGroup, 5, requestOf(5))).toMatchObject({ errorCode })
})

test.each(UNSERVED)('%s: not the code that Java takes for fatal', async (kind) => {
  const w = groupWorld()
  w.groups.answers.sync = { kind }
  expect(await w.ask(syncGroup, 3, REQUEST)).toMatchObject({ errorCode: ErrorCode.NOT_COORDINATOR })
})

test('waiting: later over HTTPS, and the end of the connection once its client is gone', async () => {
  const w = groupWorld()
  w.groups.answers.sync = { kind: 'wait', memberId: 'm-1' }
  expect(await w.start(syncGroup, 5, requestOf(5), exchange()).answer).toEqual({ kind: 'later' })
  expect((await w.start(syncGroup, 5, requestOf(5)).answer).kind).toBe('close')
  expect(w.groups.asked.sync.map(([, { mayWait }]) => mayWait)).toEqual([false, true])
})

test.each(['', ENDLESS_ID])('a group id that cannot be', async (groupId) => {
  const w = groupWorld()
  expect(await w.ask(syncGroup, 3, { ...REQUEST, groupId })).toMatchObject({ errorCode: ErrorCode.INVALID_GROUP_ID })
  expect(w.groups.asked.sync).toEqual([])
})

test('a handler that breaks down', () => {
  expect(groupWorld().broken(syncGroup, 5, requestOf(5), -1)).toMatchObject({ errorCode: -1 })
})
