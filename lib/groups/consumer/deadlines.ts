// When time alone changes a consumer group next, so that somebody may look at it then. It names every deadline that `tick` acts
// on and no other.
import type { ConsumerGroup, ConsumerMember } from '../group.ts'
import type { StepContext } from '../step.ts'

/** Wall clock: when the member is removed if nothing is heard of it until then. */
export function memberDeadlineMs(member: ConsumerMember, { seenMs }: Pick<StepContext, 'seenMs'>): number {
  const { number, sessionTimeoutMs, revokeDeadlineMs, classic } = member
  return Math.min(
    seenMs(number) + sessionTimeoutMs,
    revokeDeadlineMs ?? Number.POSITIVE_INFINITY,
    classic?.joinDeadlineMs ?? Number.POSITIVE_INFINITY,
    classic?.syncDeadlineMs ?? Number.POSITIVE_INFINITY,
  )
}

/** Wall clock in milliseconds; infinity when nothing will happen by itself. It may lie in the past: tick the group then. */
export function nextDeadlineMs(group: ConsumerGroup, context: Pick<StepContext, 'seenMs'>): number {
  let next = Number.POSITIVE_INFINITY
  for (const member of group.members) next = Math.min(next, memberDeadlineMs(member, context))
  return next
}
