// DescribeQuorum: who votes on the metadata log of KRaft, and how far each of them has it. Its only topic is
// `__cluster_metadata`, with one partition.
import { ZERO_TOPIC_ID } from '../../base/ids.ts'
import {
  array,
  defineApi,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseInput,
  string,
  uint16,
  uuid,
} from '../schema.ts'

const replicaState = {
  replicaId: int32('0+'),
  replicaDirectoryId: uuid('2+', { default: ZERO_TOPIC_ID }),
  logEndOffset: int64('0+'),
  /** -1 of the leader, or where it is not known. */
  lastFetchTimestamp: int64('1+', { default: -1 }),
  /** The present of the leader. */
  lastCaughtUpTimestamp: int64('1+', { default: -1 }),
}

export const describeQuorum = defineApi({
  key: 55,
  name: 'DescribeQuorum',
  min: 0,
  max: 2,
  flexibleFrom: 0,
  request: {
    topics: array('0+', {
      topicName: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
      }),
    }),
  },
  response: {
    errorCode: int16('0+'),
    errorMessage: string('2+', { nullable: '2+', default: '' }),
    topics: array('0+', {
      topicName: string('0+'),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('2+', { nullable: '2+', default: '' }),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+'),
        highWatermark: int64('0+'),
        currentVoters: array('0+', replicaState),
        observers: array('0+', replicaState),
      }),
    }),
    nodes: array(
      '2+',
      {
        nodeId: int32('2+'),
        listeners: array('2+', {
          name: string('2+'),
          host: string('2+'),
          port: uint16('2+'),
        }),
      },
      { default: [] },
    ),
  },
})

/** A request as handlers get it. */
export type DescribeQuorumRequest = RequestOf<typeof describeQuorum>
/** A response as handlers give it. */
export type DescribeQuorumResponse = ResponseInput<typeof describeQuorum>
