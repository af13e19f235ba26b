// The one table from outcomes of the log to Kafka's error codes. What could not be served is always answered with a code
// that clients of that API retry by themselves; which one that is differs by API, because clients know different codes in
// different places:
// - Produce: NOT_LEADER_OR_FOLLOWER says "nothing was written here, look for the leader again" and is the one code that
//   every client retries (sarama and rskafka give up on KAFKA_STORAGE_ERROR). REQUEST_TIMED_OUT says "perhaps written":
//   librdkafka tells the two apart, so `unknown` may not be answered with the former.
// - Fetch, ListOffsets, OffsetForLeaderEpoch: the same; REQUEST_TIMED_OUT would be an unexpected code to the Java consumer.
// - Metadata: LEADER_NOT_AVAILABLE, Kafka's own answer while it cannot say more.
// - Changes by an administrator: NOT_CONTROLLER is what the Java and KafkaJS admin clients repeat elsewhere; after
//   REQUEST_TIMED_OUT they do not, which is right for a change that may have happened.
// - Groups: Java, librdkafka, sarama and KafkaJS agree on one code in few places, hence a purpose for each.
//   COORDINATOR_LOAD_IN_PROGRESS makes clients pause and ask the same gateway again, where they know it: for commits, for
//   reading committed offsets (librdkafka never asks again for a partition after any of the two others), for heartbeats of
//   KIP-848 (Java repeats those without a pause after the two others). It ends Java's SyncGroup and Heartbeat for good.
//   NOT_COORDINATOR is what joins are repeated after by all of them (KafkaJS and sarama crash the session on the others).
//   COORDINATOR_NOT_AVAILABLE keeps a member in its generation when a heartbeat fails (after NOT_COORDINATOR KafkaJS rejoins,
//   hence a rebalance for a hiccup of the store); it is what ListGroups is repeated after, and Kafka's own answer to a commit
//   in doubt. A commit may always be repeated, a deletion should not: its repeat would find nothing to delete.
import type { CommitOutcome } from '../groups/groups.ts'
import type { GroupRefusal, GroupRefusalKind } from '../groups/step.ts'
import type {
  AppendBatchOutcome,
  ChangeTopicOutcome,
  CreateTopicOutcome,
  DeleteTopicOutcome,
  FetchPartitionOutcome,
  ListOffsetOutcome,
  TrimOutcome,
  Unserved,
} from '../log/log.ts'
import type { TopicConfigVerdict } from '../log/topic-settings.ts'
import { ErrorCode } from '../wire/errors.ts'

/** What kind of request was being answered. */
export type Purpose = 'produce' | 'read' | 'metadata' | 'describe' | 'change' | GroupPurpose
/**
 * JoinGroup and SyncGroup; Heartbeat and LeaveGroup; ConsumerGroupHeartbeat; OffsetCommit; OffsetFetch; what administrators
 * ask; DeleteGroups and OffsetDelete.
 */
export type GroupPurpose =
  | 'join'
  | 'heartbeat'
  | 'consumerHeartbeat'
  | 'commit'
  | 'committed'
  | 'describeGroup'
  | 'changeGroup'

/** An error as a response tells it: the code, and a sentence for the versions that have room for one. */
export interface Failure {
  readonly errorCode: number
  readonly errorMessage: string
}

const UNSERVED: Record<Purpose, Record<Unserved['kind'], number>> = {
  produce: {
    unavailable: ErrorCode.NOT_LEADER_OR_FOLLOWER,
    unknown: ErrorCode.REQUEST_TIMED_OUT,
    halted: ErrorCode.NOT_LEADER_OR_FOLLOWER,
  },
  read: {
    unavailable: ErrorCode.NOT_LEADER_OR_FOLLOWER,
    unknown: ErrorCode.NOT_LEADER_OR_FOLLOWER,
    halted: ErrorCode.NOT_LEADER_OR_FOLLOWER,
  },
  metadata: {
    unavailable: ErrorCode.LEADER_NOT_AVAILABLE,
    unknown: ErrorCode.LEADER_NOT_AVAILABLE,
    halted: ErrorCode.LEADER_NOT_AVAILABLE,
  },
  describe: {
    unavailable: ErrorCode.REQUEST_TIMED_OUT,
    unknown: ErrorCode.REQUEST_TIMED_OUT,
    halted: ErrorCode.REQUEST_TIMED_OUT,
  },
  change: {
    unavailable: ErrorCode.NOT_CONTROLLER,
    unknown: ErrorCode.REQUEST_TIMED_OUT,
    halted: ErrorCode.NOT_CONTROLLER,
  },
  join: {
    unavailable: ErrorCode.NOT_COORDINATOR,
    unknown: ErrorCode.NOT_COORDINATOR,
    halted: ErrorCode.NOT_COORDINATOR,
  },
  heartbeat: {
    unavailable: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    unknown: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    halted: ErrorCode.NOT_COORDINATOR,
  },
  consumerHeartbeat: {
    unavailable: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    unknown: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    halted: ErrorCode.NOT_COORDINATOR,
  },
  commit: {
    unavailable: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    unknown: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    halted: ErrorCode.NOT_COORDINATOR,
  },
  committed: {
    unavailable: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    unknown: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    halted: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  },
  describeGroup: {
    unavailable: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    unknown: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    halted: ErrorCode.COORDINATOR_NOT_AVAILABLE,
  },
  changeGroup: {
    unavailable: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    unknown: ErrorCode.REQUEST_TIMED_OUT,
    halted: ErrorCode.NOT_COORDINATOR,
  },
}

