// DeleteGroups: removes groups that have no members, with their offsets, each with an error of its own.
import { ErrorCode } from '../../wire/errors.ts'
import type { DeleteGroupsRequest, DeleteGroupsResponse } from '../../wire/messages/delete-groups.ts'
import type { BrokerContext } from '../context.ts'
import { groupFailure } from '../outcomes.ts'
import { eachGroup, isGroupId } from './group-requests.ts'

export async function handleDeleteGroups(
  context: BrokerContext,
  { groupsNames }: DeleteGroupsRequest,
): Promise<DeleteGroupsResponse> {
  const results = await eachGroup(groupsNames, {
    id: (groupId) => groupId,
    answer: async (groupId) => ({ groupId, errorCode: await deleteOne(context, groupId) }),
    sizeBytes: () => 0,
    refuse: (groupId) => ({ groupId, errorCode: ErrorCode.INVALID_REQUEST }),
  })
  return { throttleTimeMs: 0, results }
}

async function deleteOne({ groups }: BrokerContext, groupId: string): Promise<number> {
  // Offsets may have been kept without a group id, so the empty one may be deleted.
  if (!isGroupId(groupId, 'mayBeEmpty')) return ErrorCode.INVALID_GROUP_ID
  const outcome = await groups.delete(groupId)
  return outcome.kind === 'deleted' ? ErrorCode.NONE : groupFailure(outcome, 'changeGroup').errorCode
}

export function deleteGroupsError({ groupsNames }: DeleteGroupsRequest, errorCode: number): DeleteGroupsResponse {
  return { throttleTimeMs: 0, results: groupsNames.map((groupId) => ({ groupId, errorCode })) }
}
