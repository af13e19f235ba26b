// The servers of one log as a client knows them: which exist, who leads which partition, one connection to each. Answers
// of Metadata are kept until somebody finds them wrong.
import type { Address } from '../base/address.ts'

import type { TopicId } from '../base/ids.ts'
import { ZERO_TOPIC_ID } from '../base/ids.ts'
import { ErrorCode } from '../wire/errors.ts'
import { metadata } from '../wire/messages/metadata.ts'
import type { Api, RequestInput, ResponseOf } from '../wire/schema.ts'
import { type Connection, openConnection } from './connection.ts'
import { ClientError, refused } from './errors.ts'

const TRIES_MAX = 20
const RETRY_MS = 250

/** A topic as Metadata describes it. */
export interface ClientTopic {
  readonly name: string
  readonly id: TopicId
  readonly partitions: readonly ClientPartition[]
}
export interface ClientPartition {
  readonly partition: number
  readonly leader: number
  readonly replicas: readonly number[]
  readonly inSync: readonly number[]
}

/** Connects to a log at its bootstrap address. */
export async function openCluster(bootstrap: Address): Promise<Cluster> {
  return new Cluster(await openConnection(bootstrap))
}

export class Cluster {
  readonly #bootstrap: Address
  readonly #connections = new Map<string, Promise<Connection>>()
  readonly #nodes = new Map<number, Address>()

  constructor(first: Connection) {
    this.#bootstrap = first.address
    this.#connections.set(key(first.address), Promise.resolve(first))
  }

  /** A request to any server. */
  async request<A extends Api>(api: A, value: RequestInput<A>): Promise<ResponseOf<A>> {
    return (await this.#connection(this.#bootstrap)).request(api, value)
  }

  /** The connection to a server by its node id. */
  connectionTo(nodeId: number): Promise<Connection> {
    return this.#connection(this.#nodes.get(nodeId) ?? this.#bootstrap)
  }

  /** The connection to a server that an answer named by its address. */
  connectionAt(address: Address): Promise<Connection> {
    return this.#connection(address)
  }

  /** All servers, as they are now. */
  async servers(): Promise<readonly Address[]> {
    const { brokers } = await this.request(metadata, { topics: [], allowAutoTopicCreation: false })
    return brokers.map(({ host, port }) => ({ host, port }))
  }

  /** All topics. */
  async topics(): Promise<ClientTopic[]> {
    return (await this.#metadata(null, false)).map(described)
  }

  /** One topic, or `undefined`. With `create` the server may make it, if it is configured to. */
  async topic(
    name: string,
    options: { readonly create: boolean } = { create: false },
  ): Promise<ClientTopic | undefined> {
    for (let tries = 1; ; tries++) {
      const [topic] = await this.#metadata([name], options.create)
      if (topic === undefined) return undefined
      const { errorCode } = topic
      const pending = topic.partitions.some((partition) => partition.leaderId < 0)
      if (errorCode === ErrorCode.NONE && !pending) return described(topic)
      if (errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION && !options.create) return undefined
      const transient =
        errorCode === ErrorCode.NONE ||
        errorCode === ErrorCode.LEADER_NOT_AVAILABLE ||
        errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      if (!transient || tries >= TRIES_MAX) throw refused(`Topic ${name}`, errorCode)
      await pause(RETRY_MS)
    }
  }

  /** As `topic`, but it has to exist. */
  async existingTopic(name: string): Promise<ClientTopic> {
    const topic = await this.topic(name)
    if (topic !== undefined) return topic
    const text = `There is no topic named ${name}. Make it with: npx tidelog topic create ${name}`
    throw new ClientError('refused', text, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  }

  async close(): Promise<void> {
    const all = await Promise.allSettled(this.#connections.values())
    await Promise.all(all.map((opened) => (opened.status === 'fulfilled' ? opened.value.close() : undefined)))
  }

  async #metadata(names: readonly string[] | null, create: boolean) {
    const topics = names?.map((name) => ({ name })) ?? null
    const answer = await this.request(metadata, { topics, allowAutoTopicCreation: create })
    for (const { nodeId, host, port } of answer.brokers) this.#nodes.set(nodeId, { host, port })
    return answer.topics
  }

  async #connection(address: Address): Promise<Connection> {
    const known = await this.#connections.get(key(address))?.catch(() => undefined)
    if (known?.usable) return known
    const opening = openConnection(address)
    this.#connections.set(key(address), opening)
    return opening
  }
}

function described(topic: ResponseOf<typeof metadata>['topics'][number]): ClientTopic {
  const partitions = topic.partitions.map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => {
    return { partition: partitionIndex, leader: leaderId, replicas: replicaNodes, inSync: isrNodes }
  })
  partitions.sort((a, b) => a.partition - b.partition)
  return { name: topic.name ?? '', id: topic.topicId ?? ZERO_TOPIC_ID, partitions }
}

function key({ host, port }: Address): string {
  return `${host}\n${port}`
}

/** Waits. */
export function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs))
}
