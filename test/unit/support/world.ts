// A deployment in memory with as many processes as a test wants, each with its own scripted way to the stores, in one
// virtual time. Batches are small and real.
import { expect } from 'vitest'
import { createJournal, type Journal } from '../../../lib/journal/journal.ts'
import type { BatchToAppend, FetchPartitionOutcome, FetchRequest, Topic } from '../../../lib/log/log.ts'
import { type OpenedLog, type OpenLogArgs, openLog } from '../../../lib/log/open-log.ts'
import { createMemoryBackend, type MemoryBackend } from '../../../lib/storage/memory/memory.ts'
import type { Stores } from '../../../lib/storage/ports.ts'
import { buildPlainBatch, type RecordToWrite } from '../../../lib/wire/build-batch.ts'
import { inlineCompression } from '../../../lib/wire/native-compression.ts'
import { readBatchHeader } from '../../../lib/wire/record-batch.ts'
import { createManualClock, during, type ManualClock, seededRandom } from './manual-clock.ts'
import { type Script, scripted } from './scripted-stores.ts'

export interface LogProcess {
  readonly log: OpenedLog
  readonly script: Script
  /** Why it stopped serving, if it did. */
  readonly halted: string[]
}
export interface JournalProcess {
  readonly journal: Journal
  readonly script: Script
  readonly halted: string[]
  /** Partitions that were said to have grown. */
  readonly advanced: string[]
}

export interface World {
  readonly backend: MemoryBackend
  readonly clock: ManualClock
  /** A handle without faults. */
  readonly plain: Stores
  /** A process with a whole log. */
  open(options?: OpenLogArgs['options'], watch?: boolean): Promise<LogProcess>
  /** A process with a journal only. `refreshed` unless told otherwise. */
  openJournal(options?: { readonly refresh?: boolean }): Promise<JournalProcess>
  /** Moves time on until the promise settles. */
  run<T>(promise: Promise<T>, limitMs?: number): Promise<T>
}

export async function createWorld(): Promise<World> {
  const backend = createMemoryBackend()
  const clock = createManualClock()
  const plain = backend.open()
  await plain.journal.init()
  let seed = 1
  const run = <T>(promise: Promise<T>, limitMs?: number): Promise<T> => during(clock, promise, limitMs)
  return {
    backend,
    clock,
    plain,
    run,
    async open(options = {}, watch = false) {
      const script = scripted(backend.open(), { watch })
      const halted: string[] = []
      const outcome = await run(
        openLog({
          stores: script.stores,
          clock,
          random: seededRandom(seed++),
          compression: inlineCompression,
          options: { checkpointEntries: 1e9, ...options },
          onHalt: (reason) => halted.push(reason),
        }),
      )
      if (outcome.kind !== 'opened') throw new Error(JSON.stringify(outcome))
      return { log: outcome.log, script, halted }
    },
    async openJournal(options = {}) {
      const script = scripted(backend.open())
      const halted: string[] = []
      const advanced: string[] = []
      const journal = createJournal({
        stores: script.stores,
        clock,
        random: seededRandom(seed++),
        events: {
          advanced: (topic, partition) => advanced.push(`${topic}/${partition}`),
          topicDeleted: () => {},
          applied: () => {},
          halted: (reason) => halted.push(reason),
        },
      })
      if (options.refresh !== false) expect(await journal.replica.refresh()).toEqual({ kind: 'fresh' })
      return { journal, script, halted, advanced }
    },
  }
}

export async function createTopic(world: World, log: OpenedLog, name: string, partitions = 1): Promise<Topic> {
  const created = await world.run(log.createTopic({ name, partitions, configs: new Map() }))
  if (created.kind !== 'created') throw new Error(created.kind)
  return created.topic
}

export interface BatchOptions {
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  /** Value bytes of a record are padded to this. */
  readonly valueBytes?: number
  readonly timestamp?: number
}

export function batchOf(
  topic: Topic,
  partition: number,
  values: readonly (string | RecordToWrite)[],
  options: BatchOptions = {},
): BatchToAppend {
  const { valueBytes = 0, timestamp = 1000, ...producer } = options
  const records = values.map((value) =>
    typeof value === 'string' ? { timestamp, value: Buffer.from(value.padEnd(valueBytes)) } : value,
  )
  return asBatch(topic, partition, buildPlainBatch({ records, ...producer }))
}

/** What a handler makes of a batch's bytes. */
export function asBatch(topic: Topic, partition: number, bytes: Uint8Array): BatchToAppend {
  const { recordCount, maxTimestamp, producerId, producerEpoch, baseSequence } = readBatchHeader(bytes)
  return { topic, partition, bytes, recordCount, maxTimestamp, producerId, producerEpoch, baseSequence }
}

export function fetchRequest(
  parts: readonly { readonly topic: Topic; readonly partition?: number; readonly offset: number; bytesMax?: number }[],
  options: Partial<Omit<FetchRequest, 'partitions'>> = {},
): FetchRequest {
  return {
    partitions: parts.map((p) => ({ partition: 0, bytesMax: 1e9, ...p })),
    bytesMin: 1,
    bytesMax: 1e9,
    waitMsMax: 0,
    committedOnly: false,
    leaderEpoch: 7,
    signal: new AbortController().signal,
    ...options,
  }
}

/** The headers of the batches in an outcome. */
export function batchesIn(outcome: FetchPartitionOutcome | undefined) {
  if (outcome?.kind !== 'records') throw new Error(`no records but ${outcome?.kind}`)
  const bytes = Buffer.concat(outcome.records)
  const headers: ReturnType<typeof readBatchHeader>[] = []
  for (let at = 0; at < bytes.length; ) {
    const header = readBatchHeader(bytes, at)
    headers.push(header)
    at += header.batchLength + 12
  }
  return headers
}

/** Offsets of all records in an outcome. */
export function offsetsIn(outcome: FetchPartitionOutcome | undefined): number[] {
  return batchesIn(outcome).flatMap((h) => Array.from({ length: h.recordCount }, (_, i) => h.baseOffset + i))
}

/** Values of the records in an outcome (single uncompressed batches of this file's making, by their text). */
export async function readAll(world: World, log: OpenedLog, topic: Topic, partition = 0): Promise<number[]> {
  const [outcome] = await world.run(log.fetch(fetchRequest([{ topic, partition, offset: 0 }], { bytesMin: 0 })))
  return offsetsIn(outcome)
}
