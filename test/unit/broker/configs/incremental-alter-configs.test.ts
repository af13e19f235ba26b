// IncrementalAlterConfigs: each operation, all of a resource or none, on the topic as it is when the change is made.
import { describe, expect, test } from 'vitest'
import { REPLICATION_FACTOR_CONFIG } from '../../../../lib/broker/cluster/replication.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { incrementalAlterConfigs } from '../../../../lib/wire/messages/incremental-alter-configs.ts'
import { type World, world } from '../support/world.ts'

const SET = 0
const DELETE = 1
const APPEND = 2
const SUBTRACT = 3
type Operation = [name: string, operation: number, value: string | null]

async function alter(
  w: World,
  operations: Operation[],
  rest: { type?: number; version?: number; validateOnly?: boolean } = {},
) {
  const { type = 2, version = 1, validateOnly = false } = rest
  const configs = operations.map(([name, configOperation, value]) => ({ name, configOperation, value }))
  const resources = [{ resourceType: type, resourceName: 't', configs }]
  return (await w.ask(incrementalAlterConfigs, version, { resources, validateOnly })).responses[0]!
}
const explicit = (w: World) => Object.fromEntries(w.log.topicByName('t')!.configs)

test.each([0, 1])('version %i sets and deletes, and leaves the rest alone', async (version) => {
  const w = world()
  await w.topic('t', 1, { 'retention.ms': '7', 'segment.bytes': '2000000', [REPLICATION_FACTOR_CONFIG]: '2' })
  const operations: Operation[] = [
    ['retention.ms', DELETE, null],
    ['max.message.bytes', SET, '500'],
  ]
  expect(await alter(w, operations, { version })).toMatchObject({ errorCode: 0, resourceName: 't', resourceType: 2 })
  const expected = { 'segment.bytes': '2000000', 'max.message.bytes': '500', [REPLICATION_FACTOR_CONFIG]: '2' }
  expect(explicit(w)).toEqual(expected)
})

test('appends to and subtracts from lists, from the default on', async () => {
  const w = world()
  await w.topic('t')
  expect(await alter(w, [['cleanup.policy', APPEND, 'compact']])).toMatchObject({ errorCode: 0 })
  expect(explicit(w)).toEqual({ 'cleanup.policy': 'delete,compact' })
  expect(await alter(w, [['cleanup.policy', SUBTRACT, 'delete']])).toMatchObject({ errorCode: 0 })
  expect(explicit(w)).toEqual({ 'cleanup.policy': 'compact' })
})

test('validateOnly', async () => {
  const w = world()
  await w.topic('t')
  expect(await alter(w, [['retention.ms', SET, '8']], { validateOnly: true })).toMatchObject({ errorCode: 0 })
  expect(await alter(w, [['retention.ms', SET, 'x']], { validateOnly: true })).toMatchObject({ errorCode: 40 })
  expect(explicit(w)).toEqual({})
})

describe('refuses, all or nothing:', () => {
  test.each<[string, Operation[], number]>([
    ['an unknown config', [['retention.mss', SET, '8']], ErrorCode.INVALID_CONFIG],
    ['an unknown config to delete', [['retention.mss', DELETE, null]], ErrorCode.INVALID_CONFIG],
    ['a bad value', [['retention.ms', SET, 'x']], ErrorCode.INVALID_CONFIG],
    ['a null', [['retention.ms', SET, null]], ErrorCode.INVALID_REQUEST],
    ['an unknown operation', [['retention.ms', 4, '8']], ErrorCode.INVALID_REQUEST],
    ['an append to a number', [['retention.ms', APPEND, '8']], ErrorCode.INVALID_CONFIG],
    ['deleting our own entry', [[REPLICATION_FACTOR_CONFIG, DELETE, null]], ErrorCode.INVALID_CONFIG],
    [
      'a name twice',
      [
        ['retention.ms', SET, '8'],
        ['retention.ms', DELETE, null],
      ],
      ErrorCode.INVALID_REQUEST,
    ],
  ])('%s', async (_name, operations, errorCode) => {
    const w = world()
    await w.topic('t')
    expect(await alter(w, [['segment.bytes', SET, '2000000'], ...operations])).toMatchObject({ errorCode })
    expect(explicit(w)).toEqual({})
  })
})

test('the nearest name is told', async () => {
  const w = world()
  await w.topic('t')
  expect((await alter(w, [['retention.mss', SET, '8']])).errorMessage).toContain('Did you mean retention.ms?')
})

test('a change that comes first is kept', async () => {
  const w = world()
  await w.topic('t')
  w.log.beforeChange = async () => {
    w.log.beforeChange = undefined
    await w.log.configureTopic(w.log.topicByName('t')!, new Map([['cleanup.policy', 'compact']]))
  }
  const operations: Operation[] = [
    ['retention.ms', SET, '8'],
    ['cleanup.policy', APPEND, 'delete'],
  ]
  expect(await alter(w, operations)).toMatchObject({ errorCode: 0 })
  expect(explicit(w)).toMatchObject({ 'cleanup.policy': 'compact,delete', 'retention.ms': '8' })
})

test('the configs of a gateway are given at its start', async () => {
  expect(await alter(world(), [['num.partitions', SET, '5']], { type: 4 })).toMatchObject({
    errorCode: ErrorCode.INVALID_CONFIG,
  })
})

describe('configs of a gateway that change nothing are taken', () => {
  const rate = 'leader.replication.throttled.rate'
  test.each<[string, Operation[], number]>([
    ['a bound on replication', [[rate, SET, '1000000']], 0],
    ['its removal', [[rate, DELETE, null]], 0],
    ['the removal of what was never set', [['num.partitions', DELETE, null]], 0],
    ['nothing', [], 0],
    ['a bound that is none', [[rate, SET, 'much']], ErrorCode.INVALID_CONFIG],
    ['a bound of less than nothing', [[rate, SET, '-1']], ErrorCode.INVALID_CONFIG],
    ['a bound without a value', [[rate, SET, null]], ErrorCode.INVALID_CONFIG],
    ['an addition to a bound', [[rate, APPEND, '5']], ErrorCode.INVALID_CONFIG],
  ])('%s', async (_name, operations, errorCode) => {
    expect(await alter(world(), operations, { type: 4 })).toMatchObject({ errorCode })
  })

  test('unless others are among them, which alone are named', async () => {
    const operations: Operation[] = [
      [rate, SET, '5'],
      ['num.partitions', SET, '5'],
    ]
    const { errorCode, errorMessage } = await alter(world(), operations, { type: 4 })
    expect(errorCode).toBe(ErrorCode.INVALID_CONFIG)
    expect(errorMessage).toMatch(/^Cannot update these configs dynamically: num\.partitions\./)
  })
})

test.each([
  ['unavailable', ErrorCode.NOT_CONTROLLER],
  ['unknown', ErrorCode.REQUEST_TIMED_OUT],
] as const)('%s', async (kind, errorCode) => {
  const w = world()
  await w.topic('t')
  w.log.nextChanges.push(kind)
  expect(await alter(w, [['retention.ms', SET, '8']])).toMatchObject({ errorCode })
})
