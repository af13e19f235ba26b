// Topics: what the replica knows of them, and the entries that create, change and delete them. The fold decides; a caller
// learns from the verdict whether its change was the one that counted.
import { newTopicId, type TopicId } from '../base/ids.ts'
import type { Random } from '../base/random.ts'
import { encodePartitionsAdded, encodeTopicConfigured, encodeTopicDeleted } from '../journal/entries/topic-changed.ts'
import { encodeTopicCreated } from '../journal/entries/topic-created.ts'
import type { EntryKind } from '../journal/entry.ts'
import type { Journal } from '../journal/journal.ts'
import type { OwnVerdict } from '../journal/page-verdicts.ts'
import type { ChangeTopicOutcome, CreateTopicOutcome, DeleteTopicOutcome, Log, Topic, Unserved } from './log.ts'

type Topics = Pick<
  Log,
  'topics' | 'topicByName' | 'topicById' | 'createTopic' | 'configureTopic' | 'addPartitions' | 'deleteTopic'
>

/** The verdict if it is one of these; what the horizon rejected changed nothing and can be asked for again. */
function among<K extends OwnVerdict['kind']>(
  outcome: OwnVerdict | Unserved,
  ...kinds: readonly K[]
): Extract<OwnVerdict, { kind: K }> | Unserved {
  const isOne = (o: OwnVerdict | Unserved): o is Extract<OwnVerdict, { kind: K }> => kinds.some((k) => k === o.kind)
  if (isOne(outcome)) return outcome
  if (outcome.kind === 'unknown' || outcome.kind === 'halted') return outcome
  return { kind: 'unavailable' }
}

export function createTopics(journal: Journal, random: Random): Topics {
  const { replica } = journal

  async function write(kind: Exclude<EntryKind, 'flush'>, payload: Uint8Array): Promise<OwnVerdict | Unserved> {
    const outcome = await journal.write(kind, journal.origin(), payload)
    return outcome.kind === 'folded' ? outcome.verdict : outcome
  }

  async function change(kind: 'topicConfigured' | 'partitionsAdded', payload: Uint8Array): Promise<ChangeTopicOutcome> {
    return among(await write(kind, payload), 'changed', 'stale', 'unknownTopic')
  }

  const byNumber = (number: number | undefined): Topic | undefined =>
    number === undefined ? undefined : replica.root.topics.get(number)

  return {
    topics: () => replica.root.topics.values(),
    topicByName: (name) => byNumber(replica.root.numbersByName.get(name)),
    topicById: (id: TopicId) => byNumber(replica.root.numbersById.get(id)),
    async createTopic({ name, partitions, configs }): Promise<CreateTopicOutcome> {
      const topicId = newTopicId(random)
      const payload = encodeTopicCreated({ topicId, name, partitions, configs })
      return among(await write('topicCreated', payload), 'created', 'exists', 'limit')
    },
    configureTopic: ({ number, version }, configs) =>
      change('topicConfigured', encodeTopicConfigured({ topicNumber: number, version, configs })),
    addPartitions: ({ number, version }, partitions) =>
      change('partitionsAdded', encodePartitionsAdded({ topicNumber: number, version, partitions })),
    async deleteTopic(topic): Promise<DeleteTopicOutcome> {
      const payload = encodeTopicDeleted({ topicNumber: topic.number })
      const outcome = among(await write('topicDeleted', payload), 'deleted', 'unknownTopic')
      return outcome.kind === 'deleted' ? { kind: 'deleted' } : outcome
    },
  }
}
