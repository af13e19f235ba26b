// JoinGroup to a consumer group: a member of the classic protocol joins a group that others have taken to KIP-848, or goes on
// in one. Each join takes the member one step towards its target, and is answered at once: its generation is its member epoch,
// and there is no leader, since the broker assigns. ⚠ The same join may be looked at any number of times until its client has
// the answer; it is known by its token and changes nothing twice.
import { GROUP_JOINS_REMEMBERED_MAX } from '../../base/limits.ts'
import { type ConsumerProtocolSubscription, decodeSubscription } from '../../wire/consumer-protocol.ts'
import { tooMuchSaid } from '../classic/bounds.ts'
import { join as joinClassic } from '../classic/join.ts'
import { beginRebalance } from '../classic/prepare-rebalance.ts'
import type { ConsumerGroup, ConsumerMember } from '../group.ts'
import type { JoinAnswer, JoinRequest } from '../requests.ts'
import type { GroupRefusal, GroupRefusalKind, Step, StepContext } from '../step.ts'
import { union } from './assignment.ts'
import { TOO_LARGE } from './bounds.ts'
import { type Classic, protocolOf } from './classic-members.ts'
import { asEmptyClassic, becomesClassic, CONSUMER, downgrade, supportsProtocols } from './convert.ts'
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
import { namesIn, namingOf, ownedOf } from './naming.ts'
import { isReconciled, phaseMs } from './reconcile.ts'
import { settle } from './settle.ts'
import { isSubscriptionChanged } from './subscription.ts'

/** Decides a join. */
export function join(group: ConsumerGroup, request: JoinRequest, context: StepContext): Step<JoinAnswer> {
  if (group.members.length === 0) return joinAnew(group, request, context)
  const answered = group.members.find(({ classic }) => classic?.joined === request.token)
  if (answered !== undefined) return { group, answer: joined(answered), seen: answered.number }
  // Who asks is most likely a process whose client went elsewhere, so it says nothing of the member or of what it owns.
  const overtaken = group.members.find((member) => isOvertaken(member, request.token))
  if (overtaken !== undefined) return { group, answer: joined(overtaken) }
  const subscription = acceptable(group, request, context)
  if ('kind' in subscription) return refuse(group, request, subscription)
  const found = findMember(group, request, subscription, context)
  if (found.kind !== 'found') return refuse(group, request, found)
  const before = memberOf(found.group, found.memberId)!
  const described = describedBy(before, request, subscription, context)
  const has = union(before.assigned, before.pendingRevocation)
  const settled = settle(
    {
      before: group,
      group: withMember(found.group, described),
      memberId: found.memberId,
      owned: ownedOf(subscription.ownedPartitions, has, namingOf(group.topics, context.topics)),
      isSubscriptionChanged: isSubscriptionChanged(before, described),
    },
    context,
  )
  if (settled === undefined) return refuse(group, request, TOO_LARGE)
  const { member } = settled
  return { group: asClassicIfAll(group, settled.group, context), answer: joined(member), seen: member.number }
}

/** A group without members becomes a classic one, unless the join is refused there. */
function joinAnew(group: ConsumerGroup, request: JoinRequest, context: StepContext): Step<JoinAnswer> {
  const empty = asEmptyClassic(group)
  const step = joinClassic(empty, request, context)
  return step.group === empty ? { ...step, group } : step
}

/** What the member wants, or why it is refused whoever it is. */
function acceptable(
  group: ConsumerGroup,
  request: JoinRequest,
  { settings }: StepContext,
): ConsumerProtocolSubscription | GroupRefusal {
  const { groupId, sessionTimeoutMs } = request
  if (groupId === '') return { kind: 'invalidGroupId' }
  if (sessionTimeoutMs < settings.sessionTimeoutMsMin || sessionTimeoutMs > settings.sessionTimeoutMsMax) {
    return { kind: 'invalidSessionTimeout' }
  }
  const tooMuch = tooMuchSaid(request)
  if (tooMuch !== undefined) return tooMuch
  if (!supportsProtocols(group, request)) return { kind: 'inconsistentProtocol' }
  // All protocols of a consumer say the same.
  const subscription = decodeSubscription(Buffer.from(request.protocols[0]?.metadata ?? '', 'base64'))
  return subscription ?? { kind: 'inconsistentProtocol' }
}

interface Found {
  readonly kind: 'found'
  readonly group: ConsumerGroup
  readonly memberId: string
}

