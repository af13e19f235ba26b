// Which server a group's requests go to, and going there. The answer may be out of date the moment it is given: a server
// that is not the group's coordinator, is just becoming it, or is gone says so, and then both questions are asked again.
import { type Address, formatAddress } from '../base/address.ts'
import { ErrorCode } from '../wire/errors.ts'
import { findCoordinator } from '../wire/messages/find-coordinator.ts'
import type { Api, RequestInput, ResponseOf } from '../wire/schema.ts'
import { type Cluster, pause } from './cluster.ts'
import { ClientError, refused } from './errors.ts'

const GROUP = 0
const RETRY_MS = 250
const TRIES_MAX = 40

const TRANSIENT: ReadonlySet<number> = new Set([
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
])

export interface Coordinator {
  readonly nodeId: number
  readonly address: Address
}

/** Whether the same question may soon be answered: groups are being loaded, or another server has them now. */
export function isTransient(errorCode: number): boolean {
  return TRANSIENT.has(errorCode)
}

/** The coordinator of a group, waited for where there is none yet. */
export async function coordinatorOf(cluster: Cluster, groupId: string): Promise<Coordinator> {
  for (let tries = 1; ; tries++) {
    const answer = await cluster.request(findCoordinator, { key: groupId, keyType: GROUP, coordinatorKeys: [groupId] })
    // Before version 4 the answer itself is the one coordinator.
    const { nodeId, host, port, errorCode, errorMessage } = answer.coordinators[0] ?? answer
    if (errorCode === ErrorCode.NONE) return { nodeId, address: { host, port } }
    if (!isTransient(errorCode) || tries >= TRIES_MAX) {
      throw refused(`Looking for the coordinator of group ${groupId}`, errorCode, errorMessage)
    }
    await pause(RETRY_MS)
  }
}

/** A request to a group's coordinator, wherever that is by now. `codesOf` names the error codes of an answer. */
export async function askCoordinator<A extends Api>(
  cluster: Cluster,
  groupId: string,
  api: A,
  value: RequestInput<A>,
  codesOf: (answer: ResponseOf<A>) => readonly number[],
): Promise<ResponseOf<A>> {
  for (let tries = 1; ; tries++) {
    const { address } = await coordinatorOf(cluster, groupId)
    try {
      const answer = await (await cluster.connectionAt(address)).request(api, value)
      if (!codesOf(answer).some(isTransient)) return answer
      if (tries >= TRIES_MAX) throw refused(`Group ${groupId} at ${formatAddress(address)}`, codesOf(answer)[0] ?? 0)
    } catch (error) {
      // Where nobody answered nothing was asked: the coordinator named a moment ago is gone.
      const gone = error instanceof ClientError && error.kind === 'unreachable'
      if (!gone || tries >= TRIES_MAX) throw error
    }
    await pause(RETRY_MS)
  }
}
