// DescribeQuorum: the live gateways as voters of the one metadata log; any other log is unknown.
import { expect, test } from 'vitest'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { describeCluster } from '../../../../lib/wire/messages/describe-cluster.ts'
import { describeQuorum } from '../../../../lib/wire/messages/describe-quorum.ts'
import { node, world } from '../support/world.ts'

const topic = (topicName: string, ...partitions: readonly number[]) => ({
  topicName,
  partitions: partitions.map((partitionIndex) => ({ partitionIndex })),
})
const metadataLog = [topic('__cluster_metadata', 0)]

test.each([0, 1, 2])('version %i: leader, epoch and voters that are alive now', async (version) => {
  const w = world({}, [node(1)])
  w.members.next = { list: [node(2), node(3)], version: 9 }
  w.log.status = () => ({ ...status, generation: 17 })
  const status = { generation: 0, tailEntries: 0, headAgeMs: 0, topics: 0, partitions: 0, halted: false } as ReturnType<
    typeof w.log.status
  >
  const response = await w.ask(describeQuorum, version, { topics: metadataLog })
  expect(w.log.calls.refresh).toBe(1)
  expect(response.errorCode).toBe(0)
  expect(response.topics).toHaveLength(1)
  expect(response.topics[0]!.topicName).toBe('__cluster_metadata')
  const [partition] = response.topics[0]!.partitions
  expect(partition).toMatchObject({ partitionIndex: 0, errorCode: 0, leaderId: 2, leaderEpoch: 9, highWatermark: 17 })
  expect(partition!.observers).toEqual([])
  const time = version >= 1 ? w.clock.now() : -1
  expect(partition!.currentVoters).toMatchObject([
    { replicaId: 2, logEndOffset: 17, lastFetchTimestamp: time, lastCaughtUpTimestamp: time },
    { replicaId: 3, logEndOffset: 17, lastFetchTimestamp: time, lastCaughtUpTimestamp: time },
  ])
  expect(response.nodes).toEqual(
    version < 2
      ? []
      : [
          { nodeId: 2, listeners: [{ name: 'PLAINTEXT', host: 'gateway-2', port: 9094 }] },
          { nodeId: 3, listeners: [{ name: 'PLAINTEXT', host: 'gateway-3', port: 9095 }] },
        ],
  )
  expect((await w.ask(describeCluster, 1, {})).controllerId).toBe(partition!.leaderId)
})

test.each([
  ['another topic', [topic('t', 0)]],
  ['another partition', [topic('__cluster_metadata', 1)]],
  ['two partitions', [topic('__cluster_metadata', 0, 1)]],
  ['two topics', [topic('__cluster_metadata', 0), topic('t', 0)]],
])('%s: nothing of it is known', async (_name, topics) => {
  const w = world()
  await w.topic('t')
  const response = await w.ask(describeQuorum, 2, { topics })
  expect(response.errorCode).toBe(0)
  expect(response.topics.map(({ topicName }) => topicName)).toEqual(topics.map(({ topicName }) => topicName))
  for (const { partitions } of response.topics) {
    for (const { errorCode } of partitions) expect(errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  }
})

test('no topics, and no partitions', async () => {
  const w = world()
  expect(await w.ask(describeQuorum, 2, { topics: [] })).toMatchObject({ errorCode: 0, topics: [] })
  const { topics } = await w.ask(describeQuorum, 2, { topics: [topic('__cluster_metadata')] })
  expect(topics).toEqual([{ topicName: '__cluster_metadata', partitions: [] }])
})

test('the stores do not answer', async () => {
  const w = world()
  w.log.failure = { kind: 'unavailable' }
  const response = await w.ask(describeQuorum, 2, { topics: metadataLog })
  expect(response).toMatchObject({ errorCode: ErrorCode.REQUEST_TIMED_OUT, topics: [] })
})
