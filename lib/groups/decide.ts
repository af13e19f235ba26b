// What a request asks of a group, as an event that a room can decide, whichever of the two protocols the group speaks: the
// classic one among members of it alone (`classic/`), or KIP-848 among its own and classic ones (`consumer/`).

import { decodeSubscription } from '../wire/consumer-protocol.ts'
import { checkCommit as checkClassicCommit } from './classic/commit-check.ts'
import { nextDeadlineMs as classicDeadlineMs } from './classic/deadlines.ts'
import { heartbeat as heartbeatClassic } from './classic/heartbeat.ts'
import { join as joinClassic } from './classic/join.ts'
import { metadataFor } from './classic/join-answer.ts'
import { leave as leaveClassic } from './classic/leave.ts'
import { stateName as classicState } from './classic/state-name.ts'
import { sync as syncClassic } from './classic/sync.ts'
import { tick as tickClassic } from './classic/tick.ts'
import { join as joinConsumer } from './consumer/classic-join.ts'
import {
  heartbeat as heartbeatConsumer,
  leave as leaveConsumer,
  sync as syncConsumer,
} from './consumer/classic-members.ts'
import { checkCommit as checkConsumerCommit } from './consumer/commit-check.ts'
import { nextDeadlineMs as consumerDeadlineMs } from './consumer/deadlines.ts'
import { consumerHeartbeat } from './consumer/heartbeat.ts'
import { stateName as consumerState, subscribesTo as consumerSubscribesTo } from './consumer/state-name.ts'
import { tick as tickConsumer } from './consumer/tick.ts'
import type { Group } from './group.ts'
import type {
  CommitCheck,
  Committer,
  ConsumerHeartbeatAnswer,
  ConsumerHeartbeatRequest,
  HeartbeatAnswer,
  HeartbeatRequest,
  JoinAnswer,
  JoinRequest,
  LeaveAnswer,
  LeaveRequest,
  SyncAnswer,
  SyncRequest,
} from './requests.ts'
import type { GroupEvent, GroupRefusal, StepContext } from './step.ts'

/** The group with everybody removed who is overdue; the very same one if nobody is. */
export const tick = (group: Group, context: StepContext): Group =>
  group.kind === 'consumer' ? tickConsumer(group, context) : tickClassic(group, context)

/** Wall clock: when time alone changes the group next. */
export const nextDeadlineMs = (group: Group, context: Pick<StepContext, 'seenMs'>): number =>
  group.kind === 'consumer' ? consumerDeadlineMs(group, context) : classicDeadlineMs(group, context)

/** Kafka's name of the state that a group is in. */
export const stateOf = (group: Group): string =>
  group.kind === 'consumer' ? consumerState(group) : classicState(group)

export const hasMembers = (group: Group): boolean => group.members.length > 0

export const protocolTypeOf = (group: Group): string =>
  group.kind === 'consumer' ? 'consumer' : (group.protocolType ?? '')

/** Whether a member reads the topic, as far as its subscription can be understood. */
export function subscribesTo(group: Group, topicName: string): boolean {
  if (group.kind === 'consumer') return consumerSubscribesTo(group, topicName)
  return group.members.some((member) => {
    const metadata = metadataFor(member, group.protocol ?? member.protocols[0]?.name ?? '')
    return decodeSubscription(Buffer.from(metadata, 'base64'))?.topics.includes(topicName)
  })
}

const isOneOf = (...kinds: readonly string[]) => {
  const allowed = new Set(kinds)
  return ({ kind }: { readonly kind: string }): boolean => allowed.has(kind)
}
const never = (): boolean => false

export const join = (request: JoinRequest): GroupEvent<JoinAnswer> => ({
  decide: (group, context) =>
    group?.kind === 'consumer' ? joinConsumer(group, request, context) : joinClassic(group, request, context),
  mayBeOld: isOneOf('wait', 'memberIdRequired'),
})

export const sync = (request: SyncRequest): GroupEvent<SyncAnswer> => ({
  decide: (group, context) =>
    group?.kind === 'consumer' ? syncConsumer(group, request, context) : syncClassic(group, request),
  mayBeOld: isOneOf('wait'),
})

export const beat = (request: HeartbeatRequest): GroupEvent<HeartbeatAnswer> => ({
  decide: (group, context) =>
    group?.kind === 'consumer' ? heartbeatConsumer(group, request, context) : heartbeatClassic(group, request),
  mayBeOld: isOneOf('alive', 'rebalanceInProgress'),
})

export const leave = (request: LeaveRequest): GroupEvent<LeaveAnswer | GroupRefusal> => ({
  decide: (group, context) =>
    group?.kind === 'consumer' ? leaveConsumer(group, request, context) : leaveClassic(group, request, context),
  mayBeOld: never,
})

export const consumerBeat = (request: ConsumerHeartbeatRequest): GroupEvent<ConsumerHeartbeatAnswer | GroupRefusal> => {
  // Decided again after a write in doubt, a member that was given its id is the same one.
  let given: string | undefined
  return {
    decide(group, context) {
      const newId = (): string => {
        given ??= context.newId()
        return given
      }
      return consumerHeartbeat(group, request, { ...context, newId })
    },
    // An assignment that is told again may have been taken away a moment ago.
    mayBeOld: (answer) => answer.kind === 'beat' && !('assignment' in answer && answer.assignment !== undefined),
    // The classic group becomes a consumer group, whose members have what they were assigned of topics that are known.
    needsTopicsOfNow: (group) => group.kind === 'classic' && request.memberEpoch === 0,
  }
}

/** Whether a member may read the group's offsets: as in Kafka anybody may, but a member of KIP-848 only while it is one. */
export const checkReader = (committer: Committer): GroupEvent<CommitCheck> => ({
  decide: (group) =>
    group?.kind === 'consumer'
      ? checkConsumerCommit(group, committer)
      : { group, answer: { kind: 'allowed', fence: group?.fence ?? 0 } },
  mayBeOld: never,
})

export const checkCommitter = (committer: Committer): GroupEvent<CommitCheck> => ({
  decide: (group, context) =>
    group?.kind === 'consumer' ? checkConsumerCommit(group, committer) : checkClassicCommit(group, committer, context),
  mayBeOld: never,
})
