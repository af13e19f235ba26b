// AlterPartitionReassignments and ListPartitionReassignments: what is accepted is what Metadata says from then on, as far as
// it is alive; nothing is ever under way.
import { describe, expect, test } from 'vitest'
import { CHOSEN_REPLICAS_LENGTH_MAX } from '../../../../lib/base/limits.ts'
import { REPLICATION_FACTOR_CONFIG } from '../../../../lib/broker/cluster/replication.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { alterPartitionReassignments } from '../../../../lib/wire/messages/alter-partition-reassignments.ts'
import { describeConfigs } from '../../../../lib/wire/messages/describe-configs.ts'
import { incrementalAlterConfigs } from '../../../../lib/wire/messages/incremental-alter-configs.ts'
import { listPartitionReassignments } from '../../../../lib/wire/messages/list-partition-reassignments.ts'
import { metadata } from '../../../../lib/wire/messages/metadata.ts'
import { connect, node, type World, world } from '../support/world.ts'

const nodes = [node(1), node(2), node(3)]
type Wanted = readonly (readonly [number, readonly number[] | null])[]
const topicOf = (name: string, wanted: Wanted) => ({
  name,
  partitions: wanted.map(([partitionIndex, replicas]) => ({ partitionIndex, replicas })),
})

async function reassign(w: World, wanted: Wanted, name = 't') {
  const response = await w.ask(alterPartitionReassignments, 1, { topics: [topicOf(name, wanted)] })
  return response.responses[0]!.partitions.map((p) => [p.partitionIndex, p.errorCode])
}

async function replicas(w: World, name = 't'): Promise<readonly (readonly number[])[]> {
  const { topics } = await w.ask(metadata, 4, { topics: [{ name }] })
  return topics[0]!.partitions.map((partition) => {
    expect(partition.isrNodes).toEqual(partition.replicaNodes)
    expect(partition.leaderId).toBe(partition.replicaNodes[0])
    return partition.replicaNodes
  })
}

test.each([0, 1])('version %i: what is accepted is what Metadata says', async (version) => {
  const w = world({}, nodes)
  await w.topic('t', 3, { [REPLICATION_FACTOR_CONFIG]: '2' })
  const before = await replicas(w)
  const topics = [
    topicOf('t', [
      [0, [3, 1]],
      [2, [2, 3, 1]],
    ]),
  ]
  const response = await w.ask(alterPartitionReassignments, version, { topics })
  expect(response).toMatchObject({ errorCode: 0, errorMessage: null, responses: [{ name: 't' }] })
  expect(response.responses[0]!.partitions).toEqual([
    { partitionIndex: 0, errorCode: 0, errorMessage: null },
    { partitionIndex: 2, errorCode: 0, errorMessage: null },
  ])
  expect(await replicas(w)).toEqual([[3, 1], before[1], [2, 3, 1]])
})

test('later choices are added to earlier ones, and the last word counts', async () => {
  const w = world({}, nodes)
  await w.topic('t', 2)
  expect(await reassign(w, [[0, [1]]])).toEqual([[0, 0]])
  const topics = [topicOf('t', [[1, [2]]]), topicOf('t', [[1, [3, 2]]])]
  const { responses } = await w.ask(alterPartitionReassignments, 1, { topics })
  expect(responses.map((r) => r.partitions[0]!.errorCode)).toEqual([0, 0])
  expect(await replicas(w)).toEqual([[1], [3, 2]])
  const { version } = w.log.topicByName('t')!
  expect(await reassign(w, [[0, [1]]])).toEqual([[0, 0]])
  expect(w.log.topicByName('t')!.version).toBe(version)
})

test('gateways that are gone are passed over until they are back; without any, hashing decides', async () => {
  const w = world({}, nodes)
  await w.topic('t', 1)
  const before = await replicas(w)
  await reassign(w, [[0, [2, 3]]])
  w.members.next = { list: [node(1), node(3)] }
  expect(await replicas(w)).toEqual([[3]])
  w.members.next = { list: [node(1), node(4), node(5)] }
  const [hashed] = await replicas(w)
  expect([[1], [4], [5]]).toContainEqual(hashed)
  w.members.next = { list: nodes }
  expect(await replicas(w)).toEqual([[2, 3]])
  expect(before).not.toEqual([[2, 3]])
})

test('it is no config of the topic, and outlives changes of configs', async () => {
  const w = world({}, nodes)
  await w.topic('t', 1)
  await reassign(w, [[0, [2, 3]]])
  const configs = [{ name: 'retention.ms', configOperation: 0, value: '1000' }]
  const resources = [{ resourceType: 2, resourceName: 't', configs }]
  expect((await w.ask(incrementalAlterConfigs, 1, { resources })).responses[0]!.errorCode).toBe(0)
  expect(await replicas(w)).toEqual([[2, 3]])
  const asked = [{ resourceType: 2, resourceName: 't', configurationKeys: null }]
  const described = (await w.ask(describeConfigs, 4, { resources: asked })).results[0]!
  expect(described.configs.find(({ name }) => name === 'retention.ms')?.value).toBe('1000')
  for (const { name } of described.configs) expect(name).not.toContain(':')
})

