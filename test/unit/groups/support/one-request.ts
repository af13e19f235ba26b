// One request to one process, for tests that choose which process does what and when: nobody waits, nobody asks again, and a
// process can be held at a call to its stores.
import { expect } from 'vitest'
import { groupKey } from '../../../../lib/groups/group-document.ts'
import type { ConsumerHeartbeatRequest, JoinRequest } from '../../../../lib/groups/requests.ts'
import type { GroupProcess, GroupsWorld } from './groups-world.ts'
import { JOIN, QUIET_HEARTBEAT, SYNC } from './requests.ts'

const NEVER = new AbortController().signal
/** Of a call with a key: it is the group's document. */
export const isGroup = ([key]: readonly unknown[]): boolean => key === groupKey('g')
let tokens = 0

/** Joins through one process, as a client that needs no id first. */
export const joinAt = ({ groups }: GroupProcess, request: Partial<JoinRequest> = {}) =>
  groups.join(
    { ...JOIN, memberIdRequired: false, token: `interleaved ${tokens++}`, ...request },
    { signal: NEVER, mayWait: false },
  )

/** Commits an offset of the topic, as nobody or as a member. */
export const commitAt = (
  of: GroupsWorld,
  { groups }: GroupProcess,
  offset: number,
  member: { readonly memberId?: string; readonly generation?: number } = {},
  partition = 0,
) =>
  groups.commit(
    {
      groupId: 'g',
      memberId: member.memberId ?? '',
      instanceId: undefined,
      generationOrEpoch: member.generation ?? -1,
      knowsEpochs: false,
    },
    [{ topicId: of.topic.id, partition, offset, leaderEpoch: -1, metadata: '' }],
    undefined,
  )

export const syncAt = ({ groups }: GroupProcess, memberId: string, generation: number) =>
  groups.sync(
    { ...SYNC, memberId, generation, assignments: [{ memberId, assignment: 'YQ==' }] },
    { signal: NEVER, mayWait: false },
  )

/** A heartbeat of member `m` that joins and reads the topic. */
export const heartbeatOf = (request: Partial<ConsumerHeartbeatRequest>): ConsumerHeartbeatRequest => ({
  ...QUIET_HEARTBEAT,
  memberId: 'm',
  rebalanceTimeoutMs: 30_000,
  subscribedTopics: ['t'],
  owned: [],
  ...request,
})

export const leaveAt = ({ groups }: GroupProcess, memberId: string) =>
  groups.leave({ groupId: 'g', members: [{ memberId, instanceId: undefined }] })

/** A member that joined and synced through one process; it leads. */
export async function memberAt(of: GroupsWorld, process: GroupProcess, request: Partial<JoinRequest> = {}) {
  const joined = await of.run(joinAt(process, request))
  if (joined.kind !== 'joined') throw new Error(joined.kind)
  expect((await of.run(syncAt(process, joined.memberId, joined.generation))).kind).toBe('synced')
  return joined
}

/** A group without members for which an offset is stored. */
export async function emptiedGroup(of: GroupsWorld): Promise<void> {
  const process = of.processes[0]!
  const member = await memberAt(of, process)
  expect((await of.run(commitAt(of, process, 10, member))).kind).toBe('committed')
  expect((await of.run(leaveAt(process, member.memberId))).kind).toBe('left')
}

export const beatAt = (
  of: GroupsWorld,
  { groups }: GroupProcess,
  { memberId, generation }: { memberId: string; generation: number },
) => of.run(groups.heartbeat({ groupId: 'g', memberId, instanceId: undefined, generation }))

/** Waits until a process waits for what its script holds back. */
export async function untilHeld(of: GroupsWorld, { script }: GroupProcess): Promise<void> {
  for (let i = 0; script.held === 0 && i < 400; i++) await of.world.clock.advance(5)
  expect(script.held).toBe(1)
}
