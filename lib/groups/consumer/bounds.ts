// How large a consumer group may be. Its state is one document, which a store takes up to a size only, so what would make it
// too large is refused before it changes anything. It is measured as it will be when everybody has what it is to have, since
// nobody is asked again before that. All bounds are far beyond what Kafka's clients need.
import { GROUP_BYTES_MAX, GROUP_MEMBER_BYTES_MAX, GROUP_NAME_BYTES_MAX } from '../../base/limits.ts'
import type { ConsumerGroup } from '../group.ts'
import type { ConsumerHeartbeatRequest } from '../requests.ts'
import type { GroupRefusal } from '../step.ts'
import { NONE } from './assignment.ts'

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))

/** Whether the group's document would grow too large. */
export function isTooLarge(group: ConsumerGroup): boolean {
  const members = group.members.map((member) => ({ ...member, assigned: member.target, pendingRevocation: NONE }))
  return jsonBytes({ ...group, members }) > GROUP_BYTES_MAX
}

export const TOO_LARGE: GroupRefusal = {
  kind: 'groupFull',
  message: `A group's members, their topics and their partitions may take ${GROUP_BYTES_MAX} bytes.`,
}

/** Refuses what a member may not say of itself in any group. */
export function tooMuchSaid(request: ConsumerHeartbeatRequest): GroupRefusal | undefined {
  const { memberId, instanceId, rackId, clientId, clientHost, subscribedTopics, subscribedPattern } = request
  for (const name of [memberId, instanceId, rackId, clientId, clientHost]) {
    if (name === undefined || jsonBytes(name) <= GROUP_NAME_BYTES_MAX) continue
    return { kind: 'invalidRequest', message: `A name in a group may have ${GROUP_NAME_BYTES_MAX} bytes.` }
  }
  if (jsonBytes([subscribedTopics, subscribedPattern]) <= GROUP_MEMBER_BYTES_MAX) return undefined
  return { kind: 'groupFull', message: `One member's subscription may take ${GROUP_MEMBER_BYTES_MAX} bytes.` }
}
