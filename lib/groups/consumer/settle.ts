// What follows from one member's request, whichever protocol it came in: the topics as of now, a new epoch if members or topics
// give a reason for one, targets for it, and this member's next step towards its own. ⚠ In the very step in which a member
// gains partitions the fence rises, so that what their former owner still commits is of an older fence.
import type { Assignment, ConsumerGroup, ConsumerMember, Group } from '../group.ts'
import type { StepContext } from '../step.ts'
import { isSubset } from './assignment.ts'
import { isTooLarge } from './bounds.ts'
import { withMember } from './members.ts'
import { reconcile } from './reconcile.ts'
import { withTargets } from './targets.ts'
import { withTopicsOfNow } from './topics.ts'

/** A member's request, taken over into the group but for what follows from it. */
export interface Taken {
  /** The group before the request. */
  readonly before: Group | undefined
  /** The group with the member as its request describes it. */
  readonly group: ConsumerGroup
  readonly memberId: string
  /** What the member owns now; undefined: not said. */
  readonly owned: Assignment | undefined
  readonly isSubscriptionChanged: boolean
}

/** The group as it is after the request, the very object before it if nothing changed; undefined if it would be too large. */
export function settle(
  { before, group, memberId, owned, isSubscriptionChanged }: Taken,
  context: StepContext,
): { readonly group: ConsumerGroup; readonly member: ConsumerMember } | undefined {
  const isOther = isSubscriptionChanged || before?.kind !== 'consumer'
  const targeted = withTargetsOfNow(group, isOther, context)
  if ((isOther || before.members.length < group.members.length) && isTooLarge(targeted)) return undefined
  const member = targeted.members.find((one) => one.memberId === memberId)!
  const next = reconcile(targeted, member, { owned, isSubscriptionChanged }, context.nowMs)
  if (next === member) return { group: targeted, member }
  const moved = withMember(targeted, next)
  // A group made or replaced in this step has a higher fence already.
  const isCovered = before === undefined || moved.fence > before.fence
  const gains = !isSubset(next.assigned, member.assigned)
  return { group: gains && !isCovered ? { ...moved, fence: moved.fence + 1 } : moved, member: next }
}

/**
 * The group with its topics as of now and targets for them; the very object if nothing changed. Its epoch rises if its members
 * are others or want something else, and if topics give a reason. When topics have grown beyond what the group's document
 * holds, its members go on with what they have.
 */
export function withTargetsOfNow(group: ConsumerGroup, isOther: boolean, context: StepContext): ConsumerGroup {
  const { settings } = context
  const now = withTopicsOfNow(group, context)
  if (!isOther && !now.isChanged) return withTargets(now.group, settings)
  const raised = withTargets({ ...now.group, epoch: group.epoch + 1 }, settings)
  return isOther || !isTooLarge(raised) ? raised : withTargets(group, settings)
}
