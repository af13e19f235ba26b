// CreatePartitions: raises the number of partitions of topics to `count`.
import { array, bool, defineApi, int16, int32, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const createPartitions = defineApi({
  key: 37,
  name: 'CreatePartitions',
  min: 0,
  max: 3,
  flexibleFrom: 2,
  request: {
    topics: array('0+', {
      name: string('0+'),
      count: int32('0+'),
      assignments: array(
        '0+',
        {
          brokerIds: array('0+', int32('0+')),
        },
        { nullable: '0+', default: null },
      ),
    }),
    timeoutMs: int32('0+'),
    validateOnly: bool('0+', { default: false }),
  },
  response: {
    throttleTimeMs: int32('0+', { default: 0 }),
    results: array('0+', {
      name: string('0+'),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
    }),
  },
})

/** A request as handlers get it. */
export type CreatePartitionsRequest = RequestOf<typeof createPartitions>
/** A response as handlers give it. */
export type CreatePartitionsResponse = ResponseInput<typeof createPartitions>
