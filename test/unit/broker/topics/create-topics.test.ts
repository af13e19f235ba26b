// CreateTopics: what a topic may be, and that what is answered is what the log was told.
import { describe, expect, test } from 'vitest'
import { ZERO_TOPIC_ID } from '../../../../lib/base/ids.ts'
import { DESCRIBED_PER_REQUEST_MAX, PARTITIONS_PER_TOPIC_MAX } from '../../../../lib/base/limits.ts'
import { REPLICATION_FACTOR_CONFIG, replicationFactorOf } from '../../../../lib/broker/cluster/replication.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { createTopics } from '../../../../lib/wire/messages/create-topics.ts'
import type { RequestInput } from '../../../../lib/wire/schema.ts'
import { node, type World, world } from '../support/world.ts'

type Topic = RequestInput<typeof createTopics>['topics'][number]
const wanted = (rest: Partial<Topic> = {}): Topic => ({ name: 't', numPartitions: 2, replicationFactor: 1, ...rest })

async function create(w: World, topic: Topic, version = 7, validateOnly = false) {
  const { topics } = await w.ask(createTopics, version, { topics: [topic], validateOnly })
  return topics[0]!
}

describe('created', () => {
  test.each([2, 3, 4, 5, 6, 7])('version %i', async (version) => {
    const w = world()
    const response = await create(w, wanted({ configs: [{ name: 'retention.ms', value: '5' }] }), version)
    const topic = w.log.topicByName('t')!
    expect(topic.partitions).toBe(2)
    expect(topic.configs.get('retention.ms')).toBe('5')
    expect(response).toMatchObject({
      errorCode: 0,
      errorMessage: null,
      topicId: version >= 7 ? topic.id : ZERO_TOPIC_ID,
    })
    if (version < 5) return
    expect(response).toMatchObject({ numPartitions: 2, replicationFactor: 1 })
    expect(response.configs!.find((config) => config.name === 'retention.ms')).toMatchObject({
      value: '5',
      configSource: 1,
    })
    expect(response.configs!.find((config) => config.name === 'segment.bytes')).toMatchObject({ configSource: 5 })
    expect(response.configs!.some((config) => config.name === REPLICATION_FACTOR_CONFIG)).toBe(false)
  })

  test('-1 is the default of the broker', async () => {
    const w = world({ defaultPartitions: 6, defaultReplicationFactor: 2 })
    const response = await create(w, wanted({ numPartitions: -1, replicationFactor: -1 }))
    expect(response).toMatchObject({ errorCode: 0, numPartitions: 6, replicationFactor: 2 })
    expect(replicationFactorOf(w.log.topicByName('t')!)).toBe(2)
  })

  test('validateOnly creates nothing, and answers the same', async () => {
    const w = world()
    const response = await create(w, wanted(), 7, true)
    expect(response).toMatchObject({ errorCode: 0, numPartitions: 2, topicId: ZERO_TOPIC_ID })
    expect(w.log.topicByName('t')).toBeUndefined()
  })

  test('names that differ only in dots and underscores', async () => {
    const w = world()
    expect(await create(w, wanted({ name: 'a.b' }))).toMatchObject({ errorCode: 0 })
    expect(await create(w, wanted({ name: 'a_b' }))).toMatchObject({ errorCode: 0 })
  })

  test('each topic succeeds or fails by itself', async () => {
    const w = world()
    const topics = [wanted({ name: 'good' }), wanted({ name: 'bad', numPartitions: 0 })]
    const response = await w.ask(createTopics, 7, { topics })
    expect(response.topics.map((topic) => topic.errorCode)).toEqual([0, ErrorCode.INVALID_PARTITIONS])
  })
})

describe('replication factors', () => {
  test.each([1, 2, 3])('%i on one gateway', async (replicationFactor) => {
    const w = world()
    expect(await create(w, wanted({ replicationFactor }))).toMatchObject({ errorCode: 0, replicationFactor })
  })

  test.each([0, -2, 4])('%i is refused', async (replicationFactor) => {
    const w = world()
    expect(await create(w, wanted({ replicationFactor }))).toMatchObject({
      errorCode: ErrorCode.INVALID_REPLICATION_FACTOR,
      numPartitions: -1,
    })
  })

  test('as many as there are gateways', async () => {
    const w = world({}, [1, 2, 3, 4].map(node))
    expect(await create(w, wanted({ replicationFactor: 4 }))).toMatchObject({ errorCode: 0 })
  })
})

