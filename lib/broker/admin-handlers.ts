// The rows of administration beyond topics and configs: log starts, sizes, replicas, leaders, the quorum. Which broker a tool
// asks makes no difference to what is changed; only DescribeLogDirs speaks of the gateway that is asked.
import { alterPartitionReassignments } from '../wire/messages/alter-partition-reassignments.ts'
import { deleteRecords } from '../wire/messages/delete-records.ts'
import { describeLogDirs } from '../wire/messages/describe-log-dirs.ts'
import { describeQuorum } from '../wire/messages/describe-quorum.ts'
import { describeTopicPartitions } from '../wire/messages/describe-topic-partitions.ts'
import { electLeaders } from '../wire/messages/elect-leaders.ts'
import { listPartitionReassignments } from '../wire/messages/list-partition-reassignments.ts'
import { failedReassignments, handleAlterPartitionReassignments } from './alter-partition-reassignments.ts'
import { handleDeleteRecords } from './delete-records.ts'
import { failedLogDirs, handleDescribeLogDirs } from './describe-log-dirs.ts'
import { handleDescribeQuorum } from './describe-quorum.ts'
import { handleDescribeTopicPartitions } from './describe-topic-partitions.ts'
import { failedElections, handleElectLeaders } from './elect-leaders.ts'
import { handleListPartitionReassignments } from './list-partition-reassignments.ts'
import { type Row, row } from './row.ts'

const BROKE_DOWN = 'The server experienced an unexpected error when processing the request.'

export const ADMIN_ROWS: readonly Row[] = [
  row(deleteRecords, handleDeleteRecords),
  row(describeLogDirs, handleDescribeLogDirs, (_request, errorCode) => failedLogDirs(errorCode)),
  row(electLeaders, handleElectLeaders, (request, errorCode) =>
    failedElections(request, { errorCode, errorMessage: BROKE_DOWN }),
  ),
  row(alterPartitionReassignments, handleAlterPartitionReassignments, (request, errorCode) =>
    failedReassignments(request, { errorCode, errorMessage: BROKE_DOWN }),
  ),
  row(listPartitionReassignments, handleListPartitionReassignments),
  row(describeQuorum, handleDescribeQuorum, (_request, errorCode) => ({ errorCode, topics: [] })),
  row(describeTopicPartitions, handleDescribeTopicPartitions),
]
