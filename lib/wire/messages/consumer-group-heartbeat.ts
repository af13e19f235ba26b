// ConsumerGroupHeartbeat (KIP-848): a member joins, says what it owns, learns its assignment and leaves, all by this one API.
// A null field says that nothing changed, in both directions.
import { array, defineApi, int16, int32, type RequestOf, type ResponseInput, string, struct, uuid } from '../schema.ts'

const topicPartitions = {
  topicId: uuid('0+'),
  partitions: array('0+', int32('0+')),
}

export const consumerGroupHeartbeat = defineApi({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  min: 0,
  max: 1,
  flexibleFrom: 0,
  request: {
    groupId: string('0+'),
    /** Version 1: the client's own choice, never empty. */
    memberId: string('0+'),
    /** 0 joins, -1 leaves, -2 a static member leaves for a while. */
    memberEpoch: int32('0+'),
    instanceId: string('0+', { nullable: '0+', default: null }),
    rackId: string('0+', { nullable: '0+', default: null }),
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    subscribedTopicNames: array('0+', string('0+'), { nullable: '0+', default: null }),
    subscribedTopicRegex: string('1+', { nullable: '1+', default: null }),
    serverAssignor: string('0+', { nullable: '0+', default: null }),
    topicPartitions: array('0+', topicPartitions, { nullable: '0+', default: null }),
  },
  response: {
    throttleTimeMs: int32('0+', { default: 0 }),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    memberId: string('0+', { nullable: '0+', default: null }),
    memberEpoch: int32('0+'),
    heartbeatIntervalMs: int32('0+'),
    assignment: struct('0+', { topicPartitions: array('0+', topicPartitions) }, { nullable: '0+', default: null }),
  },
})

/** A request as handlers get it. */
export type ConsumerGroupHeartbeatRequest = RequestOf<typeof consumerGroupHeartbeat>
/** A response as handlers give it. */
export type ConsumerGroupHeartbeatResponse = ResponseInput<typeof consumerGroupHeartbeat>