const UNSERVED_MESSAGE: Record<Unserved['kind'], string> = {
  unavailable: 'The store did not answer. Nothing was changed; try again.',
  unknown: 'The store did not confirm in time. The change may have been made, or not.',
  halted: 'This gateway has stopped serving, because the journal is newer than it or was restored. Try another one.',
}

/** The error of something that could not be done now. */
export function unserved(outcome: Unserved, purpose: Purpose): Failure {
  return { errorCode: UNSERVED[purpose][outcome.kind], errorMessage: UNSERVED_MESSAGE[outcome.kind] }
}

/** How a request named the topic decides which "unknown" it is told. */
export type NamedBy = 'name' | 'id'

/** The error of a topic, or of a partition of it, that is not there. */
export function unknownTopic(by: NamedBy = 'name'): Failure {
  return by === 'id'
    ? { errorCode: ErrorCode.UNKNOWN_TOPIC_ID, errorMessage: 'This server does not host this topic ID.' }
    : {
        errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        errorMessage: 'This server does not host this topic-partition.',
      }
}

/** The error of a batch that was not appended. A duplicate is no error: it is answered with its first offset. */
export function appendFailure(outcome: AppendBatchOutcome): Failure | undefined {
  switch (outcome.kind) {
    case 'appended':
    case 'found':
    case 'duplicate':
      return undefined
    case 'outOfOrderSequence':
      return {
        errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        errorMessage: "The batch's sequence number does not follow the producer's last one in this partition.",
      }
    case 'invalidProducerEpoch':
      return {
        errorCode: ErrorCode.INVALID_PRODUCER_EPOCH,
        errorMessage: 'The producer id is in use with a newer epoch.',
      }
    case 'unknownTopic':
      return unknownTopic()
    case 'tooLarge':
      return {
        errorCode: ErrorCode.MESSAGE_TOO_LARGE,
        errorMessage: 'Compressed as the topic asks for, the batch is too long for a request this short.',
      }
    case 'limit':
      // Nothing was written and the client shall come back later, without looking for another leader.
      return {
        errorCode: ErrorCode.NOT_ENOUGH_REPLICAS,
        errorMessage: 'The partition has too many unmerged batches; try again later.',
      }
    default:
      return unserved(outcome, 'produce')
  }
}

/** The error of a partition that could not be read. */
export function fetchFailure(
  outcome: Exclude<FetchPartitionOutcome, { readonly kind: 'records' }>,
  by: NamedBy,
): Failure {
  switch (outcome.kind) {
    case 'outOfRange':
      return {
        errorCode: ErrorCode.OFFSET_OUT_OF_RANGE,
        errorMessage: 'The requested offset is not within the range of offsets maintained by the server.',
      }
    case 'unknownTopic':
      return unknownTopic(by)
    default:
      return unserved(outcome, 'read')
  }
}

/** The error of an offset that could not be looked up. */
export function listOffsetFailure(outcome: Exclude<ListOffsetOutcome, { readonly kind: 'found' | 'none' }>): Failure {
  return outcome.kind === 'unknownTopic' ? unknownTopic() : unserved(outcome, 'read')
}

/** The error of a log start that was not moved. A repeat does no harm, so what is in doubt is to be asked for again. */
export function trimFailure(outcome: Exclude<TrimOutcome, { readonly kind: 'trimmed' }>): Failure {
  switch (outcome.kind) {
    case 'outOfRange':
      return {
        errorCode: ErrorCode.OFFSET_OUT_OF_RANGE,
        errorMessage: 'The requested offset is not within the range of offsets maintained by the server.',
      }
    case 'unknownTopic':
      return unknownTopic()
    default:
      return unserved(outcome, 'read')
  }
}

/** The error of a topic that was not created. */
export function createTopicFailure(
  outcome: Exclude<CreateTopicOutcome, { readonly kind: 'created' }>,
  name: string,
  purpose: 'change' | 'metadata' = 'change',
): Failure {
  switch (outcome.kind) {
    case 'exists':
      return { errorCode: ErrorCode.TOPIC_ALREADY_EXISTS, errorMessage: `Topic '${name}' already exists.` }
    case 'limit':
      return limit()
    default:
      return unserved(outcome, purpose)
  }
}

