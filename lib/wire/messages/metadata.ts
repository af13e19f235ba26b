// Metadata: the brokers and the topics with their leaders. A null list of topics asks for all; so does an empty one in
// version 0, which has no null. Topics have ids from version 10 on, and can be asked for by id alone from version 12 on.
import { ZERO_TOPIC_ID } from '../../base/ids.ts'
import { array, bool, defineApi, int16, int32, type RequestOf, type ResponseInput, string, uuid } from '../schema.ts'

/** "Not asked for", as authorized operations say it. */
const NO_OPERATIONS = -2147483648

export const metadata = defineApi({
  key: 3,
  name: 'Metadata',
  min: 0,
  max: 13,
  flexibleFrom: 9,
  request: {
    topics: array(
      '0+',
      {
        topicId: uuid('10+', { default: ZERO_TOPIC_ID }),
        name: string('0+', { nullable: '10+' }),
      },
      { nullable: '1+' },
    ),
    allowAutoTopicCreation: bool('4+', { default: true }),
    includeClusterAuthorizedOperations: bool('8-10', { default: false }),
    includeTopicAuthorizedOperations: bool('8+', { default: false }),
  },
  response: {
    throttleTimeMs: int32('3+', { default: 0 }),
    brokers: array('0+', {
      nodeId: int32('0+'),
      host: string('0+'),
      port: int32('0+'),
      rack: string('1+', { nullable: '1+', default: null }),
    }),
    clusterId: string('2+', { nullable: '2+', default: null }),
    controllerId: int32('1+', { default: -1 }),
    topics: array('0+', {
      errorCode: int16('0+'),
      name: string('0+', { nullable: '12+' }),
      topicId: uuid('10+', { default: ZERO_TOPIC_ID }),
      isInternal: bool('1+', { default: false }),
      partitions: array('0+', {
        errorCode: int16('0+'),
        partitionIndex: int32('0+'),
        leaderId: int32('0+'),
        leaderEpoch: int32('7+', { default: -1 }),
        replicaNodes: array('0+', int32('0+')),
        isrNodes: array('0+', int32('0+')),
        offlineReplicas: array('5+', int32('5+'), { default: [] }),
      }),
      topicAuthorizedOperations: int32('8+', { default: NO_OPERATIONS }),
    }),
    clusterAuthorizedOperations: int32('8-10', { default: NO_OPERATIONS }),
    errorCode: int16('13+', { default: 0 }),
  },
})

/** A request as handlers get it. */
export type MetadataRequest = RequestOf<typeof metadata>
/** A response as handlers give it. */
export type MetadataResponse = ResponseInput<typeof metadata>
