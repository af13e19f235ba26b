// The fold: the one function that says what an entry means. It is given the root and an entry whose body is resolved, changes
// the root, and yields what each page has to apply; it does no I/O, reads no clock, and never looks into a page. Whatever
// a handler believed when it wrote an entry, this is where it is judged, in journal order, the same for everyone.
import { PAGE_PARTITIONS } from '../base/limits.ts'
import { applyCheckpointed, type CheckpointedVerdict, decodeCheckpointed } from './entries/checkpointed.ts'
import { decodeFlush } from './entries/flush.ts'
import { applyFoldVersion, decodeFoldVersion, type FoldVersionVerdict } from './entries/fold-version.ts'
import { applyGroupFenced, decodeGroupFenced, type GroupFencedVerdict } from './entries/group-fenced.ts'
import { applyHorizonAdvanced, decodeHorizonAdvanced, type HorizonAdvancedVerdict } from './entries/horizon-advanced.ts'
import {
  applyOffsetsCommitted,
  decodeOffsetsCommitted,
  type OffsetsCommittedVerdict,
} from './entries/offsets-committed.ts'
import { applyOffsetsDeleted, decodeOffsetsDeleted, type OffsetsDeletedVerdict } from './entries/offsets-deleted.ts'
import {
  applyPartitionsAdded,
  applyTopicConfigured,
  applyTopicDeleted,
  decodePartitionsAdded,
  decodeTopicConfigured,
  decodeTopicDeleted,
  type TopicChangedVerdict,
  type TopicDeletedVerdict,
} from './entries/topic-changed.ts'
import { applyTopicCreated, decodeTopicCreated, type TopicCreatedVerdict } from './entries/topic-created.ts'
import { applyTrimmed, decodeTrimmed, type TrimmedVerdict } from './entries/trimmed.ts'
import type { Envelope } from './entry.ts'
import { segmentReference } from './state/extents.ts'
import type { PageWork } from './state/page.ts'
import { pageKeyOf } from './state/page-keys.ts'
import type { BatchVerdict } from './state/partition-page.ts'
import type { RootState } from './state/root.ts'

/** A flush as the root judged it. */
export interface FlushVerdict {
  readonly kind: 'flush'
  /** One for each batch, in table order, final where it is set; the page in `works` decides the others. */
  readonly verdicts: (BatchVerdict | undefined)[]
  readonly works: readonly PageWork[]
}

export type Verdict =
  | FlushVerdict
  | TopicCreatedVerdict
  | TopicChangedVerdict
  | TopicDeletedVerdict
  | CheckpointedVerdict
  | HorizonAdvancedVerdict
  | FoldVersionVerdict
  | GroupFencedVerdict
  | OffsetsCommittedVerdict
  | OffsetsDeletedVerdict
  | TrimmedVerdict
  /** The entry rests on something older than the horizon: it changes nothing. */
  | { readonly kind: 'behindHorizon' }

/** A verdict of which pages decide parts. */
export type PagedVerdict = Extract<Verdict, { readonly verdicts: unknown }>

/** True if the horizon rejects an entry; judged before its body is read, since that may be gone. */
export function isBehindHorizon(root: RootState, envelope: Envelope): boolean {
  return envelope.origin < root.horizon
}

function applyFlush(root: RootState, envelope: Envelope, payload: Uint8Array): FlushVerdict {
  const batches = decodeFlush(payload)
  const segment = segmentReference(envelope.key)
  const verdicts: (BatchVerdict | undefined)[] = new Array(batches.length)
  const works: PageWork[] = []
  let from = 0
  while (from < batches.length) {
    const { topicNumber, partition } = batches[from]!
    const pageKey = pageKeyOf(topicNumber, partition)
    const pageEnd = (Math.floor(partition / PAGE_PARTITIONS) + 1) * PAGE_PARTITIONS
    let to = from
    while (to < batches.length && batches[to]!.topicNumber === topicNumber && batches[to]!.partition < pageEnd) to++
    const topic = root.topics.get(topicNumber)
    // Batches are sorted, so those of partitions that exist come first.
    let end = from
    while (end < to && topic !== undefined && batches[end]!.partition < topic.partitions) end++
    if (end > from) works.push({ kind: 'batches', pageKey, from, segment, batches, to: end })
    for (let i = end; i < to; i++) verdicts[i] = { kind: 'unknownTopic' }
    from = to
  }
  return { kind: 'flush', verdicts, works }
}

/** Applies an entry to the root. `payload` is the entry's body, wherever it lay. */
export function applyEntry(root: RootState, envelope: Envelope, payload: Uint8Array): Verdict {
  if (isBehindHorizon(root, envelope)) return { kind: 'behindHorizon' }
  switch (envelope.kind) {
    case 'flush':
      return applyFlush(root, envelope, payload)
    case 'topicCreated':
      return applyTopicCreated(root, decodeTopicCreated(payload))
    case 'topicConfigured':
      return applyTopicConfigured(root, decodeTopicConfigured(payload))
    case 'partitionsAdded':
      return applyPartitionsAdded(root, decodePartitionsAdded(payload))
    case 'topicDeleted':
      return applyTopicDeleted(root, decodeTopicDeleted(payload))
    case 'checkpointed':
      return applyCheckpointed(root, decodeCheckpointed(payload))
    case 'horizonAdvanced':
      return applyHorizonAdvanced(root, decodeHorizonAdvanced(payload))
    case 'foldVersion':
      return applyFoldVersion(root, decodeFoldVersion(payload))
    case 'groupFenced':
      return applyGroupFenced(root, decodeGroupFenced(payload))
    case 'offsetsCommitted':
      return applyOffsetsCommitted(root, decodeOffsetsCommitted(payload))
    case 'offsetsDeleted':
      return applyOffsetsDeleted(root, decodeOffsetsDeleted(payload))
    case 'trimmed':
      return applyTrimmed(root, decodeTrimmed(payload))
  }
}
