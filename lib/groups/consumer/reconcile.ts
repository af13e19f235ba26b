// How one member moves towards its target, with its own requests only: first it gives up what it is not to have any more, and
// says that it has; then it takes the target's epoch and gets what nobody else has; what others have not given up yet it gets
// later. ⚠ A partition is in `assigned` or `pendingRevocation` of at most one member: it is given to a member only while no
// other has it in either, and leaves them only when its owner says that it does not own it any more, or is gone.
import { GROUP_REBALANCE_MS_MIN } from '../../base/limits.ts'
import type { Assignment, ConsumerGroup, ConsumerMember } from '../group.ts'
import { common, isEmpty, isSame, isSubset, minus, NONE, overlaps, union, unionOf } from './assignment.ts'

/** What a request says that matters here. */
export interface Report {
  /** What the member owns now; undefined: not said. */
  readonly owned: Assignment | undefined
  /** It has just subscribed to something else. */
  readonly isSubscriptionChanged: boolean
}

/** How long a member may take for what it was asked to do. */
export const phaseMs = ({ rebalanceTimeoutMs }: Pick<ConsumerMember, 'rebalanceTimeoutMs'>): number =>
  Math.max(GROUP_REBALANCE_MS_MIN, rebalanceTimeoutMs)

export const isReconciled = (member: ConsumerMember, group: Pick<ConsumerGroup, 'targetEpoch'>): boolean =>
  member.state === 'stable' && member.memberEpoch === group.targetEpoch

/** The member's next state; the very same object if it has to stay as it is. */
export function reconcile(group: ConsumerGroup, member: ConsumerMember, report: Report, nowMs: number): ConsumerMember {
  const after = step(group, member, report, nowMs)
  return isSame(after.assigned, member.assigned) ? after : { ...after, assignedMs: nowMs }
}

function step(group: ConsumerGroup, member: ConsumerMember, report: Report, nowMs: number): ConsumerMember {
  if (isReconciled(member, group)) return member
  if (member.state === 'unrevokedPartitions' && owns(report, member.pendingRevocation)) {
    return report.isSubscriptionChanged ? revokeMore(member, nowMs) : member
  }
  return next(group, member, report, nowMs)
}

/** Until it says what it owns it may own all of it. */
const owns = ({ owned }: Report, partitions: Assignment): boolean => owned === undefined || overlaps(owned, partitions)

/** It gives up what it no longer wants without waiting for what it was asked to give up before. */
function revokeMore(member: ConsumerMember, nowMs: number): ConsumerMember {
  const unwanted = minus(member.assigned, member.target)
  if (isEmpty(unwanted)) return member
  return revoking(member, common(member.assigned, member.target), union(member.pendingRevocation, unwanted), nowMs)
}

function next(group: ConsumerGroup, member: ConsumerMember, report: Report, nowMs: number): ConsumerMember {
  const { assigned, target, memberEpoch } = member
  const kept = common(assigned, target)
  const unwanted = minus(assigned, kept)
  if (!isEmpty(unwanted) && owns(report, unwanted)) return revoking(member, kept, unwanted, nowMs)
  const missing = minus(target, kept)
  const free = isEmpty(missing) ? NONE : minus(missing, heldByOthers(group, member))
  const { revokeDeadlineMs: _, ...rest } = member
  return sameOr(member, {
    ...rest,
    state: isSame(free, missing) ? 'stable' : 'unreleasedPartitions',
    ...(memberEpoch === group.targetEpoch ? {} : { memberEpoch: group.targetEpoch, previousEpoch: memberEpoch }),
    assigned: isEmpty(free) ? kept : union(kept, free),
    pendingRevocation: NONE,
  })
}

/** It stays at its epoch, and has its rebalance timeout to say that it has given them up. Classic members have other deadlines. */
function revoking(member: ConsumerMember, kept: Assignment, unwanted: Assignment, nowMs: number): ConsumerMember {
  const deadline = member.classic === undefined ? { revokeDeadlineMs: nowMs + phaseMs(member) } : {}
  return { ...member, state: 'unrevokedPartitions', assigned: kept, pendingRevocation: unwanted, ...deadline }
}

function sameOr(before: ConsumerMember, after: ConsumerMember): ConsumerMember {
  const isUnchanged =
    before.state === after.state &&
    before.memberEpoch === after.memberEpoch &&
    before.revokeDeadlineMs === after.revokeDeadlineMs &&
    isSame(before.assigned, after.assigned) &&
    isSame(before.pendingRevocation, after.pendingRevocation)
  return isUnchanged ? before : after
}

/** What the other members have or have not given up yet. */
export function heldByOthers(group: ConsumerGroup, member: ConsumerMember): Assignment {
  const others = group.members.filter(({ number }) => number !== member.number)
  return unionOf(others.flatMap(({ assigned, pendingRevocation }) => [assigned, pendingRevocation]))
}

/** Whether a member waits for partitions that others still have. */
export function isWaitingForOthers(group: ConsumerGroup, member: ConsumerMember): boolean {
  if (member.state !== 'unreleasedPartitions') return false
  return overlaps(minus(member.target, member.assigned), heldByOthers(group, member))
}

/** Whether what a member says it owns can be what an earlier answer gave it. */
export const isOwnedPlausible = (member: ConsumerMember, owned: Assignment | undefined): boolean =>
  owned !== undefined && isSubset(owned, member.assigned)
