// From one protocol to the other. A group without members is simply made anew in the other protocol. A running group whose
// members speak the consumers' embedded protocol changes online (KIP-848): with the first member that sends
// ConsumerGroupHeartbeat it becomes a consumer group in which the others go on with the classic requests, and when the last
// such member is gone a classic group again. ⚠ Fence, epoch or generation, and member numbers go on across every change.
import { consumerProtocolVersion, decodeAssignment, decodeSubscription } from '../../wire/consumer-protocol.ts'
import { chooseProtocol } from '../classic/complete-rebalance.ts'
import { metadataFor } from '../classic/join-answer.ts'
import { commonProtocols } from '../classic/members.ts'
import type { Assignment, ClassicGroup, ClassicMember, ConsumerGroup, ConsumerMember } from '../group.ts'
import type { GroupRefusal, GroupSettings, StepContext, TopicsView } from '../step.ts'
import { minus, NONE, union } from './assignment.ts'
import { embedded, type Naming, namesIn, namingOf, partitionsOf } from './naming.ts'

/** The protocol type of members that consume, in the classic protocol. */
export const CONSUMER = 'consumer'

/** A consumer group without members, where there is no group or a classic one without members. */
export function newConsumerGroup(id: string, before: ClassicGroup | undefined, context: StepContext): ConsumerGroup {
  return {
    kind: 'consumer',
    id,
    fence: Math.max(context.foldedFence, before?.fence ?? 0) + 1,
    nextMemberNumber: before?.nextMemberNumber ?? 0,
    emptySinceMs: context.nowMs,
    epoch: before?.generation ?? 0,
    targetEpoch: before?.generation ?? 0,
    topics: [],
    topicsAsOf: context.topics.asOf(),
    patterns: [],
    members: [],
  }
}

/** A classic group without members in the place of a consumer group without members. */
export function asEmptyClassic(group: ConsumerGroup): ClassicGroup {
  const { id, fence, nextMemberNumber, emptySinceMs, epoch } = group
  return {
    kind: 'classic',
    id,
    fence: fence + 1,
    nextMemberNumber,
    ...(emptySinceMs === undefined ? {} : { emptySinceMs }),
    phase: 'empty',
    generation: epoch,
    members: [],
    pending: [],
  }
}

const mayUpgrade = ({ migration }: GroupSettings): boolean => migration === 'upgrade' || migration === 'bidirectional'
const mayDowngrade = ({ migration }: GroupSettings): boolean =>
  migration === 'downgrade' || migration === 'bidirectional'

/**
 * A running classic group as a consumer group, its members with what they have, or why it cannot become one. ⚠ Topics must be
 * as they are now: of a topic that this process has not heard of yet nobody would have anything.
 */
export function upgrade(group: ClassicGroup, context: StepContext): ConsumerGroup | GroupRefusal {
  const refuse = (why: string): GroupRefusal => {
    return { kind: 'groupNotFound', message: `${group.id} is a classic group and stays one: ${why}.` }
  }
  if (!mayUpgrade(context.settings)) return refuse('group.consumer.migration.policy forbids the upgrade')
  if (group.protocolType !== CONSUMER) return refuse(`its members are of type ${group.protocolType}`)
  if (group.members.length > context.settings.consumerMembersMax) return refuse('it has too many members')
  const naming = namingOf([], context.topics)
  const read = group.members.map((member) => readMember(member, group, naming))
  const unread = read.indexOf(undefined)
  if (unread >= 0) return refuse(`what ${group.members[unread]!.memberId} says or was assigned cannot be read`)
  const claims = read.map((one) => one!)
  const assigned = withoutDoubles(claims)
  const members = group.members.map((member, i) => upgraded(member, group, claims[i]!, assigned[i]!))
  const { emptySinceMs: _, ...rest } = newConsumerGroup(group.id, group, context)
  return { ...rest, members: members.sort((a, b) => (a.memberId < b.memberId ? -1 : 1)) }
}

interface Read {
  readonly topics: readonly string[]
  readonly rackId: string | null
  /** What its leader assigned to it. */
  readonly assigned: Assignment
  /** What it owned when it joined: it may still own it. */
  readonly owned: Assignment
}

function readMember(member: ClassicMember, group: ClassicGroup, naming: Naming): Read | undefined {
  const protocol = group.protocol ?? member.protocols[0]?.name ?? ''
  const subscription = decodeSubscription(Buffer.from(metadataFor(member, protocol), 'base64'))
  if (subscription === undefined) return undefined
  const { rackId } = subscription
  const owned = partitionsOf(subscription.ownedPartitions, naming)
  const wanted = { topics: namesIn(subscription.topics), rackId, owned }
  if (member.assignment === '') return { ...wanted, assigned: NONE }
  const assignment = decodeAssignment(Buffer.from(member.assignment, 'base64'))
  // What an assignor of its own told the member has no place in a consumer group.
  if (assignment === undefined || (assignment.userData?.length ?? 0) > 0) return undefined
  return { ...wanted, assigned: partitionsOf(assignment.assignedPartitions, naming) }
}

