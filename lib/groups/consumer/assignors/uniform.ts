// Kafka's `uniform`, the default: every member has as many partitions as every other as far as subscriptions allow, and as
// few as possible move. Members keep what they had; what nobody has goes to whoever has least; then partitions move from who
// has most to who has least while they differ by two or more. Where all are subscribed to the same topics one round of that
// balances within one: a partition moves only from above the average to below it.
import type { TopicId } from '../../../base/ids.ts'
import { type Assignor, type AssignorMember, type AssignorTopics, byId, inOrder } from './assignor.ts'
import { createHeap, type Heap } from './heap.ts'

/** Kafka's bound. Overlapping subscriptions may need several rounds; each about halves the imbalance. */
const ROUNDS_MAX = 16
const NOBODY = -1

interface Topic {
  readonly id: TopicId
  /** The place in the order of each partition's owner. */
  readonly owners: Int32Array
  /** Places in the order, ascending. */
  readonly subscribers: readonly number[]
}

export const uniform: Assignor = (members, topics) => {
  const order = inOrder(members)
  const ordered = order.map((index) => members[index]!)
  const loads = new Int32Array(members.length)
  const all = topicsOf(ordered, topics)
  keep(ordered, all, loads)
  const byNeed = [...all].sort(
    (a, b) =>
      b.owners.length / b.subscribers.length - a.owners.length / a.subscribers.length ||
      a.subscribers.length - b.subscribers.length,
  )
  for (const topic of byNeed) handOut(topic, loads)
  for (let round = 0; round < ROUNDS_MAX; round++) {
    if (!byNeed.map((topic) => level(topic, loads)).includes(true)) break
  }
  return targetsOf(order, all)
}

/** Topics that somebody is subscribed to, ascending by id. */
function topicsOf(ordered: readonly AssignorMember[], topics: AssignorTopics): readonly Topic[] {
  return byId(topics)
    .map(([id, partitions]) => ({
      id,
      owners: new Int32Array(partitions).fill(NOBODY),
      subscribers: ordered.flatMap((member, place) => (member.topics.has(id) ? [place] : [])),
    }))
    .filter(({ subscribers }) => subscribers.length > 0)
}

/** Members keep what they had, if it is still there and still theirs to want. */
function keep(ordered: readonly AssignorMember[], topics: readonly Topic[], loads: Int32Array): void {
  const byTopic = new Map(topics.map((topic) => [topic.id, topic]))
  ordered.forEach((member, place) => {
    for (const { topicId, partitions } of member.current) {
      const owners = byTopic.get(topicId)?.owners
      if (owners === undefined || !member.topics.has(topicId)) continue
      for (const partition of partitions) {
        if (owners[partition] !== NOBODY) continue
        owners[partition] = place
        loads[place]!++
      }
    }
  })
}

/** What nobody has goes to whoever has least, partition by partition. */
function handOut({ owners, subscribers }: Topic, loads: Int32Array): void {
  if (!owners.includes(NOBODY)) return
  const least = createHeap<Rank>(isLess)
  for (const place of subscribers) least.push({ load: loads[place]!, place })
  for (let partition = owners.indexOf(NOBODY); partition >= 0; partition = owners.indexOf(NOBODY, partition + 1)) {
    const { place } = least.pop()!
    owners[partition] = place
    loads[place]!++
    least.push({ load: loads[place]!, place })
  }
}

/** Moves partitions of one topic from its fullest owners to its emptiest subscribers; whether any moved. */
function level(topic: Topic, loads: Int32Array): boolean {
  if (isLevel(topic, loads)) return false
  const { owners, subscribers } = topic
  const owned = new Map(subscribers.map((place): [number, number[]] => [place, []]))
  owners.forEach((place, partition) => void owned.get(place)!.push(partition))
  const least = createHeap<Rank>(isLess)
  const most = createHeap<Rank>((a, b) => isLess(b, a))
  const rank = (place: number): void => {
    least.push({ load: loads[place]!, place })
    if (owned.get(place)!.length > 0) most.push({ load: loads[place]!, place })
  }
  for (const place of subscribers) rank(place)
  for (let isMoved = false; ; isMoved = true) {
    const giver = current(most, loads)
    const taker = current(least, loads)
    if (giver === undefined || taker === undefined || giver.load - taker.load < 2) return isMoved
    const partition = owned.get(giver.place)!.pop()!
    owned.get(taker.place)!.push(partition)
    owners[partition] = taker.place
    loads[giver.place]!--
    loads[taker.place]!++
    rank(giver.place)
    rank(taker.place)
  }
}

/** Whether no owner has two more than a subscriber: for most topics, looking is all there is to do. */
function isLevel({ owners, subscribers }: Topic, loads: Int32Array): boolean {
  let most = 0
  for (const place of owners) most = Math.max(most, loads[place]!)
  return subscribers.every((place) => most - loads[place]! < 2)
}

interface Rank {
  readonly load: number
  readonly place: number
}
const isLess = (a: Rank, b: Rank): boolean => a.load < b.load || (a.load === b.load && a.place < b.place)

/** The first that still has the load by which it was ranked; who changed was ranked again. */
function current(heap: Heap<Rank>, loads: Int32Array): Rank | undefined {
  for (;;) {
    const first = heap.pop()
    if (first === undefined || loads[first.place] === first.load) return first
  }
}

function targetsOf(
  order: readonly number[],
  topics: readonly Topic[],
): readonly { topicId: TopicId; partitions: number[] }[][] {
  const targets = order.map((): { topicId: TopicId; partitions: number[] }[] => [])
  for (const { id, owners } of topics) {
    owners.forEach((place, partition) => {
      const target = targets[order[place]!]!
      const last = target.at(-1)
      if (last?.topicId === id) last.partitions.push(partition)
      else target.push({ topicId: id, partitions: [partition] })
    })
  }
  return targets
}
