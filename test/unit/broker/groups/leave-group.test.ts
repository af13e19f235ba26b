// LeaveGroup: one member up to version 2, several with an error each from version 3 on.
import { describe, expect, test } from 'vitest'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { leaveGroup } from '../../../../lib/wire/messages/leave-group.ts'
import { ENDLESS_ID, groupWorld, versionsOf } from '../support/group-world.ts'

describe.each(versionsOf(leaveGroup).filter((version) => version < 3))('version %i', (version) => {
  const request = { groupId: 'g', memberId: 'm-1' }

  test('one member', async () => {
    const w = groupWorld()
    w.groups.answers.leave = { kind: 'left', refusals: [undefined] }
    expect(await w.ask(leaveGroup, version, request)).toEqual({ throttleTimeMs: 0, errorCode: 0, members: [] })
    expect(w.groups.asked.leave).toEqual([[{ groupId: 'g', members: [{ memberId: 'm-1', instanceId: undefined }] }]])
  })

  test.each([
    { kind: 'left', refusals: [{ kind: 'unknownMember' }] },
    { kind: 'groupNotFound' },
    { kind: 'unknownMember' },
  ] as const)('nobody to leave: %o', async (answer) => {
    const w = groupWorld()
    w.groups.answers.leave = answer
    expect((await w.ask(leaveGroup, version, request)).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })
})

describe.each(versionsOf(leaveGroup).filter((version) => version >= 3))('version %i', (version) => {
  const members = [
    { memberId: 'm-1', groupInstanceId: null },
    { memberId: '', groupInstanceId: 'i-2' },
    { memberId: 'm-3', groupInstanceId: 'i-3' },
  ]
  const request = { groupId: 'g', members }

  test('each member has an error of its own', async () => {
    const w = groupWorld()
    w.groups.answers.leave = {
      kind: 'left',
      refusals: [undefined, { kind: 'unknownMember' }, { kind: 'fencedInstance' }],
    }
    expect(await w.ask(leaveGroup, version, request)).toEqual({
      throttleTimeMs: 0,
      errorCode: 0,
      members: [
        { ...members[0], errorCode: 0 },
        { ...members[1], errorCode: ErrorCode.UNKNOWN_MEMBER_ID },
        { ...members[2], errorCode: ErrorCode.FENCED_INSTANCE_ID },
      ],
    })
    expect(w.groups.asked.leave[0]![0].members).toEqual([
      { memberId: 'm-1', instanceId: undefined },
      { memberId: '', instanceId: 'i-2' },
      { memberId: 'm-3', instanceId: 'i-3' },
    ])
  })

  test('of a group that is not there nobody is a member', async () => {
    const w = groupWorld()
    w.groups.answers.leave = { kind: 'groupNotFound' }
    const response = await w.ask(leaveGroup, version, request)
    expect(response.errorCode).toBe(0)
    expect(response.members.map(({ errorCode }) => errorCode)).toEqual([25, 25, 25])
  })

  test('what could not be done now is said of the whole', async () => {
    const w = groupWorld()
    w.groups.answers.leave = { kind: 'unavailable' }
    const expected = { throttleTimeMs: 0, errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, members: [] }
    expect(await w.ask(leaveGroup, version, request)).toEqual(expected)
  })
})

test('nobody named, nobody leaves', async () => {
  const w = groupWorld()
  expect(await w.ask(leaveGroup, 5, { groupId: 'g', members: [] })).toMatchObject({ errorCode: 0, members: [] })
})

test.each(['', ENDLESS_ID])('a group id that cannot be', async (groupId) => {
  const w = groupWorld()
  expect(await w.ask(leaveGroup, 5, { groupId, members: [] })).toMatchObject({ errorCode: ErrorCode.INVALID_GROUP_ID })
  expect(w.groups.asked.leave).toEqual([])
})

test('a handler that breaks down', () => {
  expect(groupWorld().broken(leaveGroup, 5, { groupId: 'g', members: [] }, -1).errorCode).toBe(-1)
})
