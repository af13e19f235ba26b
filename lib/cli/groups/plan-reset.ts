// Which offsets a group is to have after `group reset-offsets`: a pure function of where to and of what the log and the
// group say now, so that a dry run and the real one cannot differ. As with Kafka's own tool, an offset outside the log is
// moved to its nearer end and a time after the last record means the end, each with a warning, and `current` leaves what
// is committed as it is, even outside the log.
import { assert } from '../../base/assert.ts'

/** Where committed offsets are to go. */
export type ResetTarget =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  /** What is committed; the end where nothing is. */
  | { readonly kind: 'current' }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'shift'; readonly by: number }
  /** The first record of that time or later, in milliseconds since the epoch. */
  | { readonly kind: 'timestamp'; readonly timestampMs: number }
  /** One by one, by `partitionKey`. */
  | { readonly kind: 'each'; readonly offsets: ReadonlyMap<string, number> }

/** What is known of a partition before anything changes. */
export interface PartitionFacts {
  readonly topic: string
  readonly partition: number
  readonly first: number
  /** The offset that the next record will have. */
  readonly end: number
  readonly committed: number | undefined
  /** For a timestamp: the first offset of that time or later; undefined where no record is that young. */
  readonly atTimestamp?: number | undefined
}

export interface PlannedOffset {
  readonly topic: string
  readonly partition: number
  readonly committed: number | undefined
  readonly offset: number
}

export type ResetPlan =
  | { readonly kind: 'planned'; readonly offsets: readonly PlannedOffset[]; readonly warnings: readonly string[] }
  | { readonly kind: 'impossible'; readonly sentence: string }

/** One text per partition; topic names have no colon. */
export function partitionKey(topic: string, partition: number): string {
  return `${topic}:${partition}`
}

export function planReset(target: ResetTarget, partitions: readonly PartitionFacts[]): ResetPlan {
  const offsets: PlannedOffset[] = []
  const warnings: string[] = []
  const without: string[] = []
  for (const facts of [...partitions].sort(byPartition)) {
    const wanted = choose(target, facts)
    if (wanted.kind === 'nothing') {
      without.push(`${facts.topic}:${facts.partition}`)
      continue
    }
    if (wanted.warning !== undefined) warnings.push(wanted.warning)
    const { topic, partition, committed } = facts
    offsets.push({ topic, partition, committed, offset: wanted.offset })
  }
  if (without.length === 0) return { kind: 'planned', offsets, warnings }
  const sentence =
    `Nothing is committed for ${without.join(', ')}, so there is nothing to shift. ` +
    'Leave these partitions out with --topic TOPIC:PARTITION,… or say where to begin, for instance with --to-earliest.'
  return { kind: 'impossible', sentence }
}

type Choice =
  | { readonly kind: 'offset'; readonly offset: number; readonly warning?: string }
  | { readonly kind: 'nothing' }

function choose(target: ResetTarget, facts: PartitionFacts): Choice {
  const { committed, first, end } = facts
  switch (target.kind) {
    case 'earliest':
      return { kind: 'offset', offset: first }
    case 'latest':
      return { kind: 'offset', offset: end }
    case 'current':
      return { kind: 'offset', offset: committed ?? end }
    case 'offset':
      return within(target.offset, facts)
    case 'shift':
      return committed === undefined ? { kind: 'nothing' } : within(committed + target.by, facts)
    case 'timestamp': {
      if (facts.atTimestamp !== undefined) return { kind: 'offset', offset: facts.atTimestamp }
      const warning = `Partition ${facts.partition} of ${facts.topic} has no record that young: it is set to its end, ${end}.`
      return { kind: 'offset', offset: end, warning }
    }
    case 'each': {
      const offset = target.offsets.get(partitionKey(facts.topic, facts.partition))
      assert(offset !== undefined, 'the partitions of a file are those that it names')
      return within(offset, facts)
    }
  }
}

/** An offset that the log can continue from: before its first record lies its first record, beyond its end its end. */
function within(wanted: number, { topic, partition, first, end }: PartitionFacts): Choice {
  if (wanted >= first && wanted <= end) return { kind: 'offset', offset: wanted }
  const where = `Offset ${wanted} of partition ${partition} of ${topic} is`
  if (wanted < first) {
    return { kind: 'offset', offset: first, warning: `${where} before its first record: it is set to ${first}.` }
  }
  return { kind: 'offset', offset: end, warning: `${where} beyond its end: it is set to ${end}.` }
}

function byPartition(a: PartitionFacts, b: PartitionFacts): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  return a.partition - b.partition
}
