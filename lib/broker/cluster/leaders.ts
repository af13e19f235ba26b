// Which gateway Metadata names as the leader of a partition: rendezvous hashing of topic id, partition and node id over the
// live gateways, so that every gateway names the same one and a change of membership moves as few partitions as possible.
// Replicas that an administrator chose come first, as far as they are alive. It is a hint that spreads the load and keeps a
// partition's readers and writers on one process; any gateway serves any partition, so nothing rests on it.
import { assert } from '../../base/assert.ts'
import type { Topic } from '../../log/log.ts'
import type { Node } from '../broker.ts'
import { chosenReplicas } from './chosen-replicas.ts'
import { replicationFactorOf } from './replication.ts'

/** FNV-1a of the text: spreads topic ids, which are random already. */
function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** The live gateway that a group's clients are sent to: the same by every gateway's reckoning. */
export function coordinatorOf(groupId: string, nodes: readonly Node[]): Node {
  assert(nodes.length > 0, 'at least one node is alive')
  const seed = mix(hashText(groupId))
  const weigh = (node: Node): number => mix(seed ^ mix(node.nodeId + 0x9e3779b9))
  return nodes.reduce((best, node) => (weigh(node) > weigh(best) ? node : best))
}

/** The live gateway that is called the controller: the same by every gateway's reckoning, while the members are the same. */
export function controllerOf(nodes: readonly Node[]): Node {
  const [first] = nodes
  assert(first !== undefined, 'at least one node is alive')
  return first
}

/** Mixes all bits of a 32-bit number (the finaliser of MurmurHash3). */
function mix(value: number): number {
  let h = value
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/**
 * Node ids by rank for each partition asked about: the first is the leader, and the first so many as the replication factor
 * says are the replicas, all in sync. Where an administrator chose replicas it is those of them that are alive. Never an id
 * that is not alive, so one gateway is its own only replica.
 */
export function replicasOf(topic: Topic, nodes: readonly Node[]): (partition: number) => number[] {
  assert(nodes.length > 0, 'at least one node is alive')
  const topicHash = hashText(topic.id)
  const count = Math.min(Math.max(1, replicationFactorOf(topic)), nodes.length)
  const only = nodes.length === 1 ? nodes[0]!.nodeId : undefined
  const chosen = chosenReplicas(topic)
  const live = chosen.size === 0 ? undefined : new Set(nodes.map((node) => node.nodeId))
  return (partition) => {
    if (only !== undefined) return [only]
    const alive = chosen.get(partition)?.filter((id) => live?.has(id)) ?? []
    if (alive.length > 0) return alive
    const seed = mix(topicHash ^ mix(partition + 1))
    return nodes
      .map((node) => ({ id: node.nodeId, weight: mix(seed ^ mix(node.nodeId + 0x9e3779b9)) }))
      .sort((a, b) => b.weight - a.weight || a.id - b.id)
      .slice(0, count)
      .map((ranked) => ranked.id)
  }
}
