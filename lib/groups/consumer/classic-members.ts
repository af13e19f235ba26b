// Members of a consumer group that speak the classic protocol, while a group changes from one to the other: SyncGroup,
// Heartbeat and LeaveGroup, as of a group that was ticked (JoinGroup: `classic-join.ts`). Each of them has a generation of its
// own, its member epoch, and nobody waits: what KIP-848 members are told in one heartbeat, these are told in three steps. A
// heartbeat says that there is something to do, a join does it, a sync tells the assignment.
import { consumerProtocolVersion } from '../../wire/consumer-protocol.ts'
import type { ConsumerGroup, ConsumerMember } from '../group.ts'
import type {
  HeartbeatAnswer,
  HeartbeatRequest,
  LeaveAnswer,
  LeaveRequest,
  SyncAnswer,
  SyncRequest,
} from '../requests.ts'
import type { GroupRefusal, Step, StepContext } from '../step.ts'
import { CONSUMER } from './convert.ts'
import { identify, isRefusal, memberOf, memberOfInstance, withMember } from './members.ts'
import { embedded, namingOf } from './naming.ts'
import { isWaitingForOthers, phaseMs } from './reconcile.ts'
import { withoutMembers } from './remove.ts'
import { withTargetsOfNow } from './settle.ts'

export type Classic = NonNullable<ConsumerMember['classic']>

/** The protocol that a member was told when it joined: the one that it prefers. */
export const protocolOf = ({ protocols }: Classic): string => protocols[0]?.name ?? ''

interface Found {
  readonly kind: 'found'
  readonly member: ConsumerMember
  readonly classic: Classic
}

/** The classic member that a request of a generation speaks for. */
function findMember(group: ConsumerGroup, request: HeartbeatRequest): Found | GroupRefusal {
  const member = identify(group, request)
  if (isRefusal(member)) return member
  const { classic, memberEpoch } = member
  if (classic === undefined) return { kind: 'unknownMember' }
  return request.generation === memberEpoch ? { kind: 'found', member, classic } : { kind: 'illegalGeneration' }
}

/** Decides a SyncGroup. */
export function sync(group: ConsumerGroup, request: SyncRequest, context: StepContext): Step<SyncAnswer> {
  const found = findMember(group, request)
  if (found.kind !== 'found') return { group, answer: found }
  const { member, classic } = found
  const seen = member.number
  const protocol = protocolOf(classic)
  const { protocolType = CONSUMER, protocol: named = protocol } = request
  if (protocolType !== CONSUMER || named !== protocol) return { group, answer: { kind: 'inconsistentProtocol' }, seen }
  // Who is giving up partitions has joined already, and joins again when it has.
  if (group.epoch > member.memberEpoch && member.state !== 'unrevokedPartitions') {
    return { group: askedToJoin(group, member, classic, context), answer: { kind: 'rebalanceInProgress' }, seen }
  }
  const version = consumerProtocolVersion(Buffer.from(classic.protocols[0]?.metadata ?? '', 'base64')) ?? 0
  const assignment = embedded(member.assigned, version, namingOf(group.topics, context.topics))
  return { group: synced(group, member, classic), answer: { kind: 'synced', protocolType, protocol, assignment }, seen }
}

function synced(group: ConsumerGroup, member: ConsumerMember, classic: Classic): ConsumerGroup {
  if (classic.synced && classic.syncDeadlineMs === undefined) return group
  const { syncDeadlineMs: _, ...rest } = classic
  return withMember(group, { ...member, classic: { ...rest, synced: true } })
}

/** From the first time that it is told so, the member has its rebalance timeout to join. */
function askedToJoin(
  group: ConsumerGroup,
  member: ConsumerMember,
  classic: Classic,
  { nowMs }: StepContext,
): ConsumerGroup {
  if (classic.joinDeadlineMs !== undefined) return group
  return withMember(group, { ...member, classic: { ...classic, joinDeadlineMs: nowMs + phaseMs(member) } })
}

/** Decides a Heartbeat. */
export function heartbeat(
  group: ConsumerGroup,
  request: HeartbeatRequest,
  context: StepContext,
): Step<HeartbeatAnswer> {
  const found = findMember(group, request)
  if (found.kind !== 'found') return { group, answer: found }
  const { classic, member } = found
  const current = withTargetsOfNow(group, false, context)
  const now = memberOf(current, member.memberId)!
  if (!mustJoin(current, now)) return { group: current, answer: { kind: 'alive' }, seen: now.number }
  const asked = askedToJoin(current, now, classic, context)
  return { group: asked, answer: { kind: 'rebalanceInProgress' }, seen: now.number }
}

/** Whether a join would change something: there is a newer epoch (so for who has to give up something), or something to get. */
function mustJoin(group: ConsumerGroup, member: ConsumerMember): boolean {
  if (member.memberEpoch < group.epoch) return true
  return member.state === 'unreleasedPartitions' && !isWaitingForOthers(group, member)
}

/** Decides a LeaveGroup. Whoever has a member's id may remove it, whichever protocol it speaks. */
export function leave(group: ConsumerGroup, request: LeaveRequest, context: StepContext): Step<LeaveAnswer> {
  const leaving = new Set<number>()
  const refusals = request.members.map((named) => {
    const member = whoLeaves(group, named)
    if (isRefusal(member)) return member
    if (leaving.has(member.number)) return { kind: 'unknownMember' } as const
    leaving.add(member.number)
    return undefined
  })
  return { group: withoutMembers(group, leaving, context), answer: { kind: 'left', refusals } }
}

/** An administrator names a static member by its instance alone. */
function whoLeaves(group: ConsumerGroup, named: LeaveRequest['members'][number]): ConsumerMember | GroupRefusal {
  const { memberId, instanceId } = named
  if (memberId !== '' || instanceId === undefined) return identify(group, named)
  return memberOfInstance(group, instanceId) ?? { kind: 'unknownMember' }
}
