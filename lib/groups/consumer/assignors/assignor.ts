// What an assignor is given and what it gives back. An assignor is a pure function: the same members, topics and targets so
// far give the same new targets in every process. A member without a say of its own counts like any other; who is here for
// the moment does not matter, only who belongs to the group.
import type { TopicId } from '../../../base/ids.ts'
import type { Assignment } from '../../group.ts'

export interface AssignorMember {
  readonly memberId: string
  /** Of a static member. */
  readonly instanceId: string | undefined
  /** Those of the topics that it is subscribed to. Members that want the same may share the set. */
  readonly topics: ReadonlySet<TopicId>
  /** Its target so far. May name what is gone. */
  readonly current: Assignment
}

/** Partitions by topic. */
export type AssignorTopics = ReadonlyMap<TopicId, number>

/** The new target of each member, in the order of the members. */
export type Assignor = (members: readonly AssignorMember[], topics: AssignorTopics) => readonly Assignment[]

/**
 * Indices of the members, those with an instance id first and by it, the others by member id: a static member that comes
 * back under a new member id keeps its place.
 */
export function inOrder(members: readonly AssignorMember[]): readonly number[] {
  return members
    .map(({ memberId, instanceId }, index) => ({
      index,
      rank: instanceId === undefined ? 1 : 0,
      name: instanceId ?? memberId,
    }))
    .sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1))
    .map(({ index }) => index)
}

/** The topics by ascending id, as assignments list them. */
export function byId(topics: AssignorTopics): readonly (readonly [TopicId, number])[] {
  return [...topics].sort(([a], [b]) => (a < b ? -1 : 1))
}
