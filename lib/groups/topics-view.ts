// The topics as decisions about groups see them: the replica's, as far as it has come.
import type { Log } from '../log/log.ts'
import type { TopicsView } from './step.ts'

export function topicsView(log: Pick<Log, 'topics' | 'topicByName' | 'topicById'>): TopicsView {
  return {
    byName: (name) => log.topicByName(name),
    byId: (id) => log.topicById(id),
    *names() {
      for (const { name } of log.topics()) yield name
    },
  }
}
