// How large a classic group may be. Its members are one document, which a store takes up to a size only, so a join that would
// make it larger is refused before it changes anything, and so is what a leader assigns. What is bounded here is far beyond
// what Kafka's clients send, and refused with words that say what it was.
import {
  GROUP_ASSIGNMENTS_BYTES_MAX,
  GROUP_BYTES_MAX,
  GROUP_MEMBER_BYTES_MAX,
  GROUP_NAME_BYTES_MAX,
} from '../../base/limits.ts'
import type { ClassicGroup, ClassicMember } from '../group.ts'
import type { JoinRequest } from '../requests.ts'
import type { GroupRefusal, GroupSettings } from '../step.ts'

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))

/** Members and ids are never changed in place, so each is measured once however many join at the same time. */
const measured = new WeakMap<object, number>()

/** What these take as JSON. */
function bytesOf(items: readonly object[]): number {
  let sum = items.length === 0 ? 2 : 1
  for (const item of items) {
    let bytes = measured.get(item)
    if (bytes === undefined) {
      bytes = jsonBytes(item) + 1
      measured.set(item, bytes)
    }
    sum += bytes
  }
  return sum
}

/** Whether another member would be one too many. Those that are to come back with the id they were given count. */
export const isFull = ({ members, pending }: ClassicGroup, settings: GroupSettings): boolean =>
  members.length + pending.length >= settings.membersMax

/** Refuses a group whose document would grow too large; assignments have room of their own. */
export function tooLarge({ members, pending }: ClassicGroup): GroupRefusal | undefined {
  const bytes = bytesOf(members) - assignedBytes(members) + bytesOf(pending)
  if (bytes <= GROUP_BYTES_MAX) return undefined
  return { kind: 'groupFull', message: `The members of a group may say ${GROUP_BYTES_MAX} bytes of themselves.` }
}

/** Refuses what a member may not say of itself in any group. */
export function tooMuchSaid(request: JoinRequest): GroupRefusal | undefined {
  const { groupId, clientId, clientHost, instanceId, protocolType, protocols } = request
  const names = [groupId, clientId, clientHost, instanceId ?? '', protocolType]
  for (const name of [...names, ...protocols.map((protocol) => protocol.name)]) {
    if (jsonBytes(name) <= GROUP_NAME_BYTES_MAX) continue
    return { kind: 'invalidRequest', message: `A name in a group may have ${GROUP_NAME_BYTES_MAX} bytes.` }
  }
  if (jsonBytes(protocols) <= GROUP_MEMBER_BYTES_MAX) return undefined
  return { kind: 'groupFull', message: `One member may say ${GROUP_MEMBER_BYTES_MAX} bytes of its protocols.` }
}

/** Refuses assignments that the group's document has no room for. */
export function tooMuchAssigned(members: readonly ClassicMember[]): GroupRefusal | undefined {
  if (assignedBytes(members) <= GROUP_ASSIGNMENTS_BYTES_MAX) return undefined
  return { kind: 'groupFull', message: `The assignments of a group may have ${GROUP_ASSIGNMENTS_BYTES_MAX} bytes.` }
}

/** Base64 is as long in JSON. */
const assignedBytes = (members: readonly ClassicMember[]): number =>
  members.reduce((sum, { assignment }) => sum + assignment.length, 0)
