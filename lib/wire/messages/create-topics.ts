// CreateTopics: new topics with partitions, replication factor and settings; -1 asks for the broker's default.
import { ZERO_TOPIC_ID } from '../../base/ids.ts'
import {
  array,
  bool,
  defineApi,
  int8,
  int16,
  int32,
  type RequestOf,
  type ResponseInput,
  string,
  uuid,
} from '../schema.ts'

export const createTopics = defineApi({
  key: 19,
  name: 'CreateTopics',
  min: 2,
  max: 7,
  flexibleFrom: 5,
  request: {
    topics: array('0+', {
      name: string('0+'),
      numPartitions: int32('0+'),
      replicationFactor: int16('0+'),
      assignments: array(
        '0+',
        {
          partitionIndex: int32('0+'),
          brokerIds: array('0+', int32('0+')),
        },
        { default: [] },
      ),
      configs: array(
        '0+',
        {
          name: string('0+'),
          value: string('0+', { nullable: '0+' }),
        },
        { default: [] },
      ),
    }),
    timeoutMs: int32('0+', { default: 60_000 }),
    validateOnly: bool('1+', { default: false }),
  },
  response: {
    throttleTimeMs: int32('2+', { default: 0 }),
    topics: array('0+', {
      name: string('0+'),
      topicId: uuid('7+', { default: ZERO_TOPIC_ID }),
      errorCode: int16('0+'),
      errorMessage: string('1+', { nullable: '0+', default: null }),
      topicConfigErrorCode: int16('5+', { tag: 0, default: 0 }),
      numPartitions: int32('5+', { default: -1 }),
      replicationFactor: int16('5+', { default: -1 }),
      configs: array(
        '5+',
        {
          name: string('5+'),
          value: string('5+', { nullable: '5+' }),
          readOnly: bool('5+'),
          configSource: int8('5+', { default: -1 }),
          isSensitive: bool('5+'),
        },
        { nullable: '5+', default: [] },
      ),
    }),
  },
})

/** A request as handlers get it. */
export type CreateTopicsRequest = RequestOf<typeof createTopics>
/** A response as handlers give it. */
export type CreateTopicsResponse = ResponseInput<typeof createTopics>
