// Every reader of stored bytes, on random bytes and on real ones that were altered, also behind a checksum that was made to
// fit again: it may refuse them in one of two ways, and never in another, and never slowly.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter, openObject, StoredBytesError, sealObject } from '../../lib/base/bytes.ts'
import { newTopicId, newUlid, type TopicId } from '../../lib/base/ids.ts'
import { decodeChunk, encodeChunk } from '../../lib/journal/chunk.ts'
import { decodeCheckpointed, encodeCheckpointed } from '../../lib/journal/entries/checkpointed.ts'
import { decodeFlush, encodeFlush, type FlushBatch } from '../../lib/journal/entries/flush.ts'
import { decodeFoldVersion, encodeFoldVersion } from '../../lib/journal/entries/fold-version.ts'
import { decodeGroupFenced, encodeGroupFenced } from '../../lib/journal/entries/group-fenced.ts'
import { decodeHorizonAdvanced, encodeHorizonAdvanced } from '../../lib/journal/entries/horizon-advanced.ts'
import { decodeOffsetsCommitted, encodeOffsetsCommitted } from '../../lib/journal/entries/offsets-committed.ts'
import { decodeOffsetsDeleted, encodeOffsetsDeleted } from '../../lib/journal/entries/offsets-deleted.ts'
import {
  decodePartitionsAdded,
  decodeTopicConfigured,
  decodeTopicDeleted,
  encodePartitionsAdded,
  encodeTopicConfigured,
  encodeTopicDeleted,
} from '../../lib/journal/entries/topic-changed.ts'
import { decodeTopicCreated, encodeTopicCreated } from '../../lib/journal/entries/topic-created.ts'
import { decodeTrimmed, encodeTrimmed } from '../../lib/journal/entries/trimmed.ts'
import { decodeEntry, encodeEntry, encodeEntryByReference, sha256, UnknownEntryError } from '../../lib/journal/entry.ts'
import { objectKey } from '../../lib/journal/object-keys.ts'
import { decodeBlockObject, encodeBlockObject, noColumns, segmentReference } from '../../lib/journal/state/extents.ts'
import { readGroup } from '../../lib/journal/state/group-page.ts'
import {
  applyWork,
  asGroupPage,
  asPartitionPage,
  decodePageObject,
  emptyPage,
  encodePage,
  encodePageObject,
} from '../../lib/journal/state/page.ts'
import { applyBatch, readPartition } from '../../lib/journal/state/partition-page.ts'
import { decodeRootObject, emptyRoot, encodeRoot, encodeRootObject } from '../../lib/journal/state/root.ts'
import { buildSegment, readSegmentFooter } from '../../lib/log/segment.ts'
import { createManualClock, seededRandom } from '../unit/support/manual-clock.ts'
import { batchOf } from '../unit/support/world.ts'

const random = seededRandom(11)
const clock = createManualClock()
const ulid = () => newUlid(clock, random)

function table(count: number): FlushBatch[] {
  return Array.from({ length: count }, (_, i) => ({
    topicNumber: 1 + (i >> 3),
    partition: i & 7,
    start: i * 200 + (i % 3 === 0 ? 7 : 0) + i * 7,
    length: 200,
    recordCount: 1 + (i % 4),
    maxTimestamp: 1_700_000_000_000 + i,
    producerId: i % 2 === 0 ? 2 ** 40 + (i % 3) : -1,
    producerEpoch: i % 2 === 0 ? 3 : -1,
    baseSequence: i % 2 === 0 ? i * 10 : -1,
  }))
}

function columns() {
  const made = noColumns()
  let baseOffset = 17
  for (let i = 0; i < 50; i++) {
    made.baseOffset.push(baseOffset)
    made.recordCount.push(2)
    made.segment.push(segmentReference(objectKey(i % 2 ? 'tiny' : 'segment', 1 + (i >> 2), ulid())))
    made.start.push(i * 5)
    made.length.push(100)
    made.maxTimestamp.push(1000 + i)
    baseOffset += 2
  }
  return made
}

function page(): Uint8Array {
  const state = asPartitionPage(emptyPage('1/0'))
  const segment = segmentReference(objectKey('segment', 3, ulid()))
  for (const batch of table(40)) applyBatch(state, { ...batch, baseSequence: 0 }, segment)
  for (let i = 0; i < 4200; i++) applyBatch(state, { ...table(2)[1]!, partition: 9 }, segment)
  return encodePageObject(encodePage(state), new Map([[9, [objectKey('block', 3, ulid())]]]))
}

const committed = [0, 1, 7].map((partition) => ({
  topicNumber: 3 + (partition >> 2),
  partition,
  offset: partition * 1000 - 1,
  leaderEpoch: partition - 1,
  committedMs: 1_700_000_000_000 - partition,
  metadata: 'm'.repeat(partition),
}))

