// How far a group is behind, partition by partition: what is committed beside where the log ends, and who reads it. Asking
// is apart from joining the answers, which is a pure function. A partition is listed when the group committed an offset for
// it or a member has it assigned; a topic that is gone keeps its line, without an end.
import type { ClientTopic, Cluster } from '../../client/cluster.ts'
import { LATEST, offsetsAt } from '../../client/consumer.ts'
import { type Coordinator, coordinatorOf } from '../../client/coordinator.ts'
import {
  committedOffsets,
  type DescribedGroup,
  describeGroup,
  type GroupMember,
  type GroupOffset,
} from '../../client/group-admin.ts'
import { Problem } from '../problem.ts'
import { partitionKey } from './plan-reset.ts'

export interface LagRow {
  readonly topic: string
  readonly partition: number
  readonly committed: number | undefined
  readonly end: number | undefined
  /** Undefined where one of both is not known. */
  readonly lag: number | undefined
  readonly member: GroupMember | undefined
}

export interface GroupLag {
  readonly group: DescribedGroup
  readonly coordinator: Coordinator
  readonly rows: readonly LagRow[]
}

/** Asks for everything that the description of a group needs. */
export async function readLag(cluster: Cluster, groupId: string): Promise<GroupLag> {
  const [coordinator, group] = [await coordinatorOf(cluster, groupId), await describeGroup(cluster, groupId)]
  if (group === undefined) throw new Problem(`There is no group named ${groupId}. "tidelog group list" shows all.`)
  const committed = await committedOffsets(cluster, groupId)
  const assigned = group.members.flatMap((member) => member.assigned ?? [])
  const topics = new Set([...committed, ...assigned].map(({ topic }) => topic))
  const ends = new Map<string, number>()
  await Promise.all(
    [...topics].map(async (name) => {
      const topic = await cluster.topic(name)
      for (const [partition, end] of topic === undefined ? [] : await endsOf(cluster, topic)) {
        ends.set(partitionKey(name, partition), end)
      }
    }),
  )
  return { group, coordinator, rows: lagRows(committed, ends, group.members) }
}

function endsOf(cluster: Cluster, topic: ClientTopic): Promise<ReadonlyMap<number, number>> {
  const partitions = topic.partitions.map(({ partition }) => partition)
  return offsetsAt(cluster, topic, partitions, LATEST)
}

/** Joins what is committed, where partitions end (by `partitionKey`) and who has them; sorted by topic and partition. */
export function lagRows(
  committed: readonly GroupOffset[],
  ends: ReadonlyMap<string, number>,
  members: readonly GroupMember[],
): LagRow[] {
  const offsets = new Map(committed.map(({ topic, partition, offset }) => [partitionKey(topic, partition), offset]))
  const owners = new Map<string, GroupMember>()
  const listed = new Map(
    committed.map(({ topic, partition }) => [partitionKey(topic, partition), { topic, partition }]),
  )
  for (const member of members) {
    for (const { topic, partitions } of member.assigned ?? []) {
      for (const partition of partitions) {
        owners.set(partitionKey(topic, partition), member)
        listed.set(partitionKey(topic, partition), { topic, partition })
      }
    }
  }
  const rows = [...listed].map(([key, { topic, partition }]) => {
    const [offset, end] = [offsets.get(key), ends.get(key)]
    // An offset beyond the end (a topic made anew, say) leaves nothing to read.
    const lag = offset === undefined || end === undefined ? undefined : Math.max(0, end - offset)
    return { topic, partition, committed: offset, end, lag, member: owners.get(key) }
  })
  return rows.sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
}
