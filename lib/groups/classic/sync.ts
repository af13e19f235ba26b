// SyncGroup to a classic group, as of a group that was ticked. Members wait for what their leader assigned them; with the
// leader's request the group is stable and everybody is answered, whoever asks again. ⚠ An assignment is given out only for
// the generation that it was made for: a new generation begins with none.
import type { ClassicGroup, ClassicMember } from '../group.ts'
import type { SyncAnswer, SyncRequest } from '../requests.ts'
import { tooMuchAssigned } from './bounds.ts'
import { identify, withMember } from './members.ts'
import type { ClassicStep } from './step.ts'

/** Decides a sync. `wait`: the leader has not assigned anything yet. */
export function sync(group: ClassicGroup | undefined, request: SyncRequest): ClassicStep<SyncAnswer> {
  if (request.groupId === '') return { group, answer: { kind: 'invalidGroupId' } }
  if (group === undefined) return { group, answer: { kind: 'unknownMember' } }
  const member = identify(group, request)
  if ('kind' in member) return { group, answer: member }
  if (request.generation !== group.generation) return { group, answer: { kind: 'illegalGeneration' } }
  if (differs(request.protocolType, group.protocolType) || differs(request.protocol, group.protocol)) {
    return { group, answer: { kind: 'inconsistentProtocol' } }
  }
  const seen = member.number
  if (group.phase === 'preparingRebalance') return { group, answer: { kind: 'rebalanceInProgress' }, seen }
  if (group.phase === 'completingRebalance' && group.leader === member.memberId) {
    const assigned = assign(group, request)
    const refusal = tooMuchAssigned(assigned.members)
    if (refusal !== undefined) return { group, answer: refusal, seen }
    return answer(withSynced({ ...assigned, phase: 'stable' }, seen), seen)
  }
  return answer(withSynced(group, seen), seen)
}

function answer(group: ClassicGroup, seen: number): ClassicStep<SyncAnswer> {
  const member = group.members.find(({ number }) => number === seen)!
  if (group.phase !== 'stable') return { group, answer: { kind: 'wait', memberId: member.memberId }, seen }
  const { protocolType = '', protocol = '' } = group
  return { group, answer: { kind: 'synced', protocolType, protocol, assignment: member.assignment }, seen }
}

/** Notes that a member has sent its sync; with the last one nobody is waited for any more. */
function withSynced(group: ClassicGroup, number: number): ClassicGroup {
  const member = group.members.find((one) => one.number === number)!
  const noted = member.synced ? group : withMember(group, { ...member, synced: true })
  if (noted.syncDeadlineMs === undefined || !noted.members.every(({ synced }) => synced)) return noted
  const { syncDeadlineMs: _, ...rest } = noted
  return rest
}

/** What the leader says goes to whom it names; everybody else has nothing. */
function assign(group: ClassicGroup, { assignments }: SyncRequest): ClassicGroup {
  const byMember = new Map(assignments.map(({ memberId, assignment }) => [memberId, assignment]))
  const members = group.members.map(
    (member): ClassicMember => ({ ...member, assignment: byMember.get(member.memberId) ?? '' }),
  )
  return { ...group, members }
}

/** Versions that do not say, and groups that have none, differ from nothing. */
const differs = (said: string | undefined, actual: string | undefined): boolean =>
  said !== undefined && actual !== undefined && said !== actual
