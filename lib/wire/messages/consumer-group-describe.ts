// ConsumerGroupDescribe (KIP-848): the state and the members of groups with server-side assignors, for administrators.
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
  struct,
  uuid,
} from '../schema.ts'

const assignment = {
  topicPartitions: array('0+', {
    topicId: uuid('0+'),
    topicName: string('0+'),
    partitions: array('0+', int32('0+')),
  }),
}

export const consumerGroupDescribe = defineApi({
  key: 69,
  name: 'ConsumerGroupDescribe',
  min: 0,
  max: 1,
  flexibleFrom: 0,
  request: {
    groupIds: array('0+', string('0+')),
    includeAuthorizedOperations: bool('0+'),
  },
  response: {
    throttleTimeMs: int32('0+', { default: 0 }),
    groups: array('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
      groupId: string('0+'),
      groupState: string('0+'),
      groupEpoch: int32('0+'),
      assignmentEpoch: int32('0+'),
      assignorName: string('0+'),
      members: array('0+', {
        memberId: string('0+'),
        instanceId: string('0+', { nullable: '0+', default: null }),
        rackId: string('0+', { nullable: '0+', default: null }),
        memberEpoch: int32('0+'),
        clientId: string('0+'),
        clientHost: string('0+'),
        subscribedTopicNames: array('0+', string('0+')),
        subscribedTopicRegex: string('0+', { nullable: '0+', default: null }),
        assignment: struct('0+', assignment),
        targetAssignment: struct('0+', assignment),
        /** -1 unknown, 0 speaks the classic protocol, 1 this one. */
        memberType: int8('1+', { default: -1 }),
      }),
      authorizedOperations: int32('0+', { default: -2147483648 }),
    }),
  },
})

/** A request as handlers get it. */
export type ConsumerGroupDescribeRequest = RequestOf<typeof consumerGroupDescribe>
/** A response as handlers give it. */
export type ConsumerGroupDescribeResponse = ResponseInput<typeof consumerGroupDescribe>
