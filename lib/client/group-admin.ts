// What administrators ask of consumer groups: which there are, who is in them, how far they have read, and to change that.
// Each question goes to the group's coordinator, but for the list, of which every server knows its part. An error in an
// answer becomes a `ClientError`; a group that is not there is `undefined`, since for some that is no error.
import { type Address, formatAddress } from '../base/address.ts'
import { decodeAssignment } from '../wire/consumer-protocol.ts'
import { ErrorCode } from '../wire/errors.ts'
import { consumerGroupDescribe } from '../wire/messages/consumer-group-describe.ts'
import { deleteGroups } from '../wire/messages/delete-groups.ts'
import { describeGroups } from '../wire/messages/describe-groups.ts'
import { listGroups as listGroupsApi } from '../wire/messages/list-groups.ts'
import { offsetCommit } from '../wire/messages/offset-commit.ts'
import { offsetDelete } from '../wire/messages/offset-delete.ts'
import { offsetFetch } from '../wire/messages/offset-fetch.ts'
import type { ResponseOf } from '../wire/schema.ts'
import { type Cluster, pause } from './cluster.ts'
import { askCoordinator, isTransient } from './coordinator.ts'
import { ClientError, refused } from './errors.ts'

const RETRY_MS = 250
const TRIES_MAX = 40

export interface ListedGroup {
  readonly id: string
  /** As the server spells it: `Classic`, `Consumer`, …; empty where it is too old to say. */
  readonly type: string
  readonly protocolType: string
  readonly state: string
}

/** All groups in one of the states and of one of the types (none: any), and the servers that could not be asked. */
export async function listGroups(
  cluster: Cluster,
  filter: { readonly states: readonly string[]; readonly types: readonly string[] },
): Promise<{ readonly groups: readonly ListedGroup[]; readonly unreachable: readonly string[] }> {
  const groups = new Map<string, ListedGroup>()
  const unreachable: string[] = []
  for (const address of await cluster.servers()) {
    const answer = await listFrom(cluster, address, filter)
    if (answer === undefined) unreachable.push(formatAddress(address))
    for (const { groupId, protocolType, groupState, groupType } of answer?.groups ?? []) {
      groups.set(groupId, { id: groupId, type: groupType, protocolType, state: groupState })
    }
  }
  return { groups: [...groups.values()].sort((a, b) => (a.id < b.id ? -1 : 1)), unreachable }
}

async function listFrom(
  cluster: Cluster,
  address: Address,
  { states, types }: { readonly states: readonly string[]; readonly types: readonly string[] },
): Promise<ResponseOf<typeof listGroupsApi> | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      const connection = await cluster.connectionAt(address)
      const answer = await connection.request(listGroupsApi, { statesFilter: states, typesFilter: types })
      if (answer.errorCode === ErrorCode.NONE) return answer
      if (!isTransient(answer.errorCode) || tries >= TRIES_MAX) throw refused('Listing groups', answer.errorCode)
    } catch (error) {
      if (error instanceof ClientError && error.kind === 'unreachable') return undefined
      throw error
    }
    await pause(RETRY_MS)
  }
}

export interface AssignedTopic {
  readonly topic: string
  /** Ascending. */
  readonly partitions: readonly number[]
}

export interface GroupMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** Of members that the group's coordinator assigns partitions to (KIP-848). */
  readonly epoch: number | undefined
  /** Undefined: not known, as in groups of other protocols than consumers'. */
  readonly assigned: readonly AssignedTopic[] | undefined
}

export interface DescribedGroup {
  readonly id: string
  readonly type: 'Classic' | 'Consumer'
  readonly protocolType: string
  readonly state: string
  /** Empty where there is none yet. */
  readonly assignor: string
  readonly members: readonly GroupMember[]
}

/** A group and its members, whichever of the two protocols they speak. Undefined: there is no such group. */
export async function describeGroup(cluster: Cluster, groupId: string): Promise<DescribedGroup | undefined> {
  return (await describeConsumerGroup(cluster, groupId)) ?? (await describeClassicGroup(cluster, groupId))
}

async function describeConsumerGroup(cluster: Cluster, groupId: string): Promise<DescribedGroup | undefined> {
  const request = { groupIds: [groupId], includeAuthorizedOperations: false }
  let answer: ResponseOf<typeof consumerGroupDescribe>
  try {
    answer = await askCoordinator(cluster, groupId, consumerGroupDescribe, request, codesOfGroups)
  } catch (error) {
    // A server from before KIP-848 has classic groups only.
    if (error instanceof ClientError && error.kind === 'unsupported') return undefined
    throw error
  }
  const group = answer.groups[0]
  if (group === undefined || isMissing(group.errorCode)) return undefined
  check(`Describing group ${groupId}`, group.errorCode, group.errorMessage)
  const members = group.members.map(({ memberId, instanceId, clientId, clientHost, memberEpoch, assignment }) => {
    const assigned = assignment.topicPartitions.map(({ topicName, partitions }) => {
      return { topic: topicName, partitions: ascending(partitions) }
    })
    return { memberId, instanceId, clientId, clientHost, epoch: memberEpoch, assigned }
  })
  const { groupState: state, assignorName: assignor } = group
  return { id: groupId, type: 'Consumer', protocolType: 'consumer', state, assignor, members }
}

