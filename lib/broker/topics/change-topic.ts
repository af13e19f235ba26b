// Changing a topic that others may change at the same time: a change names the version of the topic it rests on, and when
// another one came first, it is decided anew on what the topic has become. Bounded, so that two administrators in a loop
// cannot hold a request for ever.
import { CHANGE_TOPIC_ATTEMPTS_MAX } from '../../base/limits.ts'
import type { ChangeTopicOutcome, Log, Topic } from '../../log/log.ts'
import { changeTopicFailure, type Failure, unknownTopic } from '../outcomes.ts'

/** What to do with the topic as it is now: append a change, or answer without one (undefined is success). */
export type Decision =
  | { readonly kind: 'change'; readonly apply: () => Promise<ChangeTopicOutcome> }
  | { readonly kind: 'answer'; readonly failure: Failure | undefined }

/** Decides and applies until nothing came between. Undefined when it is done. */
export async function changeTopic(
  log: Log,
  topic: Topic,
  decide: (topic: Topic) => Decision,
): Promise<Failure | undefined> {
  let current = topic
  for (let attempt = 1; ; attempt++) {
    const decision = decide(current)
    if (decision.kind === 'answer') return decision.failure
    const outcome = await decision.apply()
    if (outcome.kind === 'changed') return undefined
    if (outcome.kind !== 'stale' || attempt === CHANGE_TOPIC_ATTEMPTS_MAX) return changeTopicFailure(outcome)
    const next = log.topicById(topic.id)
    if (next === undefined) return unknownTopic()
    current = next
  }
}
