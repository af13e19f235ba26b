// The root of the state: topics, groups, horizon, last accepted checkpoint, position. It is small, always in memory, and
// never looks into a page. The fold changes it in place; what it holds is a pure function of the entries applied so far.
import { ByteReader, ByteWriter, openObject, sealObject } from '../../base/bytes.ts'
import type { TopicId } from '../../base/ids.ts'
import type { ObjectKey } from '../../storage/ports.ts'
import { NO_CHUNKS_HASH } from '../chunk.ts'
import { type Position, START } from '../position.ts'
import { readConfigs, writeConfigs } from './configs.ts'
import { type GroupState, readGroups, writeGroups } from './groups.ts'

/** A topic. Never changed in place. */
export interface TopicState {
  /** The small number that the fold gave it. Never reused. */
  readonly number: number
  readonly id: TopicId
  readonly name: string
  readonly partitions: number
  /** Only what was set explicitly; defaults are the broker's. */
  readonly configs: ReadonlyMap<string, string>
  /** Rises with each change of configs or partitions; an entry that changes the topic names the version it rests on. */
  readonly version: number
}

export interface AcceptedCheckpoint {
  readonly key: ObjectKey
  readonly position: Position
  readonly stateHash: Uint8Array
}

export interface RootState {
  foldVersion: number
  /** Entries before this were applied. */
  position: Position
  /** Running hash of all chunks before `position.generation`. */
  chunksHash: Uint8Array
  horizon: number
  checkpoint: AcceptedCheckpoint | undefined
  nextTopicNumber: number
  readonly topics: Map<number, TopicState>
  /** Derived from `topics`. */
  readonly numbersByName: Map<string, number>
  readonly numbersById: Map<TopicId, number>
  nextGroupNumber: number
  /** By name. */
  readonly groups: Map<string, GroupState>
}

export function emptyRoot(): RootState {
  return {
    foldVersion: 1,
    position: START,
    chunksHash: NO_CHUNKS_HASH,
    horizon: 0,
    checkpoint: undefined,
    nextTopicNumber: 1,
    topics: new Map(),
    numbersByName: new Map(),
    numbersById: new Map(),
    nextGroupNumber: 1,
    groups: new Map(),
  }
}

/** The root's content, the same bytes for the same state. */
export function encodeRoot(root: RootState): Uint8Array {
  const writer = new ByteWriter(1024).varint(root.foldVersion)
  writer.varint(root.position.generation).varint(root.position.index).raw(root.chunksHash).varint(root.horizon)
  writer.string(root.checkpoint?.key ?? '')
  if (root.checkpoint !== undefined) {
    const { position, stateHash } = root.checkpoint
    writer.varint(position.generation).varint(position.index).raw(stateHash)
  }
  writer.varint(root.nextTopicNumber).varint(root.topics.size)
  for (const topic of [...root.topics.values()].sort((a, b) => a.number - b.number)) {
    writer.varint(topic.number).raw(Buffer.from(topic.id, 'hex')).string(topic.name).varint(topic.partitions)
    writer.varint(topic.version)
    writeConfigs(writer, topic.configs)
  }
  writeGroups(writer, root)
  return writer.finish()
}

function readRoot(reader: ByteReader): RootState {
  const root = emptyRoot()
  root.foldVersion = reader.varint()
  root.position = { generation: reader.varint(), index: reader.varint() }
  root.chunksHash = reader.raw(32).slice()
  root.horizon = reader.varint()
  const key = reader.string()
  if (key !== '') {
    const position = { generation: reader.varint(), index: reader.varint() }
    root.checkpoint = { key, position, stateHash: reader.raw(32).slice() }
  }
  root.nextTopicNumber = reader.varint()
  const topics = reader.count(20)
  for (let i = 0; i < topics; i++) {
    const number = reader.varint()
    const id = Buffer.from(reader.raw(16)).toString('hex') as TopicId
    const name = reader.string()
    const partitions = reader.varint()
    const version = reader.varint()
    root.topics.set(number, { number, id, name, partitions, version, configs: readConfigs(reader) })
    root.numbersByName.set(name, number)
    root.numbersById.set(id, number)
  }
  readGroups(reader, root)
  return root
}

/** Names a page (`page-keys.ts`). */
export type PageKey = string

/** Where a checkpoint keeps a page, and the hash of the page's content. */
export interface PageReference {
  readonly key: ObjectKey
  readonly hash: Uint8Array
}
export type PageTable = ReadonlyMap<PageKey, PageReference>

const MAGIC = 'TLR1'

/** A checkpoint's root object: the root and where each page lies. */
export function encodeRootObject(root: Uint8Array, pages: PageTable): Uint8Array {
  const writer = new ByteWriter(root.length + 1024).bytes(root).varint(pages.size)
  for (const [pageKey, { key, hash }] of pages) writer.string(pageKey).string(key).raw(hash)
  return sealObject(MAGIC, writer.finish())
}

export function decodeRootObject(bytes: Uint8Array): { root: RootState; pages: PageTable } {
  const reader = new ByteReader(openObject(MAGIC, bytes))
  const rootReader = new ByteReader(reader.bytes())
  const root = readRoot(rootReader)
  rootReader.end()
  const pages = new Map<PageKey, PageReference>()
  const count = reader.count(34)
  for (let i = 0; i < count; i++) pages.set(reader.string(), { key: reader.string(), hash: reader.raw(32).slice() })
  reader.end()
  return { root, pages }
}
