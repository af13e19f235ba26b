// A group of 1,000 members and 10,000 partitions: what a step costs, in time of the processor, since other tests run beside it.
// It is larger than what members may make of a group in one document, and so an upper bound.
import { expect, it } from 'vitest'
import { consumerHeartbeat } from '../../../../lib/groups/consumer/heartbeat.ts'
import { stateName } from '../../../../lib/groups/consumer/state-name.ts'
import { withTargets } from '../../../../lib/groups/consumer/targets.ts'
import { tick } from '../../../../lib/groups/consumer/tick.ts'
import type { ConsumerGroup, ConsumerMember } from '../../../../lib/groups/group.ts'
import type { StepContext } from '../../../../lib/groups/step.ts'
import { SETTINGS } from '../support/settings.ts'
import { GROUP_ID, QUIET, topicId, viewOf } from './support/scene.ts'

const MEMBERS = 1000
const TOPICS = 100
const PARTITIONS = 100

const topics = Array.from({ length: TOPICS }, (_, i) => {
  return { id: topicId(i + 1), name: `topic-${i}`, partitions: PARTITIONS }
})
const context: StepContext = {
  nowMs: 1_000_000,
  seenMs: () => 1_000_000,
  newId: () => 'id',
  settings: SETTINGS,
  topics: viewOf(new Map(topics.map((topic) => [topic.name, topic])), 1, 'v'),
  foldedFence: 0,
}

const member = (number: number): ConsumerMember => ({
  memberId: `member-${String(number).padStart(4, '0')}`,
  number,
  clientId: 'reader',
  clientHost: '/127.0.0.1',
  sessionTimeoutMs: 45_000,
  rebalanceTimeoutMs: 60_000,
  subscribedTopics: topics.map(({ name }) => name).sort(),
  memberEpoch: 1,
  previousEpoch: 0,
  state: 'stable',
  assigned: [],
  pendingRevocation: [],
  target: [],
})

const group: ConsumerGroup = {
  kind: 'consumer',
  id: GROUP_ID,
  fence: 1,
  nextMemberNumber: MEMBERS,
  epoch: 1,
  targetEpoch: 0,
  topics,
  topicsAsOf: context.topics.asOf(),
  patterns: [],
  members: Array.from({ length: MEMBERS }, (_, number) => member(number)),
}

function userMsOf(work: () => void): number {
  const before = process.cpuUsage()
  work()
  return process.cpuUsage(before).user / 1000
}

const beat = (memberId: string, memberEpoch: number) => ({ ...QUIET, memberId, memberEpoch })

it('has its targets within a second, and a heartbeat that changes nothing is decided in a moment', () => {
  const targeted: ConsumerGroup[] = []
  expect(userMsOf(() => targeted.push(withTargets(group, SETTINGS)))).toBeLessThan(1500)
  const settled: ConsumerGroup = {
    ...targeted[0]!,
    members: targeted[0]!.members.map((one) => ({ ...one, assigned: one.target })),
  }
  expect(stateName(settled)).toBe('Stable')
  const steps = 20
  const spent = userMsOf(() => {
    for (let i = 0; i < steps; i++) {
      expect(tick(settled, context)).toBe(settled)
      const step = consumerHeartbeat(settled, beat(settled.members[i]!.memberId, 1), context)
      expect(step.group).toBe(settled)
    }
  })
  expect(spent / steps).toBeLessThan(50)
})

it('decides a heartbeat in the middle of a rebalance in a moment, too', () => {
  const targeted = withTargets({ ...group, epoch: 2, targetEpoch: 1 }, SETTINGS)
  const steps = 20
  const spent = userMsOf(() => {
    for (let i = 0; i < steps; i++) {
      const step = consumerHeartbeat(targeted, beat(targeted.members[i]!.memberId, 1), context)
      expect(step.answer).toMatchObject({ kind: 'beat', memberEpoch: 2 })
    }
  })
  expect(spent / steps).toBeLessThan(100)
})
