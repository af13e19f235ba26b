// ConsumerGroupDescribe (KIP-848): state and members of groups whose partitions the broker assigns. For any other group the
// answer is that there is no such group of this kind, after which clients ask DescribeGroups.
import type { Assignment, ConsumerGroup, ConsumerMember } from '../../groups/group.ts'
import type { Log } from '../../log/log.ts'
import { ErrorCode } from '../../wire/errors.ts'
import type {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from '../../wire/messages/consumer-group-describe.ts'
import { GROUP_OPERATIONS, OPERATIONS_OMITTED } from '../authorized-operations.ts'
import type { BrokerContext } from '../context.ts'
import { groupFailure } from '../outcomes.ts'
import { eachGroup, isGroupId } from './group-requests.ts'

const CLASSIC_MEMBER = 0
const CONSUMER_MEMBER = 1

type Described = ConsumerGroupDescribeResponse['groups'][number]
type Member = Described['members'][number]

export async function handleConsumerGroupDescribe(
  context: BrokerContext,
  { groupIds, includeAuthorizedOperations }: ConsumerGroupDescribeRequest,
): Promise<ConsumerGroupDescribeResponse> {
  const groups = await eachGroup(groupIds, {
    id: (groupId) => groupId,
    answer: (groupId) => describe(context, groupId),
    sizeBytes: sizeOf,
    refuse: (groupId) => failed(groupId, ErrorCode.INVALID_REQUEST, 'Too much for one answer; ask about fewer groups.'),
  })
  const authorizedOperations = includeAuthorizedOperations ? GROUP_OPERATIONS : OPERATIONS_OMITTED
  return {
    throttleTimeMs: 0,
    groups: groups.map((group) => (group.errorCode === ErrorCode.NONE ? { ...group, authorizedOperations } : group)),
  }
}

export function consumerGroupDescribeError(
  { groupIds }: ConsumerGroupDescribeRequest,
  errorCode: number,
): ConsumerGroupDescribeResponse {
  return { throttleTimeMs: 0, groups: groupIds.map((groupId) => failed(groupId, errorCode, null)) }
}

async function describe({ log, groups, settings }: BrokerContext, groupId: string): Promise<Described> {
  if (!isGroupId(groupId)) {
    const { errorCode, errorMessage } = groupFailure({ kind: 'invalidGroupId' }, 'describeGroup')
    return failed(groupId, errorCode, errorMessage)
  }
  const outcome = await groups.describe(groupId)
  switch (outcome.kind) {
    case 'found':
      if (outcome.group.kind !== 'consumer') return notOfThisKind(groupId)
      return describeConsumer(outcome.group, outcome.state, log, settings.group.consumerAssignors[0] ?? '')
    case 'offsetsOnly':
      return notOfThisKind(groupId)
    case 'missing':
      return failed(groupId, ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`)
    default: {
      const { errorCode, errorMessage } = groupFailure(outcome, 'describeGroup')
      return failed(groupId, errorCode, errorMessage)
    }
  }
}

function describeConsumer(group: ConsumerGroup, groupState: string, log: Log, defaultAssignor: string): Described {
  return {
    errorCode: ErrorCode.NONE,
    groupId: group.id,
    groupState,
    groupEpoch: group.epoch,
    assignmentEpoch: group.targetEpoch,
    assignorName: assignorOf(group) ?? defaultAssignor,
    members: group.members.map((member) => describeMember(member, log)),
  }
}

function describeMember(member: ConsumerMember, log: Log): Member {
  return {
    memberId: member.memberId,
    instanceId: member.instanceId ?? null,
    rackId: member.rackId ?? null,
    memberEpoch: member.memberEpoch,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: member.subscribedTopics,
    subscribedTopicRegex: member.subscribedPattern ?? null,
    assignment: withNames(member.assigned, log),
    targetAssignment: withNames(member.target, log),
    memberType: member.classic === undefined ? CONSUMER_MEMBER : CLASSIC_MEMBER,
  }
}

/** The assignor that most members ask for, if any does. */
function assignorOf({ members }: ConsumerGroup): string | undefined {
  const votes = new Map<string, number>()
  for (const { serverAssignor } of members) {
    if (serverAssignor !== undefined) votes.set(serverAssignor, (votes.get(serverAssignor) ?? 0) + 1)
  }
  return [...votes].sort(([, a], [, b]) => b - a)[0]?.[0]
}

/** An assignment as it is told, without topics that are gone. */
function withNames(assignment: Assignment, log: Log): Member['assignment'] {
  return {
    topicPartitions: assignment.flatMap(({ topicId, partitions }) => {
      const topic = log.topicById(topicId)
      return topic === undefined ? [] : [{ topicId, topicName: topic.name, partitions }]
    }),
  }
}

const notOfThisKind = (groupId: string): Described =>
  failed(groupId, ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a consumer group.`)

function failed(groupId: string, errorCode: number, errorMessage: string | null): Described {
  return {
    errorCode,
    errorMessage,
    groupId,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: '',
    members: [],
  }
}

const MEMBER_BYTES = 512
const TOPIC_BYTES = 128
const PARTITION_BYTES = 8

function sizeOf({ members }: Described): number {
  let bytes = 0
  for (const { assignment, targetAssignment, subscribedTopicNames } of members) {
    bytes += MEMBER_BYTES + subscribedTopicNames.length * TOPIC_BYTES
    for (const { partitions } of [...assignment.topicPartitions, ...targetAssignment.topicPartitions]) {
      bytes += TOPIC_BYTES + partitions.length * PARTITION_BYTES
    }
  }
  return bytes
}
