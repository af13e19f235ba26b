// What a partition remembers of idempotent producers: per producer its epoch and its last five batches, as Kafka does. The
// map is kept in the order of last writing, so the first one is forgotten first. Sequences wrap to 0 after 2^31 - 1.
import type { ByteReader, ByteWriter } from '../../base/bytes.ts'
import { PRODUCER_BATCHES, PRODUCERS_PER_PARTITION_MAX } from '../../base/limits.ts'

interface ProducerBatch {
  readonly baseSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
}
interface ProducerState {
  readonly epoch: number
  /** Oldest first, at most PRODUCER_BATCHES. */
  readonly batches: readonly ProducerBatch[]
}
export interface Producers {
  readonly states: Map<number, ProducerState>
  /** True once a producer was forgotten: from then on one without state may start at any sequence. */
  forgotten: boolean
}

export const noProducers = (): Producers => ({ states: new Map(), forgotten: false })

export type SequenceVerdict =
  | { readonly kind: 'accept' }
  | { readonly kind: 'duplicate'; readonly baseOffset: number }
  | { readonly kind: 'outOfOrderSequence' }
  | { readonly kind: 'invalidProducerEpoch' }

interface SequencedBatch {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

const SEQUENCES = 2 ** 31
const lastSequence = (batch: SequencedBatch): number => (batch.baseSequence + batch.recordCount - 1) % SEQUENCES

/** Judges a batch of an idempotent producer by what the partition remembers. */
export function judgeSequence(producers: Producers, batch: SequencedBatch): SequenceVerdict {
  const state = producers.states.get(batch.producerId)
  if (state === undefined) {
    return { kind: batch.baseSequence === 0 || producers.forgotten ? 'accept' : 'outOfOrderSequence' }
  }
  if (batch.producerEpoch < state.epoch) return { kind: 'invalidProducerEpoch' }
  if (batch.producerEpoch > state.epoch) return { kind: batch.baseSequence === 0 ? 'accept' : 'outOfOrderSequence' }
  const last = lastSequence(batch)
  const same = state.batches.find((b) => b.baseSequence === batch.baseSequence && b.lastSequence === last)
  if (same !== undefined) return { kind: 'duplicate', baseOffset: same.baseOffset }
  const newest = state.batches[state.batches.length - 1]
  const expected = newest === undefined ? 0 : (newest.lastSequence + 1) % SEQUENCES
  return { kind: batch.baseSequence === expected ? 'accept' : 'outOfOrderSequence' }
}

/** Remembers an accepted batch. */
export function rememberBatch(producers: Producers, batch: SequencedBatch, baseOffset: number): void {
  const state = producers.states.get(batch.producerId)
  const known = state !== undefined && state.epoch === batch.producerEpoch ? state.batches : []
  const added = { baseSequence: batch.baseSequence, lastSequence: lastSequence(batch), baseOffset }
  producers.states.delete(batch.producerId)
  producers.states.set(batch.producerId, {
    epoch: batch.producerEpoch,
    batches: [...known.slice(1 - PRODUCER_BATCHES), added],
  })
  if (producers.states.size <= PRODUCERS_PER_PARTITION_MAX) return
  for (const oldest of producers.states.keys()) {
    producers.states.delete(oldest)
    break
  }
  producers.forgotten = true
}

export function writeProducers(writer: ByteWriter, producers: Producers): void {
  writer.u8(producers.forgotten ? 1 : 0).varint(producers.states.size)
  for (const [id, { epoch, batches }] of producers.states) {
    writer.varint(id).varint(epoch).varint(batches.length)
    for (const b of batches) writer.varint(b.baseSequence).varint(b.lastSequence).varint(b.baseOffset)
  }
}

export function readProducers(reader: ByteReader): Producers {
  const forgotten = reader.u8() === 1
  const states = new Map<number, ProducerState>()
  const count = reader.count(3)
  for (let i = 0; i < count; i++) {
    const id = reader.varint()
    const epoch = reader.varint()
    const batches = Array.from({ length: reader.count(3) }, () => ({
      baseSequence: reader.varint(),
      lastSequence: reader.varint(),
      baseOffset: reader.varint(),
    }))
    states.set(id, { epoch, batches })
  }
  return { states, forgotten }
}
