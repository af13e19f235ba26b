// A deployment whose groups are served in one of two ways: by one coordinator, where requests wait until they are answered,
// or by a different process for each request, where nothing waits and a client asks again. Every test of groups runs in both.

import { sleep } from '../../../../lib/base/clock.ts'
import { createGroups, type GroupCoordinator } from '../../../../lib/groups/coordinator.ts'
import type { CommittedOffset } from '../../../../lib/groups/groups.ts'
import type {
  Committer,
  ConsumerHeartbeatRequest,
  HeartbeatRequest,
  JoinRequest,
  SyncRequest,
} from '../../../../lib/groups/requests.ts'
import type { GroupSettings } from '../../../../lib/groups/step.ts'
import { comparePositions } from '../../../../lib/journal/position.ts'
import type { Topic } from '../../../../lib/log/log.ts'
import { seededRandom } from '../../support/manual-clock.ts'
import { createTopic, createWorld, type LogProcess, type World } from '../../support/world.ts'
import { JOIN, QUIET_HEARTBEAT, SYNC } from './requests.ts'
import { SETTINGS } from './settings.ts'

export type Serving = 'one coordinator' | 'a process for each request'
export const SERVINGS: readonly Serving[] = ['one coordinator', 'a process for each request']

const PROCESSES = 4
const POLL_MS = 250
const NEVER = new AbortController().signal

export interface GroupProcess extends LogProcess {
  readonly groups: GroupCoordinator
}

export interface GroupsWorld {
  readonly world: World
  readonly serving: Serving
  readonly processes: readonly GroupProcess[]
  readonly topic: Topic
  /** The process that the next request goes to. */
  next(): GroupProcess
  /** One more process, which gets no requests by itself. */
  open(): Promise<GroupProcess>
  run<T>(promise: Promise<T>): Promise<T>
  join(request: Partial<JoinRequest>): ReturnType<GroupCoordinator['join']>
  sync(request: Partial<SyncRequest>): ReturnType<GroupCoordinator['sync']>
  heartbeat(request: Partial<HeartbeatRequest>): ReturnType<GroupCoordinator['heartbeat']>
  consumerHeartbeat(request: Partial<ConsumerHeartbeatRequest>): ReturnType<GroupCoordinator['consumerHeartbeat']>
  commit(committer: Partial<Committer>, offset: number, partition?: number): ReturnType<GroupCoordinator['commit']>
  /** What is committed for a partition, as anybody sees it. */
  committed(partition?: number): Promise<CommittedOffset | undefined>
  /** Writes of groups' documents so far. */
  writes(): { readonly group: number; readonly seen: number }
}

