// Leases of gateways in the store, one document each: listed and removed. Only versions matter, and only whether they change
// (`lease-watch.ts` judges that), so that no two processes' clocks are ever compared.
import { LEASES, leaseKey } from '../broker/cluster/membership-document.ts'
import type { DocumentStore } from '../storage/ports.ts'

/** The version of this process's lease, 0 if it has none; `undefined` when the store did not answer. */
export async function leaseVersion(documents: DocumentStore, bootId: string): Promise<number | undefined> {
  const got = await documents.get(leaseKey(bootId))
  if (got.kind === 'unavailable') return undefined
  return got.kind === 'found' ? got.document.version : 0
}

/** Lease versions by boot id; `undefined` when the store did not answer. */
export async function listLeases(documents: DocumentStore): Promise<Map<string, number> | undefined> {
  const versions = new Map<string, number>()
  let next: string | undefined
  do {
    const page = await documents.list(LEASES, next === undefined ? {} : { next })
    if (page.kind === 'unavailable') return undefined
    for (const { key, version } of page.documents) versions.set(key.slice(LEASES.length + 1), version)
    next = page.next
  } while (next !== undefined)
  return versions
}

/** Removes a lease unless it was renewed since its version was seen. */
export async function removeLease(documents: DocumentStore, bootId: string, seen?: number): Promise<void> {
  const version = seen ?? (await leaseVersion(documents, bootId))
  if (version !== undefined && version > 0) await documents.delete(leaseKey(bootId), version)
}
