// ConsumerGroupHeartbeat, as of a group that was ticked (`tick.ts`): it joins (epoch 0), keeps a member in the group and leads
// it to its target, and leaves (-1, or -2 for a while). Every answer may get lost, so every request may come again: a member
// may come with the epoch before its current one as long as it owns nothing that it does not have, or join anew at any time.
import { assert } from '../../base/assert.ts'
import { GROUP_ASSIGNMENT_TOLD_MS, GROUP_WAITING_HEARTBEAT_MS } from '../../base/limits.ts'
import type { ConsumerGroup, ConsumerMember, Group } from '../group.ts'
import type { ConsumerHeartbeatAnswer, ConsumerHeartbeatRequest } from '../requests.ts'
import type { GroupRefusal, GroupSettings, Step, StepContext } from '../step.ts'
import { assignmentOf, isSame } from './assignment.ts'
import { TOO_LARGE } from './bounds.ts'
import { newConsumerGroup, upgrade } from './convert.ts'
import { leave } from './leave.ts'
import {
  identify,
  isRefusal,
  memberOf,
  memberOfInstance,
  newMember,
  replacementOf,
  withMember,
  withNewMember,
  withReplacement,
} from './members.ts'
import { isOwnedPlausible, isWaitingForOthers } from './reconcile.ts'
import { invalidity } from './request.ts'
import { settle } from './settle.ts'
import { describedBy, isSubscriptionChanged } from './subscription.ts'

type Answer = ConsumerHeartbeatAnswer | GroupRefusal

/** Decides a heartbeat. */
export function consumerHeartbeat(
  group: Group | undefined,
  request: ConsumerHeartbeatRequest,
  context: StepContext,
): Step<Answer> {
  const invalid = invalidity(request, group, context.settings)
  if (invalid !== undefined) return { group, answer: invalid }
  if (request.memberEpoch < 0) return leave(group, request, context)
  const room = roomFor(group, request, context)
  if (room.kind !== 'consumer') return { group, answer: room }
  const found = request.memberEpoch === 0 ? join(room, request, context) : stay(room, request)
  if (found.kind !== 'found') return { group, answer: found }
  const before = memberOf(found.group, found.memberId)
  assert(before !== undefined, 'a member that was found is in the group')
  const described = describedBy(before, request, context.settings)
  const settled = settle(
    {
      before: group,
      group: described === before ? found.group : withMember(found.group, described),
      memberId: found.memberId,
      owned: request.owned && assignmentOf(request.owned),
      isSubscriptionChanged: isSubscriptionChanged(before, described),
    },
    context,
  )
  if (settled === undefined) return { group, answer: TOO_LARGE }
  const { member } = settled
  const answer = answerTo(request, before, member, settled.group, context)
  return { group: settled.group, answer, seen: member.number }
}

/** The consumer group that the request is about, made if it joins one that is not there or is of the other protocol. */
function roomFor(
  group: Group | undefined,
  request: ConsumerHeartbeatRequest,
  context: StepContext,
): ConsumerGroup | GroupRefusal {
  if (group?.kind === 'consumer') return group
  const { groupId, memberEpoch } = request
  if (memberEpoch !== 0) return { kind: 'groupNotFound', message: `${groupId} is no consumer group.` }
  if (group === undefined || group.members.length === 0) return newConsumerGroup(groupId, group, context)
  return upgrade(group, context)
}

/** The group with the member in it, as it was before this request says anything of it. */
interface Found {
  readonly kind: 'found'
  readonly group: ConsumerGroup
  readonly memberId: string
}

function join(group: ConsumerGroup, request: ConsumerHeartbeatRequest, context: StepContext): Found | GroupRefusal {
  const { instanceId } = request
  // Version 0 lets the broker give the id.
  const memberId = request.memberId === '' ? context.newId() : request.memberId
  const known = memberOf(group, memberId)
  const old = instanceId === undefined ? undefined : memberOfInstance(group, instanceId)
  if (old !== undefined && (old !== known || old.memberEpoch < 0)) return comeBack(group, old, known, memberId)
  // A member that joins again, be it that the answer was lost: it owns nothing and is told all of its assignment.
  if (known !== undefined) return { kind: 'found', group, memberId }
  if (group.members.length >= context.settings.consumerMembersMax) {
    return { kind: 'groupFull', message: `${group.id} has as many members as a group may have.` }
  }
  return { kind: 'found', group: withNewMember(group, newMember(group, memberId)), memberId }
}

/** A static member comes back in the place of the one that left for a while, or spoke the classic protocol. */
function comeBack(
  group: ConsumerGroup,
  old: ConsumerMember,
  known: ConsumerMember | undefined,
  memberId: string,
): Found | GroupRefusal {
  if (old.memberEpoch >= 0 && old.classic === undefined) {
    return { kind: 'unreleasedInstance', message: `Instance ${old.instanceId} is still member ${old.memberId}.` }
  }
  if (known !== undefined && known !== old) {
    return { kind: 'invalidRequest', message: `${memberId} is another member of ${group.id}.` }
  }
  return { kind: 'found', group: withReplacement(group, old, replacementOf(group, old, memberId)), memberId }
}

function stay(group: ConsumerGroup, request: ConsumerHeartbeatRequest): Found | GroupRefusal {
  const member = identify(group, request)
  if (isRefusal(member)) return member
  const { memberEpoch, memberId } = request
  const owned = request.owned && assignmentOf(request.owned)
  const isAnswerLost = memberEpoch === member.previousEpoch && isOwnedPlausible(member, owned)
  if (memberEpoch === member.memberEpoch || (memberEpoch < member.memberEpoch && isAnswerLost)) {
    return { kind: 'found', group, memberId }
  }
  return {
    kind: 'fencedMemberEpoch',
    message: `${memberId} is at epoch ${member.memberEpoch} and has to give up everything and join again.`,
  }
}

/**
 * A member is told its assignment when it joins, when it says everything or owns something else, and when the assignment
 * changed. ⚠ The answer may get lost on a way that repeats the very same request, which then changes nothing any more: so it
 * is told for some time after the change, too.
 */
function answerTo(
  request: ConsumerHeartbeatRequest,
  before: ConsumerMember,
  member: ConsumerMember,
  group: ConsumerGroup,
  { nowMs, settings }: StepContext,
): ConsumerHeartbeatAnswer {
  const { memberEpoch, rebalanceTimeoutMs, subscribedTopics, subscribedPattern, owned } = request
  const saysTopics = subscribedTopics !== undefined || subscribedPattern !== undefined
  const saysAll = rebalanceTimeoutMs !== -1 && saysTopics && owned !== undefined
  const isOther = owned !== undefined && !isSame(assignmentOf(owned), member.assigned)
  const isChanged = !isSame(before.assigned, member.assigned)
  const isRecent = nowMs - (member.assignedMs ?? Number.NEGATIVE_INFINITY) < GROUP_ASSIGNMENT_TOLD_MS
  const isTold = memberEpoch === 0 || saysAll || isOther || isChanged || isRecent
  return {
    kind: 'beat',
    memberId: member.memberId,
    memberEpoch: member.memberEpoch,
    heartbeatIntervalMs: intervalOf(group, member, settings),
    assignment: isTold ? member.assigned : undefined,
  }
}

/** Who gives partitions up says so at once, so who waits for them asks more often: a rebalance takes one interval, not two. */
function intervalOf(group: ConsumerGroup, member: ConsumerMember, settings: GroupSettings): number {
  const usual = settings.consumerHeartbeatIntervalMs
  return isWaitingForOthers(group, member) ? Math.min(usual, GROUP_WAITING_HEARTBEAT_MS) : usual
}
