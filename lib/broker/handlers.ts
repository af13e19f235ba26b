// The table of what is served: one row per Kafka API with its messages and its handler. ApiVersions advertises exactly these
// rows, and the router looks them up by key. A row decodes the body, starts the handler and says how the answer is encoded;
// it is the one place where the types of a message meet those of its handler.
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
import type { Api, RequestOf, ResponseInput } from '../wire/schema.ts'
import { encodeResponse } from '../wire/writer.ts'
import { handleAlterConfigs } from './alter-configs.ts'
import { answerApiVersions } from './api-versions.ts'
import type { BrokerContext, Call } from './context.ts'
import { handleCreatePartitions } from './create-partitions.ts'
import { handleCreateTopics } from './create-topics.ts'
import { handleDeleteTopics } from './delete-topics.ts'
import { describeClusterError, handleDescribeCluster } from './describe-cluster.ts'
import { handleDescribeConfigs } from './describe-configs.ts'
import { fetchError, handleFetch } from './fetch.ts'
import { handleFindCoordinator } from './find-coordinator.ts'
import { handleIncrementalAlterConfigs } from './incremental-alter-configs.ts'
import { handleInitProducerId, initProducerIdError } from './init-producer-id.ts'
import { handleListOffsets } from './list-offsets.ts'
import { handleMetadata } from './metadata.ts'
import { handleOffsetForLeaderEpoch } from './offset-for-leader-epoch.ts'
import { handleProduce, produceError } from './produce.ts'

/** The answer to one request, before it has a header. */
export type Answer =
  | { readonly kind: 'respond'; readonly body: readonly Uint8Array[]; readonly errorCode: number }
  | { readonly kind: 'none' }
  | { readonly kind: 'later' }
  | { readonly kind: 'conflict'; readonly reason: string }
  | { readonly kind: 'close'; readonly reason: string }

export interface Started {
  /** Undefined: with the answer. */
  readonly admitted?: Promise<void>
  readonly answer: Promise<Answer>
  /** Undefined: with the answer. */
  readonly released?: Promise<void>
  /** The answer when the handler broke down; undefined where the response has no room for an error as a whole. */
  readonly broken: ((errorCode: number) => Answer) | undefined
}

export interface Row {
  readonly api: Api
  /** Throws `WireError` when the body makes no sense. */
  start(context: BrokerContext, body: Uint8Array, call: Call): Started
}

type Handle<A extends Api> = (
  context: BrokerContext,
  request: RequestOf<A>,
  call: Call,
) => Promise<ResponseInput<A> | 'later' | undefined>
type Broken<A extends Api> = (request: RequestOf<A>, errorCode: number, call: Call) => ResponseInput<A> | undefined

/**
 * A row for an API whose next request waits for its answer. A handler that gives no response closes the connection, and one
 * that may not wait says `later`.
 */
function row<A extends Api>(api: A, handle: Handle<A>, broken?: Broken<A>): Row {
  return {
    api,
    start: (context, body, call) => {
      const request = decodeRequest(api, call.apiVersion, body)
      const encode = (response: ResponseInput<A> | 'later' | undefined): Answer => {
        if (response === 'later') return { kind: 'later' }
        if (response === undefined) return { kind: 'close', reason: `${api.name} cannot be answered now` }
        return respond(api, call.apiVersion, response)
      }
      return {
        answer: handle(context, request, call).then(encode),
        broken: broken && ((errorCode) => encode(broken(request, errorCode, call))),
      }
    },
  }
}

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
]
const SERVED: readonly Api[] = ROWS.map(({ api }) => api)

function respond<A extends Api>(api: A, version: number, response: ResponseInput<A>): Answer {
  return { kind: 'respond', body: encodeResponse(api, version, response), errorCode: firstErrorCode(response) }
}

/** The first error that a response tells, at any depth: what metrics count. 0 if there is none. */
export function firstErrorCode(value: unknown): number {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return 0
  if (Array.isArray(value)) {
    for (const element of value) {
      // Arrays of numbers or buffers hold no errors.
      if (typeof element !== 'object') return 0
      const code = firstErrorCode(element)
      if (code !== 0) return code
    }
    return 0
  }
  if ('errorCode' in value && typeof value.errorCode === 'number' && value.errorCode !== 0) return value.errorCode
  for (const field of Object.values(value)) {
    const code = firstErrorCode(field)
    if (code !== 0) return code
  }
  return 0
}
