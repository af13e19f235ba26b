// The replicas that an administrator chose for single partitions by a reassignment. Any gateway serves any partition, so they
// move no records: they only come before hashing when leader and replicas are named. They are kept like the replication
// factor, with the topic's explicit configs under a reserved name, so that every gateway reads the same from the journal.
// Gateways that are not alive are passed over, and where none of the chosen ones is, hashing decides again.
import type { Topic } from '../../log/log.ts'
import { RESERVED_CONFIG_PREFIX } from './replication.ts'

/** The reserved entry: `‹partition›=‹node›,‹node›,…` by ascending partition, with blanks between. */
export const REPLICAS_CONFIG = `${RESERVED_CONFIG_PREFIX}replicas`

const NONE: ReadonlyMap<number, readonly number[]> = new Map()
/** By the map they were read from: topics are immutable, so a change brings a new map. */
const read = new WeakMap<Topic['configs'], ReadonlyMap<number, readonly number[]>>()

/** Node ids in order of preference by partition, for the partitions that were reassigned. */
export function chosenReplicas({ configs }: Pick<Topic, 'configs'>): ReadonlyMap<number, readonly number[]> {
  const text = configs.get(REPLICAS_CONFIG)
  if (text === undefined) return NONE
  let chosen = read.get(configs)
  if (chosen === undefined) {
    chosen = new Map(
      text.split(' ').map((part): [number, number[]] => {
        const [partition = '', nodes = ''] = part.split('=')
        return [Number(partition), nodes.split(',').map(Number)]
      }),
    )
    read.set(configs, chosen)
  }
  return chosen
}

/** The topic's stored configs with these choices added to those that were made before. */
export function withChosenReplicas(
  topic: Pick<Topic, 'configs'>,
  changes: ReadonlyMap<number, readonly number[]>,
): Map<string, string> {
  const chosen = [...new Map([...chosenReplicas(topic), ...changes])].sort(([a], [b]) => a - b)
  const text = chosen.map(([partition, nodes]) => `${partition}=${nodes.join(',')}`).join(' ')
  return new Map([...topic.configs, [REPLICAS_CONFIG, text]])
}
