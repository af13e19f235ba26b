// `group reset-offsets`: asks the group and the log what there is, has `plan-reset.ts` decide, shows it, and with --execute
// commits it. A group with members is refused at the start and again by its coordinator at the end, because its members
// would go on from where they are and commit over what was set.
import type { Address } from '../../base/address.ts'
import type { ClientTopic, Cluster } from '../../client/cluster.ts'
import { EARLIEST, LATEST, offsetsAt } from '../../client/consumer.ts'
import { ClientError } from '../../client/errors.ts'
import { commitOffsets, committedOffsets, type DescribedGroup, describeGroup } from '../../client/group-admin.ts'
import { ErrorCode } from '../../wire/errors.ts'
import { Problem } from '../problem.ts'
import { table } from '../table.ts'
import { withCluster } from '../with-cluster.ts'
import { counted } from '../words.ts'
import { formatOffsets } from './offsets-csv.ts'
import { type PartitionFacts, type PlannedOffset, partitionKey, planReset, type ResetTarget } from './plan-reset.ts'
import { readTarget, type TargetFlags } from './reset-target.ts'
import type { Scope } from './scope.ts'

export interface ResetFlags extends TargetFlags {
  readonly kafka: Address
  readonly topic: Scope
  readonly allTopics?: true
  readonly execute?: true
  readonly export?: true
}

/** What a coordinator says when a group got members in the meantime. */
const IN_USE: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.STALE_MEMBER_EPOCH,
])

export async function resetOffsets(groupId: string, flags: ResetFlags): Promise<void> {
  const { target, scope: scopeOfFile } = await readTarget(flags, groupId, Date.now())
  if (scopeOfFile !== undefined && (flags.topic.size > 0 || flags.allTopics === true)) {
    throw new Problem('--from-file says itself which partitions it is for: leave --topic and --all-topics out.')
  }
  if (scopeOfFile === undefined && flags.topic.size === 0 && flags.allTopics !== true) {
    throw new Problem('Say of which topics: --topic TOPIC, --topic TOPIC:PARTITION,… or --all-topics.')
  }
  await withCluster(flags.kafka, async (cluster) => {
    const group = await describeGroup(cluster, groupId)
    if (group !== undefined && group.state !== 'Empty') throw inUse(groupId, group)
    if (group === undefined) note(`Group ${groupId} was never used; setting offsets makes it.`)
    const committed = await committedOffsetsByKey(cluster, groupId)
    const scope = scopeOfFile ?? (flags.allTopics === true ? scopeOf(committed) : flags.topic)
    if (scope.size === 0) {
      throw new Problem(`Group ${groupId} has no committed offsets, so it has no topics yet. Name some with --topic.`)
    }
    const facts = await readFacts(cluster, scope, target, committed, flags.allTopics === true)
    const plan = planReset(target, facts)
    if (plan.kind === 'impossible') throw new Problem(plan.sentence)
    for (const warning of plan.warnings) note(warning)
    if (flags.execute === true) await commit(cluster, groupId, plan.offsets)
    show(groupId, plan.offsets, flags)
  })
}

type Committed = ReadonlyMap<string, { readonly topic: string; readonly partition: number; readonly offset: number }>

async function committedOffsetsByKey(cluster: Cluster, groupId: string): Promise<Committed> {
  const offsets = await committedOffsets(cluster, groupId)
  return new Map(offsets.map((offset) => [partitionKey(offset.topic, offset.partition), offset]))
}

/** `--all-topics`: those that the group has offsets of, all their partitions with an offset. */
function scopeOf(committed: Committed): Scope {
  const scope = new Map<string, Set<number>>()
  for (const { topic, partition } of committed.values()) {
    scope.set(topic, (scope.get(topic) ?? new Set()).add(partition))
  }
  return scope
}

async function readFacts(
  cluster: Cluster,
  scope: Scope,
  target: ResetTarget,
  committed: Committed,
  skipMissing: boolean,
): Promise<PartitionFacts[]> {
  const found = await Promise.all(
    [...scope].map(async ([name, wanted]) => {
      // The group may have offsets of a topic that was deleted; one that is named has to exist.
      const topic = skipMissing ? await cluster.topic(name) : await cluster.existingTopic(name)
      if (topic === undefined) {
        note(`Topic ${name} does not exist any more: its offsets are left as they are.`)
        return []
      }
      const partitions = partitionsOf(topic, wanted)
      const first = await offsetsAt(cluster, topic, partitions, EARLIEST)
      const end = await offsetsAt(cluster, topic, partitions, LATEST)
      const timed =
        target.kind === 'timestamp' ? await offsetsAt(cluster, topic, partitions, target.timestampMs) : undefined
      return partitions.map((partition) => {
        const at = timed?.get(partition) ?? -1
        return {
          ...{ topic: name, partition, first: first.get(partition) ?? 0, end: end.get(partition) ?? 0 },
          committed: committed.get(partitionKey(name, partition))?.offset,
          atTimestamp: at < 0 ? undefined : at,
        }
      })
    }),
  )
  return found.flat()
}

function partitionsOf(topic: ClientTopic, wanted: ReadonlySet<number> | 'all'): number[] {
  const count = topic.partitions.length
  if (wanted === 'all') return topic.partitions.map(({ partition }) => partition)
  const wrong = [...wanted].find((partition) => partition >= count)
  if (wrong === undefined) return [...wanted]
  throw new Problem(`Topic ${topic.name} has the partitions 0 to ${count - 1}; there is no partition ${wrong}.`)
}

async function commit(cluster: Cluster, groupId: string, offsets: readonly PlannedOffset[]): Promise<void> {
  try {
    await commitOffsets(cluster, groupId, offsets)
  } catch (error) {
    if (error instanceof ClientError && IN_USE.has(error.code)) throw inUse(groupId)
    throw error
  }
}

function inUse(groupId: string, group?: DescribedGroup): Problem {
  const seen = group === undefined ? '' : ` (it is ${group.state}, with ${counted(group.members.length, 'member')})`
  return new Problem(
    `Group ${groupId} is in use${seen}: its members would commit over what you set. Stop them, wait until ` +
      `"tidelog group describe ${groupId}" shows the state Empty (after their session timeout at the latest), and try again.`,
  )
}

function show(groupId: string, offsets: readonly PlannedOffset[], flags: ResetFlags): void {
  const done = flags.execute === true
  if (flags.export === true) {
    process.stdout.write(formatOffsets(offsets.map((planned) => ({ group: undefined, ...planned }))))
    if (done) note(`The offsets of group ${groupId} were set.`)
    return
  }
  const rows = offsets.map(({ topic, partition, committed, offset }) => {
    return [topic, String(partition), committed === undefined ? '-' : String(committed), String(offset)]
  })
  process.stdout.write(table(['topic', 'partition', done ? 'before' : 'committed', done ? 'now' : 'would be'], rows))
  const sentence = done
    ? `The offsets of group ${groupId} were set.`
    : 'Nothing was changed. Add --execute to set these offsets.'
  process.stdout.write(`\n${sentence}\n`)
}

/** Beside the result, so that an export stays clean. */
function note(sentence: string): void {
  process.stderr.write(`${sentence}\n`)
}
