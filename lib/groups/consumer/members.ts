// Who is in a consumer group: finding members, taking them in, changing and replacing them. The list is ascending by member id;
// a number names a member in the `seen` document and is never given twice. Nothing here looks at assignments but to copy them.
import type { ConsumerGroup, ConsumerMember } from '../group.ts'
import type { GroupRefusal } from '../step.ts'
import { NONE } from './assignment.ts'

export const memberOf = (group: ConsumerGroup, memberId: string): ConsumerMember | undefined =>
  group.members.find((member) => member.memberId === memberId)

export const memberOfInstance = (group: ConsumerGroup, instanceId: string): ConsumerMember | undefined =>
  group.members.find((member) => member.instanceId === instanceId)

/** The member that a request speaks for, or why it speaks for none. An instance id decides, whatever the member id says. */
export function identify(
  group: ConsumerGroup,
  claim: { readonly memberId: string; readonly instanceId: string | undefined },
): ConsumerMember | GroupRefusal {
  const { memberId, instanceId } = claim
  if (instanceId === undefined) {
    return memberOf(group, memberId) ?? { kind: 'unknownMember', message: `${memberId} is no member of ${group.id}.` }
  }
  const member = memberOfInstance(group, instanceId)
  if (member === undefined)
    return { kind: 'unknownMember', message: `Nobody in ${group.id} is instance ${instanceId}.` }
  if (member.memberId === memberId) return member
  return { kind: 'fencedInstance', message: `Instance ${instanceId} is now member ${member.memberId}.` }
}

export const isRefusal = (found: ConsumerMember | GroupRefusal): found is GroupRefusal => 'kind' in found

/** Puts a member, changed, in the place of the one with its number. */
export const withMember = (group: ConsumerGroup, changed: ConsumerMember): ConsumerGroup => ({
  ...group,
  members: group.members.map((member) => (member.number === changed.number ? changed : member)),
})

/** A member that nobody has heard of before, as it is before its first request is taken over. */
export function newMember(group: ConsumerGroup, memberId: string): ConsumerMember {
  return {
    memberId,
    number: group.nextMemberNumber,
    clientId: '',
    clientHost: '',
    sessionTimeoutMs: 0,
    rebalanceTimeoutMs: 0,
    subscribedTopics: [],
    memberEpoch: 0,
    previousEpoch: 0,
    state: 'stable',
    assigned: NONE,
    pendingRevocation: NONE,
    target: NONE,
  }
}

/** Takes in a member that was made with the group's next number. */
export function withNewMember(group: ConsumerGroup, member: ConsumerMember): ConsumerGroup {
  const { emptySinceMs: _, ...rest } = group
  return { ...rest, nextMemberNumber: group.nextMemberNumber + 1, members: sorted([...group.members, member]) }
}

/**
 * The member that comes in the place of a static one: everything that the old one had is its own now, and it has to be told
 * all of it, so it starts at epoch 0. Of the old one's joins only those are remembered that made members: they must not again.
 */
export function replacementOf(group: ConsumerGroup, old: ConsumerMember, memberId: string): ConsumerMember {
  const { revokeDeadlineMs: _, classic, ...rest } = old
  const arrivals = classic?.arrivals === undefined ? {} : { arrivals: classic.arrivals }
  return {
    ...rest,
    memberId,
    number: group.nextMemberNumber,
    memberEpoch: 0,
    previousEpoch: 0,
    ...(classic === undefined ? {} : { classic: { protocols: classic.protocols, ...arrivals, synced: false } }),
  }
}

/** ⚠ The fence rises: the old one may be committing. */
export function withReplacement(group: ConsumerGroup, old: ConsumerMember, member: ConsumerMember): ConsumerGroup {
  return {
    ...group,
    fence: group.fence + 1,
    nextMemberNumber: group.nextMemberNumber + 1,
    members: sorted(group.members.map((other) => (other.number === old.number ? member : other))),
  }
}

const sorted = (members: readonly ConsumerMember[]): readonly ConsumerMember[] =>
  [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
