// Metadata: which topics are told of, which are made on the way, and which gateways lead them.
import { describe, expect, test } from 'vitest'
import { ZERO_TOPIC_ID } from '../../../../lib/base/ids.ts'
import { REPLICATION_FACTOR_CONFIG } from '../../../../lib/broker/cluster/replication.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { metadata } from '../../../../lib/wire/messages/metadata.ts'
import { node, world } from '../support/world.ts'

const OMITTED = -2147483648
const named = (...names: string[]) => names.map((name) => ({ name, topicId: ZERO_TOPIC_ID }))

describe('which topics', () => {
  test('all: null from version 1 on, empty in version 0', async () => {
    const w = world()
    await w.topic('a')
    await w.topic('b')
    for (const version of [1, 4, 9, 12, 13]) {
      const all = await w.ask(metadata, version, { topics: null })
      expect(all.topics.map((topic) => topic.name)).toEqual(['a', 'b'])
      const none = await w.ask(metadata, version, { topics: [] })
      expect(none.topics).toEqual([])
    }
    expect((await w.ask(metadata, 0, { topics: [] })).topics.map((topic) => topic.name)).toEqual(['a', 'b'])
  })

  test('by name, each once, with topic id and partitions', async () => {
    const w = world()
    const topic = await w.topic('a', 3)
    const { topics, brokers, clusterId, controllerId } = await w.ask(metadata, 12, { topics: named('a', 'a') })
    expect(topics).toHaveLength(1)
    expect(topics[0]).toMatchObject({ errorCode: 0, name: 'a', topicId: topic.id, isInternal: false })
    expect(topics[0]!.partitions.map((p) => [p.partitionIndex, p.leaderId, p.leaderEpoch])).toEqual([
      [0, 1, 7],
      [1, 1, 7],
      [2, 1, 7],
    ])
    expect(brokers).toEqual([{ nodeId: 1, host: 'gateway-1', port: 9093, rack: null }])
    expect([clusterId, controllerId]).toEqual(['test-cluster', 1])
  })

  test('by id, known and unknown', async () => {
    const w = world()
    const topic = await w.topic('a')
    const unknown = 'f'.repeat(32) as typeof topic.id
    const asked = [
      { name: null, topicId: topic.id },
      { name: null, topicId: unknown },
    ]
    const { topics } = await w.ask(metadata, 12, { topics: asked })
    expect(topics[0]).toMatchObject({ errorCode: 0, name: 'a', topicId: topic.id })
    expect(topics[1]).toMatchObject({ errorCode: ErrorCode.UNKNOWN_TOPIC_ID, name: null, topicId: unknown })
  })

  test('by id before version 12 is refused', async () => {
    const w = world()
    const topic = await w.topic('a')
    const { topics } = await w.ask(metadata, 10, { topics: [{ name: null, topicId: topic.id }] })
    expect(topics[0]).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, name: '' })
  })

  test('an answer is a fact about now', async () => {
    const w = world()
    await w.topic('a')
    w.log.hidden.add('a')
    const { topics } = await w.ask(metadata, 12, { topics: named('a'), allowAutoTopicCreation: false })
    expect(topics[0]).toMatchObject({ errorCode: 0 })
    expect(w.log.calls.refresh).toBe(1)
    expect(w.members.refreshes).toBe(1)
  })

  test('brokers alone need no head read', async () => {
    const w = world()
    w.log.failure = { kind: 'unavailable' }
    expect((await w.ask(metadata, 12, { topics: [] })).brokers).toHaveLength(1)
    expect(w.log.calls.refresh).toBe(0)
  })
})

describe('topics that do not exist', () => {
  test('are created where settings and request allow it', async () => {
    const w = world({ autoCreateTopics: true, defaultPartitions: 3 })
    const { topics } = await w.ask(metadata, 4, { topics: named('new'), allowAutoTopicCreation: true })
    expect(topics[0]).toMatchObject({ errorCode: 0, name: 'new' })
    expect(topics[0]!.partitions).toHaveLength(3)
    expect(w.log.topicByName('new')?.partitions).toBe(3)
  })

  test('are created for clients that are too old to say', async () => {
    const w = world({ autoCreateTopics: true })
    expect((await w.ask(metadata, 3, { topics: named('new') })).topics[0]).toMatchObject({ errorCode: 0 })
  })

  test.each([
    [true, false],
    [false, true],
  ])('are not where one forbids it (settings %s, request %s)', async (autoCreateTopics, allowAutoTopicCreation) => {
    const w = world({ autoCreateTopics })
    const { topics } = await w.ask(metadata, 12, { topics: named('new'), allowAutoTopicCreation })
    expect(topics[0]).toMatchObject({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name: 'new' })
    expect(w.log.topicByName('new')).toBeUndefined()
  })

  test.each(['', '.', '..', 'a b', 'ü', 'x/y', 'x'.repeat(250)])('are not created with the name %j', async (name) => {
    const w = world({ autoCreateTopics: true })
    const { topics } = await w.ask(metadata, 12, { topics: named(name), allowAutoTopicCreation: true })
    expect(topics[0]).toMatchObject({ errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, name })
  })

  test('two requests that create one name both get the topic', async () => {
    const w = world({ autoCreateTopics: true })
    const ask = () => w.ask(metadata, 12, { topics: named('new'), allowAutoTopicCreation: true })
    const [a, b] = await Promise.all([ask(), ask()])
    expect(a.topics[0]!.errorCode).toBe(0)
    expect(b.topics[0]!.topicId).toBe(a.topics[0]!.topicId)
  })
})

