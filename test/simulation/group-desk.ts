// What members of both protocols do alike: commit offsets and ask for them, through any process, and note both in the history.
// A member does not read records: it counts. Each partition that it is given starts at the committed offset, and each commit
// moves it on, so an offset that goes back was committed by somebody who had nothing to say any more.
import { ErrorCode } from '../../lib/wire/errors.ts'
import { offsetCommit } from '../../lib/wire/messages/offset-commit.ts'
import { offsetFetch } from '../../lib/wire/messages/offset-fetch.ts'
import type { Claim, GroupCommit, GroupFetch, OffsetOf } from './group-history.ts'
import type { GroupLine } from './group-line.ts'
import { partitionName } from './history.ts'
import type { Seeded } from './random.ts'
import type { KnownTopic, Scene } from './scene.ts'

/** One client of a group. */
export interface GroupClient {
  readonly scene: Scene
  readonly random: Seeded
  readonly line: GroupLine
  readonly group: string
  /** Of this life. */
  readonly name: string
  readonly topic: KnownTopic
  readonly instanceId: string | undefined
}

export interface GroupMember {
  readonly name: string
  /** Does what is next; at most a few requests. False: this member's life is over. */
  step(): Promise<boolean>
  /** Commits what it believes to be its own, as if it had heard nothing since. */
  insist(): Promise<void>
  leave(): Promise<void>
  /** Partitions whose committed offset it knows and goes on from; none while it has to join. */
  working(): readonly number[]
  /** Commits that were acknowledged. */
  readonly commits: number
}

export const REQUEST_TIMEOUT_MS = 6_000
/** Classic members say it; the settings of the simulation give KIP-848 the same. */
export const SESSION_MS = 6_000
export const REBALANCE_MS = 5_000

const COMMIT_VERSION = { classic: 8, consumer: 9 }
const FETCH_VERSION = 9

/** Codes that say for certain that nothing was committed. */
const REFUSED: ReadonlySet<number> = new Set([
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.FENCED_INSTANCE_ID,
  ErrorCode.STALE_MEMBER_EPOCH,
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.GROUP_ID_NOT_FOUND,
])

export const NOBODY: Claim = { protocol: 'classic', memberId: '', generation: -1 }

/** Commits; answers Kafka's error code, undefined without an answer. */
export async function commitOffsets(
  { scene, random, line, group, name, topic, instanceId }: GroupClient,
  claim: Claim,
  positions: ReadonlyMap<number, number>,
): Promise<number | undefined> {
  scene.operations++
  const metadata = (offset: number): string => `${name}/${claim.generation}/${offset}/${claim.term}`
  const noted = scene.history.add<GroupCommit>({
    kind: 'groupCommit',
    group,
    client: name,
    ...claim,
    offsets: [...positions].map(
      ([partition, offset]): OffsetOf => ({
        partition: partitionName(topic.id, partition),
        offset,
        metadata: metadata(offset),
      }),
    ),
    invoked: scene.history.tick(),
    completed: undefined,
    outcome: 'info',
  })
  const partitions = [...positions].map(([partitionIndex, committedOffset]) => ({
    partitionIndex,
    committedOffset,
    committedMetadata: metadata(committedOffset),
  }))
  const request = {
    groupId: group,
    memberId: claim.memberId,
    generationIdOrMemberEpoch: claim.generation,
    groupInstanceId: claim.protocol === 'classic' ? (instanceId ?? null) : null,
    topics: [{ name: topic.name, partitions }],
  }
  // Connections are lost now and then, and their clients go on at once.
  const patienceMs = random.chance(0.2) ? random.duration(60) : REQUEST_TIMEOUT_MS
  const answer = await line.ask(offsetCommit, COMMIT_VERSION[claim.protocol], request, patienceMs)
  if (answer === undefined) return undefined
  noted.completed = scene.history.tick()
  const codes = answer.value.topics.flatMap((one) => one.partitions.map(({ errorCode }) => errorCode))
  if (codes.every((code) => code === ErrorCode.NONE)) noted.outcome = 'ok'
  else if (answer.isAlone && codes.every((code) => REFUSED.has(code))) noted.outcome = 'fail'
  return codes.find((code) => code !== ErrorCode.NONE) ?? ErrorCode.NONE
}

/**
 * Asks for the committed offsets of partitions, or of all (`undefined`). Answers where to go on by partition, or Kafka's error
 * code; undefined without an answer.
 */
export async function fetchOffsets(
  { scene, line, group, name, topic }: GroupClient,
  claim: Claim,
  owned: Iterable<number>,
  partitions: readonly number[] | undefined,
): Promise<ReadonlyMap<number, number> | number | undefined> {
  scene.operations++
  const nameOf = (partition: number): string => partitionName(topic.id, partition)
  const ownedNames = [...owned].map(nameOf)
  const invoked = scene.history.tick()
  const asMember = claim.protocol === 'consumer' && claim.memberId !== ''
  const asked = partitions === undefined ? null : [{ name: topic.name, partitionIndexes: [...partitions] }]
  const request = {
    groups: [
      { groupId: group, topics: asked, ...(asMember && { memberId: claim.memberId, memberEpoch: claim.generation }) },
    ],
  }
  const answer = await line.ask(offsetFetch, FETCH_VERSION, request, REQUEST_TIMEOUT_MS)
  const [found] = answer?.value.groups ?? []
  if (answer === undefined || found === undefined) return undefined
  if (found.errorCode !== ErrorCode.NONE) return found.errorCode
  const told = found.topics.flatMap((one) => one.partitions)
  const offsets = told.map(
    ({ partitionIndex, committedOffset, metadata }): OffsetOf => ({
      partition: nameOf(partitionIndex),
      offset: Number(committedOffset),
      metadata: metadata ?? '',
    }),
  )
  scene.history.add<GroupFetch>({
    kind: 'groupFetch',
    group,
    client: name,
    process: answer.process,
    ...claim,
    invoked,
    completed: scene.history.tick(),
    offsets,
    owned: ownedNames,
  })
  return new Map(
    told.map(({ partitionIndex, committedOffset }) => [partitionIndex, Math.max(0, Number(committedOffset))]),
  )
}

/** Moves some of the positions on, or all: what a member has worked through since. */
export function workOn(positions: Map<number, number>, random: Seeded): ReadonlyMap<number, number> {
  const all = random.chance(0.6)
  const done = new Map<number, number>()
  for (const [partition, position] of positions) {
    if (!all && random.chance(0.5)) continue
    positions.set(partition, position + random.int(1, 4))
    done.set(partition, positions.get(partition)!)
  }
  return done
}