describe('refused', () => {
  test.each(['', '.', '..', 'a b', 'a/b', 'ü', 'x'.repeat(250)])('the name %j', async (name) => {
    expect(await create(world(), wanted({ name }))).toMatchObject({ errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION })
  })

  test('not a name of 249', async () => {
    expect(await create(world(), wanted({ name: 'x'.repeat(249) }))).toMatchObject({ errorCode: 0 })
  })

  test.each([0, -2, PARTITIONS_PER_TOPIC_MAX + 1])('%i partitions', async (numPartitions) => {
    expect(await create(world(), wanted({ numPartitions }))).toMatchObject({ errorCode: ErrorCode.INVALID_PARTITIONS })
  })

  test('a name that exists, even where only the journal knows it yet', async () => {
    const w = world()
    await w.topic('t')
    w.log.hidden.add('t')
    expect(await create(w, wanted(), 7, true)).toMatchObject({ errorCode: ErrorCode.TOPIC_ALREADY_EXISTS })
  })

  test('the slower of two creators', async () => {
    const w = world()
    const codes = (await Promise.all([create(w, wanted()), create(w, wanted())])).map((topic) => topic.errorCode)
    expect(codes.toSorted()).toEqual([0, ErrorCode.TOPIC_ALREADY_EXISTS])
  })

  test('a name twice in one request', async () => {
    const w = world()
    const { topics } = await w.ask(createTopics, 7, { topics: [wanted(), wanted()] })
    expect(topics).toMatchObject([{ name: 't', errorCode: ErrorCode.INVALID_REQUEST }])
    expect(w.log.topicByName('t')).toBeUndefined()
  })

  test.each([
    ['retention.mss', '5', 'retention.ms'],
    ['retention.ms', 'five', 'retention.ms'],
    ['retention.ms', null, 'retention.ms'],
    ['cleanup.policy', 'burn', 'cleanup.policy'],
    [REPLICATION_FACTOR_CONFIG, '2', REPLICATION_FACTOR_CONFIG],
  ])('the config %s=%s', async (name, value, mentioned) => {
    const response = await create(world(), wanted({ configs: [{ name, value }] }))
    expect(response.errorCode).toBe(ErrorCode.INVALID_CONFIG)
    expect(response.errorMessage).toContain(mentioned)
  })

  test('the nearest name is told', async () => {
    const response = await create(world(), wanted({ configs: [{ name: 'retention.mss', value: '5' }] }))
    expect(response.errorMessage).toContain('Did you mean retention.ms?')
  })
})

describe('manual assignments', () => {
  const nodes = [1, 2, 3].map(node)
  const assigned = (...brokers: [number, number[]][]): Topic =>
    wanted({
      numPartitions: -1,
      replicationFactor: -1,
      assignments: brokers.map(([partitionIndex, brokerIds]) => ({ partitionIndex, brokerIds })),
    })

  test('give the number of partitions and the replication factor', async () => {
    const w = world({}, nodes)
    const response = await create(w, assigned([1, [2, 3]], [0, [1, 2]]))
    expect(response).toMatchObject({ errorCode: 0, numPartitions: 2, replicationFactor: 2 })
  })

  test.each([
    ['a gap', assigned([0, [1]], [2, [1]])],
    ['not from 0', assigned([1, [1]])],
    ['a partition twice', assigned([0, [1]], [0, [2]])],
    ['no replica', assigned([0, []])],
    ['a broker twice', assigned([0, [1, 1]])],
    ['an unknown broker', assigned([0, [9]])],
    ['different numbers of replicas', assigned([0, [1, 2]], [1, [1]])],
  ])('%s', async (_name, topic) => {
    const errorCode = ErrorCode.INVALID_REPLICA_ASSIGNMENT
    expect(await create(world({}, nodes), topic)).toMatchObject({ errorCode })
  })

  test('together with a number', async () => {
    const topic = { ...assigned([0, [1]]), numPartitions: 1 }
    expect(await create(world({}, nodes), topic)).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST })
  })
})

test.each([
  ['unavailable', ErrorCode.NOT_CONTROLLER],
  ['unknown', ErrorCode.REQUEST_TIMED_OUT],
  ['halted', ErrorCode.NOT_CONTROLLER],
] as const)('%s', async (kind, errorCode) => {
  const w = world()
  w.log.failure = { kind }
  expect(await create(w, wanted())).toMatchObject({ errorCode })
})

test('the limit of topics', async () => {
  const w = world()
  w.log.createTopic = async () => ({ kind: 'limit' })
  expect(await create(w, wanted())).toMatchObject({ errorCode: ErrorCode.POLICY_VIOLATION })
})

test('more topics than one request may make', async () => {
  const w = world()
  const topics = Array.from({ length: DESCRIBED_PER_REQUEST_MAX + 1 }, (_, i) => wanted({ name: `t${i}` }))
  const response = await w.ask(createTopics, 7, { topics })
  expect(new Set(response.topics.map((topic) => topic.errorCode))).toEqual(new Set([ErrorCode.POLICY_VIOLATION]))
  expect([...w.log.topics()]).toEqual([])
})
