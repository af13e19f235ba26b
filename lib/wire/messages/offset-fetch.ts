// OffsetFetch: how far groups have read. One group in the fields of the request itself up to version 7, many in `groups` from
// version 8 on. Version 10, which names topics by id, is not advertised.
import { array, bool, defineApi, int16, int32, int64, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const offsetFetch = defineApi({
  key: 9,
  name: 'OffsetFetch',
  min: 1,
  max: 9,
  flexibleFrom: 6,
  request: {
    groupId: string('0-7', { default: '' }),
    /** Null: all topics that the group has offsets of. */
    topics: array(
      '0-7',
      {
        name: string('0-7'),
        partitionIndexes: array('0-7', int32('0-7')),
      },
      { nullable: '2-7', default: [] },
    ),
    groups: array(
      '8+',
      {
        groupId: string('8+'),
        memberId: string('9+', { nullable: '9+', default: null }),
        /** KIP-848; -1: not asked for as a member. */
        memberEpoch: int32('9+', { default: -1 }),
        topics: array(
          '8+',
          {
            name: string('8-9'),
            partitionIndexes: array('8+', int32('8+')),
          },
          { nullable: '8+' },
        ),
      },
      { default: [] },
    ),
    requireStable: bool('7+', { default: false }),
  },
  response: {
    throttleTimeMs: int32('3+', { default: 0 }),
    topics: array(
      '0-7',
      {
        name: string('0-7'),
        partitions: array('0-7', {
          partitionIndex: int32('0-7'),
          committedOffset: int64('0-7'),
          committedLeaderEpoch: int32('5-7', { default: -1 }),
          metadata: string('0-7', { nullable: '0-7' }),
          errorCode: int16('0-7'),
        }),
      },
      { default: [] },
    ),
    errorCode: int16('2-7', { default: 0 }),
    groups: array(
      '8+',
      {
        groupId: string('8+'),
        topics: array('8+', {
          name: string('8-9'),
          partitions: array('8+', {
            partitionIndex: int32('8+'),
            committedOffset: int64('8+'),
            committedLeaderEpoch: int32('8+', { default: -1 }),
            metadata: string('8+', { nullable: '8+' }),
            errorCode: int16('8+'),
          }),
        }),
        errorCode: int16('8+', { default: 0 }),
      },
      { default: [] },
    ),
  },
})

/** A request as handlers get it. */
export type OffsetFetchRequest = RequestOf<typeof offsetFetch>
/** A response as handlers give it. */
export type OffsetFetchResponse = ResponseInput<typeof offsetFetch>
