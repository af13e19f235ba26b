// Stored item: what this deployment is called.
//
//   pk `CLUSTER`, sk `ID`
//   id      S  Kafka's cluster id: 22 characters, a random UUID in base 64
//   format  N  version of the layout of this table
//
// Put once, if absent, by `init`; never changed and never deleted. Clients compare the cluster id to notice that they
// reached another cluster, so it must not change with a restart. A higher format than ours is a newer release's data.
import { itemKey, numberIn, textIn } from './keys.ts'
import type { Item } from './outcomes.ts'

export const CLUSTER_KEY = itemKey('CLUSTER', 'ID')
export const TABLE_FORMAT = 1

export function clusterItem(id: string): Item {
  return { ...CLUSTER_KEY, id: { S: id }, format: { N: String(TABLE_FORMAT) } }
}

export function clusterIn(item: Item): { clusterId: string; format: number } {
  return { clusterId: textIn(item, 'id'), format: numberIn(item, 'format') }
}
