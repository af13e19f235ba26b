// What each member is to have in the end. Targets are computed anew in the step that finds the group's epoch ahead of them:
// members came, went or want something else, or topics or partitions did. Members move towards their targets one by one
// (`reconcile.ts`); a target alone gives nobody a partition.
import type { TopicId } from '../../base/ids.ts'
import type { ConsumerGroup, ConsumerMember } from '../group.ts'
import type { GroupSettings } from '../step.ts'
import { isSame } from './assignment.ts'
import type { Assignor } from './assignors/assignor.ts'
import { range } from './assignors/range.ts'
import { uniform } from './assignors/uniform.ts'
import { namesOf } from './topics.ts'

/** By the names that clients and settings use. */
const ASSIGNORS: ReadonlyMap<string, Assignor> = new Map([
  ['uniform', uniform],
  ['range', range],
])
const DEFAULT_ASSIGNOR = 'uniform'

/** Whether clients may ask for it. */
export const isAssignor = (name: string, { consumerAssignors }: Pick<GroupSettings, 'consumerAssignors'>): boolean =>
  ASSIGNORS.has(name) && consumerAssignors.includes(name)

/** The assignor that most members ask for; the first of the settings if nobody asks, and among equals. */
export function assignorOf(group: ConsumerGroup, settings: Pick<GroupSettings, 'consumerAssignors'>): string {
  const names = settings.consumerAssignors.filter((name) => ASSIGNORS.has(name))
  const votes = new Map(names.map((name) => [name, 0]))
  for (const { serverAssignor } of group.members) {
    const count = serverAssignor === undefined ? undefined : votes.get(serverAssignor)
    if (count !== undefined) votes.set(serverAssignor!, count + 1)
  }
  return names.reduce((best, name) => (votes.get(name)! > votes.get(best)! ? name : best), names[0] ?? DEFAULT_ASSIGNOR)
}

/** The group with targets for its epoch; the very same object if it has them. */
export function withTargets(group: ConsumerGroup, settings: Pick<GroupSettings, 'consumerAssignors'>): ConsumerGroup {
  if (group.targetEpoch === group.epoch) return group
  const assign = ASSIGNORS.get(assignorOf(group, settings))!
  const targets = assign(assignorMembers(group), new Map(group.topics.map(({ id, partitions }) => [id, partitions])))
  const members = group.members.map((member, i): ConsumerMember => {
    const target = targets[i]!
    return isSame(target, member.target) ? member : { ...member, target }
  })
  return { ...group, targetEpoch: group.epoch, members }
}

/** Members that want the same share one set: most groups have a single one. */
function assignorMembers(group: ConsumerGroup): Parameters<Assignor>[0] {
  const ids = new Map(group.topics.map(({ id, name }) => [name, id]))
  const sets = new Map<string, ReadonlySet<TopicId>>()
  return group.members.map((member) => {
    const { memberId, instanceId, subscribedTopics, subscribedPattern, target } = member
    const wanted = JSON.stringify([subscribedTopics, subscribedPattern])
    let topics = sets.get(wanted)
    if (topics === undefined) {
      topics = new Set(namesOf(member, group.patterns).flatMap((name) => ids.get(name) ?? []))
      sets.set(wanted, topics)
    }
    return { memberId, instanceId, topics, current: target }
  })
}
