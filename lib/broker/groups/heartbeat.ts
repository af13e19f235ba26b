// Heartbeat: a member says that it lives and learns whether to join again. Only the answer's error code says anything.
import { ErrorCode } from '../../wire/errors.ts'
import type { HeartbeatRequest, HeartbeatResponse } from '../../wire/messages/heartbeat.ts'
import type { BrokerContext } from '../context.ts'
import { groupFailure } from '../outcomes.ts'
import { isGroupId } from './group-requests.ts'

export async function handleHeartbeat(
  { groups }: BrokerContext,
  { groupId, memberId, generationId, groupInstanceId }: HeartbeatRequest,
): Promise<HeartbeatResponse> {
  if (!isGroupId(groupId)) return heartbeatError(ErrorCode.INVALID_GROUP_ID)
  const instanceId = groupInstanceId ?? undefined
  const outcome = await groups.heartbeat({ groupId, memberId, instanceId, generation: generationId })
  return heartbeatError(outcome.kind === 'alive' ? ErrorCode.NONE : groupFailure(outcome, 'heartbeat').errorCode)
}

export function heartbeatError(errorCode: number): HeartbeatResponse {
  return { throttleTimeMs: 0, errorCode }
}
