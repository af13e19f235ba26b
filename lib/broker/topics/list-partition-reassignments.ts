// ListPartitionReassignments: a reassignment is complete when it is answered, so none is ever under way, of any topic.
import { ErrorCode } from '../../wire/errors.ts'
import type { ListPartitionReassignmentsResponse } from '../../wire/messages/list-partition-reassignments.ts'

export async function handleListPartitionReassignments(): Promise<ListPartitionReassignmentsResponse> {
  return { errorCode: ErrorCode.NONE, errorMessage: null, topics: [] }
}
