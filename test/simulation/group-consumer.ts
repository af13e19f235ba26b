// A simulated member of KIP-848: one request for everything. It goes on with the epoch it is told, gives up what it is asked
// to give up and says so, takes what it is given, asks where to go on there, and commits under its epoch. When it is fenced it
// gives everything up and joins anew.
import type { TopicId } from '../../lib/base/ids.ts'
import { ErrorCode } from '../../lib/wire/errors.ts'
import { consumerGroupHeartbeat } from '../../lib/wire/messages/consumer-group-heartbeat.ts'
import {
  commitOffsets,
  fetchOffsets,
  type GroupClient,
  type GroupMember,
  REBALANCE_MS,
  REQUEST_TIMEOUT_MS,
  workOn,
} from './group-desk.ts'
import type { Claim, GroupOwns, GroupTold } from './group-history.ts'
import { partitionName } from './history.ts'

const VERSION = 1
const LEAVES = -1
const LEAVES_FOR_A_WHILE = -2

export function createConsumerMember(client: GroupClient): GroupMember {
  const { scene, random, group, name, topic, instanceId, line } = client
  const { history } = scene
  const memberId = `m-${name}`
  let epoch = 0
  let owned = new Set<number>()
  let positions = new Map<number, number>()
  /** Says all that there is to say: after it joined, and when it does not know what was heard of it. */
  let saysAll = true
  let hasNews = false
  let commits = 0
  let terms = 0

  const claim = (): Claim => ({ protocol: 'consumer', memberId, generation: epoch, term: terms })
  const namesOf = (partitions: Iterable<number>): string[] =>
    [...partitions].map((partition) => partitionName(topic.id, partition))

  function say(partitions: Iterable<number>): void {
    const said = { group, client: name, memberId, owned: namesOf(partitions), invoked: history.tick() }
    history.add<GroupOwns>({ kind: 'groupOwns', ...said })
  }

  async function beat(): Promise<void> {
    const tellsOwned = saysAll || hasNews || epoch === 0 || random.chance(0.3)
    const tellsAll = saysAll || epoch === 0 || random.chance(0.3)
    if (tellsOwned) say(owned)
    const invoked = history.tick()
    scene.operations++
    const answer = await line.ask(
      consumerGroupHeartbeat,
      VERSION,
      {
        groupId: group,
        memberId,
        memberEpoch: epoch,
        instanceId: instanceId ?? null,
        rebalanceTimeoutMs: tellsAll ? REBALANCE_MS : -1,
        subscribedTopicNames: tellsAll ? [topic.name] : null,
        topicPartitions: tellsOwned ? topicPartitions(owned) : null,
      },
      REQUEST_TIMEOUT_MS,
    )
    saysAll = true
    if (answer === undefined) return
    const { errorCode, memberEpoch, assignment } = answer.value
    if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID || errorCode === ErrorCode.FENCED_MEMBER_EPOCH) return loseAll()
    if (errorCode !== ErrorCode.NONE) return
    saysAll = false
    hasNews = false
    epoch = memberEpoch
    const given = assignment?.topicPartitions.flatMap(({ partitions }) => partitions)
    history.add<GroupTold>({
      kind: 'groupTold',
      group,
      client: name,
      ...claim(),
      what: 'beat',
      invoked,
      completed: history.tick(),
      instanceId,
      leader: '',
      chosen: '',
      members: [],
      assignment: given && namesOf(given),
    })
    if (given !== undefined) await take(new Set(given))
  }

  const topicPartitions = (partitions: ReadonlySet<number>): { topicId: TopicId; partitions: number[] }[] =>
    partitions.size === 0 ? [] : [{ topicId: topic.id, partitions: [...partitions] }]

  function loseAll(): void {
    terms++
    epoch = 0
    owned = new Set()
    positions = new Map()
  }

  async function take(given: ReadonlySet<number>): Promise<void> {
    const revoked = [...owned].filter((partition) => !given.has(partition))
    if (revoked.length > 0 && random.chance(0.5)) await work(new Set(revoked))
    for (const partition of revoked) positions.delete(partition)
    hasNews = hasNews || revoked.length > 0 || [...given].some((partition) => !owned.has(partition))
    owned = new Set(given)
  }

  async function lookUp(): Promise<void> {
    const missing = [...owned].filter((partition) => !positions.has(partition))
    if (missing.length === 0) return
    const found = await fetchOffsets(client, claim(), owned, missing)
    if (found === ErrorCode.UNKNOWN_MEMBER_ID) loseAll()
    if (!(found instanceof Map)) return
    for (const partition of missing) positions.set(partition, found.get(partition) ?? 0)
  }

  async function work(only?: ReadonlySet<number>): Promise<void> {
    const mine = new Map([...positions].filter(([partition]) => only?.has(partition) ?? true))
    const done = workOn(mine, random)
    for (const [partition, position] of done) positions.set(partition, position)
    if (done.size === 0) return
    const code = await commitOffsets(client, claim(), done)
    if (code === ErrorCode.NONE) commits++
    if (code === ErrorCode.UNKNOWN_MEMBER_ID || code === ErrorCode.FENCED_MEMBER_EPOCH) loseAll()
  }

  return {
    name,
    get commits() {
      return commits
    },
    working: () => (epoch === 0 ? [] : [...positions.keys()]),
    async step() {
      if (epoch === 0 || hasNews || saysAll || positions.size === 0 || random.chance(0.5)) await beat()
      else await work()
      if (epoch > 0) await lookUp()
      return true
    },
    async insist() {
      await work()
      await beat()
    },
    async leave() {
      const memberEpoch = instanceId === undefined ? LEAVES : LEAVES_FOR_A_WHILE
      say([])
      const request = { groupId: group, memberId, memberEpoch, instanceId: instanceId ?? null }
      await line.ask(consumerGroupHeartbeat, VERSION, request, REQUEST_TIMEOUT_MS)
      loseAll()
    },
  }
}
