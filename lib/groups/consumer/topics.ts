// Which topics the members of a group are subscribed to, as of a view of the topics. It is looked at with every heartbeat, so
// that partitions that were added and topics that were created or deleted are noticed by the next heartbeat of anybody.
// ⚠ Processes do not see topics at the same moment: a view from before the one that the group rests on changes nothing back.
import type { TopicId } from '../../base/ids.ts'
import { comparePositions } from '../../journal/position.ts'
import type { ConsumerGroup, ConsumerMember } from '../group.ts'
import type { StepContext, TopicsView } from '../step.ts'
import { matchingNames } from './pattern.ts'

/** Kafka: group.consumer.regex.refresh.interval.ms. */
const PATTERN_AGE_MS_MAX = 10 * 60 * 1000

type Topics = ConsumerGroup['topics']
type Patterns = ConsumerGroup['patterns']
type Found = ReturnType<TopicsView['byName']>

/** The names that a member is subscribed to, whether such topics exist or not; some may come twice. */
export function namesOf(member: ConsumerMember, patterns: Patterns): readonly string[] {
  const { subscribedTopics, subscribedPattern } = member
  if (subscribedPattern === undefined) return subscribedTopics
  const matched = patterns.find(({ pattern }) => pattern === subscribedPattern)?.names ?? []
  return subscribedTopics.length === 0 ? matched : [...subscribedTopics, ...matched]
}

/** The group with its patterns and topics as of now, and whether members may have other topics or partitions to share. */
export function withTopicsOfNow(
  group: ConsumerGroup,
  context: Pick<StepContext, 'nowMs' | 'topics'>,
): { readonly group: ConsumerGroup; readonly isChanged: boolean } {
  const asOf = context.topics.asOf()
  const isOlder = comparePositions(asOf, group.topicsAsOf) < 0
  const patterns = patternsOfNow(group, context, isOlder)
  const topics = topicsOfNow(group, patterns, context.topics, isOlder)
  if (patterns === group.patterns && topics === group.topics) return { group, isChanged: false }
  const isChanged = topics !== group.topics || !isSameMatch(patterns, group)
  return { group: { ...group, patterns, topics, ...(isOlder ? {} : { topicsAsOf: asOf }) }, isChanged }
}

/** The group without patterns and topics that none of its members wants any more; nothing is looked up. */
export function withoutUnused(group: ConsumerGroup): ConsumerGroup {
  const patterns = group.patterns.filter(({ pattern }) =>
    group.members.some((one) => one.subscribedPattern === pattern),
  )
  const names = new Set(group.members.flatMap((member) => namesOf(member, patterns)))
  return { ...group, patterns, topics: group.topics.filter(({ name }) => names.has(name)) }
}

/** The very list of the group if nothing has to be looked up. */
function patternsOfNow(
  group: ConsumerGroup,
  { nowMs, topics }: Pick<StepContext, 'nowMs' | 'topics'>,
  isOlder: boolean,
): Patterns {
  const used = new Set(group.members.flatMap(({ subscribedPattern }) => subscribedPattern ?? []))
  if (used.size === 0) return group.patterns.length === 0 ? group.patterns : []
  const version = topics.namesVersion()
  const known = new Map(group.patterns.map((pattern) => [pattern.pattern, pattern]))
  const patterns = [...used].sort().map((pattern) => {
    const before = known.get(pattern)
    const isYoung = before !== undefined && nowMs - before.atMs < PATTERN_AGE_MS_MAX
    if (before !== undefined && (isOlder || (isYoung && before.version === version))) return before
    return { pattern, names: matchingNames(pattern, topics.names()), atMs: nowMs, version }
  })
  const isSame = patterns.length === group.patterns.length && patterns.every((one, i) => one === group.patterns[i])
  return isSame ? group.patterns : patterns
}

function topicsOfNow(group: ConsumerGroup, patterns: Patterns, view: TopicsView, isOlder: boolean): Topics {
  const known = new Map(isOlder ? group.topics.map((topic) => [topic.name, topic]) : [])
  const names = new Set(group.members.flatMap((member) => namesOf(member, patterns)))
  const topics: { readonly id: TopicId; readonly name: string; readonly partitions: number }[] = []
  for (const name of names) {
    const found: Found = known.get(name) ?? view.byName(name)
    if (found !== undefined) topics.push({ id: found.id, name, partitions: found.partitions })
  }
  topics.sort((a, b) => (a.id < b.id ? -1 : 1))
  return isSameTopics(topics, group.topics) ? group.topics : topics
}

function isSameTopics(a: Topics, b: Topics): boolean {
  return (
    a.length === b.length &&
    a.every(({ id, name, partitions }, i) => {
      const other = b[i]!
      return id === other.id && name === other.name && partitions === other.partitions
    })
  )
}

/** Whether patterns that were there before match what they did; one that came or went is its member's change. */
function isSameMatch(patterns: Patterns, before: ConsumerGroup): boolean {
  const known = new Map(before.patterns.map(({ pattern, names }) => [pattern, names]))
  return patterns.every(({ pattern, names }) => {
    const matched = known.get(pattern)
    return matched === undefined || (matched.length === names.length && matched.every((name, i) => name === names[i]))
  })
}
