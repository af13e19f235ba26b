// What follows from one member's request, whichever protocol it came in: the topics as of now, a new epoch if members or topics
// give a reason for one, targets for it, and this member's next step towards its own. ⚠ In the very step in which a member
// gains partitions the fence rises, so that what their former owner still commits is of an older fence.
import type { ConsumerGroup, ConsumerMember, Group } from '../group.ts'
import type { StepContext } from '../step.ts'
import { isSubset } from './assignment.ts'
import { isTooLarge } from './bounds.ts'
import { withMember } from './members.ts'
import { type Report, reconcile } from './reconcile.ts'
import { withTargets } from './targets.ts'
import { withTopicsOfNow } from './topics.ts'

/** A member's request, taken over into the group but for what follows from it. */
export interface Taken {
  /** The group before the request. */
  readonly before: Group | undefined
  /** The group with the member as its request describes it. */
  readonly group: ConsumerGroup
  readonly memberId: string
  readonly owned: Report['owned']
  readonly isSubscriptionChanged: boolean
}

export type Settled =
  | { readonly kind: 'settled'; readonly group: ConsumerGroup; readonly member: ConsumerMember }
  | { readonly kind: 'tooLarge' }

/** The group as it is after the request; the very object before it if nothing changed. */
export function settle(taken: Taken, context: StepContext): Settled {
  const { group, isSubscriptionChanged } = taken
  const now = withTopicsOfNow(group, context)
  const changed = settleWith(taken, now.group, isSubscriptionChanged || now.isChanged, context)
  const mustFit = isSubscriptionChanged || group.members.length !== membersOf(taken.before)
  if ((!mustFit && !now.isChanged) || !isTooLarge(changed.group)) return { kind: 'settled', ...changed }
  if (mustFit) return { kind: 'tooLarge' }
  // Topics have grown beyond what the group's document holds: its members go on with what they have.
  return { kind: 'settled', ...settleWith(taken, group, false, context) }
}

const membersOf = (group: Group | undefined): number => group?.members.length ?? 0

function settleWith(
  { before, memberId, owned, isSubscriptionChanged }: Taken,
  group: ConsumerGroup,
  isChanged: boolean,
  context: StepContext,
): { readonly group: ConsumerGroup; readonly member: ConsumerMember } {
  const isNew = before?.kind !== 'consumer'
  const raised = isChanged || isNew ? { ...group, epoch: group.epoch + 1 } : group
  const targeted = withTargets(raised, context.settings)
  const member = targeted.members.find((one) => one.memberId === memberId)!
  const next = reconcile(targeted, member, { owned, isSubscriptionChanged }, context.nowMs)
  if (next === member) return { group: targeted, member }
  const moved = withMember(targeted, next)
  // A group made or replaced in this step has a higher fence already.
  const isCovered = before === undefined || moved.fence > before.fence
  const gains = !isSubset(next.assigned, member.assigned)
  return { group: gains && !isCovered ? { ...moved, fence: moved.fence + 1 } : moved, member: next }
}