/** The error of a topic that was not changed, for good. */
export function changeTopicFailure(outcome: Exclude<ChangeTopicOutcome, { readonly kind: 'changed' }>): Failure {
  switch (outcome.kind) {
    case 'stale':
      // Others kept changing the topic between our reading and our writing it, many times in a row: nothing happened.
      return unserved({ kind: 'unavailable' }, 'change')
    case 'unknownTopic':
      return unknownTopic()
    case 'limit':
      return limit()
    default:
      return unserved(outcome, 'change')
  }
}

/** The error of a topic that was not deleted. */
export function deleteTopicFailure(
  outcome: Exclude<DeleteTopicOutcome, { readonly kind: 'deleted' }>,
  by: NamedBy,
): Failure {
  return outcome.kind === 'unknownTopic' ? unknownTopic(by) : unserved(outcome, 'change')
}

type InvalidConfig = Exclude<TopicConfigVerdict, { readonly kind: 'ok' }>

/** The error of configs that cannot be; names what may have been meant. */
export function configFailure(verdict: InvalidConfig): Failure
export function configFailure(verdict: TopicConfigVerdict): Failure | undefined
export function configFailure(verdict: TopicConfigVerdict): Failure | undefined {
  if (verdict.kind === 'ok') return undefined
  const hint = verdict.kind === 'unknown' && verdict.nearest !== undefined ? `. Did you mean ${verdict.nearest}?` : ''
  return { errorCode: ErrorCode.INVALID_CONFIG, errorMessage: verdict.message + hint }
}

function limit(): Failure {
  return {
    errorCode: ErrorCode.POLICY_VIOLATION,
    errorMessage: 'The number of topics or partitions has reached its limit.',
  }
}

/** Why groups refuse: the code, and what it says when the refusal does not say more. */
const REFUSALS: Record<GroupRefusalKind, readonly [errorCode: number, message: string]> = {
  unknownMember: [ErrorCode.UNKNOWN_MEMBER_ID, 'The group does not know this member.'],
  memberIdRequired: [ErrorCode.MEMBER_ID_REQUIRED, 'Join again with the member id that this answer gives.'],
  illegalGeneration: [ErrorCode.ILLEGAL_GENERATION, "The generation is not the group's."],
  rebalanceInProgress: [ErrorCode.REBALANCE_IN_PROGRESS, 'The group is rebalancing; join again.'],
  inconsistentProtocol: [
    ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
    "The protocol type or the protocols do not go with those of the group's members.",
  ],
  invalidSessionTimeout: [
    ErrorCode.INVALID_SESSION_TIMEOUT,
    'The session timeout is outside what group.min.session.timeout.ms and group.max.session.timeout.ms allow.',
  ],
  invalidGroupId: [ErrorCode.INVALID_GROUP_ID, 'No group can have this id.'],
  groupFull: [ErrorCode.GROUP_MAX_SIZE_REACHED, 'The group has no room for another member.'],
  fencedInstance: [ErrorCode.FENCED_INSTANCE_ID, 'Another member has taken over this group.instance.id.'],
  unreleasedInstance: [ErrorCode.UNRELEASED_INSTANCE_ID, 'Another member still uses this group.instance.id.'],
  fencedMemberEpoch: [ErrorCode.FENCED_MEMBER_EPOCH, "The epoch is not the member's; join again."],
  staleMemberEpoch: [ErrorCode.STALE_MEMBER_EPOCH, 'The epoch is older than the member; try again with the new one.'],
  unsupportedAssignor: [ErrorCode.UNSUPPORTED_ASSIGNOR, 'There is no such assignor.'],
  invalidPattern: [ErrorCode.INVALID_REGULAR_EXPRESSION, 'The regular expression is not one of RE2.'],
  invalidRequest: [ErrorCode.INVALID_REQUEST, 'The request contradicts itself.'],
  groupNotFound: [ErrorCode.GROUP_ID_NOT_FOUND, 'There is no such group.'],
  groupNotEmpty: [ErrorCode.NON_EMPTY_GROUP, 'The group has members.'],
  groupSubscribedToTopic: [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC, 'Members of the group are subscribed to the topic.'],
}

/** The error of what a group refused, or of what could not be done now. */
export function groupFailure(outcome: GroupRefusal | Unserved, purpose: GroupPurpose): Failure {
  if (outcome.kind === 'unavailable' || outcome.kind === 'unknown' || outcome.kind === 'halted') {
    return unserved(outcome, purpose)
  }
  const [errorCode, message] = REFUSALS[outcome.kind]
  return { errorCode, errorMessage: outcome.message ?? message }
}

/** The error of a commit, of each of its partitions. */
export function commitFailure(outcome: Exclude<CommitOutcome, { readonly kind: 'committed' }>): Failure {
  if (outcome.kind !== 'limit') return groupFailure(outcome, 'commit')
  // The one code that clients hand to their application instead of trying again.
  return {
    errorCode: ErrorCode.INVALID_COMMIT_OFFSET_SIZE,
    errorMessage: 'The number of groups, or of offsets of the group, has reached its limit.',
  }
}
