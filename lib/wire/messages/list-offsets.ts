// ListOffsets: the offset for a timestamp, or for one of the special timestamps (-1 latest, -2 earliest, -3 maximum, …).
import { array, defineApi, int8, int16, int32, int64, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const listOffsets = defineApi({
  key: 2,
  name: 'ListOffsets',
  min: 1,
  max: 10,
  flexibleFrom: 6,
  request: {
    replicaId: int32('0+', { default: -1 }),
    isolationLevel: int8('2+', { default: 0 }),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        currentLeaderEpoch: int32('4+', { default: -1 }),
        timestamp: int64('0+'),
      }),
    }),
    timeoutMs: int32('10+', { default: 0 }),
  },
  response: {
    throttleTimeMs: int32('2+', { default: 0 }),
    topics: array('0+', {
      name: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        timestamp: int64('1+', { default: -1 }),
        offset: int64('1+', { default: -1 }),
        leaderEpoch: int32('4+', { default: -1 }),
      }),
    }),
  },
})

/** A request as handlers get it. */
export type ListOffsetsRequest = RequestOf<typeof listOffsets>
/** A response as handlers give it. */
export type ListOffsetsResponse = ResponseInput<typeof listOffsets>
