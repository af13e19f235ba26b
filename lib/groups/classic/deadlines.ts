// When time alone changes a classic group next, so that somebody may look at it then. It names every deadline that `tick`
// acts on and no other: at that time `tick` changes the group, and before it does not.
import type { ClassicGroup } from '../group.ts'
import type { StepContext } from '../step.ts'
import { isInitial } from './complete-rebalance.ts'

/** Wall clock in milliseconds; infinity when nothing will happen by itself. It may lie in the past: tick the group then. */
export function nextDeadlineMs(group: ClassicGroup, { seenMs }: Pick<StepContext, 'seenMs'>): number {
  const { members, pending, rebalance, syncDeadlineMs } = group
  let next = syncDeadlineMs ?? Number.POSITIVE_INFINITY
  if (rebalance !== undefined) next = isInitial(group) ? rebalance.notBeforeMs : rebalance.deadlineMs
  for (const { untilMs } of pending) next = Math.min(next, untilMs)
  for (const { number, sessionTimeoutMs } of members) next = Math.min(next, seenMs(number) + sessionTimeoutMs)
  return next
}