function groupPage(): Uint8Array {
  const state = emptyPage('g/0')
  const position = { generation: 9, index: 3 }
  for (const groupNumber of [1, 5, 63]) {
    const work = { kind: 'commit', pageKey: 'g/0', from: 0, groupNumber, position, readTo: position } as const
    applyWork(state, { ...work, offsets: committed })
  }
  return encodePageObject(encodePage(state), new Map())
}

/** Few bytes, so that each of them is hit. */
function smallPage(): Uint8Array {
  const state = asPartitionPage(emptyPage('1/0'))
  const segment = segmentReference(objectKey('segment', 3, ulid()))
  for (const batch of table(3)) applyBatch(state, { ...batch, baseSequence: 0 }, segment)
  return encodePageObject(encodePage(state), new Map())
}

function root(): Uint8Array {
  const state = emptyRoot()
  for (let number = 1; number < 6; number++) {
    const id: TopicId = newTopicId(random)
    state.topics.set(number, {
      number,
      id,
      name: `t${number}`,
      partitions: 3,
      configs: new Map([['a', 'b']]),
      version: 2,
    })
  }
  const changed = { generation: 3, index: 1 }
  state.groups.set('g', { number: 1, name: 'g', fence: 4, changed, deleted: false })
  state.groups.set('', { number: 2, name: '', fence: 0, changed, deleted: true })
  state.nextGroupNumber = 3
  state.checkpoint = { key: objectKey('root', 2, ulid()), position: { generation: 4, index: 2 }, stateHash: sha256() }
  return encodeRootObject(
    encodeRoot(state),
    new Map([
      ['1/0', { key: objectKey('page', 2, ulid()), hash: sha256() }],
      ['2/1', { key: objectKey('page', 2, ulid()), hash: sha256() }],
    ]),
  )
}

const topic = { number: 3, id: newTopicId(random), name: 'orders', partitions: 9, configs: new Map(), version: 1 }
const segment = Buffer.concat(
  buildSegment(
    [0, 1, 2, 3].map((partition) =>
      batchOf(topic, partition, ['a', 'b'], { producerId: 5 + partition, producerEpoch: 0, baseSequence: 3 }),
    ),
  ).body,
)
const block = columns()
const blockBytes = encodeBlockObject(block)
const payload = encodeFlush(table(20))
const configs = new Map([['retention.ms', '5']])

/** A page is decoded partition by partition, at first use. */
function readWholePage(bytes: Uint8Array): void {
  const decoded = asPartitionPage(decodePageObject('1/0', bytes))
  for (let partition = 0; partition < 64; partition++) readPartition(decoded, partition)
  encodePage(decoded)
}

function readWholeGroupPage(bytes: Uint8Array): void {
  const decoded = asGroupPage(decodePageObject('g/0', bytes))
  for (let group = 0; group < 64; group++) readGroup(decoded, group)
  encodePage(decoded)
}

interface Reader {
  readonly name: string
  readonly real: readonly Uint8Array[]
  readonly read: (bytes: Uint8Array) => unknown
  /** Letters of the envelope. */
  readonly magic?: string
}

const readers: Reader[] = [
  {
    name: 'entry',
    real: [
      encodeEntry({ kind: 'flush', id: ulid(), origin: 300 }, payload.subarray(0, 500))!.bytes,
      encodeEntryByReference({ kind: 'topicConfigured', id: ulid(), origin: 70_000 }, payload, 0).bytes,
    ],
    read: decodeEntry,
  },
  { name: 'chunk', real: [encodeChunk([payload, new Uint8Array(3), payload])], read: decodeChunk },
  { name: 'flush', real: [payload, encodeFlush(table(1))], read: decodeFlush },
  {
    name: 'topicCreated',
    real: [encodeTopicCreated({ topicId: topic.id, name: 'x', partitions: 3, configs })],
    read: decodeTopicCreated,
  },
  {
    name: 'topicConfigured',
    real: [encodeTopicConfigured({ topicNumber: 1, version: 2, configs })],
    read: decodeTopicConfigured,
  },
  {
    name: 'partitionsAdded',
    real: [encodePartitionsAdded({ topicNumber: 1, version: 2, partitions: 3 })],
    read: decodePartitionsAdded,
  },
  { name: 'topicDeleted', real: [encodeTopicDeleted({ topicNumber: 1 })], read: decodeTopicDeleted },
  {
    name: 'checkpointed',
    real: [
      encodeCheckpointed({
        key: 'root/x',
        position: { generation: 3, index: 4 },
        stateHash: sha256(),
        base: undefined,
      }),
    ],
    read: decodeCheckpointed,
  },
  { name: 'horizonAdvanced', real: [encodeHorizonAdvanced({ generation: 5 })], read: decodeHorizonAdvanced },
  { name: 'groupFenced', real: [encodeGroupFenced({ group: 'g', fence: 7 })], read: decodeGroupFenced },
  {
    name: 'offsetsCommitted',
    real: [
      encodeOffsetsCommitted({ group: 'g', fence: 7, position: { generation: 4, index: 0 }, offsets: committed }),
      encodeOffsetsCommitted({ group: 'g', fence: 7, position: { generation: 4, index: 0 }, offsets: [] }),
    ],
    read: decodeOffsetsCommitted,
  },
  {
    name: 'offsetsDeleted',
    real: [undefined, committed].map((partitions) =>
      encodeOffsetsDeleted({ group: 'g', position: { generation: 4, index: 0 }, partitions }),
    ),
    read: decodeOffsetsDeleted,
  },
  { name: 'trimmed', real: [encodeTrimmed({ topicNumber: 2, partition: 5, offset: 900 })], read: decodeTrimmed },
  { name: 'foldVersion', real: [encodeFoldVersion({ version: 1 })], read: decodeFoldVersion },
  { name: 'root object', real: [root()], read: decodeRootObject, magic: 'TLR1' },
  { name: 'page object', real: [page(), smallPage()], read: readWholePage, magic: 'TLP1' },
  { name: 'page object of groups', real: [groupPage()], read: readWholeGroupPage, magic: 'TLP1' },
  {
    name: 'block object',
    real: [blockBytes],
    // With the hash of what is there, so that the columns are really read.
    read: (bytes) => decodeBlockObject(bytes, sha256(openObject('TLB1', bytes))),
    magic: 'TLB1',
  },
  { name: 'segment footer', real: [segment], read: readSegmentFooter },
]

