// Finding the topics that one request names. A topic (or partition) that the replica knows is taken from it; "there is no
// such topic" is a fact about now, so it is said only after a head read that began after the request arrived. One request
// reads the head at most once, however many topics it names.
import type { TopicId } from '../../base/ids.ts'
import type { Log, Topic, Unserved } from '../../log/log.ts'

/** Not `unknown`, which is what a store says that did not confirm. */
export type Found = { readonly kind: 'found'; readonly topic: Topic } | { readonly kind: 'absent' } | Unserved

/** The look-ups of one request. */
export interface TopicLookup {
  /** The head read of this request, begun at the first call. */
  refresh(): ReturnType<Log['refresh']>
  /** The topic of this name; with `partition`, only if it has that partition. */
  byName(name: string, partition?: number): Promise<Found>
  /** The topic of this id; with `partition`, only if it has that partition. */
  byId(id: TopicId, partition?: number): Promise<Found>
}

export function topicLookup(log: Log): TopicLookup {
  let fresh: ReturnType<Log['refresh']> | undefined
  const refresh = (): ReturnType<Log['refresh']> => {
    fresh ??= log.refresh()
    return fresh
  }
  const find = async (look: () => Topic | undefined, partition: number): Promise<Found> => {
    if (partition < 0) return { kind: 'absent' }
    const known = look()
    if (known !== undefined && partition < known.partitions) return { kind: 'found', topic: known }
    const outcome = await refresh()
    if (outcome.kind !== 'fresh') return outcome
    const topic = look()
    return topic !== undefined && partition < topic.partitions ? { kind: 'found', topic } : { kind: 'absent' }
  }
  return {
    refresh,
    byName: (name, partition = 0) => find(() => log.topicByName(name), partition),
    byId: (id, partition = 0) => find(() => log.topicById(id), partition),
  }
}
