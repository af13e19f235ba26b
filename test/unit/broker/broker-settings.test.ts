// The broker's configuration: defaults, what is refused, and how it is described.
import { describe, expect, it } from 'vitest'
import {
  BROKER_CONFIGS,
  brokerSettings,
  defaultBrokerSettings,
  describeBrokerConfigs,
} from '../../../lib/broker/broker-settings.ts'
import { topicSettings } from '../../../lib/log/topic-settings.ts'

const facts = { nodeId: 7, host: '127.0.0.1', port: 9092 }

describe('broker settings', () => {
  it('default to what Kafka or our limits say', () => {
    expect(defaultBrokerSettings).toMatchObject({
      defaultPartitions: 1,
      defaultReplicationFactor: 1,
      autoCreateTopics: true,
      deleteTopics: true,
      frameBytesMax: 104_857_600,
      connectionIdleMsMax: 600_000,
    })
    expect(defaultBrokerSettings.group).toEqual({
      sessionTimeoutMsMin: 6000,
      sessionTimeoutMsMax: 1_800_000,
      initialRebalanceDelayMs: 3000,
      membersMax: 1000,
      consumerSessionTimeoutMs: 45_000,
      consumerHeartbeatIntervalMs: 3000,
      offsetsRetentionMs: 7 * 24 * 3_600_000,
      consumerMembersMax: 1000,
      consumerAssignors: ['uniform', 'range'],
      migration: 'bidirectional',
    })
  })

  it('take what is set, and hand topic defaults on', () => {
    const explicit = new Map([
      ['num.partitions', '12'],
      ['auto.create.topics.enable', 'False'],
      ['compression.type', 'lz4'],
    ])
    const outcome = brokerSettings(explicit)
    if (outcome.kind !== 'ok') throw new Error(outcome.message)
    expect(outcome.settings).toMatchObject({ defaultPartitions: 12, autoCreateTopics: false })
    expect(topicSettings(new Map(), outcome.settings).compression).toBe('lz4')
  })

  it.each([
    ['num.partitions', '0', 'Invalid value 0 for configuration num.partitions: Value must be at least 1'],
    ['compression.type', 'best', /String must be one of/],
    ['log.roll.hours', '0', /at least 1/],
    ['log.retention.ms', '1.5', /Not a number of type LONG/],
    ['log.cleaner.min.compaction.lag.ms', '9223372036854775808', /Not a number/],
    ['num.partition', '1', 'Unknown broker config name: num.partition'],
  ])('refuse %s=%s', (name, value, message) => {
    const outcome = brokerSettings(new Map([[name, value]]))
    if (outcome.kind === 'ok') throw new Error('accepted')
    expect(outcome.message).toMatch(message)
  })

  it('hand settings of groups on, in whatever way they were spelt', () => {
    const explicit = new Map([
      ['group.initial.rebalance.delay.ms', ' 0 '],
      ['group.consumer.min.session.timeout.ms', '6000'],
      ['group.consumer.session.timeout.ms', '6000'],
      ['group.consumer.migration.policy', 'Upgrade'],
      ['group.consumer.assignors', 'org.apache.kafka.coordinator.group.assignor.RangeAssignor, uniform'],
    ])
    const outcome = brokerSettings(explicit)
    if (outcome.kind !== 'ok') throw new Error(outcome.message)
    expect(outcome.settings.group).toMatchObject({
      initialRebalanceDelayMs: 0,
      consumerSessionTimeoutMs: 6000,
      migration: 'upgrade',
      consumerAssignors: ['range', 'uniform'],
    })
  })

  it.each([
    [{ 'group.max.size': '0' }, /must be at least 1/],
    [{ 'group.consumer.migration.policy': 'sideways' }, /must be one of: disabled, downgrade, upgrade, bidirectional/],
    [{ 'group.consumer.assignors': 'sticky' }, /must be one of: uniform, range/],
    [{ 'group.consumer.assignors': '' }, /must not be empty/],
    [{ 'group.consumer.assignors': 'range,range' }, /must not be duplicated/],
    [{ 'group.consumer.session.timeout.ms': '44999' }, /^group.consumer.session.timeout.ms must be greater than or/],
    [{ 'group.consumer.session.timeout.ms': '60001' }, /must be less than or equal to group.consumer.max.session/],
    [{ 'group.consumer.max.session.timeout.ms': '44999' }, /^group.consumer.max.session.timeout.ms must be greater/],
    [{ 'group.consumer.heartbeat.interval.ms': '2999' }, /greater than or equal to group.consumer.min.heartbeat/],
    [{ 'group.consumer.heartbeat.interval.ms': '15001' }, /less than or equal to group.consumer.max.heartbeat/],
    [{ 'group.consumer.min.heartbeat.interval.ms': '15001' }, /^group.consumer.max.heartbeat.interval.ms must be/],
    [
      { 'group.consumer.heartbeat.interval.ms': '45000', 'group.consumer.max.heartbeat.interval.ms': '45000' },
      'group.consumer.heartbeat.interval.ms must be less than group.consumer.session.timeout.ms',
    ],
    [{ 'group.min.session.timeout.ms': '1800001' }, /^group.max.session.timeout.ms must be greater/],
  ])('refuse for groups %j', (explicit, message) => {
    const outcome = brokerSettings(new Map(Object.entries(explicit)))
    if (outcome.kind === 'ok') throw new Error('accepted')
    expect(outcome.message).toMatch(message)
  })

  it('refuse topic defaults that contradict each other', () => {
    const explicit = new Map([
      ['log.cleaner.min.compaction.lag.ms', '10'],
      ['log.cleaner.max.compaction.lag.ms', '5'],
    ])
    expect(brokerSettings(explicit).kind).toBe('invalid')
  })

  it('have defaults that are valid themselves, under names of which each exists once', () => {
    const set = BROKER_CONFIGS.filter((config) => config.default !== null)
    const explicit = new Map(set.map((config) => [config.name, config.default!]))
    expect(brokerSettings(explicit).kind).toBe('ok')
    expect(new Set(BROKER_CONFIGS.map((config) => config.name)).size).toBe(BROKER_CONFIGS.length)
  })
})

