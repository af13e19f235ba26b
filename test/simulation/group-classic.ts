// A simulated member of the classic protocol: joins, assigns as a leader, syncs, sends heartbeats, commits what it did, and
// joins again when it is told to. It gives everything up at each rebalance, and knows nothing of processes: each request may
// reach another one.
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../lib/wire/consumer-protocol.ts'
import { ErrorCode } from '../../lib/wire/errors.ts'
import { heartbeat } from '../../lib/wire/messages/heartbeat.ts'
import { joinGroup } from '../../lib/wire/messages/join-group.ts'
import { leaveGroup } from '../../lib/wire/messages/leave-group.ts'
import { syncGroup } from '../../lib/wire/messages/sync-group.ts'
import type { ResponseOf } from '../../lib/wire/schema.ts'
import {
  commitOffsets,
  fetchOffsets,
  type GroupClient,
  type GroupMember,
  REBALANCE_MS,
  REQUEST_TIMEOUT_MS,
  SESSION_MS,
  workOn,
} from './group-desk.ts'
import type { Claim, GroupTold } from './group-history.ts'
import { partitionName } from './history.ts'

type Joined = ResponseOf<typeof joinGroup>

/** The second one gives no member id out before the join, so a repeat that is not known as one makes another member. */
const JOIN_VERSIONS = [9, 5, 3]
const SYNC_VERSION = 5
const HEARTBEAT_VERSION = 4
const LEAVE_VERSION = 5
/** Joins are answered when all others have come, or their time is over. */
const JOIN_TIMEOUT_MS = 2 * REBALANCE_MS
const PROTOCOL = 'range'
const TYPE = 'consumer'

