// A client of a classic group as a model plays it: it joins, synchronises, heartbeats and commits as Kafka's clients do, and
// does what each answer asks of it. An answer may be lost; then it sends the same request again, as a process that holds its
// request does, or it gives up and sends another.
import { expect } from 'vitest'
import { checkCommit } from '../../../../../lib/groups/classic/commit-check.ts'
import { heartbeat } from '../../../../../lib/groups/classic/heartbeat.ts'
import { join } from '../../../../../lib/groups/classic/join.ts'
import { leave } from '../../../../../lib/groups/classic/leave.ts'
import type { ClassicStep } from '../../../../../lib/groups/classic/step.ts'
import { sync } from '../../../../../lib/groups/classic/sync.ts'
import type { ClassicGroup } from '../../../../../lib/groups/group.ts'
import type { Joined, JoinRequest, SyncRequest } from '../../../../../lib/groups/requests.ts'
import type { StepContext } from '../../../../../lib/groups/step.ts'
import { joinRequest } from './subject.ts'

export type Event = (group: ClassicGroup | undefined, context: StepContext) => ClassicStep<{ readonly kind: string }>

export const PARTITIONS = 6

export interface Client {
  readonly instanceId: string | undefined
  readonly isOld: boolean
  /** What it says of itself when it joins next. */
  metadata: string
  prefersSticky: boolean
  memberId: string
  generation: number
  /** `dead`: told by an answer that it may not go on, or it has left. */
  state: 'out' | 'joining' | 'syncing' | 'active' | 'dead'
  join: JoinRequest | undefined
  sync: SyncRequest | undefined
  partitions: readonly number[]
}

export const newClient = (kind: { readonly instanceId: string | undefined; readonly isOld: boolean }): Client => ({
  ...kind,
  metadata: 'AAAA',
  prefersSticky: false,
  memberId: '',
  generation: -1,
  state: 'out',
  join: undefined,
  sync: undefined,
  partitions: [],
})

export const partitionsIn = (assignment: string): number[] =>
  assignment === '' ? [] : (JSON.parse(Buffer.from(assignment, 'base64').toString()) as number[])

/** A request; of a sync also the generation that it is about. */
export interface Asked {
  readonly event: Event
  readonly generation?: number
}

/** What the client asks next, and what it does with the answer. */
export interface Turn extends Asked {
  hear(answer: { readonly kind: string }): void
}

export function nextTurn(client: Client): Turn {
  if (client.state === 'out') beginJoin(client)
  if (client.state === 'joining') {
    const request = client.join!
    return { ...joinAsked(request), hear: (answer) => hearJoin(client, request, answer) }
  }
  if (client.state === 'syncing') {
    const request = client.sync!
    return { ...syncAsked(request), hear: (answer) => hearSync(client, answer) }
  }
  const { memberId, instanceId, generation } = client
  const beat = { groupId: 'g', memberId, instanceId, generation }
  return { event: (group) => heartbeat(group, beat), hear: (answer) => hearOther(client, answer.kind) }
}

export const joinAsked = (request: JoinRequest): Asked => ({
  event: (group, context) => join(group, request, context),
})
export const syncAsked = (request: SyncRequest): Asked => ({
  event: (group) => sync(group, request),
  generation: request.generation,
})

export function commitTurn(client: Client): Turn {
  const { memberId, instanceId, generation } = client
  const committer = { groupId: 'g', memberId, instanceId, generationOrEpoch: generation, knowsEpochs: false }
  return {
    event: (group, context) => checkCommit(group, committer, context),
    hear: ({ kind }) => hearOther(client, kind),
  }
}

export function leaveTurn(client: Client): Turn {
  const { memberId, instanceId } = client
  const request = { groupId: 'g', members: [{ memberId, instanceId }] }
  client.state = 'dead'
  return { event: (group, context) => leave(group, request, context), hear: () => {} }
}

function beginJoin(client: Client): void {
  const { memberId, instanceId, metadata, isOld } = client
  const protocols = [
    { name: 'range', metadata },
    { name: 'sticky', metadata },
  ]
  client.state = 'joining'
  client.partitions = []
  client.join = joinRequest({
    memberId,
    instanceId,
    protocols: client.prefersSticky ? protocols.toReversed() : protocols,
    memberIdRequired: !isOld,
    knowsSkipAssignment: !isOld,
    sessionTimeoutMs: 6000,
    rebalanceTimeoutMs: 4000,
  })
}

function hearJoin(client: Client, request: JoinRequest, answer: { readonly kind: string }): void {
  if (answer.kind === 'wait') return
  if (answer.kind === 'memberIdRequired') {
    client.memberId = (answer as { readonly memberId?: string }).memberId!
    client.state = 'out'
  } else if (answer.kind === 'joined') {
    const joined = answer as Joined
    expect(request.memberId === '' || request.memberId === joined.memberId).toBe(true)
    client.memberId = joined.memberId
    client.generation = joined.generation
    client.state = 'syncing'
    client.sync = {
      groupId: 'g',
      memberId: joined.memberId,
      instanceId: client.instanceId,
      generation: joined.generation,
      protocolType: joined.protocolType,
      protocol: joined.protocol,
      assignments: joined.leader === joined.memberId && !joined.skipAssignment ? assign(joined) : [],
    }
  } else hearOther(client, answer.kind)
}

function assign({ members, memberId, leader }: Joined): SyncRequest['assignments'] {
  expect(members.map((member) => member.memberId)).toContain(memberId)
  expect(leader).toBe(memberId)
  return members.map((member, i) => {
    const mine = Array.from({ length: PARTITIONS }, (_, p) => p).filter((p) => p % members.length === i)
    return { memberId: member.memberId, assignment: Buffer.from(JSON.stringify(mine)).toString('base64') }
  })
}

function hearSync(client: Client, answer: { readonly kind: string; readonly assignment?: string }): void {
  if (answer.kind === 'wait') return
  if (answer.kind === 'synced') {
    client.state = 'active'
    client.partitions = partitionsIn(answer.assignment!)
  } else hearOther(client, answer.kind)
}

function hearOther(client: Client, kind: string): void {
  switch (kind) {
    case 'alive':
    case 'allowed':
      return
    case 'unknownMember':
      client.memberId = ''
      client.state = 'out'
      return
    case 'illegalGeneration':
    case 'rebalanceInProgress':
      client.state = 'out'
      return
    case 'fencedInstance':
    case 'inconsistentProtocol':
      client.state = 'dead'
      return
    default:
      expect(kind, 'an answer that a client knows').toBe('')
  }
}
