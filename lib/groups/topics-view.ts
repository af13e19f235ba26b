// The topics as decisions about groups see them: the replica's, as far as it has come.
import type { OpenedLog } from '../log/open-log.ts'
import type { TopicsView } from './step.ts'

export function topicsView(log: OpenedLog): TopicsView {
  const { root } = log.journal.replica
  return {
    byName: (name) => log.topicByName(name),
    byId: (id) => log.topicById(id),
    *names() {
      for (const { name } of log.topics()) yield name
    },
    // A topic that is made takes the next number, one that goes makes them fewer: no two sets of names have both alike.
    namesVersion: () => `${root.nextTopicNumber}/${root.topics.size}`,
    asOf: () => root.position,
  }
}