export function createClassicMember(client: GroupClient): GroupMember {
  const { scene, random, line, group, name, topic, instanceId } = client
  const { history } = scene
  const joinVersion = instanceId === undefined ? random.pick(JOIN_VERSIONS) : 9
  let memberId = ''
  let generation = -1
  let joins = 0
  let joinName = ''
  let owned: readonly number[] = []
  let positions = new Map<number, number>()
  let mustJoin = true
  let isOver = false
  let commits = 0

  const claim = (): Claim => ({ protocol: 'classic', memberId, generation, term: joins })

  function note(what: 'joined' | 'synced', invoked: number, told: Partial<GroupTold>): void {
    history.add<GroupTold>({
      kind: 'groupTold',
      group,
      client: name,
      ...claim(),
      what,
      invoked,
      completed: history.tick(),
      instanceId,
      leader: '',
      chosen: '',
      members: [],
      assignment: undefined,
      ...told,
    })
  }

  /** What an error means for a member, whatever it asked for. */
  function hear(code: number | undefined): void {
    if (code === ErrorCode.UNKNOWN_MEMBER_ID) memberId = ''
    if (code === ErrorCode.FENCED_INSTANCE_ID) isOver = true
    if (
      code === ErrorCode.UNKNOWN_MEMBER_ID ||
      code === ErrorCode.ILLEGAL_GENERATION ||
      code === ErrorCode.REBALANCE_IN_PROGRESS
    ) {
      mustJoin = true
    }
  }

  async function join(): Promise<Joined | undefined> {
    owned = []
    positions = new Map()
    for (let tries = 0; tries < 3; tries++) {
      if (memberId === '') joinName = `${name}#${++joins}`
      const invoked = history.tick()
      const metadata = encodeSubscription(1, {
        topics: [topic.name],
        userData: Buffer.from(joinName),
        ownedPartitions: [],
        generationId: -1,
        rackId: null,
      })
      scene.operations++
      const answer = await line.ask(
        joinGroup,
        joinVersion,
        {
          groupId: group,
          sessionTimeoutMs: SESSION_MS,
          rebalanceTimeoutMs: REBALANCE_MS,
          memberId,
          ...(joinVersion >= 5 && { groupInstanceId: instanceId ?? null }),
          protocolType: TYPE,
          protocols: [{ name: PROTOCOL, metadata }],
        },
        JOIN_TIMEOUT_MS,
      )
      if (answer === undefined) return undefined
      const { value } = answer
      if (value.errorCode === ErrorCode.NONE) {
        memberId = value.memberId
        generation = value.generationId
        note('joined', invoked, {
          leader: value.leader,
          chosen: value.protocolName ?? '',
          members: value.members.map((member) => ({ memberId: member.memberId, joinName: nameIn(member.metadata) })),
        })
        return value
      }
      if (value.errorCode === ErrorCode.MEMBER_ID_REQUIRED) memberId = value.memberId
      else {
        hear(value.errorCode)
        if (memberId !== '' || isOver) return undefined
      }
    }
    return undefined
  }

  async function sync(joined: Joined): Promise<void> {
    const leads = joined.leader === memberId && !joined.skipAssignment
    const invoked = history.tick()
    scene.operations++
    const answer = await line.ask(
      syncGroup,
      SYNC_VERSION,
      {
        groupId: group,
        generationId: generation,
        memberId,
        groupInstanceId: instanceId ?? null,
        protocolType: TYPE,
        protocolName: joined.protocolName ?? PROTOCOL,
        assignments: leads ? assign(joined) : [],
      },
      JOIN_TIMEOUT_MS,
    )
    if (answer === undefined) return
    const { errorCode, assignment, protocolName } = answer.value
    hear(errorCode)
    if (errorCode !== ErrorCode.NONE) return
    owned = decodeAssignment(assignment)?.assignedPartitions.flatMap(({ partitions }) => partitions) ?? []
    mustJoin = false
    note('synced', invoked, {
      chosen: protocolName ?? '',
      assignment: owned.map((partition) => partitionName(topic.id, partition)),
    })
  }

  function assign({ members }: Joined): { memberId: string; assignment: Uint8Array }[] {
    const ids = members.map((member) => member.memberId).sort()
    return ids.map((id, i) => {
      const mine = Array.from({ length: topic.partitions }, (_, p) => p).filter((p) => p % ids.length === i)
      const assignedPartitions = [{ topic: topic.name, partitions: mine }]
      return { memberId: id, assignment: encodeAssignment(1, { assignedPartitions, userData: null }) }
    })
  }

  async function lookUp(): Promise<void> {
    const missing = owned.filter((partition) => !positions.has(partition))
    if (missing.length === 0) return
    const found = await fetchOffsets(client, claim(), owned, missing)
    if (!(found instanceof Map)) return
    for (const partition of missing) positions.set(partition, found.get(partition) ?? 0)
  }

  async function work(): Promise<void> {
    const done = workOn(positions, random)
    if (done.size === 0) return
    const code = await commitOffsets(client, claim(), done)
    if (code === ErrorCode.NONE) commits++
    hear(code)
  }

  async function beat(): Promise<void> {
    scene.operations++
    const request = { groupId: group, generationId: generation, memberId, groupInstanceId: instanceId ?? null }
    const answer = await line.ask(heartbeat, HEARTBEAT_VERSION, request, REQUEST_TIMEOUT_MS)
    hear(answer?.value.errorCode)
  }

  return {
    name,
    get commits() {
      return commits
    },
    working: () => (mustJoin ? [] : [...positions.keys()]),
    async step() {
      if (isOver) return false
      if (mustJoin) {
        // What was done in the generation that ends may still be committed.
        if (positions.size > 0 && random.chance(0.5)) await work()
        const joined = await join()
        if (joined !== undefined) await sync(joined)
      } else if (random.chance(0.5)) await beat()
      else await work()
      if (!mustJoin) await lookUp()
      return !isOver
    },
    async insist() {
      await work()
      if (random.chance(0.5)) await work()
    },
    async leave() {
      const members = [{ memberId, groupInstanceId: instanceId ?? null }]
      await line.ask(leaveGroup, LEAVE_VERSION, { groupId: group, members }, REQUEST_TIMEOUT_MS)
      isOver = true
    },
  }
}

function nameIn(metadata: Uint8Array): string {
  return Buffer.from(decodeSubscription(metadata)?.userData ?? []).toString()
}
