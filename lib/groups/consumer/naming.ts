// Classic members name topics, consumer groups number them. ⚠ A name is looked up as the group knows it first: the group may rest
// on a newer view of the topics than this process has, and what a member owns of a topic that is new must not look given up.
import type { TopicId } from '../../base/ids.ts'
import { encodeAssignment } from '../../wire/consumer-protocol.ts'
import type { Assignment, ConsumerGroup } from '../group.ts'
import type { TopicsView } from '../step.ts'
import { assignmentOf, union } from './assignment.ts'

export interface Naming {
  idOf(name: string): TopicId | undefined
  nameOf(id: TopicId): string | undefined
}

/** Partitions as classic members name them. */
type Named = readonly { readonly topic: string; readonly partitions: readonly number[] }[]

export function namingOf(topics: ConsumerGroup['topics'], view: TopicsView): Naming {
  const ids = new Map(topics.map(({ id, name }) => [name, id]))
  const names = new Map(topics.map(({ id, name }) => [id, name]))
  return {
    idOf: (name) => ids.get(name) ?? view.byName(name)?.id,
    nameOf: (id) => names.get(id) ?? view.byId(id)?.name,
  }
}

/** Topic names as a member keeps them. */
export const namesIn = (names: readonly string[]): readonly string[] => [...new Set(names)].sort()

/** Those partitions whose topics are known. */
export function partitionsOf(named: Named, naming: Naming): Assignment {
  return assignmentOf(
    named.flatMap(({ topic, partitions }) => {
      const topicId = naming.idOf(topic)
      return topicId === undefined ? [] : [{ topicId, partitions }]
    }),
  )
}

/**
 * What a member owns by what it says. If it names a topic that nobody here knows, then it may be any of those that it has and
 * that have no name here: all of them count as owned.
 */
export function ownedOf(named: Named, has: Assignment, naming: Naming): Assignment {
  const owned = partitionsOf(named, naming)
  if (named.every(({ topic }) => naming.idOf(topic) !== undefined)) return owned
  return union(
    owned,
    has.filter(({ topicId }) => naming.nameOf(topicId) === undefined),
  )
}

/** Partitions as a classic member reads them, in base64. Topics that are gone are left out. */
export function embedded(assignment: Assignment, version: number, naming: Naming): string {
  const assignedPartitions = assignment.flatMap(({ topicId, partitions }) => {
    const topic = naming.nameOf(topicId)
    return topic === undefined ? [] : [{ topic, partitions }]
  })
  return Buffer.from(encodeAssignment(version, { assignedPartitions, userData: null })).toString('base64')
}
