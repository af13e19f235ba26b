// DescribeConfigs: every config of topics and gateways, and never our reserved entry.
import { describe, expect, test } from 'vitest'
import { DESCRIBED_PER_REQUEST_MAX } from '../../../../lib/base/limits.ts'
import { REPLICATION_FACTOR_CONFIG } from '../../../../lib/broker/cluster/replication.ts'
import { TOPIC_CONFIGS } from '../../../../lib/log/topic-settings-table.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { describeConfigs } from '../../../../lib/wire/messages/describe-configs.ts'
import { type World, world } from '../support/world.ts'

const TOPIC = 2
const BROKER = 4
const LOGGER = 8

async function ask(
  w: World,
  resourceType: number,
  resourceName: string,
  configurationKeys: string[] | null = null,
  rest: { version?: number; includeSynonyms?: boolean; includeDocumentation?: boolean } = {},
) {
  const { version = 4, ...options } = rest
  const resources = [{ resourceType, resourceName, configurationKeys }]
  const { results } = await w.ask(describeConfigs, version, { resources, ...options })
  return results[0]!
}

describe('topics', () => {
  test.each([1, 2, 3, 4])('version %i: every config, with value and source, and none of ours', async (version) => {
    const w = world()
    await w.topic('t', 1, { 'retention.ms': '7', [REPLICATION_FACTOR_CONFIG]: '3' })
    const { errorCode, configs } = await ask(w, TOPIC, 't', null, { version })
    expect(errorCode).toBe(0)
    expect(configs.map((config) => config.name)).toEqual(TOPIC_CONFIGS.map((config) => config.name))
    const byName = new Map(configs.map((config) => [config.name, config]))
    expect(byName.get('retention.ms')).toMatchObject({ value: '7', configSource: 1, readOnly: false })
    expect(byName.get('max.message.bytes')).toMatchObject({ value: '1048588', configSource: 5, isSensitive: false })
  })

  test('by name', async () => {
    const w = world()
    await w.topic('t')
    const { configs } = await ask(w, TOPIC, 't', ['segment.bytes', 'nonsense'])
    expect(configs.map((config) => config.name)).toEqual(['segment.bytes'])
    expect((await ask(w, TOPIC, 't', [])).configs).toEqual([])
  })

  test('synonyms and documentation when asked for', async () => {
    const w = world()
    await w.topic('t', 1, { 'segment.bytes': '2000000' })
    const plain = (await ask(w, TOPIC, 't', ['segment.bytes'])).configs[0]!
    expect([plain.synonyms, plain.documentation]).toEqual([[], null])
    const full = await ask(w, TOPIC, 't', ['segment.bytes'], { includeSynonyms: true, includeDocumentation: true })
    expect(full.configs[0]!.synonyms.map((synonym) => synonym.name)).toEqual(['segment.bytes', 'log.segment.bytes'])
    expect(full.configs[0]!.documentation).not.toBeNull()
  })

  test('unknown ones, ones with illegal names, and without a store', async () => {
    const w = world()
    expect(await ask(w, TOPIC, 'no')).toMatchObject({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, configs: [] })
    expect(w.log.calls.refresh).toBe(1)
    expect(await ask(w, TOPIC, 'a b')).toMatchObject({ errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION })
    w.log.failure = { kind: 'unknown' }
    expect(await ask(w, TOPIC, 'no')).toMatchObject({ errorCode: ErrorCode.REQUEST_TIMED_OUT })
  })
})

describe('gateways', () => {
  test('any live one, read-only, with its own node id', async () => {
    const w = world()
    const { errorCode, configs } = await ask(w, BROKER, '1')
    expect(errorCode).toBe(0)
    expect(configs.length).toBeGreaterThan(20)
    expect(configs.every((config) => config.readOnly)).toBe(true)
    expect(configs.find((config) => config.name === 'node.id')).toMatchObject({ value: '1' })
    expect(configs.find((config) => config.name === 'auto.create.topics.enable')).toMatchObject({ value: 'true' })
  })

  test('the empty name stands for dynamic defaults, of which there are none', async () => {
    expect(await ask(world(), BROKER, '')).toMatchObject({ errorCode: 0, configs: [] })
  })

  test.each(['7', 'x', '01'])('%j is no live node', async (name) => {
    const w = world()
    expect(await ask(w, BROKER, name)).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST })
    expect(w.members.refreshes).toBe(1)
  })

  test('their loggers', async () => {
    const { configs } = await ask(world(), LOGGER, '1')
    expect(configs).toMatchObject([{ name: 'root', value: 'INFO', configSource: 6 }])
    expect((await ask(world(), LOGGER, '1', ['other'])).configs).toEqual([])
    expect(await ask(world(), LOGGER, '9')).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST })
  })
})

test.each([0, 3, 16, 32])('resource type %i has no configs', async (type) => {
  expect(await ask(world(), type, 'x')).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, resourceType: type })
})

test('more resources than one request may ask about', async () => {
  const resource = { resourceType: BROKER, resourceName: '1', configurationKeys: null }
  const resources = Array.from({ length: DESCRIBED_PER_REQUEST_MAX + 1 }, () => resource)
  const { results } = await world().ask(describeConfigs, 4, { resources })
  expect(results.every((result) => result.errorCode === ErrorCode.INVALID_REQUEST)).toBe(true)
  expect(results.every((result) => result.configs.length === 0)).toBe(true)
})
