// Heartbeat: every version asks the same and is told one code.
import { expect, test } from 'vitest'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { heartbeat } from '../../../../lib/wire/messages/heartbeat.ts'
import { UNSERVED } from '../support/fake-groups.ts'
import { ENDLESS_ID, groupWorld, versionsOf } from '../support/group-world.ts'

const REQUEST = { groupId: 'g', generationId: 3, memberId: 'm-1' }

test.each(versionsOf(heartbeat))('version %i', async (version) => {
  const w = groupWorld()
  const instance = version >= 3 ? 'i-1' : null
  expect(await w.ask(heartbeat, version, { ...REQUEST, groupInstanceId: instance })).toEqual({
    throttleTimeMs: 0,
    errorCode: 0,
  })
  expect(w.groups.asked.heartbeat).toEqual([
    [{ groupId: 'g', memberId: 'm-1', instanceId: instance ?? undefined, generation: 3 }],
  ])
})

test.each([
  ['unknownMember', ErrorCode.UNKNOWN_MEMBER_ID],
  ['illegalGeneration', ErrorCode.ILLEGAL_GENERATION],
  ['rebalanceInProgress', ErrorCode.REBALANCE_IN_PROGRESS],
  ['fencedInstance', ErrorCode.FENCED_INSTANCE_ID],
] as const)('%s', async (kind, errorCode) => {
  const w = groupWorld()
  w.groups.answers.heartbeat = { kind }
  expect((await w.ask(heartbeat, 4, REQUEST)).errorCode).toBe(errorCode)
})

test('a member stays in its generation when the stores hiccup, and looks elsewhere when the process has halted', async () => {
  const w = groupWorld()
  const codes = []
  for (const kind of UNSERVED) {
    w.groups.answers.heartbeat = { kind }
    codes.push((await w.ask(heartbeat, 4, REQUEST)).errorCode)
  }
  expect(codes).toEqual([
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_COORDINATOR,
  ])
})

test.each(['', ENDLESS_ID])('a group id that cannot be', async (groupId) => {
  const w = groupWorld()
  expect((await w.ask(heartbeat, 4, { ...REQUEST, groupId })).errorCode).toBe(ErrorCode.INVALID_GROUP_ID)
  expect(w.groups.asked.heartbeat).toEqual([])
})

test('a handler that breaks down', () => {
  expect(groupWorld().broken(heartbeat, 4, REQUEST, -1).errorCode).toBe(-1)
})
