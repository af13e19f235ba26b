// Heartbeat: a member of a classic group says that it lives, and learns whether its generation still stands.
import { defineApi, int16, int32, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const heartbeat = defineApi({
  key: 12,
  name: 'Heartbeat',
  min: 0,
  max: 4,
  flexibleFrom: 4,
  request: {
    groupId: string('0+'),
    generationId: int32('0+'),
    memberId: string('0+'),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
  },
  response: {
    throttleTimeMs: int32('1+', { default: 0 }),
    errorCode: int16('0+'),
  },
})

/** A request as handlers get it. */
export type HeartbeatRequest = RequestOf<typeof heartbeat>
/** A response as handlers give it. */
export type HeartbeatResponse = ResponseInput<typeof heartbeat>
