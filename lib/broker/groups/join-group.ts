// JoinGroup: a member asks for its place in the next generation, and usually waits until all others have come too. The answer
// tells the leader about everybody, the others only who leads. Version 0 has no rebalance timeout; its session timeout counts.
import { ErrorCode } from '../../wire/errors.ts'
import type { JoinGroupRequest, JoinGroupResponse } from '../../wire/messages/join-group.ts'
import type { BrokerContext, Call } from '../context.ts'
import { groupFailure } from '../outcomes.ts'
import { clientOf, fromBase64, isGroupId, notYet, patienceOf, toBase64, tokenOf } from './group-requests.ts'
import { isForCoordinator } from './hints.ts'

/** From these versions on members need an id before they join, have a null protocol where there is none, may skip. */
const MEMBER_ID_REQUIRED_FROM = 4
const NULL_PROTOCOL_FROM = 7
const SKIP_ASSIGNMENT_FROM = 9

/** `later`: the door does not wait. Undefined: the client is gone. */
export async function handleJoinGroup(
  context: BrokerContext,
  request: JoinGroupRequest,
  call: Call,
): Promise<JoinGroupResponse | 'later' | undefined> {
  const { apiVersion } = call
  const { groupId, memberId, sessionTimeoutMs, rebalanceTimeoutMs } = request
  if (!isGroupId(groupId)) return joinGroupError(request, ErrorCode.INVALID_GROUP_ID, call)
  if (isForCoordinator(context, call, groupId)) return joinGroupError(request, ErrorCode.NOT_COORDINATOR, call)
  const outcome = await context.groups.join(
    {
      groupId,
      memberId,
      instanceId: request.groupInstanceId ?? undefined,
      ...clientOf(call),
      protocolType: request.protocolType,
      protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: toBase64(metadata) })),
      sessionTimeoutMs,
      rebalanceTimeoutMs: apiVersion === 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
      memberIdRequired: apiVersion >= MEMBER_ID_REQUIRED_FROM,
      knowsSkipAssignment: apiVersion >= SKIP_ASSIGNMENT_FROM,
      token: tokenOf(context, call),
    },
    patienceOf(call),
  )
  if (outcome.kind === 'wait') return notYet(call)
  if (outcome.kind !== 'joined') {
    const given = 'memberId' in outcome ? outcome.memberId : undefined
    return joinGroupError({ memberId: given ?? memberId }, groupFailure(outcome, 'join').errorCode, call)
  }
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    generationId: outcome.generation,
    protocolType: outcome.protocolType,
    protocolName: outcome.protocol,
    leader: outcome.leader,
    skipAssignment: outcome.skipAssignment,
    memberId: outcome.memberId,
    members: outcome.members.map(({ memberId, instanceId, metadata }) => ({
      memberId,
      groupInstanceId: instanceId ?? null,
      metadata: fromBase64(metadata),
    })),
  }
}

export function joinGroupError(
  { memberId }: Pick<JoinGroupRequest, 'memberId'>,
  errorCode: number,
  { apiVersion }: Call,
): JoinGroupResponse {
  return {
    throttleTimeMs: 0,
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: apiVersion >= NULL_PROTOCOL_FROM ? null : '',
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  }
}
