// A log in a few maps, for the broker's unit tests: what it promises is that of `Log`, and it can be told to fail, to hold
// back its answers, and to know of a topic only after the next head read. The real log has tests of its own; these are
// about what the handlers make of its outcomes.
import { newTopicId, type TopicId } from '../../../../lib/base/ids.ts'
import { systemRandom } from '../../../../lib/base/random.ts'
import type {
  AppendBatchOutcome,
  BatchToAppend,
  FetchPartition,
  FetchPartitionOutcome,
  FetchRequest,
  Log,
  Topic,
  Unserved,
} from '../../../../lib/log/log.ts'
import { inlineCompression } from '../../../../lib/wire/native-compression.ts'
import { PATCHED_HEADER_BYTES, patchedHeader } from '../../../../lib/wire/record-batch.ts'
import { firstRecordAtOrAfter, recordOfMaxTimestamp } from '../../../../lib/wire/records.ts'

interface Stored {
  readonly baseOffset: number
  readonly batch: BatchToAppend
}

export interface MemoryLog extends Log {
  /** What every call that needs a store is answered with. */
  failure: Unserved | undefined
  /** What the next appends are answered with, batch by batch. */
  readonly nextOutcomes: AppendBatchOutcome[]
  /** Answers that the next changes of topics get instead of being made. */
  readonly nextChanges: (Unserved['kind'] | 'stale')[]
  /** Names that the replica knows only after the next refresh. */
  readonly hidden: Set<string>
  /** Outcomes of appends wait for this. */
  hold: Promise<void>
  /** Admissions of appends wait for this. */
  holdAdmission: Promise<void>
  readonly calls: { refresh: number; appends: string[]; fetches: FetchRequest[]; trims: string[] }
  /** Runs before a change of a topic: a test lets another gateway be faster. */
  beforeChange: (() => Promise<void>) | undefined
}

