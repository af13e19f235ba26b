// AlterPartitionReassignments: which brokers shall hold each partition, in order of preference; null cancels what is under way.
import { array, bool, defineApi, int16, int32, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const alterPartitionReassignments = defineApi({
  key: 45,
  name: 'AlterPartitionReassignments',
  min: 0,
  max: 1,
  flexibleFrom: 0,
  request: {
    timeoutMs: int32('0+', { default: 60_000 }),
    allowReplicationFactorChange: bool('1+', { default: true }),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        replicas: array('0+', int32('0+'), { nullable: '0+', default: null }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32('0+', { default: 0 }),
    allowReplicationFactorChange: bool('1+', { default: true }),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    responses: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
      }),
    }),
  },
})

/** A request as handlers get it. */
export type AlterPartitionReassignmentsRequest = RequestOf<typeof alterPartitionReassignments>
/** A response as handlers give it. */
export type AlterPartitionReassignmentsResponse = ResponseInput<typeof alterPartitionReassignments>
