// The rows of groups: consumer groups of both protocols, their committed offsets, and what administrators ask about them. A
// part of the table in `handlers.ts`, apart from it because a process that has no groups serves none of them.
import { assert } from '../base/assert.ts'
import { consumerGroupDescribe } from '../wire/messages/consumer-group-describe.ts'
import { consumerGroupHeartbeat } from '../wire/messages/consumer-group-heartbeat.ts'
import { deleteGroups } from '../wire/messages/delete-groups.ts'
import { describeGroups } from '../wire/messages/describe-groups.ts'
import { heartbeat } from '../wire/messages/heartbeat.ts'
import { joinGroup } from '../wire/messages/join-group.ts'
import { leaveGroup } from '../wire/messages/leave-group.ts'
import { listGroups } from '../wire/messages/list-groups.ts'
import { offsetCommit } from '../wire/messages/offset-commit.ts'
import { offsetDelete } from '../wire/messages/offset-delete.ts'
import { offsetFetch } from '../wire/messages/offset-fetch.ts'
import { syncGroup } from '../wire/messages/sync-group.ts'
import type { Api, RequestOf, ResponseInput } from '../wire/schema.ts'
import { consumerGroupDescribeError, handleConsumerGroupDescribe } from './consumer-group-describe.ts'
import { consumerGroupHeartbeatError, handleConsumerGroupHeartbeat } from './consumer-group-heartbeat.ts'
import type { Call, GroupContext } from './context.ts'
import { deleteGroupsError, handleDeleteGroups } from './delete-groups.ts'
import { describeGroupsError, handleDescribeGroups } from './describe-groups.ts'
import { handleHeartbeat, heartbeatError } from './heartbeat.ts'
import { handleJoinGroup, joinGroupError } from './join-group.ts'
import { handleLeaveGroup, leaveGroupError } from './leave-group.ts'
import { handleListGroups, listGroupsError } from './list-groups.ts'
import { handleOffsetCommit, offsetCommitError } from './offset-commit.ts'
import { handleOffsetDelete, offsetDeleteError } from './offset-delete.ts'
import { handleOffsetFetch, offsetFetchError } from './offset-fetch.ts'
import { type Broken, type Row, row } from './row.ts'
import { handleSyncGroup, syncGroupError } from './sync-group.ts'

function groupRow<A extends Api>(
  api: A,
  handle: (context: GroupContext, request: RequestOf<A>, call: Call) => Promise<ResponseInput<A> | 'later' | undefined>,
  broken: Broken<A>,
): Row {
  return row(
    api,
    async (context, request, call) => {
      const { groups } = context
      assert(groups !== undefined, 'whoever serves groups has them')
      return handle({ ...context, groups }, request, call)
    },
    broken,
  )
}

/** By ascending key. */
export const GROUP_ROWS: readonly Row[] = [
  groupRow(offsetCommit, handleOffsetCommit, offsetCommitError),
  groupRow(offsetFetch, handleOffsetFetch, offsetFetchError),
  groupRow(joinGroup, handleJoinGroup, joinGroupError),
  groupRow(heartbeat, handleHeartbeat, (_request, errorCode) => heartbeatError(errorCode)),
  groupRow(leaveGroup, handleLeaveGroup, (_request, errorCode) => leaveGroupError(errorCode)),
  groupRow(syncGroup, handleSyncGroup, (_request, errorCode) => syncGroupError(errorCode)),
  groupRow(describeGroups, handleDescribeGroups, describeGroupsError),
  groupRow(listGroups, handleListGroups, (_request, errorCode) => listGroupsError(errorCode)),
  groupRow(deleteGroups, handleDeleteGroups, deleteGroupsError),
  groupRow(offsetDelete, handleOffsetDelete, (_request, errorCode) => offsetDeleteError(errorCode)),
  groupRow(consumerGroupHeartbeat, handleConsumerGroupHeartbeat, (_request, errorCode) =>
    consumerGroupHeartbeatError(errorCode, null),
  ),
  groupRow(consumerGroupDescribe, handleConsumerGroupDescribe, consumerGroupDescribeError),
]
