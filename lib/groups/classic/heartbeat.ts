// Heartbeat to a classic group, as of a group that was ticked: keeps a member in the group and tells it when it has to join
// again. It never changes the group; that the member was heard of is what `seen` says. A member of another generation is not
// kept alive by heartbeats, since it has to join.
import type { ClassicGroup } from '../group.ts'
import type { HeartbeatAnswer, HeartbeatRequest } from '../requests.ts'
import { identify } from './members.ts'
import type { ClassicStep } from './step.ts'

/** Decides a heartbeat. */
export function heartbeat(group: ClassicGroup | undefined, request: HeartbeatRequest): ClassicStep<HeartbeatAnswer> {
  if (request.groupId === '') return { group, answer: { kind: 'invalidGroupId' } }
  if (group === undefined) return { group, answer: { kind: 'unknownMember' } }
  const member = identify(group, request)
  if ('kind' in member) return { group, answer: member }
  if (request.generation !== group.generation) return { group, answer: { kind: 'illegalGeneration' } }
  const kind = group.phase === 'preparingRebalance' ? 'rebalanceInProgress' : 'alive'
  return { group, answer: { kind }, seen: member.number }
}
