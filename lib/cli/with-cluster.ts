// The beginning and the end that commands have in common: connect to a log, do something, close the connections.
import type { Address } from '../base/address.ts'
import { type Cluster, openCluster } from '../client/cluster.ts'

export async function withCluster(address: Address, work: (cluster: Cluster) => Promise<void>): Promise<void> {
  const cluster = await openCluster(address)
  try {
    await work(cluster)
  } finally {
    await cluster.close()
  }
}
