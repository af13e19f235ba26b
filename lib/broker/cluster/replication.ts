// The replication factor of a topic. Durability is the store's, so it changes nothing here; but who asks for three copies
// expects to see that number again, so it is kept with the topic's explicit configs under a reserved name. Kafka's config
// names never contain a colon, and every handler passes configs through `kafkaConfigs`, so the entry can neither collide
// with a Kafka config nor be set, described or deleted as one.
import type { Topic } from '../../log/log.ts'

/** What entries in a topic's configs that are not Kafka's begin with. */
export const RESERVED_CONFIG_PREFIX = 'tidelog:'
/** The reserved entry of the replication factor; `lib/http/topic-resource.ts` has another. */
export const REPLICATION_FACTOR_CONFIG = `${RESERVED_CONFIG_PREFIX}replication.factor`

/** Clients often ask for 2 or 3 by habit: so many are accepted whatever the number of gateways. */
export const REPLICATION_FACTOR_FREE = 3

/** The replication factor that was asked for when the topic was made (1 when nobody said). */
export function replicationFactorOf(topic: Topic): number {
  const text = topic.configs.get(REPLICATION_FACTOR_CONFIG)
  return text === undefined ? 1 : Number(text)
}

const isReserved = ([name]: readonly [string, string]): boolean => name.startsWith(RESERVED_CONFIG_PREFIX)

/** What was set explicitly, as Kafka knows it: without our reserved entries. */
export function kafkaConfigs(topic: Topic): Map<string, string> {
  return new Map([...topic.configs].filter((entry) => !isReserved(entry)))
}

/** Kafka's configs together with the reserved entry, as the log stores them. */
export function storedConfigs(configs: ReadonlyMap<string, string>, replicationFactor: number): Map<string, string> {
  return new Map([...configs, [REPLICATION_FACTOR_CONFIG, String(replicationFactor)]])
}

/** A topic's stored configs after its Kafka configs were replaced: the reserved entries stay as they are. */
export function replacedConfigs(topic: Topic, configs: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...configs, ...[...topic.configs].filter(isReserved)])
}
