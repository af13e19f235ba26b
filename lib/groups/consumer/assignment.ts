// Sets of partitions, as assignments are stored: topics ascending by id, partitions ascending and each once, no topic without
// partitions. Every function here keeps that form, so that two equal sets are equal text. What a client sends is brought into
// it first (`assignmentOf`).
import type { TopicId } from '../../base/ids.ts'
import type { Assignment } from '../group.ts'

/** No partitions. */
export const NONE: Assignment = []

/** Any list of topics and partitions in the form of an assignment. */
export function assignmentOf(
  topics: Iterable<{ readonly topicId: TopicId; readonly partitions: Iterable<number> }>,
): Assignment {
  const byTopic = new Map<TopicId, Set<number>>()
  for (const { topicId, partitions } of topics) {
    const known = byTopic.get(topicId)
    if (known === undefined) byTopic.set(topicId, new Set(partitions))
    else for (const partition of partitions) known.add(partition)
  }
  return [...byTopic]
    .filter(([, partitions]) => partitions.size > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([topicId, partitions]) => ({ topicId, partitions: [...partitions].sort((a, b) => a - b) }))
}

type Keep = (inA: boolean, inB: boolean) => boolean

/** Goes through two sets side by side and keeps what is wanted of those that have it. */
function combine(a: Assignment, b: Assignment, isKept: Keep): Assignment {
  const result: Assignment[number][] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    const [left, right] = [a[i], b[j]]
    const topicId = lesser(left?.topicId, right?.topicId)
    const isLeft = left?.topicId === topicId
    const isRight = right?.topicId === topicId
    const partitions = combineNumbers(isLeft ? left!.partitions : [], isRight ? right!.partitions : [], isKept)
    if (partitions.length > 0) result.push({ topicId, partitions })
    if (isLeft) i++
    if (isRight) j++
  }
  return result
}

function lesser(a: TopicId | undefined, b: TopicId | undefined): TopicId {
  if (a === undefined || (b !== undefined && b < a)) return b!
  return a
}

function combineNumbers(a: readonly number[], b: readonly number[], isKept: Keep): readonly number[] {
  const kept: number[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    const x = a[i] ?? Number.POSITIVE_INFINITY
    const y = b[j] ?? Number.POSITIVE_INFINITY
    const partition = Math.min(x, y)
    if (isKept(x === partition, y === partition)) kept.push(partition)
    if (x === partition) i++
    if (y === partition) j++
  }
  return kept
}

/** What is in either. */
export const union = (a: Assignment, b: Assignment): Assignment => combine(a, b, () => true)
/** What is in both. */
export const common = (a: Assignment, b: Assignment): Assignment => combine(a, b, (inA, inB) => inA && inB)
/** What is in `a` and not in `b`. */
export const minus = (a: Assignment, b: Assignment): Assignment => combine(a, b, (inA, inB) => inA && !inB)

export const isEmpty = (a: Assignment): boolean => a.length === 0
export const isSubset = (part: Assignment, whole: Assignment): boolean => isEmpty(minus(part, whole))
export const overlaps = (a: Assignment, b: Assignment): boolean => !isEmpty(common(a, b))

export function isSame(a: Assignment, b: Assignment): boolean {
  if (a === b) return true
  return (
    a.length === b.length &&
    a.every(({ topicId, partitions }, i) => {
      const other = b[i]!
      return (
        topicId === other.topicId &&
        partitions.length === other.partitions.length &&
        partitions.every((partition, k) => partition === other.partitions[k])
      )
    })
  )
}

/** How many partitions. */
export function sizeOf(a: Assignment): number {
  return a.reduce((sum, { partitions }) => sum + partitions.length, 0)
}

/** What several hold together. */
export function unionOf(all: Iterable<Assignment>): Assignment {
  return assignmentOf([...all].flat())
}
