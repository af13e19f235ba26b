// What all clients of a simulated run share: the world, the cluster, the history they write, the topics they have heard of,
// the number of operations that are left, and the pauses of hours between busy times in which frozen processes wake up and
// late requests arrive.
import type { TopicId } from '../../lib/base/ids.ts'
import type { Cluster, Connection } from './cluster.ts'
import type { Fleet } from './functions.ts'
import { type History, partitionName } from './history.ts'
import type { Seeded } from './random.ts'
import type { World } from './world.ts'

/** The topic that no administrator deletes. */
export const KEPT_TOPIC = 'orders'

/** A topic as a client heard of it. */
export interface KnownTopic {
  readonly id: TopicId
  readonly name: string
  partitions: number
}
export interface Target {
  readonly topic: KnownTopic
  readonly partition: number
}
export const targetName = ({ topic, partition }: Target): string => partitionName(topic.id, partition)

export interface Scene {
  readonly world: World
  readonly cluster: Cluster
  /** Lambda functions, equal to the processes of the cluster as writers and readers. */
  readonly fleet: Fleet
  readonly history: History
  readonly random: Seeded
  /** Topics that exist as far as clients know. */
  readonly topics: Map<TopicId, KnownTopic>
  /** Client operations so far. */
  operations: number
  /** Assignments of consumers so far. */
  assignments: number
  /** False once the faults have stopped and clients only bring to an end what they began. */
  busy: boolean
  /** True from the end of the faults on: everything must now succeed. */
  calm: boolean
}

/** Any partition of any topic, or undefined while there are none. */
export function pickTarget(scene: Scene, random: Seeded): Target | undefined {
  const topics = [...scene.topics.values()]
  if (topics.length === 0) return undefined
  const topic = random.pick(topics)
  return { topic, partition: random.int(0, topic.partitions) }
}

/** A client's way to the cluster: one connection at a time, to any process that answers. */
export interface Line {
  /** The open connection, or a new one to some process. */
  connection(): Connection
  /** Leaves the process, if there is a connection. */
  leave(): void
}

export function createLine(scene: Scene, random: Seeded): Line {
  let current: Connection | undefined
  return {
    connection() {
      if (current?.open()) return current
      const up = scene.cluster.up()
      // Now and then a client tries one that it does not know to be down or frozen.
      const all = scene.cluster.processes.map((_, index) => index)
      current = scene.cluster.connect(random.pick(up.length > 0 && random.chance(0.85) ? up : all))
      return current
    },
    leave() {
      current?.close()
      current = undefined
    },
  }
}