export async function createGroupsWorld(
  serving: Serving,
  settings: Partial<GroupSettings> = {},
  partitions = 4,
): Promise<GroupsWorld> {
  const world = await createWorld()
  let seed = 1000
  const open = async (): Promise<GroupProcess> => {
    const process = await world.open()
    const groups = createGroups({
      log: process.log,
      documents: process.script.stores.documents,
      clock: world.clock,
      random: seededRandom(seed++),
      settings: { ...SETTINGS, ...settings },
    })
    return { ...process, groups }
  }
  const processes = [await open()]
  const topic = await createTopic(world, processes[0]!.log, 't', partitions)
  while (serving !== 'one coordinator' && processes.length < PROCESSES) processes.push(await open())
  let turn = 0
  let tokens = 0
  const next = (): GroupProcess => processes[turn++ % processes.length]!

  /** What a client over HTTPS has been told: how far the process that knows most has read. */
  const furthest = () =>
    processes
      .map(({ log }) => log.status().position)
      .sort(comparePositions)
      .at(-1)

  /** A request that may have to wait: where nothing waits the client asks again. */
  async function patiently<A extends { readonly kind: string }>(
    ask: (groups: GroupCoordinator, mayWait: boolean) => Promise<A>,
  ): Promise<A> {
    for (;;) {
      const answer = await ask(next().groups, serving === 'one coordinator')
      if (answer.kind !== 'wait') return answer
      await sleep(world.clock, POLL_MS)
    }
  }

  return {
    world,
    serving,
    processes,
    topic,
    next,
    open,
    run: (promise) => world.run(promise),
    join(request) {
      const whole = { ...JOIN, token: `token ${tokens++}`, ...request }
      return patiently((groups, mayWait) => groups.join(whole, { signal: NEVER, mayWait }))
    },
    sync(request) {
      const whole = { ...SYNC, ...request }
      return patiently((groups, mayWait) => groups.sync(whole, { signal: NEVER, mayWait }))
    },
    heartbeat: (request) =>
      next().groups.heartbeat({ groupId: 'g', memberId: '', instanceId: undefined, generation: 1, ...request }),
    consumerHeartbeat: (request) => next().groups.consumerHeartbeat({ ...QUIET_HEARTBEAT, ...request }),
    commit: (committer, offset, partition = 0) =>
      next().groups.commit(
        { groupId: 'g', memberId: '', instanceId: undefined, generationOrEpoch: -1, knowsEpochs: false, ...committer },
        [{ topicId: topic.id, partition, offset, leaderEpoch: -1, metadata: '' }],
        serving === 'one coordinator' ? undefined : furthest(),
      ),
    async committed(partition = 0) {
      const outcome = await next().groups.committed('g', undefined)
      if (outcome.kind !== 'found') throw new Error(outcome.kind)
      return outcome.offsets.find((offset) => offset.partition === partition)
    },
    writes() {
      const sum = { group: 0, seen: 0 }
      for (const { groups } of processes) {
        sum.group += groups.writes.group
        sum.seen += groups.writes.seen
      }
      return sum
    },
  }
}

/** A member of a classic group that takes what the leader gives it; partitions are a text of numbers. */
export interface ClassicMember {
  memberId: string
  generation: number
  partitions: readonly number[]
  isLeader: boolean
  rejoin(): Promise<void>
  beat(): Promise<string>
  commit(offset: number, partition?: number): Promise<string>
}

/** Joins and syncs: the leader deals the topic's partitions out in turn. */
export async function classicMember(of: GroupsWorld, options: Partial<JoinRequest> = {}): Promise<ClassicMember> {
  const member: ClassicMember = {
    memberId: '',
    generation: -1,
    partitions: [],
    isLeader: false,
    async rejoin() {
      for (;;) {
        const joined = await of.join({ ...options, memberId: member.memberId })
        if (joined.kind === 'memberIdRequired') {
          member.memberId = joined.memberId ?? ''
          continue
        }
        if (joined.kind === 'unknownMember') {
          member.memberId = ''
          continue
        }
        if (joined.kind !== 'joined') throw new Error(`join: ${joined.kind}`)
        member.memberId = joined.memberId
        member.generation = joined.generation
        member.isLeader = joined.leader === joined.memberId
        const assignments = joined.members.map(({ memberId }, i) => ({
          memberId,
          assignment: Buffer.from(
            JSON.stringify(
              Array.from({ length: of.topic.partitions }, (_, p) => p).filter((p) => p % joined.members.length === i),
            ),
          ).toString('base64'),
        }))
        const synced = await of.sync({ memberId: member.memberId, generation: joined.generation, assignments })
        if (synced.kind === 'rebalanceInProgress') continue
        if (synced.kind !== 'synced') throw new Error(`sync: ${synced.kind}`)
        const text = Buffer.from(synced.assignment, 'base64').toString()
        member.partitions = text === '' ? [] : (JSON.parse(text) as number[])
        return
      }
    },
    async beat() {
      const { memberId, generation } = member
      return (await of.heartbeat({ memberId, generation })).kind
    },
    async commit(offset, partition = 0) {
      const { memberId, generation } = member
      return (await of.commit({ memberId, generationOrEpoch: generation }, offset, partition)).kind
    },
  }
  await member.rejoin()
  return member
}
