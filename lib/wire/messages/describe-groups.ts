// DescribeGroups: the state and the members of classic groups, for administrators.
import { array, bool, bytes, defineApi, int16, int32, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const describeGroups = defineApi({
  key: 15,
  name: 'DescribeGroups',
  min: 0,
  max: 6,
  flexibleFrom: 5,
  request: {
    groups: array('0+', string('0+')),
    includeAuthorizedOperations: bool('3+', { default: false }),
  },
  response: {
    throttleTimeMs: int32('1+', { default: 0 }),
    groups: array('0+', {
      errorCode: int16('0+'),
      errorMessage: string('6+', { nullable: '6+', default: null }),
      groupId: string('0+'),
      groupState: string('0+'),
      protocolType: string('0+'),
      /** The chosen protocol: only of a stable group, as the members' metadata and assignments. */
      protocolData: string('0+'),
      members: array('0+', {
        memberId: string('0+'),
        groupInstanceId: string('4+', { nullable: '4+', default: null }),
        clientId: string('0+'),
        clientHost: string('0+'),
        memberMetadata: bytes('0+'),
        memberAssignment: bytes('0+'),
      }),
      authorizedOperations: int32('3+', { default: -2147483648 }),
    }),
  },
})

/** A request as handlers get it. */
export type DescribeGroupsRequest = RequestOf<typeof describeGroups>
/** A response as handlers give it. */
export type DescribeGroupsResponse = ResponseInput<typeof describeGroups>
