// The names of pages. A page of partitions is `‹topic number›/‹first partition ÷ PAGE_PARTITIONS›`, one of groups
// `g/‹first group number ÷ PAGE_GROUPS›`. A page lives as long as its topic, or any of its groups, is in the root; after
// that checkpoints leave it out. Numbers are never used again, so neither is the page of a topic; that of groups may be, by
// later groups, and is empty by then.
import { PAGE_GROUPS, PAGE_PARTITIONS } from '../../base/limits.ts'
import type { PageKey, RootState } from './root.ts'

const GROUPS = 'g/'

export const pageKeyOf = (topicNumber: number, partition: number): PageKey =>
  `${topicNumber}/${Math.floor(partition / PAGE_PARTITIONS)}`

export const groupPageKeyOf = (groupNumber: number): PageKey => `${GROUPS}${Math.floor(groupNumber / PAGE_GROUPS)}`

export const isGroupPageKey = (key: PageKey): boolean => key.startsWith(GROUPS)

/** Tells which pages live, in this root as it is now. */
export function livingPages(root: RootState): (key: PageKey) => boolean {
  const ofGroups = new Set<PageKey>()
  for (const { number } of root.groups.values()) ofGroups.add(groupPageKeyOf(number))
  return (key) => (isGroupPageKey(key) ? ofGroups.has(key) : root.topics.has(Number(key.split('/')[0])))
}
