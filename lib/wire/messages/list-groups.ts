// ListGroups: all groups, or those in some states (version 4 and later) and of some types (version 5).
import { array, defineApi, int16, int32, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const listGroups = defineApi({
  key: 16,
  name: 'ListGroups',
  min: 0,
  max: 5,
  flexibleFrom: 3,
  request: {
    /** Empty: all. */
    statesFilter: array('4+', string('4+'), { default: [] }),
    typesFilter: array('5+', string('5+'), { default: [] }),
  },
  response: {
    throttleTimeMs: int32('1+', { default: 0 }),
    errorCode: int16('0+'),
    groups: array('0+', {
      groupId: string('0+'),
      protocolType: string('0+'),
      groupState: string('4+', { default: '' }),
      groupType: string('5+', { default: '' }),
    }),
  },
})

/** A request as handlers get it. */
export type ListGroupsRequest = RequestOf<typeof listGroups>
/** A response as handlers give it. */
export type ListGroupsResponse = ResponseInput<typeof listGroups>