describe('refused', () => {
  test('partition by partition; what is good is done', async () => {
    const w = world({}, nodes)
    await w.topic('t', 5)
    const wanted: Wanted = [
      [0, [7]],
      [1, [1, 1]],
      [2, []],
      [3, null],
      [4, [2]],
      [5, [1]],
      [-1, [1]],
      [0, [-1]],
    ]
    const invalid = ErrorCode.INVALID_REPLICA_ASSIGNMENT
    const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    expect(await reassign(w, wanted)).toEqual([
      [0, invalid],
      [1, invalid],
      [2, invalid],
      [3, ErrorCode.NO_REASSIGNMENT_IN_PROGRESS],
      [4, 0],
      [5, unknown],
      [-1, unknown],
      [0, invalid],
    ])
    expect((await replicas(w))[4]).toEqual([2])
  })

  test('an unknown topic, and a cancellation there', async () => {
    const w = world({}, nodes)
    const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    const wanted: Wanted = [
      [0, [1]],
      [1, null],
    ]
    expect(await reassign(w, wanted, 'nowhere')).toEqual([
      [0, unknown],
      [1, unknown],
    ])
    expect(w.log.calls.refresh).toBe(1)
  })

  test('another number of replicas, where that is not allowed', async () => {
    const w = world({}, nodes)
    await w.topic('t', 2)
    const wanted: Wanted = [
      [0, [1, 2]],
      [1, [3]],
    ]
    const topics = [topicOf('t', wanted)]
    const response = await w.ask(alterPartitionReassignments, 1, { topics, allowReplicationFactorChange: false })
    expect(response.allowReplicationFactorChange).toBe(false)
    const codes = response.responses[0]!.partitions.map((p) => p.errorCode)
    expect(codes).toEqual([ErrorCode.INVALID_REPLICATION_FACTOR, 0])
  })

  test('choices that grow without bound', async () => {
    const w = world({}, nodes)
    await w.topic('t', 20_000)
    const wanted: Wanted = Array.from({ length: 20_000 }, (_, i) => [i, [1, 2, 3]])
    const codes = new Set((await reassign(w, wanted)).map(([, code]) => code))
    expect(codes).toEqual(new Set([ErrorCode.POLICY_VIOLATION]))
    expect(await reassign(w, wanted.slice(0, CHOSEN_REPLICAS_LENGTH_MAX / 16))).toContainEqual([0, 0])
  })
})

test('nothing at all', async () => {
  const w = world({}, nodes)
  await w.topic('t')
  expect(await w.ask(alterPartitionReassignments, 0, { topics: [] })).toMatchObject({ errorCode: 0, responses: [] })
  expect(await reassign(w, [])).toEqual([])
  expect(w.log.topicByName('t')!.version).toBe(0)
})

test('nodes that are alive only now, and another change that comes first', async () => {
  const w = world({}, [node(1)])
  await w.topic('t', 2)
  w.members.next = { list: nodes }
  w.log.beforeChange = async () => {
    w.log.beforeChange = undefined
    await reassign(w, [[0, [3]]])
  }
  expect(await reassign(w, [[1, [2]]])).toEqual([[1, 0]])
  expect(await replicas(w)).toEqual([[3], [2]])
})

test.each([
  ['unavailable', ErrorCode.NOT_CONTROLLER],
  ['unknown', ErrorCode.REQUEST_TIMED_OUT],
] as const)('%s', async (kind, errorCode) => {
  const w = world({}, nodes)
  await w.topic('t', 2)
  w.log.nextChanges.push(kind)
  const wanted: Wanted = [
    [0, [1]],
    [1, null],
  ]
  expect(await reassign(w, wanted)).toEqual([
    [0, errorCode],
    [1, ErrorCode.NO_REASSIGNMENT_IN_PROGRESS],
  ])
  w.log.failure = { kind }
  const response = await w.ask(alterPartitionReassignments, 1, { topics: [topicOf('t', wanted)] })
  expect(response).toMatchObject({ errorCode, responses: [{ partitions: [{ errorCode }, { errorCode }] }] })
})

test('who sees all gateways as one has nothing to choose', async () => {
  const w = world({}, [node(1)])
  await w.topic('t', 1)
  const exchange = { name: undefined, waitedMs: 0, responseBytesMax: 1_000_000 }
  const request = { topics: [topicOf('t', [[0, [1]]])] }
  const started = w.start(alterPartitionReassignments, 1, request, { ...connect(), exchange })
  expect((await started.response).responses[0]!.partitions[0]!.errorCode).toBe(0)
  expect(w.log.topicByName('t')!.version).toBe(0)
  expect(await reassign(w, [[0, [1]]])).toEqual([[0, 0]])
  expect(w.log.topicByName('t')!.version).toBe(1)
})

test('no reassignment is ever under way', async () => {
  const w = world({}, nodes)
  await w.topic('t', 2)
  await reassign(w, [[0, [2]]])
  const some = [{ name: 't', partitionIndexes: [0, 99, -1] }]
  for (const topics of [null, some, [{ name: 'nowhere', partitionIndexes: [0] }], []]) {
    const response = await w.ask(listPartitionReassignments, 0, { topics })
    expect(response).toMatchObject({ errorCode: 0, errorMessage: null, topics: [] })
  }
})
