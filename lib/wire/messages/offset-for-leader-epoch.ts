// OffsetForLeaderEpoch: where the log of a leader epoch ends, by which clients notice a truncated log.
import { array, defineApi, int16, int32, int64, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const offsetForLeaderEpoch = defineApi({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  min: 2,
  max: 4,
  flexibleFrom: 4,
  request: {
    replicaId: int32('3+', { default: -2 }),
    topics: array('0+', {
      topic: string('0+'),
      partitions: array('0+', {
        partition: int32('0+'),
        currentLeaderEpoch: int32('2+', { default: -1 }),
        leaderEpoch: int32('0+'),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32('2+', { default: 0 }),
    topics: array('0+', {
      topic: string('0+'),
      partitions: array('0+', {
        errorCode: int16('0+'),
        partition: int32('0+'),
        leaderEpoch: int32('1+', { default: -1 }),
        endOffset: int64('0+', { default: -1 }),
      }),
    }),
  },
})

/** A request as handlers get it. */
export type OffsetForLeaderEpochRequest = RequestOf<typeof offsetForLeaderEpoch>
/** A response as handlers give it. */
export type OffsetForLeaderEpochResponse = ResponseInput<typeof offsetForLeaderEpoch>
