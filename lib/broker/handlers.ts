// The table of what is served: one row per Kafka API with its messages and its handler (`row.ts`). ApiVersions advertises
// exactly these rows, and the router looks them up by key.
import { alterConfigs } from '../wire/messages/alter-configs.ts'
import { apiVersions } from '../wire/messages/api-versions.ts'
import { createPartitions } from '../wire/messages/create-partitions.ts'
import { createTopics } from '../wire/messages/create-topics.ts'
import { deleteTopics } from '../wire/messages/delete-topics.ts'
import { describeCluster } from '../wire/messages/describe-cluster.ts'
import { describeConfigs } from '../wire/messages/describe-configs.ts'
import { fetch } from '../wire/messages/fetch.ts'
import { findCoordinator } from '../wire/messages/find-coordinator.ts'
import { incrementalAlterConfigs } from '../wire/messages/incremental-alter-configs.ts'
import { initProducerId } from '../wire/messages/init-producer-id.ts'
import { listOffsets } from '../wire/messages/list-offsets.ts'
import { metadata } from '../wire/messages/metadata.ts'
import { offsetForLeaderEpoch } from '../wire/messages/offset-for-leader-epoch.ts'
import { produce } from '../wire/messages/produce.ts'
import { decodeRequest } from '../wire/reader.ts'
import type { Api } from '../wire/schema.ts'
import { ADMIN_ROWS } from './admin-handlers.ts'
import { handleAlterConfigs } from './alter-configs.ts'
import { answerApiVersions } from './api-versions.ts'
import { handleCreatePartitions } from './create-partitions.ts'
import { handleCreateTopics } from './create-topics.ts'
import { handleDeleteTopics } from './delete-topics.ts'
import { describeClusterError, handleDescribeCluster } from './describe-cluster.ts'
import { handleDescribeConfigs } from './describe-configs.ts'
import { fetchError, handleFetch } from './fetch.ts'
import { handleFindCoordinator } from './find-coordinator.ts'
import { GROUP_ROWS } from './group-handlers.ts'
import { handleIncrementalAlterConfigs } from './incremental-alter-configs.ts'
import { handleInitProducerId, initProducerIdError } from './init-producer-id.ts'
import { handleListOffsets } from './list-offsets.ts'
import { handleMetadata } from './metadata.ts'
import { handleOffsetForLeaderEpoch } from './offset-for-leader-epoch.ts'
import { handleProduce, produceError } from './produce.ts'
import { type Row, respond, row } from './row.ts'

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
  ...ADMIN_ROWS,
].sort((a, b) => a.api.key - b.api.key)
const SERVED: readonly Api[] = ROWS.map(({ api }) => api)
