// JoinGroup to a classic group, as of a group that was ticked (`tick.ts`). A join may be looked at any number of times, by
// different processes, until its client has the answer: it is known by its token, waits while the group prepares, gets the
// answer of the generation afterwards, and changes nothing twice. ⚠ Nothing else tells a repeat from a new request, which
// may begin a rebalance or replace a member: each change that a join makes leaves its token in the group.
import { assert } from '../../base/assert.ts'
import type { ClassicGroup, ClassicMember } from '../group.ts'
import type { JoinAnswer, JoinRequest } from '../requests.ts'
import type { GroupRefusal, GroupRefusalKind, StepContext } from '../step.ts'
import { isFull, tooLarge, tooMuchSaid } from './bounds.ts'
import { chooseProtocol, completeIfEnded } from './complete-rebalance.ts'
import { joinAnswer } from './join-answer.ts'
import {
  answeredTo,
  identify,
  isOvertaken,
  memberOfInstance,
  memberOfJoin,
  newGroup,
  sameProtocols,
  supports,
  waitingFor,
  withMember,
  withNewMember,
  withoutMembers,
  withReplacement,
} from './members.ts'
import { extendInitialRebalance, rebalance } from './prepare-rebalance.ts'
import type { ClassicStep } from './step.ts'

/** Decides a join. `wait`: the same request is to be looked at again when the group has changed. */
export function join(
  group: ClassicGroup | undefined,
  request: JoinRequest,
  context: StepContext,
): ClassicStep<JoinAnswer> {
  const refusal = unacceptable(request, context)
  if (refusal !== undefined) return refuse(group, request, refusal)
  const known = group && memberOfJoin(group, request)
  if (group !== undefined && known !== undefined) return joinAgain(group, known, request, context)
  if (request.memberId === '') return joinWithoutId(group, request, context)
  return joinWithId(group, request, context)
}

type JoinStep = ClassicStep<JoinAnswer>

/** What is refused whatever the group is. */
function unacceptable(request: JoinRequest, { settings }: StepContext): GroupRefusal | undefined {
  const { groupId, sessionTimeoutMs, protocolType, protocols } = request
  if (groupId === '') return { kind: 'invalidGroupId' }
  if (sessionTimeoutMs < settings.sessionTimeoutMsMin || sessionTimeoutMs > settings.sessionTimeoutMsMax) {
    return { kind: 'invalidSessionTimeout' }
  }
  if (protocolType === '' || protocols.length === 0) return { kind: 'inconsistentProtocol' }
  return tooMuchSaid(request)
}

/** The same request again. */
function joinAgain(group: ClassicGroup, member: ClassicMember, request: JoinRequest, context: StepContext): JoinStep {
  // Who asks is most likely a process whose client went elsewhere, so it says nothing of the member.
  if (isOvertaken(member, request.token)) return { group, answer: joinAnswer(group, member, request) }
  // Answered for a generation that is about to end: its client still waits and so takes part in the next one.
  if (group.phase === 'preparingRebalance' && member.joining !== request.token) {
    // The same name does not make it the same request.
    if (!supports(group, request)) return refuse(group, request, 'inconsistentProtocol')
    return takePart(group, member, request, context)
  }
  return heard(group, member.number, request)
}

function joinWithoutId(group: ClassicGroup | undefined, request: JoinRequest, context: StepContext): JoinStep {
  const current = group ?? newGroup(request.groupId, context)
  const told = current.pending.find((pending) => pending.token === request.token)
  if (told !== undefined) return { group, answer: { kind: 'memberIdRequired', memberId: told.memberId } }
  if (!supports(current, request)) return refuse(group, request, 'inconsistentProtocol')
  const memberId = `${request.instanceId ?? request.clientId}-${context.newId()}`
  if (request.instanceId !== undefined) {
    const old = memberOfInstance(current, request.instanceId)
    if (old !== undefined) return replace(current, old, request, memberId, context)
  }
  if (isFull(current, context.settings)) return groupFull(group)
  if (request.instanceId !== undefined || !request.memberIdRequired) {
    return admit(group, current, request, memberId, context)
  }
  const untilMs = context.nowMs + request.sessionTimeoutMs
  const next = { ...current, pending: [...current.pending, { memberId, untilMs, token: request.token }] }
  const large = tooLarge(next)
  if (large !== undefined) return refuse(group, request, large)
  return { group: next, answer: { kind: 'memberIdRequired', memberId } }
}

/**
 * A static member that comes without its member id has started anew, and whoever had the instance until now is fenced. In a
 * stable group it goes on where the other one was, without a rebalance, if the group's protocol stays what it is.
 */
