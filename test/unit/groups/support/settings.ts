// What tests give the group code: the broker's default settings, but that the first members are not waited for, and no topics.
import { defaultBrokerSettings } from '../../../../lib/broker/broker-settings.ts'
import type { GroupSettings, TopicsView } from '../../../../lib/groups/step.ts'

export const SETTINGS: GroupSettings = { ...defaultBrokerSettings.group, initialRebalanceDelayMs: 0 }

/** Classic groups do not look at topics. */
export const NO_TOPICS: TopicsView = {
  byName: () => undefined,
  byId: () => undefined,
  names: () => [],
  namesVersion: () => '',
  asOf: () => ({ generation: 1, index: 0 }),
}