export function memoryLog(): MemoryLog {
  const topics = new Map<TopicId, Topic>()
  const stored = new Map<string, Stored[]>()
  const windows = new Map<string, { epoch: number; next: number; last: { from: number; baseOffset: number }[] }>()
  const logStarts = new Map<string, number>()
  let numbers = 0
  let woken: (() => void)[] = []

  const batchesOf = (topic: Topic, partition: number): Stored[] => {
    const key = `${topic.id} ${partition}`
    const batches = stored.get(key) ?? []
    stored.set(key, batches)
    return batches
  }
  const endOf = (topic: Topic, partition: number): number => {
    const last = batchesOf(topic, partition).at(-1)
    return last === undefined ? 0 : last.baseOffset + last.batch.recordCount
  }
  const byName = (name: string): Topic | undefined => [...topics.values()].find((topic) => topic.name === name)

  const appendOne = (batch: BatchToAppend): AppendBatchOutcome => {
    if (!topics.has(batch.topic.id)) return { kind: 'unknownTopic' }
    const baseOffset = endOf(batch.topic, batch.partition)
    if (batch.producerId >= 0) {
      const key = `${batch.topic.id} ${batch.partition} ${batch.producerId}`
      const window = windows.get(key) ?? { epoch: batch.producerEpoch, next: 0, last: [] }
      if (batch.producerEpoch < window.epoch) return { kind: 'invalidProducerEpoch' }
      const duplicate = window.last.find((entry) => entry.from === batch.baseSequence)
      if (duplicate !== undefined) return { kind: 'duplicate', baseOffset: duplicate.baseOffset, logStartOffset: 0 }
      if (batch.baseSequence !== window.next) return { kind: 'outOfOrderSequence' }
      windows.set(key, {
        epoch: batch.producerEpoch,
        next: batch.baseSequence + batch.recordCount,
        last: [...window.last, { from: batch.baseSequence, baseOffset }],
      })
    }
    batchesOf(batch.topic, batch.partition).push({ baseOffset, batch })
    return { kind: 'appended', baseOffset, logStartOffset: 0 }
  }

  const read = (wanted: FetchPartition, leaderEpoch: number): FetchPartitionOutcome => {
    if (!topics.has(wanted.topic.id)) return { kind: 'unknownTopic' }
    const end = endOf(wanted.topic, wanted.partition)
    const offsets = { highWatermark: end, lastStableOffset: end, logStartOffset: 0 }
    if (wanted.offset > end) return { kind: 'outOfRange', ...offsets }
    const records = batchesOf(wanted.topic, wanted.partition)
      .filter(({ baseOffset, batch }) => baseOffset + batch.recordCount > wanted.offset)
      .flatMap(({ baseOffset, batch }) => [
        patchedHeader(batch.bytes, baseOffset, leaderEpoch),
        batch.bytes.subarray(PATCHED_HEADER_BYTES),
      ])
    const sizeBytes = records.reduce((sum, part) => sum + part.length, 0)
    return { kind: 'records', ...offsets, records, sizeBytes }
  }

  const change = async (topic: Topic, changed: Partial<Topic>) => {
    await log.beforeChange?.()
    const forced = log.nextChanges.shift()
    if (forced !== undefined) return { kind: forced } as const
    if (log.failure !== undefined) return log.failure
    const current = topics.get(topic.id)
    if (current === undefined) return { kind: 'unknownTopic' } as const
    if (current.version !== topic.version) return { kind: 'stale' } as const
    const next: Topic = { ...current, ...changed, version: current.version + 1 }
    topics.set(topic.id, next)
    return { kind: 'changed', topic: next } as const
  }

  const search = async (
    topic: Topic,
    partition: number,
    look: (batch: Uint8Array) => ReturnType<typeof recordOfMaxTimestamp>,
  ) => {
    if (log.failure !== undefined) return log.failure
    if (!topics.has(topic.id)) return { kind: 'unknownTopic' } as const
    const found = []
    for (const { baseOffset, batch } of batchesOf(topic, partition)) {
      const result = await look(batch.bytes)
      if (result.kind === 'found') found.push({ offset: baseOffset + result.offsetDelta, timestamp: result.timestamp })
    }
    return found
  }

  const log: MemoryLog = {
    failure: undefined,
    nextOutcomes: [],
    nextChanges: [],
    hidden: new Set(),
    hold: Promise.resolve(),
    holdAdmission: Promise.resolve(),
    calls: { refresh: 0, appends: [], fetches: [], trims: [] },
    beforeChange: undefined,
    async refresh() {
      log.calls.refresh += 1
      if (log.failure !== undefined) return log.failure
      log.hidden.clear()
      return { kind: 'fresh' }
    },
    topics: () => topics.values(),
    topicByName: (name) => (log.hidden.has(name) ? undefined : byName(name)),
    topicById: (id) => {
      const topic = topics.get(id)
      return topic !== undefined && log.hidden.has(topic.name) ? undefined : topic
    },
    async createTopic({ name, partitions, configs }) {
      if (log.failure !== undefined) return log.failure
      if (byName(name) !== undefined) return { kind: 'exists' }
      numbers += 1
      const topic = { number: numbers, id: newTopicId(systemRandom), name, partitions, configs, version: 0 }
      topics.set(topic.id, topic)
      return { kind: 'created', topic }
    },
    configureTopic: (topic, configs) => change(topic, { configs }),
    addPartitions: (topic, partitions) => change(topic, { partitions }),
    async deleteTopic(topic) {
      if (log.failure !== undefined) return log.failure
      return topics.delete(topic.id) ? { kind: 'deleted' } : { kind: 'unknownTopic' }
    },
    append(connection, batches) {
      log.calls.appends.push(`${connection} ${batches.map((b) => `${b.topic.name}-${b.partition}`).join(' ')}`)
      const { failure } = log
      const outcomes = batches.map((batch) => log.nextOutcomes.shift() ?? failure ?? appendOne(batch))
      for (const wake of woken) wake()
      woken = []
      return { admitted: log.holdAdmission, outcomes: log.hold.then(() => outcomes) }
    },
    async appendOnce(name, batches) {
      const outcomes = await log.append(`${name.generation}-${name.id}`, batches).outcomes
      return { kind: 'answered', outcomes }
    },
    async settle() {},
    async fetch(request) {
      log.calls.fetches.push(request)
      const { failure } = log
      if (failure !== undefined) return request.partitions.map(() => failure)
      const now = () => request.partitions.map((wanted) => read(wanted, request.leaderEpoch))
      const idle = (outcomes: FetchPartitionOutcome[]) =>
        outcomes.every((o) => o.kind === 'records' && o.sizeBytes === 0)
      if (request.waitMsMax > 0 && idle(now())) {
        await new Promise<void>((resolve) => {
          woken.push(resolve)
          request.signal.addEventListener('abort', () => resolve())
        })
      }
      return now()
    },
    async offsets(topic, partition) {
      if (log.failure !== undefined) return log.failure
      if (!topics.has(topic.id)) return { kind: 'unknownTopic' }
      const end = endOf(topic, partition)
      const logStartOffset = logStarts.get(`${topic.id} ${partition}`) ?? 0
      return { kind: 'found', logStartOffset, highWatermark: end, lastStableOffset: end }
    },
    async offsetForTimestamp(topic, partition, timestamp) {
      const found = await search(topic, partition, (b) => firstRecordAtOrAfter(b, timestamp, inlineCompression))
      if ('kind' in found) return found
      return found[0] === undefined ? { kind: 'none' } : { kind: 'found', ...found[0] }
    },
    async offsetOfMaxTimestamp(topic, partition) {
      const found = await search(topic, partition, (b) => recordOfMaxTimestamp(b, inlineCompression))
      if ('kind' in found) return found
      const best = found.toSorted((a, b) => b.timestamp - a.timestamp || a.offset - b.offset)[0]
      return best === undefined ? { kind: 'none' } : { kind: 'found', ...best }
    },
    async trim(topic, partition, offset) {
      log.calls.trims.push(`${topic.name}-${partition} ${offset}`)
      if (log.failure !== undefined) return log.failure
      if (!topics.has(topic.id)) return { kind: 'unknownTopic' }
      const end = endOf(topic, partition)
      if (offset < -1 || offset > end) return { kind: 'outOfRange' }
      const key = `${topic.id} ${partition}`
      const logStartOffset = Math.max(logStarts.get(key) ?? 0, offset === -1 ? end : offset)
      logStarts.set(key, logStartOffset)
      return { kind: 'trimmed', logStartOffset }
    },
    async liveBytes(wanted) {
      return wanted.map(({ topic, partition }) => {
        if (log.failure !== undefined) return log.failure
        if (!topics.has(topic.id)) return { kind: 'unknownTopic' }
        const from = logStarts.get(`${topic.id} ${partition}`) ?? 0
        const batches = batchesOf(topic, partition).filter(({ baseOffset: at, batch }) => at + batch.recordCount > from)
        return { kind: 'found', sizeBytes: batches.reduce((sum, { batch }) => sum + batch.bytes.length, 0) }
      })
    },
    status: () => ({
      generation: 0,
      position: { generation: 1, index: 0 },
      tailEntries: 0,
      headAgeMs: 0,
      topics: topics.size,
      partitions: [...topics.values()].reduce((sum, topic) => sum + topic.partitions, 0),
      halted: false,
    }),
    async close() {},
  }
  return log
}