/**
 * ⚠ What each member has: what it was assigned, and what it may own from before besides, in the middle of a rebalance. No
 * partition twice, whatever a client's leader thought of: what was assigned counts before what may be owned.
 */
function withoutDoubles(claims: readonly Read[]): readonly Assignment[] {
  let taken = NONE
  const take = (wanted: Assignment): Assignment => {
    const free = minus(wanted, taken)
    taken = union(taken, free)
    return free
  }
  const assigned = claims.map((claim) => take(claim.assigned))
  const owned = claims.map((claim) => take(claim.owned))
  return assigned.map((one, i) => union(one, owned[i]!))
}

function upgraded(
  member: ClassicMember,
  group: ClassicGroup,
  { topics, rackId }: Read,
  assigned: Assignment,
): ConsumerMember {
  const { memberId, number, instanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs } = member
  const { protocols, joining, joined, arrivals, overtaken, synced } = member
  return {
    memberId,
    number,
    ...(instanceId === undefined ? {} : { instanceId }),
    ...(rackId === null || rackId === '' ? {} : { rackId }),
    clientId,
    clientHost,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    subscribedTopics: topics,
    memberEpoch: group.generation,
    previousEpoch: group.generation,
    state: 'stable',
    assigned,
    pendingRevocation: NONE,
    target: assigned,
    classic: {
      protocols,
      ...(joining === undefined ? {} : { joining }),
      ...(joined === undefined ? {} : { joined }),
      ...(arrivals === undefined ? {} : { arrivals }),
      ...(overtaken === undefined ? {} : { overtaken }),
      synced,
    },
  }
}

/** Whether a group of which only these members remain becomes a classic group. */
export function becomesClassic(members: readonly ConsumerMember[], settings: GroupSettings): boolean {
  return (
    members.length > 0 &&
    members.length <= settings.membersMax &&
    mayDowngrade(settings) &&
    members.every(({ classic }) => classic !== undefined)
  )
}

/**
 * A group whose members all speak the classic protocol as a stable classic group, everybody with what it has. The caller
 * begins a rebalance where that is not what everybody is to have.
 */
export function downgrade(group: ConsumerGroup, topics: TopicsView): ClassicGroup {
  const { id, fence, nextMemberNumber, epoch } = group
  const naming = namingOf(group.topics, topics)
  // The longest in the group leads, as in a group that was always classic.
  const inOrder = [...group.members].sort((a, b) => a.number - b.number)
  const plain = inOrder.map(downgraded)
  const protocol = chooseProtocol(plain)
  const members = plain.map((member, i): ClassicMember => {
    const metadata = Buffer.from(metadataFor(member, protocol), 'base64')
    const { assigned, pendingRevocation } = inOrder[i]!
    const has = union(assigned, pendingRevocation)
    return { ...member, assignment: embedded(has, consumerProtocolVersion(metadata) ?? 0, naming) }
  })
  return {
    kind: 'classic',
    id,
    fence: fence + 1,
    nextMemberNumber,
    phase: 'stable',
    generation: epoch,
    protocolType: CONSUMER,
    protocol,
    leader: members[0]!.memberId,
    members,
    pending: [],
  }
}

function downgraded(member: ConsumerMember): ClassicMember {
  const { memberId, number, instanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, classic } = member
  const { protocols = [], joined, arrivals, overtaken } = classic ?? {}
  return {
    memberId,
    number,
    ...(instanceId === undefined ? {} : { instanceId }),
    clientId,
    clientHost,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    protocols,
    assignment: '',
    ...(joined === undefined ? {} : { joined }),
    synced: true,
    ...(arrivals === undefined ? {} : { arrivals }),
    ...(overtaken === undefined ? {} : { overtaken }),
  }
}

/** Whether a classic member could be in the group: all classic members would have a protocol in common. */
export function supportsProtocols(
  group: ConsumerGroup,
  joining: { readonly memberId: string; readonly protocolType: string; readonly protocols: ClassicMember['protocols'] },
): boolean {
  if (joining.protocolType !== CONSUMER || joining.protocols.length === 0) return false
  const others = group.members.filter(({ memberId, classic }) => classic !== undefined && memberId !== joining.memberId)
  if (others.length === 0) return true
  const names = commonProtocols(others.map(downgraded))
  return joining.protocols.some(({ name }) => names.has(name))
}
