// Who is in a classic group: which member a request speaks for, and how members are taken in, changed and removed. A member's
// number is its identity here, since a static member's id changes when it comes back. The protocols of a group's members
// always have one in common, because whoever has none in common with all of them is refused before it is taken in.
import { GROUP_JOINS_REMEMBERED_MAX } from '../../base/limits.ts'
import type { ClassicGroup, ClassicMember, ClassicPhase } from '../group.ts'
import type { JoinRequest } from '../requests.ts'
import type { GroupRefusal, StepContext } from '../step.ts'

type Protocols = ClassicMember['protocols']

/** A group that nobody is a member of yet. Its fence is above all that the journal knows of an earlier group of this name. */
export const newGroup = (id: string, context: StepContext): ClassicGroup => ({
  kind: 'classic',
  id,
  fence: context.foldedFence + 1,
  nextMemberNumber: 0,
  emptySinceMs: context.nowMs,
  phase: 'empty',
  generation: 0,
  members: [],
  pending: [],
})

export const memberOfInstance = (group: ClassicGroup, instanceId: string): ClassicMember | undefined =>
  group.members.find((member) => member.instanceId === instanceId)

/** The member that a request speaks for, or why it speaks for none. An instance id decides, whatever the member id says. */
export function identify(
  group: ClassicGroup,
  claim: { readonly memberId: string; readonly instanceId: string | undefined },
): ClassicMember | GroupRefusal {
  if (claim.instanceId !== undefined) {
    const member = memberOfInstance(group, claim.instanceId)
    if (member !== undefined) return member.memberId === claim.memberId ? member : { kind: 'fencedInstance' }
    return { kind: 'unknownMember' }
  }
  return group.members.find((member) => member.memberId === claim.memberId) ?? { kind: 'unknownMember' }
}

/**
 * The member whose join this is, come again: it waits for this very request, or was answered to it in this generation, or
 * has sent a newer one since.
 */
export const memberOfJoin = (
  group: ClassicGroup,
  { token, instanceId, memberId }: JoinRequest,
): ClassicMember | undefined =>
  group.members.find(
    (member) =>
      (member.joining === token || member.joined === token || isOvertaken(member, token)) &&
      member.instanceId === instanceId &&
      (memberId === '' || memberId === member.memberId),
  )

/** Whether the member has sent a newer join since: while this one waited, or after it made the member. */
export function isOvertaken(
  { overtaken, arrivals, instanceId, joining, joined }: ClassicMember,
  token: string,
): boolean {
  if (overtaken?.includes(token)) return true
  return instanceId === undefined && arrivals?.includes(token) === true && joining !== token && joined !== token
}

/** Puts a member, changed, in the place of the one with its number. */
export const withMember = (group: ClassicGroup, changed: ClassicMember): ClassicGroup => ({
  ...group,
  members: group.members.map((member) => (member.number === changed.number ? changed : member)),
})

/** The group with a new member that waits to be answered to its join. It is no longer among those that are to come back. */
export function withNewMember(group: ClassicGroup, request: JoinRequest, memberId: string): ClassicGroup {
  const { emptySinceMs: _, ...rest } = group
  return {
    ...rest,
    nextMemberNumber: group.nextMemberNumber + 1,
    protocolType: request.protocolType,
    leader: group.leader ?? memberId,
    members: [...group.members, { ...memberFrom(request, memberId, group.nextMemberNumber), joining: request.token }],
    pending: group.pending.filter((pending) => pending.memberId !== memberId),
  }
}

/**
 * Puts a static member that came without its member id in the place of the one that had its instance: with the assignment of
 * the old one, its place in the group and, if it led the group, the lead. ⚠ The fence rises: the old one may be committing.
 */
export function withReplacement(
  group: ClassicGroup,
  old: ClassicMember,
  request: JoinRequest,
  memberId: string,
): { readonly group: ClassicGroup; readonly member: ClassicMember } {
  const member: ClassicMember = {
    ...memberFrom(request, memberId, group.nextMemberNumber),
    assignment: old.assignment,
    synced: old.synced,
    arrivals: [...(old.arrivals ?? []), request.token].slice(-GROUP_JOINS_REMEMBERED_MAX),
  }
  const replaced: ClassicGroup = {
    ...group,
    fence: group.fence + 1,
    nextMemberNumber: group.nextMemberNumber + 1,
    members: group.members.map((other) => (other.number === old.number ? member : other)),
    ...(group.leader === old.memberId ? { leader: memberId } : {}),
  }
  return { group: replaced, member }
}

