// OffsetCommit: stores how far a group has read. Version 10, which names topics by id, is not advertised.
import { array, defineApi, int16, int32, int64, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const offsetCommit = defineApi({
  key: 8,
  name: 'OffsetCommit',
  min: 2,
  max: 9,
  flexibleFrom: 8,
  request: {
    groupId: string('0+'),
    /** -1 with an empty member id: the client manages its offsets without being a member. */
    generationIdOrMemberEpoch: int32('1+', { default: -1 }),
    memberId: string('1+', { default: '' }),
    groupInstanceId: string('7+', { nullable: '7+', default: null }),
    retentionTimeMs: int64('2-4', { default: -1 }),
    topics: array('0+', {
      name: string('0-9'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        committedOffset: int64('0+'),
        committedLeaderEpoch: int32('6+', { default: -1 }),
        committedMetadata: string('0+', { nullable: '0+' }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32('3+', { default: 0 }),
    topics: array('0+', {
      name: string('0-9'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
      }),
    }),
  },
})

/** A request as handlers get it. */
export type OffsetCommitRequest = RequestOf<typeof offsetCommit>
/** A response as handlers give it. */
export type OffsetCommitResponse = ResponseInput<typeof offsetCommit>
