// AlterConfigs: all explicit configs are replaced, apart from our reserved entry.
import { expect, test } from 'vitest'
import { REPLICATION_FACTOR_CONFIG } from '../../../../lib/broker/cluster/replication.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { alterConfigs } from '../../../../lib/wire/messages/alter-configs.ts'
import { type World, world } from '../support/world.ts'

async function alter(
  w: World,
  configs: [string, string | null][],
  rest: { type?: number; name?: string; version?: number; validateOnly?: boolean } = {},
) {
  const { type = 2, name = 't', version = 2, validateOnly = false } = rest
  const resources = [
    { resourceType: type, resourceName: name, configs: configs.map(([n, value]) => ({ name: n, value })) },
  ]
  return (await w.ask(alterConfigs, version, { resources, validateOnly })).responses[0]!
}
const explicit = (w: World) => Object.fromEntries(w.log.topicByName('t')!.configs)

test.each([0, 1, 2])('version %i replaces all explicit configs, and keeps the replication factor', async (version) => {
  const w = world()
  await w.topic('t', 1, { 'retention.ms': '7', 'segment.bytes': '2000000', [REPLICATION_FACTOR_CONFIG]: '3' })
  expect(await alter(w, [['retention.ms', '8']], { version })).toMatchObject({ errorCode: 0, resourceName: 't' })
  expect(explicit(w)).toEqual({ 'retention.ms': '8', [REPLICATION_FACTOR_CONFIG]: '3' })
})

test('validateOnly', async () => {
  const w = world()
  await w.topic('t', 1, { 'retention.ms': '7' })
  expect(await alter(w, [['retention.ms', '8']], { validateOnly: true })).toMatchObject({ errorCode: 0 })
  expect(await alter(w, [['retention.ms', 'x']], { validateOnly: true })).toMatchObject({ errorCode: 40 })
  expect(explicit(w)).toEqual({ 'retention.ms': '7' })
})

test.each<[string, [string, string | null][], number]>([
  ['an unknown config', [['retention.mss', '8']], ErrorCode.INVALID_CONFIG],
  ['a bad value', [['retention.ms', '-2']], ErrorCode.INVALID_CONFIG],
  ['null', [['retention.ms', null]], ErrorCode.INVALID_REQUEST],
  ['our own entry', [[REPLICATION_FACTOR_CONFIG, '2']], ErrorCode.INVALID_CONFIG],
  [
    'a name twice',
    [
      ['retention.ms', '8'],
      ['retention.ms', '9'],
    ],
    ErrorCode.INVALID_REQUEST,
  ],
])('refuses %s', async (_name, configs, errorCode) => {
  const w = world()
  await w.topic('t')
  expect(await alter(w, configs)).toMatchObject({ errorCode })
  expect(explicit(w)).toEqual({})
})

test('unknown topics and resources', async () => {
  const w = world()
  expect(await alter(w, [], { name: 'no' })).toMatchObject({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION })
  expect(await alter(w, [], { name: '..' })).toMatchObject({ errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION })
  expect(await alter(w, [], { type: 16 })).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, resourceType: 16 })
})

test('the configs of a gateway are given at its start', async () => {
  const w = world()
  const refused = await alter(w, [['num.partitions', '5']], { type: 4, name: '1' })
  expect(refused.errorCode).toBe(ErrorCode.INVALID_CONFIG)
  expect(refused.errorMessage).toContain('Cannot update these configs dynamically: num.partitions.')
  expect(await alter(w, [['root', 'DEBUG']], { type: 8, name: '1' })).toMatchObject({ errorCode: 40 })
})

test('a resource twice in one request', async () => {
  const w = world()
  await w.topic('t')
  const resource = { resourceType: 2, resourceName: 't', configs: [{ name: 'retention.ms', value: '8' }] }
  const { responses } = await w.ask(alterConfigs, 2, { resources: [resource, resource] })
  expect(responses.map((response) => response.errorCode)).toEqual([42, 42])
  expect(explicit(w)).toEqual({})
})
