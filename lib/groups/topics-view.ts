// The topics as decisions about groups see them: the replica's, as far as it has come.
import type { OpenedLog } from '../log/open-log.ts'
import type { TopicsView } from './step.ts'

export function topicsView(log: Pick<OpenedLog, 'topics' | 'topicByName' | 'topicById' | 'journal'>): TopicsView {
  return {
    byName: (name) => log.topicByName(name),
    byId: (id) => log.topicById(id),
    *names() {
      for (const { name } of log.topics()) yield name
    },
    namesVersion() {
      // With the same next number topics can only have gone, and their number tells how many.
      const { nextTopicNumber, topics } = log.journal.replica.root
      return `${nextTopicNumber}.${topics.size}`
    },
    asOf: () => log.journal.replica.root.position,
  }
}
