// The topics that the deployments of a run declare, one step after the other. The first step is part of the deployment that
// all tests share; the others are deployed by `topics.test.ts`.
import type { ContextTopics } from './deployment.ts'

export const FIRST_TOPICS: ContextTopics = {
  declared: { partitions: 3, retention: '7d', cleanupPolicy: 'delete' },
  'declared-kept': { partitions: 1 },
  'declared-destroyed': { partitions: 1, removalPolicy: 'destroy' },
}

/** More partitions and another retention; one topic more. */
export const CHANGED_TOPICS: ContextTopics = {
  ...FIRST_TOPICS,
  declared: { partitions: 5, retention: '1d', cleanupPolicy: 'delete' },
  'declared-later': { partitions: 2 },
}

/** What cannot be done, beside what can. */
export const FEWER_PARTITIONS: ContextTopics = {
  ...CHANGED_TOPICS,
  declared: { partitions: 2, retention: '12h', cleanupPolicy: 'delete' },
}

/** Two topics less: one is retained, the other one destroyed. */
export const REMOVED_TOPICS: ContextTopics = {
  declared: CHANGED_TOPICS['declared']!,
  'declared-later': CHANGED_TOPICS['declared-later']!,
}
