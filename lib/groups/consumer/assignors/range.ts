// Kafka's `range`: the partitions of each topic go to its subscribers in ranges, one after the other. Topics with as many
// partitions and the same subscribers are divided alike, so that a member has the same partitions of all of them
// (co-partitioning). It does not look at what members have: only static members keep their place when others come and go.
import type { TopicId } from '../../../base/ids.ts'
import { type Assignor, byId, inOrder } from './assignor.ts'

export const range: Assignor = (members, topics) => {
  const order = inOrder(members)
  const targets = members.map((): { topicId: TopicId; partitions: number[] }[] => [])
  for (const [topicId, partitions] of byId(topics)) {
    const subscribers = order.filter((index) => members[index]!.topics.has(topicId))
    const share = Math.floor(partitions / subscribers.length)
    const larger = partitions % subscribers.length
    let next = 0
    subscribers.forEach((index, place) => {
      const length = place < larger ? share + 1 : share
      if (length === 0) return
      const first = next
      targets[index]!.push({ topicId, partitions: Array.from({ length }, (_, i) => first + i) })
      next += length
    })
  }
  return targets
}
