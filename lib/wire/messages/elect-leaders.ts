// ElectLeaders: gives partitions back to their preferred leader (type 0), or a leader at any price (type 1); null partitions
// stand for all. Version 0 knows preferred leaders only.
import { array, defineApi, int8, int16, int32, type RequestOf, type ResponseInput, string } from '../schema.ts'

export const electLeaders = defineApi({
  key: 43,
  name: 'ElectLeaders',
  min: 0,
  max: 2,
  flexibleFrom: 2,
  request: {
    electionType: int8('1+', { default: 0 }),
    topicPartitions: array(
      '0+',
      {
        topic: string('0+'),
        partitions: array('0+', int32('0+')),
      },
      { nullable: '0+' },
    ),
    timeoutMs: int32('0+', { default: 60_000 }),
  },
  response: {
    throttleTimeMs: int32('0+', { default: 0 }),
    errorCode: int16('1+', { default: 0 }),
    replicaElectionResults: array('0+', {
      topic: string('0+'),
      partitionResult: array('0+', {
        partitionId: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
      }),
    }),
  },
})

/** A request as handlers get it. */
export type ElectLeadersRequest = RequestOf<typeof electLeaders>
/** A response as handlers give it. */
export type ElectLeadersResponse = ResponseInput<typeof electLeaders>
