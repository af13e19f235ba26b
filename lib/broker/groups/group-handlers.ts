// The rows of groups: consumer groups of both protocols, their committed offsets, and what administrators ask about them. A
// part of the table in `handlers.ts`.
import { consumerGroupDescribe } from '../../wire/messages/consumer-group-describe.ts'
import { consumerGroupHeartbeat } from '../../wire/messages/consumer-group-heartbeat.ts'
import { deleteGroups } from '../../wire/messages/delete-groups.ts'
import { describeGroups } from '../../wire/messages/describe-groups.ts'
import { heartbeat } from '../../wire/messages/heartbeat.ts'
import { joinGroup } from '../../wire/messages/join-group.ts'
import { leaveGroup } from '../../wire/messages/leave-group.ts'
import { listGroups } from '../../wire/messages/list-groups.ts'
import { offsetCommit } from '../../wire/messages/offset-commit.ts'
import { offsetDelete } from '../../wire/messages/offset-delete.ts'
import { offsetFetch } from '../../wire/messages/offset-fetch.ts'
import { syncGroup } from '../../wire/messages/sync-group.ts'
import { type Row, row } from '../row.ts'
import { consumerGroupDescribeError, handleConsumerGroupDescribe } from './consumer-group-describe.ts'
import { consumerGroupHeartbeatError, handleConsumerGroupHeartbeat } from './consumer-group-heartbeat.ts'
import { deleteGroupsError, handleDeleteGroups } from './delete-groups.ts'
import { describeGroupsError, handleDescribeGroups } from './describe-groups.ts'
import { handleHeartbeat, heartbeatError } from './heartbeat.ts'
import { handleJoinGroup, joinGroupError } from './join-group.ts'
import { handleLeaveGroup, leaveGroupError } from './leave-group.ts'
import { handleListGroups, listGroupsError } from './list-groups.ts'
import { handleOffsetCommit, offsetCommitError } from './offset-commit.ts'
import { handleOffsetDelete, offsetDeleteError } from './offset-delete.ts'
import { handleOffsetFetch, offsetFetchError } from './offset-fetch.ts'
import { handleSyncGroup, syncGroupError } from './sync-group.ts'

/** By ascending key. */
export const GROUP_ROWS: readonly Row[] = [
  row(offsetCommit, handleOffsetCommit, offsetCommitError),
  row(offsetFetch, handleOffsetFetch, offsetFetchError),
  row(joinGroup, handleJoinGroup, joinGroupError),
  row(heartbeat, handleHeartbeat, (_request, errorCode) => heartbeatError(errorCode)),
  row(leaveGroup, handleLeaveGroup, (_request, errorCode) => leaveGroupError(errorCode)),
  row(syncGroup, handleSyncGroup, (_request, errorCode) => syncGroupError(errorCode)),
  row(describeGroups, handleDescribeGroups, describeGroupsError),
  row(listGroups, handleListGroups, (_request, errorCode) => listGroupsError(errorCode)),
  row(deleteGroups, handleDeleteGroups, deleteGroupsError),
  row(offsetDelete, handleOffsetDelete, (_request, errorCode) => offsetDeleteError(errorCode)),
  row(consumerGroupHeartbeat, handleConsumerGroupHeartbeat, (_request, errorCode) =>
    consumerGroupHeartbeatError(errorCode, null),
  ),
  row(consumerGroupDescribe, handleConsumerGroupDescribe, consumerGroupDescribeError),
]
