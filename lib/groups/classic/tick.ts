// What time alone does to a classic group: sessions that ended, ids that nobody came back with, a join phase and a wait for
// SyncGroup that are over. Whoever looks at a group ticks it first, so that no process has to be alive when a deadline
// passes. Applied twice at the same time it changes nothing the second time.
import type { ClassicGroup } from '../group.ts'
import type { StepContext } from '../step.ts'
import { completeIfEnded } from './complete-rebalance.ts'
import { withoutMembers } from './members.ts'
import { beginRebalance } from './prepare-rebalance.ts'

/** The group as of now; the very same object if nothing was due. */
export function tick(group: ClassicGroup, context: StepContext): ClassicGroup {
  const { nowMs } = context
  const pending = group.pending.filter(({ untilMs }) => untilMs > nowMs)
  const rest = pending.length === group.pending.length ? group : { ...group, pending }
  const gone = overdue(group, context)
  if (gone.size === 0) return completeIfEnded(rest, nowMs)
  const left = withoutMembers(rest, gone)
  return group.phase === 'preparingRebalance' ? completeIfEnded(left, nowMs) : beginRebalance(left, context)
}

/** Members whose session has ended, and those that have let the others wait for their SyncGroup for too long. */
function overdue({ members, syncDeadlineMs }: ClassicGroup, { nowMs, seenMs }: StepContext): ReadonlySet<number> {
  const syncIsOver = syncDeadlineMs !== undefined && syncDeadlineMs <= nowMs
  const gone = members.filter(
    ({ number, sessionTimeoutMs, synced }) => (syncIsOver && !synced) || seenMs(number) + sessionTimeoutMs <= nowMs,
  )
  return new Set(gone.map(({ number }) => number))
}
