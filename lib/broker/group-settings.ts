// The broker's settings for groups: Kafka's names, types, defaults and bounds as data, and what the group code is given of
// them. Kafka judges some of them together (a heartbeat interval must lie below the session timeout, each within its
// bounds), in this order and with these words; so do we, since a group that could never be joined would be found out late.
// Settings of share and streams groups are not here: there are no such groups, and a setting that is shown must act.
import type { GroupSettings } from '../groups/step.ts'
import { type ConfigDefinition, type ConfigVerdict, listElements } from '../log/settings.ts'

const ASSIGNORS = 'group.consumer.assignors'
/** Kafka also takes the classes of its two own assignors. */
const ASSIGNOR_NAMES: Readonly<Record<string, string>> = {
  uniform: 'uniform',
  range: 'range',
  'org.apache.kafka.coordinator.group.assignor.UniformAssignor': 'uniform',
  'org.apache.kafka.coordinator.group.assignor.RangeAssignor': 'range',
}
/** A member hears of a rebalance with its next heartbeat, so Kafka's 5 s make 5 s of a rebalance. */
const HEARD_SOONER = 'The default is that of classic groups, so that a rebalance takes less than 4 s.'
const ONE_DOCUMENT = 'A group is one document here, so the default is 1000 and not unlimited.'

export const GROUP_CONFIGS: readonly ConfigDefinition[] = [
  {
    name: ASSIGNORS,
    type: 'LIST',
    default: 'uniform,range',
    range: { kind: 'oneOf', values: Object.keys(ASSIGNOR_NAMES) },
    documentation: 'The assignors that members of consumer groups can choose from; the first is the default.',
  },
  atLeastOne(
    'group.consumer.heartbeat.interval.ms',
    '3000',
    `How often members of consumer groups are asked to send a heartbeat. ${HEARD_SOONER}`,
  ),
  atLeastOne(
    'group.consumer.max.heartbeat.interval.ms',
    '15000',
    'The longest `group.consumer.heartbeat.interval.ms` that can be set.',
  ),
  atLeastOne(
    'group.consumer.max.session.timeout.ms',
    '60000',
    'The longest `group.consumer.session.timeout.ms` that can be set.',
  ),
  atLeastOne('group.consumer.max.size', '1000', `How many members one consumer group can have. ${ONE_DOCUMENT}`),
  {
    name: 'group.consumer.migration.policy',
    type: 'STRING',
    default: 'bidirectional',
    range: { kind: 'oneOf', values: ['disabled', 'downgrade', 'upgrade', 'bidirectional'], ignoreCase: true },
    documentation: 'Whether a group with members may change between the classic and the consumer protocol.',
  },
  atLeastOne(
    'group.consumer.min.heartbeat.interval.ms',
    '3000',
    'The shortest `group.consumer.heartbeat.interval.ms` that can be set.',
  ),
  atLeastOne(
    'group.consumer.min.session.timeout.ms',
    '45000',
    'The shortest `group.consumer.session.timeout.ms` that can be set.',
  ),
  atLeastOne(
    'group.consumer.session.timeout.ms',
    '45000',
    'After how long without a heartbeat a member of a consumer group is removed.',
  ),
  {
    name: 'group.initial.rebalance.delay.ms',
    type: 'INT',
    default: '3000',
    range: { kind: 'between', min: 0 },
    documentation: 'How long the first rebalance of an empty classic group waits for more members.',
  },
  atLeastOne(
    'group.max.session.timeout.ms',
    '1800000',
    'The longest session timeout that a member of a classic group can ask for.',
  ),
  atLeastOne('group.max.size', '1000', `How many members one classic group can have. ${ONE_DOCUMENT}`),
  atLeastOne(
    'group.min.session.timeout.ms',
    '6000',
    'The shortest session timeout that a member of a classic group can ask for.',
  ),
]

function atLeastOne(name: string, byDefault: string, documentation: string): ConfigDefinition {
  return { name, type: 'INT', default: byDefault, range: { kind: 'between', min: 1 }, documentation }
}

type Rule = readonly [name: string, relation: '>=' | '<=' | '<', other: string]
const CONSUMER = 'group.consumer.'
/** In Kafka's order. The last is ours: without it no member of a classic group could be let in. */
const RULES: readonly Rule[] = [
  [`${CONSUMER}max.heartbeat.interval.ms`, '>=', `${CONSUMER}min.heartbeat.interval.ms`],
  [`${CONSUMER}heartbeat.interval.ms`, '>=', `${CONSUMER}min.heartbeat.interval.ms`],
  [`${CONSUMER}heartbeat.interval.ms`, '<=', `${CONSUMER}max.heartbeat.interval.ms`],
  [`${CONSUMER}max.session.timeout.ms`, '>=', `${CONSUMER}min.session.timeout.ms`],
  [`${CONSUMER}session.timeout.ms`, '>=', `${CONSUMER}min.session.timeout.ms`],
  [`${CONSUMER}session.timeout.ms`, '<=', `${CONSUMER}max.session.timeout.ms`],
  [`${CONSUMER}heartbeat.interval.ms`, '<', `${CONSUMER}session.timeout.ms`],
  ['group.max.session.timeout.ms', '>=', 'group.min.session.timeout.ms'],
]
const WORDS = { '>=': 'greater than or equal to', '<=': 'less than or equal to', '<': 'less than' } as const

/**
 * Whether the settings for groups go together. `text` gives the value in force of each name, valid by itself.
 *
 * @example validateGroupSettings((name) => explicit.get(name) ?? defaults.get(name))
 */
export function validateGroupSettings(text: (name: string) => string): ConfigVerdict {
  for (const [name, relation, other] of RULES) {
    const [left, right] = [Number(text(name)), Number(text(other))]
    const holds = relation === '<' ? left < right : relation === '<=' ? left <= right : left >= right
    if (!holds) return { kind: 'invalid', message: `${name} must be ${WORDS[relation]} ${other}` }
  }
  const assignors = assignorsOf(text(ASSIGNORS))
  if (assignors.length === 0) return { kind: 'invalid', message: `Configuration '${ASSIGNORS}' must not be empty.` }
  if (new Set(assignors).size < assignors.length) {
    return { kind: 'invalid', message: `Configuration '${ASSIGNORS}' values must not be duplicated.` }
  }
  return { kind: 'ok' }
}

function assignorsOf(value: string): string[] {
  return listElements(value).map((name) => ASSIGNOR_NAMES[name] ?? name)
}

/** What the group code goes by, from values that were found valid. */
export function groupSettings(text: (name: string) => string): GroupSettings {
  const number = (name: string): number => Number(text(name))
  return {
    sessionTimeoutMsMin: number('group.min.session.timeout.ms'),
    sessionTimeoutMsMax: number('group.max.session.timeout.ms'),
    initialRebalanceDelayMs: number('group.initial.rebalance.delay.ms'),
    membersMax: number('group.max.size'),
    consumerSessionTimeoutMs: number('group.consumer.session.timeout.ms'),
    consumerHeartbeatIntervalMs: number('group.consumer.heartbeat.interval.ms'),
    consumerMembersMax: number('group.consumer.max.size'),
    consumerAssignors: assignorsOf(text(ASSIGNORS)),
    migration: text('group.consumer.migration.policy').trim().toLowerCase() as GroupSettings['migration'],
    offsetsRetentionMs: number('offsets.retention.minutes') * 60_000,
  }
}
