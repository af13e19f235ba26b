// LeaveGroup: a member leaves, or, from version 3 on, an administrator removes several, by member id or by instance id, each
// with an error of its own. Up to version 2 the one member's error is that of the answer.
import { ErrorCode } from '../../wire/errors.ts'
import type { LeaveGroupRequest, LeaveGroupResponse } from '../../wire/messages/leave-group.ts'
import type { BrokerContext, Call } from '../context.ts'
import { groupFailure } from '../outcomes.ts'
import { isGroupId } from './group-requests.ts'

const FIRST_BATCHED_VERSION = 3

export async function handleLeaveGroup(
  { groups }: BrokerContext,
  { groupId, memberId, members }: LeaveGroupRequest,
  { apiVersion }: Call,
): Promise<LeaveGroupResponse> {
  if (!isGroupId(groupId)) return leaveGroupError(ErrorCode.INVALID_GROUP_ID)
  const leaving = apiVersion < FIRST_BATCHED_VERSION ? [{ memberId, groupInstanceId: null }] : members
  const outcome = await groups.leave({
    groupId,
    members: leaving.map((member) => ({
      memberId: member.memberId,
      instanceId: member.groupInstanceId ?? undefined,
    })),
  })
  // Of a group that is not there nobody is a member, which is said of each.
  const isNobodyThere = outcome.kind === 'unknownMember' || outcome.kind === 'groupNotFound'
  if (outcome.kind !== 'left' && !isNobodyThere) {
    return leaveGroupError(groupFailure(outcome, 'heartbeat').errorCode)
  }
  const refusals = outcome.kind === 'left' ? outcome.refusals : leaving.map(() => ({ kind: 'unknownMember' }) as const)
  const codes = leaving.map((_, i) => {
    const refusal = refusals[i]
    return refusal === undefined ? ErrorCode.NONE : groupFailure(refusal, 'heartbeat').errorCode
  })
  if (apiVersion < FIRST_BATCHED_VERSION) return leaveGroupError(codes[0] ?? ErrorCode.NONE)
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    members: leaving.map((member, i) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      errorCode: codes[i] ?? ErrorCode.NONE,
    })),
  }
}

export function leaveGroupError(errorCode: number): LeaveGroupResponse {
  return { throttleTimeMs: 0, errorCode, members: [] }
}
