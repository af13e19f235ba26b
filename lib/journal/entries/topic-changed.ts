// `topicConfigured` and `partitionsAdded`: changes of a topic that name the version they rest on, so that of two changes
// made from the same view the second is `stale` and its author looks again; and `topicDeleted`, which holds for whatever
// version the topic has by then.
import { ByteReader, ByteWriter } from '../../base/bytes.ts'
import { readConfigs, writeConfigs } from '../state/configs.ts'
import type { RootState, TopicState } from '../state/root.ts'

export interface TopicConfigured {
  readonly topicNumber: number
  readonly version: number
  /** All explicit configs from here on. */
  readonly configs: ReadonlyMap<string, string>
}
export interface PartitionsAdded {
  readonly topicNumber: number
  readonly version: number
  /** The new number of partitions; never smaller than before. */
  readonly partitions: number
}
export interface TopicDeleted {
  readonly topicNumber: number
}

export type TopicChangedVerdict =
  | { readonly kind: 'changed'; readonly topic: TopicState }
  | { readonly kind: 'stale' }
  | { readonly kind: 'unknownTopic' }
export type TopicDeletedVerdict =
  | { readonly kind: 'deleted'; readonly topic: TopicState }
  | { readonly kind: 'unknownTopic' }

export function encodeTopicConfigured(entry: TopicConfigured): Uint8Array {
  const writer = new ByteWriter().varint(entry.topicNumber).varint(entry.version)
  writeConfigs(writer, entry.configs)
  return writer.finish()
}

export function decodeTopicConfigured(payload: Uint8Array): TopicConfigured {
  const reader = new ByteReader(payload)
  const entry = { topicNumber: reader.varint(), version: reader.varint(), configs: readConfigs(reader) }
  reader.end()
  return entry
}

export function encodePartitionsAdded(entry: PartitionsAdded): Uint8Array {
  return new ByteWriter().varint(entry.topicNumber).varint(entry.version).varint(entry.partitions).finish()
}

export function decodePartitionsAdded(payload: Uint8Array): PartitionsAdded {
  const reader = new ByteReader(payload)
  const entry = { topicNumber: reader.varint(), version: reader.varint(), partitions: reader.varint() }
  reader.end()
  return entry
}

export function encodeTopicDeleted(entry: TopicDeleted): Uint8Array {
  return new ByteWriter().varint(entry.topicNumber).finish()
}

export function decodeTopicDeleted(payload: Uint8Array): TopicDeleted {
  const reader = new ByteReader(payload)
  const entry = { topicNumber: reader.varint() }
  reader.end()
  return entry
}

function change(
  root: RootState,
  entry: { readonly topicNumber: number; readonly version: number },
  apply: (topic: TopicState) => TopicState,
): TopicChangedVerdict {
  const topic = root.topics.get(entry.topicNumber)
  if (topic === undefined) return { kind: 'unknownTopic' }
  if (topic.version !== entry.version) return { kind: 'stale' }
  const changed = { ...apply(topic), version: topic.version + 1 }
  root.topics.set(topic.number, changed)
  return { kind: 'changed', topic: changed }
}

export function applyTopicConfigured(root: RootState, entry: TopicConfigured): TopicChangedVerdict {
  return change(root, entry, (topic) => ({ ...topic, configs: entry.configs }))
}

export function applyPartitionsAdded(root: RootState, entry: PartitionsAdded): TopicChangedVerdict {
  return change(root, entry, (topic) => ({ ...topic, partitions: Math.max(topic.partitions, entry.partitions) }))
}

export function applyTopicDeleted(root: RootState, entry: TopicDeleted): TopicDeletedVerdict {
  const topic = root.topics.get(entry.topicNumber)
  if (topic === undefined) return { kind: 'unknownTopic' }
  root.topics.delete(topic.number)
  root.numbersByName.delete(topic.name)
  root.numbersById.delete(topic.id)
  return { kind: 'deleted', topic }
}
