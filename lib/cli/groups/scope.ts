// Which partitions a command about a group means: `--topic orders` is all of a topic, `--topic orders:0,1` some of it, given
// as often as wanted. The same topic named twice means both together.
import { InvalidArgumentError } from 'commander'

/** Per topic: the partitions named, or all of them. */
export type Scope = ReadonlyMap<string, ReadonlySet<number> | 'all'>

/** Reads one `--topic` into those read before. */
export function readTopicScope(text: string, before: Scope): Scope {
  const match = /^([^:]+)(?::(\d+(?:,\d+)*))?$/.exec(text)
  const topic = match?.[1]
  if (topic === undefined)
    throw new InvalidArgumentError('Give it as TOPIC or TOPIC:PARTITION,…, for instance orders:0,1.')
  const known = before.get(topic)
  const named = match?.[2]?.split(',').map(Number)
  const all = named === undefined || known === 'all'
  return new Map([...before, [topic, all ? 'all' : new Set([...(known ?? []), ...named])]])
}
