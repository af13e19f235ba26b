// ListPartitionReassignments: the reassignments that are under way; null topics ask for all of them.
import { array, defineApi, int16, int32, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const listPartitionReassignments = defineApi({
  key: 46,
  name: 'ListPartitionReassignments',
  min: 0,
  max: 0,
  flexibleFrom: 0,
  request: {
    timeoutMs: int32('0+', { default: 60_000 }),
    topics: array(
      '0+',
      {
        name: string('0+'),
        partitionIndexes: array('0+', int32('0+')),
      },
      { nullable: '0+', default: null },
    ),
  },
  response: {
    throttleTimeMs: int32('0+', { default: 0 }),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        replicas: array('0+', int32('0+')),
        addingReplicas: array('0+', int32('0+')),
        removingReplicas: array('0+', int32('0+')),
      }),
    }),
  },
})

/** A request as handlers get it. */
export type ListPartitionReassignmentsRequest = RequestOf<typeof listPartitionReassignments>
/** A response as handlers give it. */
export type ListPartitionReassignmentsResponse = ResponseInput<typeof listPartitionReassignments>
