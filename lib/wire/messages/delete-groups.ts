// DeleteGroups: removes groups without members, with their offsets.
import { array, defineApi, int16, int32, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const deleteGroups = defineApi({
  key: 42,
  name: 'DeleteGroups',
  min: 0,
  max: 2,
  flexibleFrom: 2,
  request: {
    groupsNames: array('0+', string('0+')),
  },
  response: {
    throttleTimeMs: int32('0+', { default: 0 }),
    results: array('0+', {
      groupId: string('0+'),
      errorCode: int16('0+'),
    }),
  },
})

/** A request as handlers get it. */
export type DeleteGroupsRequest = RequestOf<typeof deleteGroups>
/** A response as handlers give it. */
export type DeleteGroupsResponse = ResponseInput<typeof deleteGroups>
