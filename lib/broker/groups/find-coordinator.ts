// FindCoordinator: the gateway that a group's clients should talk to, by rendezvous hashing over the live ones. It is a hint
// like a partition's leader: any gateway serves any group. librdkafka looks for this API before it compresses with lz4.
import { ErrorCode } from '../../wire/errors.ts'
import type { FindCoordinatorRequest, FindCoordinatorResponse } from '../../wire/messages/find-coordinator.ts'
import type { Node } from '../broker.ts'
import { coordinatorOf } from '../cluster/leaders.ts'
import type { BrokerContext, Call } from '../context.ts'

const GROUP = 0
const TRANSACTION = 1
const FIRST_BATCHED_VERSION = 4

interface Found {
  readonly node: Node
  readonly errorCode: number
  readonly errorMessage: string | null
}
const NOWHERE: Node = { nodeId: -1, host: '', port: -1 }
const refuse = (errorCode: number, errorMessage: string): Found => ({ node: NOWHERE, errorCode, errorMessage })

function find(keyType: number, key: string, nodes: readonly Node[]): Found {
  if (keyType === GROUP) return { node: coordinatorOf(key, nodes), errorCode: ErrorCode.NONE, errorMessage: null }
  // The same refusal as InitProducerId's: the code that ends a transactional producer for good in every client.
  if (keyType === TRANSACTION) {
    return refuse(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 'There are no transactions here.')
  }
  return refuse(ErrorCode.INVALID_REQUEST, `Unknown coordinator key type ${keyType}.`)
}

export async function handleFindCoordinator(
  { members }: BrokerContext,
  { key, keyType, coordinatorKeys }: FindCoordinatorRequest,
  { apiVersion }: Call,
): Promise<FindCoordinatorResponse> {
  await members.refresh()
  const nodes = members.nodes()
  const answer = (wanted: string) => {
    const { node, errorCode, errorMessage } = find(keyType, wanted, nodes)
    return { ...node, errorCode, errorMessage }
  }
  if (apiVersion < FIRST_BATCHED_VERSION) return answer(key)
  return { coordinators: coordinatorKeys.map((wanted) => ({ key: wanted, ...answer(wanted) })) }
}
