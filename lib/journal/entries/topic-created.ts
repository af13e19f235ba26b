// `topicCreated`: a new topic. The fold decides whose name it is: of two creators of one name the first in journal order
// gets the topic, the other `exists`.
import { ByteReader, ByteWriter } from '../../base/bytes.ts'
import type { TopicId } from '../../base/ids.ts'
import { TOPICS_MAX } from '../../base/limits.ts'
import { readConfigs, writeConfigs } from '../state/configs.ts'
import type { RootState, TopicState } from '../state/root.ts'

export interface TopicCreated {
  readonly topicId: TopicId
  readonly name: string
  readonly partitions: number
  readonly configs: ReadonlyMap<string, string>
}

export type TopicCreatedVerdict =
  | { readonly kind: 'created'; readonly topic: TopicState }
  | { readonly kind: 'exists' }
  | { readonly kind: 'limit' }

export function encodeTopicCreated(entry: TopicCreated): Uint8Array {
  const writer = new ByteWriter().raw(Buffer.from(entry.topicId, 'hex')).string(entry.name).varint(entry.partitions)
  writeConfigs(writer, entry.configs)
  return writer.finish()
}

export function decodeTopicCreated(payload: Uint8Array): TopicCreated {
  const reader = new ByteReader(payload)
  const topicId = Buffer.from(reader.raw(16)).toString('hex') as TopicId
  const entry = { topicId, name: reader.string(), partitions: reader.varint(), configs: readConfigs(reader) }
  reader.end()
  return entry
}

export function applyTopicCreated(root: RootState, entry: TopicCreated): TopicCreatedVerdict {
  if (root.numbersByName.has(entry.name) || root.numbersById.has(entry.topicId)) return { kind: 'exists' }
  if (root.topics.size >= TOPICS_MAX) return { kind: 'limit' }
  const topic: TopicState = {
    number: root.nextTopicNumber++,
    id: entry.topicId,
    name: entry.name,
    partitions: entry.partitions,
    configs: entry.configs,
    version: 1,
  }
  root.topics.set(topic.number, topic)
  root.numbersByName.set(topic.name, topic.number)
  root.numbersById.set(topic.id, topic.number)
  return { kind: 'created', topic }
}
