// DescribeTopicPartitions: topics page by page. An answer has at most so many partitions; the cursor says where the next one
// begins. No topics ask for all of them. What Metadata says of the brokers is not here.
import { ZERO_TOPIC_ID } from '../../base/ids.ts'
import {
  array,
  bool,
  defineApi,
  int16,
  int32,
  type RequestOf,
  type ResponseInput,
  string,
  struct,
  uuid,
} from '../schema.ts'

/** "Not asked for", as authorized operations say it. */
const NO_OPERATIONS = -2147483648

const cursor = struct(
  '0+',
  {
    topicName: string('0+'),
    partitionIndex: int32('0+'),
  },
  { nullable: '0+', default: null },
)

export const describeTopicPartitions = defineApi({
  key: 75,
  name: 'DescribeTopicPartitions',
  min: 0,
  max: 0,
  flexibleFrom: 0,
  request: {
    topics: array('0+', {
      name: string('0+'),
    }),
    responsePartitionLimit: int32('0+', { default: 2000 }),
    cursor,
  },
  response: {
    throttleTimeMs: int32('0+', { default: 0 }),
    topics: array('0+', {
      errorCode: int16('0+'),
      name: string('0+', { nullable: '0+' }),
      topicId: uuid('0+', { default: ZERO_TOPIC_ID }),
      isInternal: bool('0+', { default: false }),
      partitions: array('0+', {
        errorCode: int16('0+'),
        partitionIndex: int32('0+'),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+', { default: -1 }),
        replicaNodes: array('0+', int32('0+')),
        isrNodes: array('0+', int32('0+')),
        eligibleLeaderReplicas: array('0+', int32('0+'), { nullable: '0+', default: null }),
        lastKnownElr: array('0+', int32('0+'), { nullable: '0+', default: null }),
        offlineReplicas: array('0+', int32('0+')),
      }),
      topicAuthorizedOperations: int32('0+', { default: NO_OPERATIONS }),
    }),
    nextCursor: cursor,
  },
})

/** A request as handlers get it. */
export type DescribeTopicPartitionsRequest = RequestOf<typeof describeTopicPartitions>
/** A response as handlers give it. */
export type DescribeTopicPartitionsResponse = ResponseInput<typeof describeTopicPartitions>
