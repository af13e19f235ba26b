// Replica assignments that an administrator writes by hand. Where a partition's leader is follows from hashing here, so an
// assignment moves nothing; but one that Kafka would refuse is refused, and one that it would accept gives the number of
// partitions and the replication factor.
import type { Members } from '../broker.ts'

/** One partition's replicas as asked for. */
export interface Assignment {
  readonly brokerIds: readonly number[]
}

/** Why these assignments cannot be, as a sentence; undefined if they can. All must have the same number of replicas. */
export function assignmentProblem(assignments: readonly Assignment[], members: Members): string | undefined {
  const live = new Set(members.nodes().map((node) => node.nodeId))
  const replicas = assignments[0]?.brokerIds.length ?? 0
  for (const { brokerIds } of assignments) {
    if (brokerIds.length === 0) return 'The manual partition assignment includes an empty replica list.'
    if (new Set(brokerIds).size !== brokerIds.length) {
      return `The manual partition assignment includes the same broker more than once: ${brokerIds.join(', ')}.`
    }
    const missing = brokerIds.find((id) => !live.has(id))
    if (missing !== undefined) {
      return `The manual partition assignment includes broker ${missing}, but no such broker is registered.`
    }
    if (brokerIds.length !== replicas) {
      return `The manual partition assignment includes a partition with ${brokerIds.length} replica(s), but this is not consistent with previous partitions, which have ${replicas} replica(s).`
    }
  }
  return undefined
}
