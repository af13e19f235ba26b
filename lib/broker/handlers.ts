// The table of what is served: one row per Kafka API with its messages and its handler (`row.ts`). ApiVersions advertises
// exactly these rows, and the router looks them up by key.
import { alterConfigs } from '../wire/messages/alter-configs.ts'
import { alterPartitionReassignments } from '../wire/messages/alter-partition-reassignments.ts'
import { apiVersions } from '../wire/messages/api-versions.ts'
import { createPartitions } from '../wire/messages/create-partitions.ts'
import { createTopics } from '../wire/messages/create-topics.ts'
import { deleteRecords } from '../wire/messages/delete-records.ts'
import { deleteTopics } from '../wire/messages/delete-topics.ts'
import { describeCluster } from '../wire/messages/describe-cluster.ts'
import { describeConfigs } from '../wire/messages/describe-configs.ts'
import { describeLogDirs } from '../wire/messages/describe-log-dirs.ts'
import { describeQuorum } from '../wire/messages/describe-quorum.ts'
import { describeTopicPartitions } from '../wire/messages/describe-topic-partitions.ts'
import { electLeaders } from '../wire/messages/elect-leaders.ts'
import { fetch } from '../wire/messages/fetch.ts'
import { findCoordinator } from '../wire/messages/find-coordinator.ts'
import { incrementalAlterConfigs } from '../wire/messages/incremental-alter-configs.ts'
import { initProducerId } from '../wire/messages/init-producer-id.ts'
import { listOffsets } from '../wire/messages/list-offsets.ts'
import { listPartitionReassignments } from '../wire/messages/list-partition-reassignments.ts'
import { metadata } from '../wire/messages/metadata.ts'
import { offsetForLeaderEpoch } from '../wire/messages/offset-for-leader-epoch.ts'
import { produce } from '../wire/messages/produce.ts'
import { decodeRequest } from '../wire/reader.ts'
import type { Api } from '../wire/schema.ts'
import { answerApiVersions } from './api-versions.ts'
import { describeClusterError, handleDescribeCluster } from './cluster/describe-cluster.ts'
import { failedLogDirs, handleDescribeLogDirs } from './cluster/describe-log-dirs.ts'
import { handleDescribeQuorum } from './cluster/describe-quorum.ts'
import { handleAlterConfigs } from './configs/alter-configs.ts'
import { handleDescribeConfigs } from './configs/describe-configs.ts'
import { handleIncrementalAlterConfigs } from './configs/incremental-alter-configs.ts'
import { handleFindCoordinator } from './groups/find-coordinator.ts'
import { GROUP_ROWS } from './groups/group-handlers.ts'
import { handleDeleteRecords } from './records/delete-records.ts'
import { fetchError, handleFetch } from './records/fetch.ts'
import { handleInitProducerId, initProducerIdError } from './records/init-producer-id.ts'
import { handleListOffsets } from './records/list-offsets.ts'
import { handleOffsetForLeaderEpoch } from './records/offset-for-leader-epoch.ts'
import { handleProduce, produceError } from './records/produce.ts'
import { type Row, respond, row } from './row.ts'
import { failedReassignments, handleAlterPartitionReassignments } from './topics/alter-partition-reassignments.ts'
import { handleCreatePartitions } from './topics/create-partitions.ts'
import { handleCreateTopics } from './topics/create-topics.ts'
import { handleDeleteTopics } from './topics/delete-topics.ts'
import { handleDescribeTopicPartitions } from './topics/describe-topic-partitions.ts'
import { failedElections, handleElectLeaders } from './topics/elect-leaders.ts'
import { handleListPartitionReassignments } from './topics/list-partition-reassignments.ts'
import { handleMetadata } from './topics/metadata.ts'

/** Where an answer has room for words. */
const BROKE_DOWN = 'The server experienced an unexpected error when processing the request.'

const produceRow: Row = {
  api: produce,
  start: (context, body, call) => {
    const request = decodeRequest(produce, call.apiVersion, body)
    const { admitted, answer, released } = handleProduce(context, request, call)
    return {
      admitted,
      released,
      answer: answer.then((a) => (a.kind === 'respond' ? respond(produce, call.apiVersion, a.response) : a)),
      broken: (errorCode) =>
        request.acks === 0
          ? { kind: 'close', reason: `a produce request with acks=0 failed with error ${errorCode}` }
          : respond(produce, call.apiVersion, produceError(request, errorCode)),
    }
  },
}

/** By ascending key. */
export const ROWS: readonly Row[] = [
  produceRow,
  row(fetch, handleFetch, (_request, errorCode, call) => (call.apiVersion >= 7 ? fetchError(errorCode) : undefined)),
  row(listOffsets, handleListOffsets),
  row(metadata, handleMetadata),
  row(findCoordinator, handleFindCoordinator),
  row(apiVersions, async (_context, request, call) => answerApiVersions(SERVED, request, call.apiVersion)),
  row(createTopics, handleCreateTopics),
  row(deleteTopics, handleDeleteTopics),
  row(initProducerId, handleInitProducerId, (_request, errorCode) => initProducerIdError(errorCode)),
  row(offsetForLeaderEpoch, handleOffsetForLeaderEpoch),
  row(describeConfigs, handleDescribeConfigs),
  row(alterConfigs, handleAlterConfigs),
  row(createPartitions, handleCreatePartitions),
  row(incrementalAlterConfigs, handleIncrementalAlterConfigs),
  row(describeCluster, handleDescribeCluster, (_request, errorCode) => describeClusterError(errorCode, null)),
  ...GROUP_ROWS,
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
].sort((a, b) => a.api.key - b.api.key)
const SERVED: readonly Api[] = ROWS.map(({ api }) => api)
