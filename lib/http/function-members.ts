// The members as a Lambda function knows them: it is none itself and holds no lease. What it takes from the membership
// document is its version, the leader epoch, so that clients which come by HTTPS and clients which come by TCP never see it
// go back.
import { StoredBytesError } from '../base/bytes.ts'
import type { Members, Node } from '../broker/broker.ts'
import { decodeMembership, MEMBERS_KEY } from '../broker/cluster/membership-document.ts'
import type { DocumentStore } from '../storage/ports.ts'

/** What clients see that name no address of their own. It cannot be dialled: there is nobody to dial. */
export const NO_ADDRESS = { host: 'tidelog.invalid', port: 9092 } as const

export type ReadMembersOutcome =
  /** The members then need only the deployment's cluster id. */
  | { readonly kind: 'read'; readonly membersOf: (clusterId: string) => Members }
  /** Without the document: an epoch that is made up would go back for clients that know the real one. */
  | { readonly kind: 'unavailable'; readonly cause: string }
  /** Another release wrote it. */
  | { readonly kind: 'problem'; readonly sentence: string }

/** Reads the leader epoch. */
export async function readFunctionMembers(documents: DocumentStore): Promise<ReadMembersOutcome> {
  let epoch = 0
  /** What is wrong, if something is; the epoch then stays what it was. */
  const read = async (): Promise<Exclude<ReadMembersOutcome, { kind: 'read' }> | undefined> => {
    const found = await documents.get(MEMBERS_KEY)
    if (found.kind === 'unavailable') return { kind: 'unavailable', cause: found.cause }
    if (found.kind === 'missing') return undefined
    try {
      // The list is of no use here; what a newer release wrote must not be misread all the same.
      decodeMembership(found.document.body)
    } catch (error) {
      if (error instanceof StoredBytesError) return { kind: 'problem', sentence: error.message }
      throw error
    }
    epoch = Math.max(epoch, found.document.version)
    return undefined
  }
  const failure = await read()
  if (failure !== undefined) return failure
  const nodes: readonly Node[] = [{ nodeId: 1, ...NO_ADDRESS }]
  const refresh = async (): Promise<void> => {
    await read()
  }
  return {
    kind: 'read',
    membersOf: (clusterId) => ({ self: 1, clusterId, epoch: () => epoch, nodes: () => nodes, refresh }),
  }
}