describe('the description of a broker', () => {
  it('shows each value with its source, and what the process knows of itself', () => {
    const set = [
      ['num.partitions', '12'],
      ['group.min.session.timeout.ms', '100'],
    ] as const
    const outcome = brokerSettings(new Map(set))
    if (outcome.kind !== 'ok') throw new Error(outcome.message)
    const options = { includeSynonyms: true, includeDocumentation: true }
    const all = new Map(
      describeBrokerConfigs(outcome.settings, facts, null, options).map((entry) => [entry.name, entry]),
    )
    expect(all.get('num.partitions')).toMatchObject({
      value: '12',
      configSource: 4,
      readOnly: true,
      synonyms: [
        { name: 'num.partitions', value: '12', source: 4 },
        { name: 'num.partitions', value: '1', source: 5 },
      ],
    })
    expect(all.get('message.max.bytes')).toMatchObject({ value: '1048588', configSource: 5, configType: 3 })
    expect(all.get('log.retention.ms')).toMatchObject({ value: null, configSource: 5, synonyms: [] })
    expect(all.get('group.min.session.timeout.ms')).toMatchObject({ value: '100', configSource: 4, configType: 3 })
    expect(all.get('group.max.size')).toMatchObject({ value: '1000', configSource: 5 })
    expect(all.get('group.max.size')?.documentation).toContain('one document')
    expect(all.get('node.id')).toMatchObject({ value: '7', configSource: 4 })
    expect(all.get('advertised.listeners')).toMatchObject({ value: 'PLAINTEXT://127.0.0.1:9092', configSource: 4 })
    for (const entry of all.values()) expect(entry.documentation).toMatch(/\.$/)
  })

  it('can be asked for by name', () => {
    const named = describeBrokerConfigs(defaultBrokerSettings, facts, ['num.partitions', 'no.such'])
    expect(named.map((entry) => entry.name)).toEqual(['num.partitions'])
  })
})