function findMember(
  group: ConsumerGroup,
  request: JoinRequest,
  { ownedPartitions }: ConsumerProtocolSubscription,
  context: StepContext,
): Found | GroupRefusal {
  const { memberId, instanceId, token } = request
  // It waited in a classic group that has become this one.
  const waiting = group.members.find(({ classic }) => classic?.joining === token)
  if (waiting !== undefined) return { kind: 'found', group, memberId: waiting.memberId }
  if (instanceId !== undefined && memberId !== '') {
    const member = identify(group, request)
    return isRefusal(member) ? member : { kind: 'found', group, memberId }
  }
  const old = instanceId === undefined ? undefined : memberOfInstance(group, instanceId)
  if (old !== undefined) return replace(group, old, request, context)
  const isKnown = memberOf(group, memberId) !== undefined
  if (!isKnown && group.members.length >= context.settings.consumerMembersMax) return { kind: 'groupFull' }
  const id = memberId === '' ? `${instanceId ?? request.clientId}-${context.newId()}` : memberId
  if (memberId === '' && instanceId === undefined && request.memberIdRequired) {
    return { kind: 'memberIdRequired', memberId: id }
  }
  if (isKnown) return { kind: 'found', group, memberId }
  // It was a member until its session ended, and has not heard that it lost what it owned. Told so now it joins anew;
  // otherwise it would be a member, and could commit, before it has stopped reading what others have.
  if (ownedPartitions.length > 0) return { kind: 'unknownMember' }
  return { kind: 'found', group: withNewMember(group, newMember(group, id)), memberId: id }
}

/** A static member that comes without its member id has started anew, and whoever had the instance until now is fenced. */
function replace(
  group: ConsumerGroup,
  old: ConsumerMember,
  { token }: JoinRequest,
  context: StepContext,
): Found | GroupRefusal {
  // A repeat of a join that is over: somebody has come after it.
  if (old.classic?.arrivals?.includes(token)) return { kind: 'fencedInstance' }
  const memberId = `${old.instanceId}-${context.newId()}`
  return { kind: 'found', group: withReplacement(group, old, replacementOf(group, old, memberId)), memberId }
}

/** The member as its join describes it. */
function describedBy(
  member: ConsumerMember,
  request: JoinRequest,
  { topics, rackId }: ConsumerProtocolSubscription,
  { nowMs }: StepContext,
): ConsumerMember {
  const { subscribedPattern: _, serverAssignor: _assignor, revokeDeadlineMs: _deadline, ...rest } = member
  const { instanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols, token } = request
  return {
    ...rest,
    ...(instanceId === undefined ? {} : { instanceId }),
    ...(rackId === null || rackId === '' ? {} : { rackId }),
    clientId,
    clientHost,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    subscribedTopics: namesIn(topics),
    classic: {
      protocols: protocols.map(({ name, metadata }) => ({ name, metadata })),
      joined: token,
      ...joinsOf(member.classic, request),
      synced: false,
      syncDeadlineMs: nowMs + phaseMs(request),
    },
  }
}

/** Whether the member has sent a newer join since: after one that was answered, or after the one that made it. */
function isOvertaken({ classic, instanceId }: ConsumerMember, token: string): boolean {
  if (classic?.overtaken?.includes(token)) return true
  return instanceId === undefined && classic?.arrivals?.includes(token) === true && classic.joining !== token
}

/** The tokens by which repeats of earlier joins are known. */
function joinsOf(
  { arrivals = [], overtaken = [], joined }: Partial<Classic> = {},
  { instanceId, memberId, token }: JoinRequest,
): Pick<Classic, 'arrivals' | 'overtaken'> {
  const isArrival = instanceId !== undefined && memberId === '' && !arrivals.includes(token)
  const arrived = isArrival ? [...arrivals, token] : arrivals
  const answered = joined === undefined ? overtaken : [...overtaken, joined]
  return {
    ...(arrived.length === 0 ? {} : { arrivals: arrived.slice(-GROUP_JOINS_REMEMBERED_MAX) }),
    ...(answered.length === 0 ? {} : { overtaken: answered.slice(-GROUP_JOINS_REMEMBERED_MAX) }),
  }
}

/**
 * The last KIP-848 member may have been a static one that this join replaced. Where everybody has what it is to have the
 * classic group is stable at once; else all of them join again.
 */
function asClassicIfAll(
  before: ConsumerGroup,
  group: ConsumerGroup,
  context: StepContext,
): ReturnType<typeof beginRebalance> | ConsumerGroup {
  const wasMixed = before.members.some(({ classic }) => classic === undefined)
  if (!wasMixed || !becomesClassic(group.members, context.settings)) return group
  const classic = downgrade(group, context.topics)
  const isSettled = group.epoch === group.targetEpoch && group.members.every((member) => isReconciled(member, group))
  return isSettled ? classic : beginRebalance(classic, context)
}

/** As a follower is told: nobody leads. */
function joined(member: ConsumerMember): JoinAnswer {
  return {
    kind: 'joined',
    generation: member.memberEpoch,
    protocolType: CONSUMER,
    protocol: member.classic === undefined ? '' : protocolOf(member.classic),
    leader: '',
    memberId: member.memberId,
    skipAssignment: false,
    members: [],
  }
}

function refuse(
  group: ConsumerGroup,
  request: JoinRequest,
  refusal: GroupRefusal | GroupRefusalKind,
): Step<JoinAnswer> {
  const answer = typeof refusal === 'string' ? { kind: refusal } : refusal
  return { group, answer: { memberId: request.memberId, ...answer } }
}
