// DescribeCluster: the live gateways, the cluster id and the controller. Gateways are brokers and controllers at once, but
// a client that asks for the controllers' own endpoints (KRaft's quorum) is told that there are none to talk to. The
// controller is the one that DescribeQuorum calls the leader; Metadata, by which clients choose whom to ask, spreads them.
import { ErrorCode } from '../../wire/errors.ts'
import type { DescribeClusterRequest, DescribeClusterResponse } from '../../wire/messages/describe-cluster.ts'
import { CLUSTER_OPERATIONS, OPERATIONS_OMITTED } from '../authorized-operations.ts'
import type { BrokerContext } from '../context.ts'
import { controllerOf } from './leaders.ts'

const BROKERS = 1
const CONTROLLERS = 2

export async function handleDescribeCluster(
  context: BrokerContext,
  request: DescribeClusterRequest,
): Promise<DescribeClusterResponse> {
  const { members } = context
  if (request.endpointType !== BROKERS) {
    return request.endpointType === CONTROLLERS
      ? describeClusterError(
          ErrorCode.MISMATCHED_ENDPOINT_TYPE,
          'The request was sent to a broker, not to a controller.',
        )
      : describeClusterError(ErrorCode.UNSUPPORTED_ENDPOINT_TYPE, `Unknown endpoint type ${request.endpointType}.`)
  }
  await members.refresh()
  const nodes = members.nodes()
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    endpointType: BROKERS,
    clusterId: members.clusterId,
    controllerId: controllerOf(nodes).nodeId,
    brokers: nodes.map(({ nodeId, host, port }) => ({ brokerId: nodeId, host, port, rack: null, isFenced: false })),
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? CLUSTER_OPERATIONS : OPERATIONS_OMITTED,
  }
}

export function describeClusterError(errorCode: number, errorMessage: string | null): DescribeClusterResponse {
  return {
    throttleTimeMs: 0,
    errorCode,
    errorMessage,
    endpointType: BROKERS,
    clusterId: '',
    controllerId: -1,
    brokers: [],
    clusterAuthorizedOperations: OPERATIONS_OMITTED,
  }
}
