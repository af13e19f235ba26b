// `trimmed`: a new log start of a partition, by DeleteRecords or by retention. The root knows whether the partition exists; its
// page takes the larger of old and new, and at most the last stable offset, so that a log start never moves back and never
// passes what readers may see. Objects that no extent lies in any more are left to garbage collection.
import { ByteReader, ByteWriter } from '../../base/bytes.ts'
import type { PageWork } from '../state/page.ts'
import { pageKeyOf } from '../state/page-keys.ts'
import type { TrimVerdict } from '../state/partition-page.ts'
import type { RootState } from '../state/root.ts'

export interface Trimmed {
  readonly topicNumber: number
  readonly partition: number
  /** The first offset that is kept. */
  readonly offset: number
}

export interface TrimmedVerdict {
  readonly kind: 'trimmed'
  /** One; the page decides it unless there is no such partition. */
  readonly verdicts: (TrimVerdict | undefined)[]
  readonly works: readonly PageWork[]
}

export function encodeTrimmed({ topicNumber, partition, offset }: Trimmed): Uint8Array {
  return new ByteWriter().varint(topicNumber).varint(partition).varint(offset).finish()
}

export function decodeTrimmed(payload: Uint8Array): Trimmed {
  const reader = new ByteReader(payload)
  const entry = { topicNumber: reader.varint(), partition: reader.varint(), offset: reader.varint() }
  reader.end()
  return entry
}

export function applyTrimmed(root: RootState, entry: Trimmed): TrimmedVerdict {
  const { topicNumber, partition } = entry
  const topic = root.topics.get(topicNumber)
  if (topic === undefined || partition >= topic.partitions) {
    return { kind: 'trimmed', verdicts: [{ kind: 'unknownTopic' }], works: [] }
  }
  const work: PageWork = { kind: 'trim', pageKey: pageKeyOf(topicNumber, partition), from: 0, ...entry }
  return { kind: 'trimmed', verdicts: [undefined], works: [work] }
}
