// SyncGroup: the leader of a classic group hands in everybody's assignment, and each member gets its own.
import { array, bytes, defineApi, int16, int32, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const syncGroup = defineApi({
  key: 14,
  name: 'SyncGroup',
  min: 0,
  max: 5,
  flexibleFrom: 4,
  request: {
    groupId: string('0+'),
    generationId: int32('0+'),
    memberId: string('0+'),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
    protocolType: string('5+', { nullable: '5+', default: null }),
    protocolName: string('5+', { nullable: '5+', default: null }),
    assignments: array('0+', {
      memberId: string('0+'),
      assignment: bytes('0+'),
    }),
  },
  response: {
    throttleTimeMs: int32('1+', { default: 0 }),
    errorCode: int16('0+'),
    protocolType: string('5+', { nullable: '5+', default: null }),
    protocolName: string('5+', { nullable: '5+', default: null }),
    assignment: bytes('0+'),
  },
})

/** A request as handlers get it. */
export type SyncGroupRequest = RequestOf<typeof syncGroup>
/** A response as handlers give it. */
export type SyncGroupResponse = ResponseInput<typeof syncGroup>
