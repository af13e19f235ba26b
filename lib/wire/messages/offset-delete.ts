// OffsetDelete: removes committed offsets of topics that the group's members are not subscribed to.
import { array, defineApi, int16, int32, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const offsetDelete = defineApi({
  key: 47,
  name: 'OffsetDelete',
  min: 0,
  max: 0,
  request: {
    groupId: string('0+'),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
      }),
    }),
  },
  response: {
    errorCode: int16('0+'),
    throttleTimeMs: int32('0+', { default: 0 }),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
})

/** A request as handlers get it. */
export type OffsetDeleteRequest = RequestOf<typeof offsetDelete>
/** A response as handlers give it. */
export type OffsetDeleteResponse = ResponseInput<typeof offsetDelete>
