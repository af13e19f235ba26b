// ConsumerGroupHeartbeat (KIP-848): members join, live, learn their assignment and leave by this one API. What a request must
// hold follows from the epoch that it carries, and is judged here as Kafka does and in its order; everything that depends on
// the group is the group's to say. A group id that cannot be is an INVALID_REQUEST too: it is the code of this API that ends
// every client, where Kafka's for group ids makes librdkafka try for ever.
import { ErrorCode } from '../../wire/errors.ts'
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../wire/messages/consumer-group-heartbeat.ts'
import type { BrokerContext, Call } from '../context.ts'
import { groupFailure } from '../outcomes.ts'
import { clientOf, isGroupId } from './group-requests.ts'
import { isForCoordinator } from './hints.ts'

/** From this version on members choose their own id. */
const OWN_MEMBER_ID_FROM = 1
const JOIN = 0
const LEAVE = -1
const LEAVE_FOR_A_WHILE = -2

export async function handleConsumerGroupHeartbeat(
  context: BrokerContext,
  request: ConsumerGroupHeartbeatRequest,
  call: Call,
): Promise<ConsumerGroupHeartbeatResponse> {
  const problem = problemOf(request, call.apiVersion)
  if (problem !== undefined) return consumerGroupHeartbeatError(ErrorCode.INVALID_REQUEST, problem)
  if (request.memberEpoch >= JOIN && isForCoordinator(context, call, request.groupId)) {
    return consumerGroupHeartbeatError(ErrorCode.NOT_COORDINATOR, 'Another gateway knows this group better.')
  }
  const outcome = await context.groups.consumerHeartbeat({
    groupId: request.groupId,
    memberId: request.memberId,
    memberEpoch: request.memberEpoch,
    instanceId: request.instanceId ?? undefined,
    rackId: request.rackId ?? undefined,
    ...clientOf(call),
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    subscribedTopics: request.subscribedTopicNames ?? undefined,
    subscribedPattern: request.subscribedTopicRegex ?? undefined,
    serverAssignor: request.serverAssignor ?? undefined,
    owned: request.topicPartitions ?? undefined,
  })
  if (outcome.kind !== 'beat') {
    const { errorCode, errorMessage } = groupFailure(outcome, 'consumerHeartbeat')
    return consumerGroupHeartbeatError(errorCode, errorMessage)
  }
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    memberId: outcome.memberId,
    memberEpoch: outcome.memberEpoch,
    heartbeatIntervalMs: outcome.heartbeatIntervalMs,
    assignment: outcome.assignment === undefined ? null : { topicPartitions: outcome.assignment },
  }
}

/** Why the request makes no sense by itself, as a sentence. */
function problemOf(request: ConsumerGroupHeartbeatRequest, apiVersion: number): string | undefined {
  const { memberEpoch, instanceId } = request
  const needsMemberId = apiVersion >= OWN_MEMBER_ID_FROM || memberEpoch > JOIN || memberEpoch === LEAVE
  if (needsMemberId && isBlank(request.memberId)) return "MemberId can't be empty."
  if (isBlank(request.groupId)) return "GroupId can't be empty."
  if (!isGroupId(request.groupId)) return 'GroupId is too long.'
  if (isBlank(instanceId)) return "InstanceId can't be empty."
  if (isBlank(request.rackId)) return "RackId can't be empty."
  if (memberEpoch === JOIN) {
    if (request.rebalanceTimeoutMs === -1) return 'RebalanceTimeoutMs must be provided in first request.'
    if (request.topicPartitions === null || request.topicPartitions.length > 0) {
      return 'TopicPartitions must be empty when (re-)joining.'
    }
    if (request.subscribedTopicNames === null && request.subscribedTopicRegex === null) {
      return 'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.'
    }
  }
  if (memberEpoch === LEAVE_FOR_A_WHILE && instanceId === null) return "InstanceId can't be null."
  return memberEpoch < LEAVE_FOR_A_WHILE ? 'MemberEpoch is invalid.' : undefined
}

const isBlank = (text: string | null): boolean => text !== null && text.trim() === ''

export function consumerGroupHeartbeatError(
  errorCode: number,
  errorMessage: string | null,
): ConsumerGroupHeartbeatResponse {
  return {
    throttleTimeMs: 0,
    errorCode,
    errorMessage,
    memberId: null,
    memberEpoch: 0,
    heartbeatIntervalMs: 0,
    assignment: null,
  }
}