const mutation = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), at: fc.double({ min: 0, max: 1, noNaN: true }), byte: fc.nat(255) }),
  fc.record({
    kind: fc.constant('cut' as const),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    byte: fc.constant(0),
  }),
  fc.record({
    kind: fc.constant('insert' as const),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    byte: fc.nat(255),
  }),
)
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never

function mutate(bytes: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
  let result = Uint8Array.from(bytes)
  for (const { kind, at, byte } of mutations) {
    const index = Math.floor(at * Math.max(0, result.length - 1))
    if (kind === 'set' && result.length > 0) result[index] = byte
    else if (kind === 'cut') result = result.slice(0, index)
    else result = Uint8Array.from([...result.subarray(0, index), byte, ...result.subarray(index)])
  }
  return result
}

const BUDGET_MS = 500

function holds(reader: Reader, bytes: Uint8Array): void {
  const before = performance.now()
  try {
    reader.read(bytes)
  } catch (error) {
    if (!(error instanceof StoredBytesError) && !(error instanceof UnknownEntryError)) throw error
  }
  expect(performance.now() - before).toBeLessThan(BUDGET_MS)
}

/** Alters the content of an envelope and makes its checksum fit again. */
function resealed(reader: Reader, real: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
  const magic = reader.magic!
  return sealObject(magic, mutate(openObject(magic, real), mutations))
}

describe('readers of stored bytes', () => {
  for (const reader of readers) {
    it(`${reader.name}: reads what is whole`, () => {
      for (const bytes of reader.real) expect(() => reader.read(bytes)).not.toThrow()
    })

    it(`${reader.name}: random bytes`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300, size: 'max' }), (bytes) => holds(reader, bytes)),
        { numRuns: 300 },
      )
    })

    it(`${reader.name}: altered bytes`, () => {
      fc.assert(
        fc.property(
          fc.constantFrom(...reader.real),
          fc.array(mutation, { minLength: 1, maxLength: 4 }),
          (bytes, changes) => holds(reader, mutate(bytes, changes)),
        ),
        { numRuns: 300 },
      )
    })

    if (reader.magic !== undefined) {
      it(`${reader.name}: altered content under a checksum that fits`, () => {
        fc.assert(
          fc.property(
            fc.constantFrom(...reader.real),
            fc.array(mutation, { minLength: 1, maxLength: 4 }),
            (bytes, changes) => holds(reader, resealed(reader, bytes, changes)),
          ),
          { numRuns: 600 },
        )
      })
    }
  }

  it('page object: a partition that is not of this page, and blocks of a partition that is not there', () => {
    const partition = new ByteWriter().varint(0).varint(0).varint(0).varint(0).u8(0).varint(0).finish()
    const page = (index: number, blocksOf: number, keys: readonly string[]): Uint8Array => {
      const content = new ByteWriter().varint(1).varint(index).bytes(partition).finish()
      const writer = new ByteWriter().bytes(content).varint(1).varint(blocksOf).varint(keys.length)
      for (const key of keys) writer.string(key)
      return sealObject('TLP1', writer.finish())
    }
    expect(() => readWholePage(page(5, 5, []))).not.toThrow()
    expect(() => readWholePage(page(5, 6, ['x']))).toThrow(StoredBytesError)
    expect(() => readWholePage(page(5, 5, ['x']))).toThrow(StoredBytesError)
    expect(() => readWholePage(page(2 ** 32 - 2, 2 ** 32 - 2, []))).toThrow(StoredBytesError)
  })
})
