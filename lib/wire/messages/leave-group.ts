// LeaveGroup: a member leaves a classic group, or, from version 3 on, an administrator removes several of them.
import { array, defineApi, int16, int32, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const leaveGroup = defineApi({
  key: 13,
  name: 'LeaveGroup',
  min: 0,
  max: 5,
  flexibleFrom: 4,
  request: {
    groupId: string('0+'),
    memberId: string('0-2', { default: '' }),
    members: array(
      '3+',
      {
        memberId: string('3+'),
        groupInstanceId: string('3+', { nullable: '3+', default: null }),
        reason: string('5+', { nullable: '5+', default: null }),
      },
      { default: [] },
    ),
  },
  response: {
    throttleTimeMs: int32('1+', { default: 0 }),
    errorCode: int16('0+'),
    members: array(
      '3+',
      {
        memberId: string('3+'),
        groupInstanceId: string('3+', { nullable: '3+' }),
        errorCode: int16('3+'),
      },
      { default: [] },
    ),
  },
})

/** A request as handlers get it. */
export type LeaveGroupRequest = RequestOf<typeof leaveGroup>
/** A response as handlers give it. */
export type LeaveGroupResponse = ResponseInput<typeof leaveGroup>
