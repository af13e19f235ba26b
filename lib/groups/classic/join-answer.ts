// What a join is told: to wait while the group prepares, else the group's current generation. Only the leader is told who the
// members are, since it assigns. A leader that finds the group stable has started anew as a static member and has nothing to
// assign: newer clients are told so, older ones are told that somebody else leads.
import { assert } from '../../base/assert.ts'
import type { ClassicGroup, ClassicMember } from '../group.ts'
import type { Joined, JoinRequest } from '../requests.ts'
import type { Wait } from '../step.ts'

/** Kafka: a group without a leader has this one. */
const NO_LEADER = ''

/** The answer to a join that was taken in: the same for a repeat as for the request itself. */
export function joinAnswer(group: ClassicGroup, member: ClassicMember, request: JoinRequest): Joined | Wait {
  const { memberId } = member
  if (group.phase === 'preparingRebalance') return { kind: 'wait', memberId }
  const { generation, protocolType, protocol, leader } = group
  assert(protocolType !== undefined && protocol !== undefined && leader !== undefined, 'a generation has a leader')
  const leads = leader === memberId
  const assigned = leads && group.phase === 'stable'
  const told = leads && (!assigned || request.knowsSkipAssignment)
  return {
    kind: 'joined',
    generation,
    protocolType,
    protocol,
    leader: leads && !told ? NO_LEADER : leader,
    memberId,
    skipAssignment: assigned && told,
    members: told ? group.members.map((one) => described(one, protocol)) : [],
  }
}

/** What a member said of itself for a protocol, as base64. */
export const metadataFor = (member: ClassicMember, protocol: string): string =>
  member.protocols.find(({ name }) => name === protocol)?.metadata ?? ''

const described = (member: ClassicMember, protocol: string): Joined['members'][number] => ({
  memberId: member.memberId,
  instanceId: member.instanceId,
  metadata: metadataFor(member, protocol),
})
