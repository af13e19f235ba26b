// Members that leave or are removed, several at once. What they had is free at once, and others get it with their next
// requests, for which the group's epoch rises. ⚠ The fence rises if any of them had partitions. When only members of the
// classic protocol remain, the group becomes a classic group in which all of them join again.
import { beginRebalance } from '../classic/prepare-rebalance.ts'
import type { ConsumerGroup, Group } from '../group.ts'
import type { StepContext } from '../step.ts'
import { isEmpty } from './assignment.ts'
import { becomesClassic, downgrade } from './convert.ts'
import { withoutUnused } from './topics.ts'

/** The group without the members of these numbers; the very same object if there are none. */
export function withoutMembers(group: ConsumerGroup, numbers: ReadonlySet<number>, context: StepContext): Group {
  const gone = group.members.filter(({ number }) => numbers.has(number))
  if (gone.length === 0) return group
  const members = group.members.filter(({ number }) => !numbers.has(number))
  const owned = gone.some(({ assigned, pendingRevocation }) => !isEmpty(assigned) || !isEmpty(pendingRevocation))
  const rest: ConsumerGroup = { ...group, members, fence: owned ? group.fence + 1 : group.fence }
  if (becomesClassic(members, context.settings)) return beginRebalance(downgrade(rest, context.topics), context)
  const raised = { ...withoutUnused(rest), epoch: group.epoch + 1 }
  return members.length === 0 ? { ...raised, emptySinceMs: context.nowMs } : raised
}
