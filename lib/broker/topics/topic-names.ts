// Which names a topic may have: Kafka's rule, 1 to 249 characters of letters, digits, '.', '_' and '-', but not '.' or '..'.
// Names that differ only in '.' and '_' may exist side by side: Kafka refuses them because its metrics would collide, and
// ours do not.
import { TOPIC_NAME_LENGTH_MAX } from '../../base/limits.ts'

const LEGAL = /^[a-zA-Z0-9._-]+$/

/** Why `name` cannot name a topic, as a sentence; undefined if it can. */
export function topicNameProblem(name: string): string | undefined {
  if (name === '') return 'Topic name is invalid: the empty string is not allowed.'
  if (name === '.' || name === '..') return "Topic name is invalid: '.' or '..' is not allowed."
  if (name.length > TOPIC_NAME_LENGTH_MAX) {
    return `Topic name is invalid: the length of '${name.slice(0, 32)}…' is longer than the max allowed length ${TOPIC_NAME_LENGTH_MAX}.`
  }
  if (!LEGAL.test(name)) {
    return `Topic name is invalid: '${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'.`
  }
  return undefined
}
