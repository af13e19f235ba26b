// A member's last heartbeat. It leaves for good, or, as a static member, for a while: it keeps what it has then, and whoever
// comes back with its instance id within its session gets all of it. What it was asked to give up is free at once, since it
// has closed.
import type { ConsumerMember, Group } from '../group.ts'
import type { ConsumerHeartbeatAnswer, ConsumerHeartbeatRequest } from '../requests.ts'
import type { GroupRefusal, Step, StepContext } from '../step.ts'
import { isEmpty, NONE } from './assignment.ts'
import { identify, isRefusal, withMember } from './members.ts'
import { withoutMembers } from './remove.ts'
import { LEAVES_FOR_A_WHILE } from './request.ts'

/** Decides a heartbeat with a negative epoch. */
export function leave(
  group: Group | undefined,
  request: ConsumerHeartbeatRequest,
  context: StepContext,
): Step<ConsumerHeartbeatAnswer | GroupRefusal> {
  const { groupId, memberId, memberEpoch } = request
  if (group?.kind !== 'consumer') {
    return { group, answer: { kind: 'groupNotFound', message: `${groupId} is no consumer group.` } }
  }
  const member = identify(group, request)
  if (isRefusal(member)) return { group, answer: member }
  const answer = { kind: 'beat', memberId, memberEpoch, heartbeatIntervalMs: 0, assignment: undefined } as const
  if (memberEpoch !== LEAVES_FOR_A_WHILE) {
    return { group: withoutMembers(group, new Set([member.number]), context), answer }
  }
  const gone = goneForAWhile(member)
  return { group: gone === member ? group : withMember(group, gone), answer }
}

function goneForAWhile(member: ConsumerMember): ConsumerMember {
  if (member.memberEpoch === LEAVES_FOR_A_WHILE && isEmpty(member.pendingRevocation)) return member
  const { revokeDeadlineMs: _, ...rest } = member
  return { ...rest, memberEpoch: LEAVES_FOR_A_WHILE, pendingRevocation: NONE }
}
