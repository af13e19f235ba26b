// The states of a consumer group by the names that Kafka lists and describes them with.
import type { ConsumerGroup } from '../group.ts'
import { isReconciled } from './reconcile.ts'

/** As Kafka spells it. */
export function stateName(group: ConsumerGroup): 'Empty' | 'Assigning' | 'Reconciling' | 'Stable' {
  if (group.members.length === 0) return 'Empty'
  if (group.epoch > group.targetEpoch) return 'Assigning'
  return group.members.every((member) => isReconciled(member, group)) ? 'Stable' : 'Reconciling'
}

/** Whether a member is subscribed to the topic, by name or by pattern. */
export const subscribesTo = ({ topics }: ConsumerGroup, name: string): boolean =>
  topics.some((topic) => topic.name === name)
