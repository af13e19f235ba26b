// LeaveGroup to a classic group, as of a group that was ticked: one outcome for each member named, one rebalance for all of
// them. An administrator names a static member by its instance alone. The last one to leave leaves a group without members,
// which is a generation of its own, so that nobody can commit for an older one.
import type { ClassicGroup, ClassicMember } from '../group.ts'
import type { LeaveAnswer, LeaveRequest } from '../requests.ts'
import type { GroupRefusal, StepContext } from '../step.ts'
import { completeIfEnded } from './complete-rebalance.ts'
import { withoutMembers } from './members.ts'
import { rebalance } from './prepare-rebalance.ts'
import type { ClassicStep } from './step.ts'

/** Decides who leaves. */
export function leave(
  group: ClassicGroup | undefined,
  request: LeaveRequest,
  context: StepContext,
): ClassicStep<LeaveAnswer | GroupRefusal> {
  if (request.groupId === '') return { group, answer: { kind: 'invalidGroupId' } }
  if (group === undefined) {
    return { group, answer: { kind: 'left', refusals: request.members.map(() => ({ kind: 'unknownMember' })) } }
  }
  const members = new Set<number>()
  const pending = new Set<string>()
  const who = directoryOf(group)
  const refusals = request.members.map((named) => {
    const leaving = whoLeaves(who, named)
    if (leaving.kind !== 'member' && leaving.kind !== 'pending') return leaving
    const isGone = leaving.kind === 'member' ? members.has(leaving.number) : pending.has(leaving.memberId)
    if (isGone) return { kind: 'unknownMember' } as const
    if (leaving.kind === 'member') members.add(leaving.number)
    else pending.add(leaving.memberId)
    return undefined
  })
  return { group: without(group, members, pending, context), answer: { kind: 'left', refusals } }
}

type Leaving =
  | { readonly kind: 'member'; readonly number: number }
  | { readonly kind: 'pending'; readonly memberId: string }
  | GroupRefusal

/** Looked up, not searched: a request may name a hundred thousand. */
interface Directory {
  readonly byId: ReadonlyMap<string, ClassicMember>
  readonly byInstance: ReadonlyMap<string, ClassicMember>
  readonly pending: ReadonlySet<string>
}

const directoryOf = ({ members, pending }: ClassicGroup): Directory => ({
  byId: new Map(members.map((member) => [member.memberId, member])),
  byInstance: new Map(
    members.flatMap((member) => (member.instanceId === undefined ? [] : [[member.instanceId, member] as const])),
  ),
  pending: new Set(pending.map(({ memberId }) => memberId)),
})

function whoLeaves({ byId, byInstance, pending }: Directory, named: LeaveRequest['members'][number]): Leaving {
  const { memberId, instanceId } = named
  if (memberId !== '' && pending.has(memberId)) return { kind: 'pending', memberId }
  const member = instanceId === undefined ? byId.get(memberId) : byInstance.get(instanceId)
  if (member === undefined) return { kind: 'unknownMember' }
  // An instance id decides, and an administrator names nothing else.
  if (memberId !== '' && member.memberId !== memberId) return { kind: 'fencedInstance' }
  return { kind: 'member', number: member.number }
}

function without(
  group: ClassicGroup,
  members: ReadonlySet<number>,
  pending: ReadonlySet<string>,
  context: StepContext,
): ClassicGroup {
  if (members.size === 0 && pending.size === 0) return group
  const rest =
    pending.size === 0 ? group : { ...group, pending: group.pending.filter(({ memberId }) => !pending.has(memberId)) }
  // Who was only asked to come back has no part in the generation: without it a join phase may end, but none begins.
  return members.size === 0 ? completeIfEnded(rest, context.nowMs) : rebalance(withoutMembers(rest, members), context)
}