async function describeClassicGroup(cluster: Cluster, groupId: string): Promise<DescribedGroup | undefined> {
  const answer = await askCoordinator(cluster, groupId, describeGroups, { groups: [groupId] }, codesOfGroups)
  const group = answer.groups[0]
  // Before version 6 a group that is not there is a dead one.
  if (group === undefined || isMissing(group.errorCode) || group.groupState === 'Dead') return undefined
  check(`Describing group ${groupId}`, group.errorCode, group.errorMessage)
  const members = group.members.map(({ memberId, groupInstanceId, clientId, clientHost, memberAssignment }) => {
    const assigned = group.protocolType === 'consumer' ? assignedByLeader(memberAssignment) : undefined
    return { memberId, instanceId: groupInstanceId, clientId, clientHost, epoch: undefined, assigned }
  })
  const { groupState: state, protocolType, protocolData: assignor } = group
  return { id: groupId, type: 'Classic', protocolType, state, assignor, members }
}

/** What the leader of a classic group assigned to a member; undefined where that cannot be read. */
function assignedByLeader(bytes: Uint8Array): readonly AssignedTopic[] | undefined {
  // A member that has nothing yet.
  if (bytes.length === 0) return []
  return decodeAssignment(bytes)?.assignedPartitions.map(({ topic, partitions }) => {
    return { topic, partitions: ascending(partitions) }
  })
}

function ascending(partitions: readonly number[]): readonly number[] {
  return [...partitions].sort((a, b) => a - b)
}

export interface GroupOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** All committed offsets of a group; none for a group that is not there. */
export async function committedOffsets(cluster: Cluster, groupId: string): Promise<GroupOffset[]> {
  const request = { groupId, topics: null, groups: [{ groupId, topics: null }] }
  const answer = await askCoordinator(cluster, groupId, offsetFetch, request, (answer) => {
    return [answer.groups[0]?.errorCode ?? answer.errorCode]
  })
  const what = `Reading the offsets of group ${groupId}`
  const group = answer.groups[0] ?? answer
  if (isMissing(group.errorCode)) return []
  check(what, group.errorCode)
  return group.topics.flatMap(({ name, partitions }) => {
    for (const { errorCode } of partitions) check(what, errorCode)
    return partitions
      .filter(({ committedOffset }) => committedOffset >= 0)
      .map(({ partitionIndex, committedOffset: offset }) => ({ topic: name, partition: partitionIndex, offset }))
  })
}

/** Commits offsets for a group without members. */
export async function commitOffsets(cluster: Cluster, groupId: string, offsets: readonly GroupOffset[]): Promise<void> {
  const topics = byTopic(offsets).map(([name, partitions]) => ({
    name,
    partitions: partitions.map(({ partition, offset }) => {
      return { partitionIndex: partition, committedOffset: offset, committedMetadata: '' }
    }),
  }))
  const answer = await askCoordinator(cluster, groupId, offsetCommit, { groupId, topics }, codesOfPartitions)
  for (const code of codesOfPartitions(answer)) check(`Setting offsets of group ${groupId}`, code)
}

/** Removes committed offsets of topics that nobody in the group is subscribed to. */
export async function deleteOffsets(
  cluster: Cluster,
  groupId: string,
  offsets: readonly Omit<GroupOffset, 'offset'>[],
): Promise<void> {
  const topics = byTopic(offsets).map(([name, partitions]) => {
    return { name, partitions: partitions.map(({ partition }) => ({ partitionIndex: partition })) }
  })
  const answer = await askCoordinator(cluster, groupId, offsetDelete, { groupId, topics }, (answer) => {
    return [answer.errorCode, ...codesOfPartitions(answer)]
  })
  check(`Deleting offsets of group ${groupId}`, answer.errorCode)
  for (const { name, partitions } of answer.topics) {
    for (const { errorCode } of partitions) check(`Deleting offsets of group ${groupId} for ${name}`, errorCode)
  }
}

/** Deletes a group and its offsets. It must have no members. */
export async function deleteGroup(cluster: Cluster, groupId: string): Promise<void> {
  const answer = await askCoordinator(cluster, groupId, deleteGroups, { groupsNames: [groupId] }, (answer) => {
    return answer.results.map(({ errorCode }) => errorCode)
  })
  for (const { errorCode } of answer.results) check(`Deleting group ${groupId}`, errorCode)
}

function byTopic<T extends { readonly topic: string }>(list: readonly T[]): [string, readonly T[]][] {
  return [...Map.groupBy(list, ({ topic }) => topic)]
}

function codesOfGroups({ groups }: { readonly groups: readonly { readonly errorCode: number }[] }): number[] {
  return groups.map(({ errorCode }) => errorCode)
}

interface ByPartition {
  readonly topics: readonly { readonly partitions: readonly { readonly errorCode: number }[] }[]
}
function codesOfPartitions({ topics }: ByPartition): number[] {
  return topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
}

function isMissing(errorCode: number): boolean {
  return errorCode === ErrorCode.GROUP_ID_NOT_FOUND
}

function check(what: string, errorCode: number, errorMessage?: string | null): void {
  if (errorCode !== ErrorCode.NONE) throw refused(what, errorCode, errorMessage)
}
