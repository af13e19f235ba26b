// What time alone does to a consumer group: sessions that ended, partitions that were not given up in time, and classic members
// that did not join or sync in time. Whoever looks at a group ticks it first, so that no process has to be alive when a
// deadline passes. A static member that left for a while has a session too. Applied twice it changes nothing the second time.
import type { ConsumerGroup, Group } from '../group.ts'
import type { StepContext } from '../step.ts'
import { memberDeadlineMs } from './deadlines.ts'
import { withoutMembers } from './remove.ts'

/** The group as of now; the very same object if nothing was due. */
export function tick(group: ConsumerGroup, context: StepContext): Group {
  const overdue = group.members.filter((member) => memberDeadlineMs(member, context) <= context.nowMs)
  return withoutMembers(group, new Set(overdue.map(({ number }) => number)), context)
}
