// Which scenarios a run plays with which families, in the order in which they are begun: the longest first, so that the last
// one to end does not end alone.
import { FAMILIES, type Family } from './families.ts'
import { churn } from './scenarios/churn.ts'
import { frozen } from './scenarios/frozen.ts'
import { kcat } from './scenarios/kcat.ts'
import { migration } from './scenarios/migration.ts'
import { intruder, offsets } from './scenarios/offsets.ts'
import { patterns } from './scenarios/patterns.ts'
import { speed } from './scenarios/speed.ts'
import { statics } from './scenarios/statics.ts'
import { steering } from './scenarios/steering.ts'
import { width } from './scenarios/width.ts'
import type { Setting } from './scene.ts'

export interface Scenario {
  readonly name: string
  readonly run: (setting: Setting) => Promise<string>
}

/** What servers that are started for a run give members of KIP-848. */
export const CONSUMER_SESSION_MS = 10_000

function family(name: string): Family {
  const found = FAMILIES.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no family ${name}`)
  return found
}

const each = (
  what: string,
  names: readonly string[],
  play: (setting: Setting, family: Family) => Promise<string>,
): Scenario[] => names.map((name) => ({ name: `${name}: ${what}`, run: (setting) => play(setting, family(name)) }))

export const SCENARIOS: readonly Scenario[] = [
  ...[
    ['java range', 'java consumer'],
    ['java cooperative-sticky', 'confluent consumer'],
    ['confluent range', 'platformatic consumer'],
  ].map(([classic = '', consumer = '']) => ({
    name: `${classic} and ${consumer}: a group changes its protocol and back`,
    run: (setting: Setting) => migration(setting, family(classic), family(consumer)),
  })),
  ...each(
    'members come, leave and are killed',
    FAMILIES.map(({ name }) => name),
    churn,
  ),
  ...each(
    'a member is frozen',
    ['java range', 'confluent cooperative-sticky', 'kafkajs eachMessage', 'confluent consumer'],
    frozen,
  ),
  ...each(
    'static members',
    ['java range', 'java consumer', 'confluent range', 'confluent consumer', 'kafka-python'],
    statics,
  ),
  // Not the current kafka-python: when it learns of new partitions while a group is being joined it waits for ever.
  ...each(
    'surplus members, added partitions',
    [
      'java range',
      'java consumer',
      'confluent range',
      'confluent consumer',
      'kafka-python 2.0.2',
      'kafkajs eachMessage',
    ].concat(['platformatic consumer']),
    width,
  ),
  ...each(
    'subscribes by a pattern',
    ['java consumer', 'confluent consumer', 'java range', 'confluent range', 'kafkajs eachMessage'],
    patterns,
  ),
  ...each(
    'pauses, resumes and seeks',
    ['kafkajs eachMessage', 'kafkajs eachBatch', 'java range', 'kafka-python', 'confluent consumer', 'confluent range'],
    steering,
  ),
  { name: 'offsets without membership', run: offsets },
  { name: 'offsets of a classic group are committed by members only', run: (setting) => intruder(setting, 'classic') },
  { name: 'offsets of a KIP-848 group are committed by members only', run: (setting) => intruder(setting, 'consumer') },
  { name: 'kcat -G and -o stored', run: kcat },
]

/** What is timed. */
export const QUIET: readonly Scenario[] = each(
  'how long rebalances take',
  ['kafkajs eachMessage', 'confluent range', 'java range', 'confluent consumer', 'java consumer'],
  speed,
)
