// Topic settings against Kafka's own table and verdicts (fixtures/TopicConfigs.java asked it), and what they resolve to.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { settingsTableMarkdown } from '../../../lib/log/settings-markdown.ts'
import {
  applyConfigOp,
  describeTopicConfigs,
  topicSettings,
  validateTopicConfig,
  validateTopicConfigs,
} from '../../../lib/log/topic-settings.ts'
import { TOPIC_CONFIGS } from '../../../lib/log/topic-settings-table.ts'
import kafka from './fixtures/kafka-topic-configs.json' with { type: 'json' }

const unset = { explicit: new Map<string, string>() }
const configs = (values: Record<string, string> = {}): Map<string, string> => new Map(Object.entries(values))

describe('the table', () => {
  it("has every configuration of Kafka's, with its type, default and synonyms", () => {
    const ours = TOPIC_CONFIGS.map(({ name, type, default: byDefault, synonyms }) => ({
      name,
      type,
      default: byDefault,
      synonyms: synonyms.map((synonym) => synonym.name),
    }))
    expect(ours.sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual(kafka.map(({ verdicts: _, ...rest }) => rest))
  })

  it.each(kafka)('accepts and refuses what Kafka does: $name', ({ name, verdicts }) => {
    for (const [value, theirs] of Object.entries(verdicts)) {
      const ours = validateTopicConfig(name, value)
      expect({ value, kind: ours.kind }).toEqual({ value, kind: theirs === null ? 'ok' : 'invalid' })
      // Java prints whole doubles as 2.0, and lists in brackets; elsewhere the words are the same.
      const comparable = theirs !== null && !name.includes('throttled') && !name.includes('ratio')
      if (comparable && ours.kind === 'invalid') expect(ours.message).toBe(theirs)
    }
  })

  it('is what ARCHITECTURE.md shows', () => {
    const file = new URL('../../../ARCHITECTURE.md', import.meta.url)
    expect(readFileSync(file, 'utf8')).toContain(settingsTableMarkdown())
  })
})

describe('an unknown name', () => {
  it('is answered with the one that was probably meant', () => {
    expect(validateTopicConfig('retention.msec', '1')).toMatchObject({ kind: 'unknown', nearest: 'retention.ms' })
    expect(validateTopicConfig('cleanup_policy', 'x')).toMatchObject({ nearest: 'cleanup.policy' })
    expect(validateTopicConfig('constructor', '1')).toMatchObject({
      kind: 'unknown',
      message: 'Unknown topic config name: constructor',
      nearest: undefined,
    })
    expect(validateTopicConfig('x'.repeat(100_000), '1')).toMatchObject({ kind: 'unknown', nearest: undefined })
  })
})

describe('configurations together', () => {
  it('are refused with the first problem', () => {
    expect(validateTopicConfigs(configs({ 'retention.ms': '1', 'segment.bytes': 'x' }))).toMatchObject({
      kind: 'invalid',
    })
    expect(validateTopicConfigs(configs({ 'no.such': '1' }))).toMatchObject({ kind: 'unknown' })
    expect(validateTopicConfigs(new Map([['retention.ms', null]]))).toMatchObject({ kind: 'invalid' })
  })

  it('must leave room between the compaction lags, with values of the broker for what is not set', () => {
    const message = 'conflict topic config setting min.compaction.lag.ms (100) > max.compaction.lag.ms (50)'
    const min = configs({ 'min.compaction.lag.ms': '100' })
    expect(validateTopicConfigs(min)).toEqual({ kind: 'ok' })
    const both = configs({ 'min.compaction.lag.ms': '100', 'max.compaction.lag.ms': '50' })
    expect(validateTopicConfigs(both)).toEqual({ kind: 'invalid', message })
    const broker = { explicit: configs({ 'log.cleaner.max.compaction.lag.ms': '50' }) }
    expect(validateTopicConfigs(min, broker)).toEqual({ kind: 'invalid', message })
  })
})

describe('the settings in force', () => {
  it('default to those of Kafka', () => {
    expect(topicSettings(configs(), unset)).toEqual({
      maxMessageBytes: 1048588,
      compression: 'producer',
      compressionLevel: undefined,
      logAppendTime: false,
      timestampBeforeMaxMs: 2 ** 63,
      timestampAfterMaxMs: 3_600_000,
      compacted: false,
      deletes: true,
      retentionMs: 604_800_000,
      retentionBytes: -1,
      segmentBytes: 2 ** 30,
      segmentMs: 604_800_000,
      deleteRetentionMs: 86_400_000,
      minCompactionLagMs: 0,
      maxCompactionLagMs: 2 ** 63,
      minCleanableDirtyRatio: 0.5,
    })
  })

  it('come from the topic before the broker, and from hours where milliseconds are not set', () => {
    const broker = { explicit: configs({ 'log.retention.hours': '2', 'message.max.bytes': '1000' }) }
    expect(topicSettings(configs(), broker)).toMatchObject({ retentionMs: 7_200_000, maxMessageBytes: 1000 })
    const set = configs({ 'max.message.bytes': ' 5 ', 'message.timestamp.type': 'LogAppendTime', 'other:thing': 'x' })
    expect(topicSettings(set, broker)).toMatchObject({ maxMessageBytes: 5, logAppendTime: true })
    const minutes = { explicit: configs({ 'log.retention.hours': '2', 'log.retention.minutes': '3' }) }
    expect(topicSettings(configs(), minutes).retentionMs).toBe(180_000)
    const forever = { explicit: configs({ 'log.retention.hours': '-1' }) }
    expect(topicSettings(configs(), forever).retentionMs).toBe(-1)
  })

  it('are remembered per topic, but not across brokers', () => {
    const set = configs({ 'cleanup.policy': 'compact,delete' })
    expect(topicSettings(set, unset)).toBe(topicSettings(set, unset))
    expect(topicSettings(set, unset)).toMatchObject({ compacted: true, deletes: true })
    const broker = { explicit: configs({ 'message.max.bytes': '7' }) }
    expect(topicSettings(set, broker).maxMessageBytes).toBe(7)
    expect(topicSettings(set, unset).maxMessageBytes).toBe(1048588)
  })

  it.each([
    ['uncompressed', 'none', undefined],
    ['gzip', 'gzip', 6],
    ['zstd', 'zstd', 11],
    ['snappy', 'snappy', undefined],
    ['lz4', 'lz4', undefined],
  ])('know the codec and its level: %s', (type, compression, compressionLevel) => {
    const levels = { 'compression.gzip.level': '6', 'compression.zstd.level': '11', 'compression.lz4.level': '3' }
    const settings = topicSettings(configs({ 'compression.type': type, ...levels }), unset)
    expect(settings).toMatchObject({ compression, compressionLevel })
  })
})

describe('the description', () => {
  const broker = { explicit: configs({ 'log.retention.minutes': '10' }) }
  it('has every configuration, its type and where its value comes from', () => {
    const all = describeTopicConfigs(configs({ 'segment.ms': '5' }), broker)
    expect(all.map((config) => config.name).sort()).toEqual(kafka.map((config) => config.name))
    const by = new Map(all.map((config) => [config.name, config]))
    expect(by.get('segment.ms')).toMatchObject({
      value: '5',
      configSource: 1,
      configType: 5,
      readOnly: false,
      synonyms: [],
    })
    expect(by.get('retention.ms')).toMatchObject({ value: '600000', configSource: 4, documentation: null })
    expect(by.get('cleanup.policy')).toMatchObject({
      value: 'delete',
      configSource: 5,
      configType: 7,
      isSensitive: false,
    })
    expect(by.get('preallocate')).toMatchObject({ configType: 1 })
    expect(by.get('segment.bytes')).toMatchObject({ configType: 3 })
    expect(by.get('min.cleanable.dirty.ratio')).toMatchObject({ configType: 6 })
    expect(by.get('compression.type')).toMatchObject({ configType: 2 })
  })

  it('can be asked for by name, with synonyms and documentation', () => {
    const options = { includeSynonyms: true, includeDocumentation: true }
    const [entry, ...rest] = describeTopicConfigs(
      configs({ 'retention.ms': '1' }),
      broker,
      ['retention.ms', 'x'],
      options,
    )
    expect(rest).toEqual([])
    expect(entry?.documentation).toMatch(/records are kept/)
    expect(entry?.synonyms).toEqual([
      { name: 'retention.ms', value: '1', source: 1 },
      { name: 'log.retention.minutes', value: '10', source: 4 },
      { name: 'log.retention.hours', value: '168', source: 5 },
    ])
  })
})

describe('an incremental change', () => {
  it.each([
    ['retention.ms', undefined, 'set', '5', '5'],
    ['retention.ms', '5', 'delete', null, undefined],
    ['cleanup.policy', undefined, 'append', 'compact', 'delete,compact'],
    ['cleanup.policy', 'compact', 'append', 'compact,delete', 'compact,delete'],
    ['cleanup.policy', 'compact,delete', 'subtract', 'delete', 'compact'],
    ['cleanup.policy', undefined, 'subtract', 'delete', ''],
    ['leader.replication.throttled.replicas', undefined, 'append', '0:1', '0:1'],
  ] as const)('%s from %s: %s %s', (name, current, op, value, expected) => {
    expect(applyConfigOp(name, current, op, value)).toEqual({ kind: 'ok', value: expected })
  })

  it('is refused where the operation makes no sense', () => {
    const message = "Can't APPEND to key retention.ms because its type is not a list."
    expect(applyConfigOp('retention.ms', '1', 'append', '2')).toEqual({ kind: 'invalid', message })
    expect(applyConfigOp('retention.ms', '1', 'set', null)).toMatchObject({ kind: 'invalid' })
    expect(applyConfigOp('retention.hours', '1', 'set', '2')).toMatchObject({ kind: 'unknown' })
  })
})