describe('leaders', () => {
  const three = [node(1), node(4), node(9)]

  test('replicas and ISR are as many live nodes as the replication factor asks for', async () => {
    for (const [nodes, factor, size] of [
      [[node(1)], 3, 1],
      [three, 1, 1],
      [three, 2, 2],
      [three, 3, 3],
    ] as const) {
      const w = world({}, nodes)
      await w.topic('a', 8, { [REPLICATION_FACTOR_CONFIG]: String(factor) })
      const { topics } = await w.ask(metadata, 12, { topics: named('a') })
      for (const partition of topics[0]!.partitions) {
        expect(partition.replicaNodes).toHaveLength(size)
        expect(new Set(partition.replicaNodes).size).toBe(size)
        expect(partition.isrNodes).toEqual(partition.replicaNodes)
        expect(partition.leaderId).toBe(partition.replicaNodes[0])
        expect(nodes.map((n) => n.nodeId)).toEqual(expect.arrayContaining([...partition.replicaNodes]))
        expect(partition.offlineReplicas).toEqual([])
      }
    }
  })

  test('are spread, the same everywhere, and move only with the node that goes', async () => {
    const w = world({}, three)
    await w.topic('a', 300)
    const leaders = async () => {
      const { topics } = await w.ask(metadata, 12, { topics: named('a') })
      return topics[0]!.partitions.map((p) => p.leaderId)
    }
    const before = await leaders()
    for (const { nodeId } of three) expect(before.filter((id) => id === nodeId).length).toBeGreaterThan(60)
    expect(await leaders()).toEqual(before)
    w.members.next = { list: [node(1), node(9)], version: 8 }
    const after = await leaders()
    before.forEach((id, partition) => {
      if (id !== 4) expect(after[partition]).toBe(id)
      else expect(after[partition]).not.toBe(4)
    })
  })

  test('the epoch is the version of the membership document as it is now', async () => {
    const w = world()
    await w.topic('a')
    w.members.next = { version: 12 }
    const { topics } = await w.ask(metadata, 12, { topics: named('a') })
    expect(topics[0]!.partitions[0]!.leaderEpoch).toBe(12)
  })

  test('the controller is a listed broker', async () => {
    const w = world({}, three)
    for (let i = 0; i < 20; i++) {
      const { controllerId } = await w.ask(metadata, 12, { topics: [] })
      expect([1, 4, 9]).toContain(controllerId)
    }
  })
})

test('authorized operations only when asked for', async () => {
  const w = world()
  await w.topic('a')
  const plain = await w.ask(metadata, 8, { topics: named('a') })
  expect(plain.clusterAuthorizedOperations).toBe(OMITTED)
  expect(plain.topics[0]!.topicAuthorizedOperations).toBe(OMITTED)
  const asked = await w.ask(metadata, 8, {
    topics: named('a'),
    includeClusterAuthorizedOperations: true,
    includeTopicAuthorizedOperations: true,
  })
  const bits = (...numbers: number[]) => numbers.reduce((sum, n) => sum + 2 ** n, 0)
  expect(asked.topics[0]!.topicAuthorizedOperations).toBe(bits(3, 4, 5, 6, 7, 8, 10, 11))
  expect(asked.clusterAuthorizedOperations).toBe(bits(5, 7, 8, 9, 10, 11, 12))
})

describe('while the store does not answer', () => {
  test('named topics are LEADER_NOT_AVAILABLE, and the brokers are still told', async () => {
    const w = world({ autoCreateTopics: true })
    await w.topic('a')
    w.log.failure = { kind: 'unavailable' }
    const { topics, brokers } = await w.ask(metadata, 12, { topics: named('a', 'b') })
    expect(topics.map((topic) => topic.errorCode)).toEqual([5, 5])
    expect(brokers).toHaveLength(1)
  })

  test('a list of all topics cannot be given: the connection is closed', async () => {
    const w = world()
    w.log.failure = { kind: 'halted' }
    expect(await w.start(metadata, 12, { topics: null }).raw).toMatchObject({ kind: 'close' })
  })
})
