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
      offsetsRetentionMinutes: 10_080,
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
    const outcome = brokerSettings(new Map([['num.partitions', '12']]))
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
    expect(all.get('node.id')).toMatchObject({ value: '7', configSource: 4 })
    expect(all.get('advertised.listeners')).toMatchObject({ value: 'PLAINTEXT://127.0.0.1:9092', configSource: 4 })
    for (const entry of all.values()) expect(entry.documentation).toMatch(/\.$/)
  })

  it('can be asked for by name', () => {
    const named = describeBrokerConfigs(defaultBrokerSettings, facts, ['num.partitions', 'no.such'])
    expect(named.map((entry) => entry.name)).toEqual(['num.partitions'])
  })
})