/** The member as its join describes it, waiting for the answer. */
export function waitingFor(member: ClassicMember, request: JoinRequest, phase: ClassicPhase): ClassicMember {
  const { joined, overtaken: _, ...rest } = member
  const { sessionTimeoutMs, rebalanceTimeoutMs, protocols, token } = request
  const before = phase === 'completingRebalance' ? joined : member.joining
  return {
    ...rest,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    protocols: plain(protocols),
    joining: token,
    ...(before === undefined ? {} : overtaking(member, before)),
  }
}

/** The member with another join that is answered for this generation. */
export const answeredTo = (member: ClassicMember, token: string): ClassicMember => ({
  ...member,
  joined: token,
  ...(member.joined === undefined ? {} : overtaking(member, member.joined)),
})

const overtaking = ({ overtaken = [] }: ClassicMember, token: string): { readonly overtaken: readonly string[] } => ({
  overtaken: [...overtaken, token].slice(-GROUP_JOINS_REMEMBERED_MAX),
})

/** The group without the members of these numbers; if its leader is one of them the longest of the others leads. */
export function withoutMembers(group: ClassicGroup, numbers: ReadonlySet<number>): ClassicGroup {
  const members = group.members.filter((member) => !numbers.has(member.number))
  if (members.some((member) => member.memberId === group.leader)) return { ...group, members }
  const { leader: _, ...rest } = group
  return { ...rest, members, ...(members[0] === undefined ? {} : { leader: members[0].memberId }) }
}

/** Whether the group could have this member: it is of its type and one of its protocols is common to all. */
export function supports(group: ClassicGroup, request: JoinRequest): boolean {
  const { protocolType, protocols } = request
  if (protocolType === '' || protocols.length === 0) return false
  if (group.members.length === 0) return true
  if (protocolType !== group.protocolType) return false
  const common = commonProtocols(group.members)
  return protocols.some(({ name }) => common.has(name))
}

/** By the list, which is never changed in place: a crowd asks a full group one after the other. */
const common = new WeakMap<readonly ClassicMember[], ReadonlySet<string>>()

/** The names of the protocols that all of them support. */
export function commonProtocols(members: readonly ClassicMember[]): ReadonlySet<string> {
  let names = common.get(members)
  if (names === undefined) {
    names = findCommon(members)
    common.set(members, names)
  }
  return names
}

function findCommon(members: readonly ClassicMember[]): ReadonlySet<string> {
  const [first, ...others] = members
  const common = new Set(first?.protocols.map(({ name }) => name))
  for (const { protocols } of others) {
    const has = namesOf(protocols)
    for (const name of common) if (!has(name)) common.delete(name)
  }
  return common
}

/** Almost everybody has one or two, and a group may have a thousand members; whoever has thousands is looked up. */
const FEW_PROTOCOLS = 8
function namesOf(protocols: Protocols): (name: string) => boolean {
  if (protocols.length <= FEW_PROTOCOLS) return (wanted) => protocols.some(({ name }) => name === wanted)
  const names = new Set(protocols.map(({ name }) => name))
  return (wanted) => names.has(wanted)
}

/** Whether these are the same protocols in the same order with the same metadata. */
export const sameProtocols = (a: Protocols, b: Protocols): boolean =>
  a.length === b.length && a.every(({ name, metadata }, i) => name === b[i]!.name && metadata === b[i]!.metadata)

/** The longest that any member asks the others to wait for it. */
export const rebalanceTimeoutMs = (members: readonly ClassicMember[]): number =>
  members.reduce((longest, member) => Math.max(longest, member.rebalanceTimeoutMs), 0)

const plain = (protocols: Protocols): Protocols => protocols.map(({ name, metadata }) => ({ name, metadata }))

function memberFrom(request: JoinRequest, memberId: string, number: number): ClassicMember {
  const { instanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs } = request
  return {
    memberId,
    number,
    ...(instanceId === undefined ? {} : { instanceId }),
    ...(instanceId === undefined && request.memberId !== '' ? {} : { arrivals: [request.token] }),
    clientId,
    clientHost,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    protocols: plain(request.protocols),
    assignment: '',
    synced: false,
  }
}