function replace(
  group: ClassicGroup,
  old: ClassicMember,
  request: JoinRequest,
  memberId: string,
  context: StepContext,
): JoinStep {
  // A repeat of a join that is over: somebody has come after it, or the member that it made has sent another one.
  if (old.arrivals?.includes(request.token)) {
    return refuse(group, request, old.arrivals.at(-1) === request.token ? 'unknownMember' : 'fencedInstance')
  }
  const { group: replaced, member } = withReplacement(group, old, request, memberId)
  const goesOn = group.phase === 'stable' && chooseProtocol(replaced.members) === group.protocol
  const { token } = request
  const next = withMember(replaced, { ...member, ...(goesOn ? { joined: token } : { joining: token }) })
  const large = tooLarge(next)
  if (large !== undefined) return refuse(group, request, large)
  return heard(goesOn ? next : rebalance(next, context), member.number, request)
}

/** Takes in a new member. */
function admit(
  group: ClassicGroup | undefined,
  current: ClassicGroup,
  request: JoinRequest,
  memberId: string,
  context: StepContext,
): JoinStep {
  const next = extendInitialRebalance(withNewMember(current, request, memberId), context)
  const large = tooLarge(next)
  if (large !== undefined) return refuse(group, request, large)
  return heard(rebalance(next, context), current.nextMemberNumber, request)
}

function joinWithId(group: ClassicGroup | undefined, request: JoinRequest, context: StepContext): JoinStep {
  if (group === undefined) return refuse(group, request, 'unknownMember')
  if (!supports(group, request)) return refuse(group, request, 'inconsistentProtocol')
  const pending = group.pending.filter(({ memberId }) => memberId !== request.memberId)
  if (request.instanceId === undefined && pending.length < group.pending.length) {
    const others = { ...group, pending }
    if (isFull(others, context.settings)) return groupFull(completeIfEnded(others, context.nowMs))
    return admit(group, group, request, request.memberId, context)
  }
  const member = identify(group, request)
  if ('kind' in member) return refuse(group, request, member)
  switch (group.phase) {
    case 'empty':
      return refuse(group, request, 'unknownMember')
    case 'preparingRebalance':
      return rejoinInTime(group, member, request, context)
    case 'completingRebalance':
      // Its answer was lost, perhaps. Not a rebalance, or members that are slow to answer would never get out of them.
      return sameProtocols(member.protocols, request.protocols)
        ? replay(group, member, request)
        : takePart(group, member, request, context)
    case 'stable':
      // The leader joins again when what it assigns has changed, be it only the number of partitions of a topic.
      return sameProtocols(member.protocols, request.protocols) && group.leader !== member.memberId
        ? heard(group, member.number, request)
        : takePart(group, member, request, context)
  }
}

/** The generation once more. The request is remembered by its token where there is room; without it nothing is lost. */
function replay(group: ClassicGroup, member: ClassicMember, request: JoinRequest): JoinStep {
  const next = withMember(group, answeredTo(member, request.token))
  return heard(tooLarge(next) === undefined ? next : group, member.number, request)
}

/** A member comes back in the join phase. Of a group that is larger than it now may be the last to come back have to go. */
function rejoinInTime(
  group: ClassicGroup,
  member: ClassicMember,
  request: JoinRequest,
  context: StepContext,
): JoinStep {
  const back = group.members.filter(({ joining }) => joining !== undefined).length
  if (member.joining !== undefined || back < context.settings.membersMax) {
    return takePart(group, member, request, context)
  }
  return groupFull(completeIfEnded(withoutMembers(group, new Set([member.number])), context.nowMs))
}

/** The member takes part in the rebalance that is under way, or begins one. */
function takePart(group: ClassicGroup, member: ClassicMember, request: JoinRequest, context: StepContext): JoinStep {
  const next = withMember(group, waitingFor(member, request, group.phase))
  const large = tooLarge(next)
  if (large !== undefined) return refuse(group, request, large)
  return heard(rebalance(next, context), member.number, request)
}

/** The answer for the member of this number, which was heard of. */
function heard(group: ClassicGroup, number: number, request: JoinRequest): JoinStep {
  const member = group.members.find((one) => one.number === number)
  assert(member !== undefined, 'who joins is in the group')
  return { group, answer: joinAnswer(group, member, request), seen: number }
}

const groupFull = (group: ClassicGroup | undefined): JoinStep => ({
  group,
  answer: { kind: 'groupFull', memberId: '' },
})

function refuse(
  group: ClassicGroup | undefined,
  request: JoinRequest,
  refusal: GroupRefusal | GroupRefusalKind,
): JoinStep {
  const { memberId } = request
  return { group, answer: typeof refusal === 'string' ? { kind: refusal, memberId } : { ...refusal, memberId } }
}
