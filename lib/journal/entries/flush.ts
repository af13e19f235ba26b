// `flush`: an ingest segment and where each of its batches lies. The table is delta-coded: batches are sorted by topic
// number, partition and arrival and lie back to back, so that a batch costs about 8 bytes, 16 with a producer. The same
// table stands in the segment's footer, which is where an entry by reference points. The root decides whether topic and
// partition exist; everything else is judged by the page of the partition (`state/page.ts`).
import { ByteReader, ByteWriter, StoredBytesError } from '../../base/bytes.ts'

/** One batch of a flush, in table order. */
export interface FlushBatch {
  readonly topicNumber: number
  readonly partition: number
  /** Where the batch starts in the segment. */
  readonly start: number
  readonly length: number
  readonly recordCount: number
  readonly maxTimestamp: number
  /** -1 without idempotence; then epoch and sequence are -1 too. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
}

interface Producers {
  readonly index: Map<string, number>
  readonly list: { readonly id: number; readonly epoch: number }[]
}

function collectProducers(batches: readonly FlushBatch[]): Producers {
  const index = new Map<string, number>()
  const list: { id: number; epoch: number }[] = []
  for (const { producerId, producerEpoch } of batches) {
    if (producerId < 0) continue
    const key = `${producerId}/${producerEpoch}`
    if (index.has(key)) continue
    list.push({ id: producerId, epoch: producerEpoch })
    index.set(key, list.length)
  }
  return { index, list }
}

/** Encodes the table. Batches must be sorted by (topic, partition) and not overlap; gaps between them are allowed. */
export function encodeFlush(batches: readonly FlushBatch[]): Uint8Array {
  const writer = new ByteWriter(64 + batches.length * 12)
  const producers = collectProducers(batches)
  const baseTimestamp = batches[0]?.maxTimestamp ?? 0
  writer.varint(batches.length).signed(baseTimestamp).varint(producers.list.length)
  for (const { id, epoch } of producers.list) writer.varint(id).varint(epoch)
  let topic = 0
  let partition = 0
  let end = 0
  for (const batch of batches) {
    // The lowest bit says whether a gap precedes the batch, the next whether its topic differs from the one before.
    const gap = batch.start - end
    const partitionDelta = batch.topicNumber === topic ? batch.partition - partition : batch.partition
    writer.varint(partitionDelta * 4 + (batch.topicNumber === topic ? 0 : 2) + (gap > 0 ? 1 : 0))
    if (batch.topicNumber !== topic) writer.varint(batch.topicNumber - topic)
    if (gap > 0) writer.varint(gap)
    writer
      .varint(batch.length)
      .varint(batch.recordCount)
      .signed(batch.maxTimestamp - baseTimestamp)
    const producer = producers.index.get(`${batch.producerId}/${batch.producerEpoch}`) ?? 0
    writer.varint(producer)
    if (producer > 0) writer.varint(batch.baseSequence)
    topic = batch.topicNumber
    partition = batch.partition
    end = batch.start + batch.length
  }
  return writer.finish()
}

export function decodeFlush(payload: Uint8Array): FlushBatch[] {
  const reader = new ByteReader(payload)
  const count = reader.count(5)
  const baseTimestamp = reader.signed()
  const producers = Array.from({ length: reader.count(2) }, () => ({ id: reader.varint(), epoch: reader.varint() }))
  const batches: FlushBatch[] = []
  let topicNumber = 0
  let partition = 0
  let start = 0
  for (let i = 0; i < count; i++) {
    const mark = reader.varint()
    const delta = Math.floor(mark / 4)
    if ((mark & 2) !== 0) {
      topicNumber += reader.varint()
      partition = delta
    } else partition += delta
    if ((mark & 1) !== 0) start += reader.varint()
    const length = reader.varint()
    const recordCount = reader.varint()
    const maxTimestamp = baseTimestamp + reader.signed()
    const producerIndex = reader.varint()
    if (producerIndex > producers.length) throw new StoredBytesError('a batch names a producer that is not listed')
    const producer = producers[producerIndex - 1]
    batches.push({
      topicNumber,
      partition,
      start,
      length,
      recordCount,
      maxTimestamp,
      producerId: producer?.id ?? -1,
      producerEpoch: producer?.epoch ?? -1,
      baseSequence: producer === undefined ? -1 : reader.varint(),
    })
    start += length
  }
  reader.end()
  return batches
}
