// The members as a Lambda function knows them: it is none itself and holds no lease. What it takes from the membership
// document is its version, the leader epoch, so that clients which come by HTTPS and clients which come by TCP never see it
// go back, and the cluster id where the deployment has no other.
import type { Members, Node } from '../broker/broker.ts'
import { decodeMembership, MEMBERS_KEY } from '../broker/membership-document.ts'
import type { DocumentStore } from '../storage/ports.ts'

/** What clients see that name no address of their own. It cannot be dialled: there is nobody to dial. */
export const NO_ADDRESS = { host: 'tidelog.invalid', port: 9092 } as const

/** Reads the leader epoch; the members then need only the deployment's cluster id. */
export async function readFunctionMembers(documents: DocumentStore): Promise<(clusterId: string) => Members> {
  let epoch = 0
  const read = async (): Promise<void> => {
    const found = await documents.get(MEMBERS_KEY)
    if (found.kind !== 'found') return
    // The list is of no use here; what a newer release wrote must not be misread all the same.
    decodeMembership(found.document.body)
    epoch = Math.max(epoch, found.document.version)
  }
  await read()
  const nodes: readonly Node[] = [{ nodeId: 1, ...NO_ADDRESS }]
  return (clusterId) => ({ self: 1, clusterId, epoch: () => epoch, nodes: () => nodes, refresh: read })
}
