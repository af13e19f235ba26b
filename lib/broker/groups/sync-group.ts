// SyncGroup: the leader hands in what it assigned to everybody, and each member waits for its own part. From version 5 on a
// member says which protocol it means, and must: the group refuses it when it means another.
import { ErrorCode } from '../../wire/errors.ts'
import type { SyncGroupRequest, SyncGroupResponse } from '../../wire/messages/sync-group.ts'
import type { BrokerContext, Call } from '../context.ts'
import { groupFailure } from '../outcomes.ts'
import { fromBase64, isGroupId, notYet, patienceOf, toBase64 } from './group-requests.ts'

/** From this version on the protocol is in request and response. */
const PROTOCOL_FROM = 5

/** `later`: the door does not wait. Undefined: the client is gone. */
export async function handleSyncGroup(
  { groups }: BrokerContext,
  request: SyncGroupRequest,
  call: Call,
): Promise<SyncGroupResponse | 'later' | undefined> {
  const { groupId, memberId, generationId, groupInstanceId, protocolType, protocolName, assignments } = request
  if (call.apiVersion >= PROTOCOL_FROM && (protocolType === null || protocolName === null)) {
    return syncGroupError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  }
  if (!isGroupId(groupId)) return syncGroupError(ErrorCode.INVALID_GROUP_ID)
  const outcome = await groups.sync(
    {
      groupId,
      memberId,
      instanceId: groupInstanceId ?? undefined,
      generation: generationId,
      protocolType: protocolType ?? undefined,
      protocol: protocolName ?? undefined,
      assignments: assignments.map(({ memberId, assignment }) => ({ memberId, assignment: toBase64(assignment) })),
    },
    patienceOf(call),
  )
  if (outcome.kind === 'wait') return notYet(call)
  if (outcome.kind !== 'synced') return syncGroupError(groupFailure(outcome, 'join').errorCode)
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    protocolType: outcome.protocolType,
    protocolName: outcome.protocol,
    assignment: fromBase64(outcome.assignment),
  }
}

export function syncGroupError(errorCode: number): SyncGroupResponse {
  return { throttleTimeMs: 0, errorCode, protocolType: null, protocolName: null, assignment: new Uint8Array(0) }
}
