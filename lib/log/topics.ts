// Topics: what the replica knows of them, and the entries that create, change and delete them. The fold decides; a caller
// learns from the verdict whether its change was the one that counted.
import { newTopicId, type TopicId } from '../base/ids.ts'
import type { Random } from '../base/random.ts'
import { encodePartitionsAdded, encodeTopicConfigured, encodeTopicDeleted } from '../journal/entries/topic-changed.ts'
import { encodeTopicCreated } from '../journal/entries/topic-created.ts'
import type { EntryKind } from '../journal/entry.ts'
import type { Journal } from '../journal/journal.ts'
import type { OwnVerdict } from '../journal/replica.ts'
import type { ChangeTopicOutcome, CreateTopicOutcome, DeleteTopicOutcome, Log, Topic, Unserved } from './log.ts'

type Topics = Pick<
  Log,
  'topics' | 'topicByName' | 'topicById' | 'createTopic' | 'configureTopic' | 'addPartitions' | 'deleteTopic'
>

export function createTopics(journal: Journal, random: Random): Topics {
  const { replica } = journal

  async function write(kind: Exclude<EntryKind, 'flush'>, payload: Uint8Array): Promise<OwnVerdict | Unserved> {
    const outcome = await journal.write(kind, journal.origin(), payload)
    return outcome.kind === 'folded' ? outcome.verdict : outcome
  }

  async function change(kind: 'topicConfigured' | 'partitionsAdded', payload: Uint8Array): Promise<ChangeTopicOutcome> {
    const verdict = await write(kind, payload)
    switch (verdict.kind) {
      case 'changed':
      case 'stale':
      case 'unknownTopic':
      case 'unavailable':
      case 'unknown':
      case 'halted':
        return verdict
      default:
        return { kind: 'unavailable' }
    }
  }

  const byNumber = (number: number | undefined): Topic | undefined =>
    number === undefined ? undefined : replica.root.topics.get(number)

  return {
    topics: () => replica.root.topics.values(),
    topicByName: (name) => byNumber(replica.root.numbersByName.get(name)),
    topicById: (id: TopicId) => byNumber(replica.root.numbersById.get(id)),
    async createTopic({ name, partitions, configs }): Promise<CreateTopicOutcome> {
      const topicId = newTopicId(random)
      const verdict = await write('topicCreated', encodeTopicCreated({ topicId, name, partitions, configs }))
      switch (verdict.kind) {
        case 'created':
        case 'exists':
        case 'limit':
        case 'unavailable':
        case 'unknown':
        case 'halted':
          return verdict
        default:
          return { kind: 'unavailable' }
      }
    },
    configureTopic: ({ number, version }, configs) =>
      change('topicConfigured', encodeTopicConfigured({ topicNumber: number, version, configs })),
    addPartitions: ({ number, version }, partitions) =>
      change('partitionsAdded', encodePartitionsAdded({ topicNumber: number, version, partitions })),
    async deleteTopic(topic): Promise<DeleteTopicOutcome> {
      const verdict = await write('topicDeleted', encodeTopicDeleted({ topicNumber: topic.number }))
      switch (verdict.kind) {
        case 'deleted':
          return { kind: 'deleted' }
        case 'unknownTopic':
        case 'unavailable':
        case 'unknown':
        case 'halted':
          return verdict
        default:
          return { kind: 'unavailable' }
      }
    },
  }
}
