// ElectLeaders: no election is ever needed; what does not exist is told.
import { expect, test } from 'vitest'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { electLeaders } from '../../../../lib/wire/messages/elect-leaders.ts'
import { type World, world } from '../support/world.ts'

async function elect(w: World, version: number, electionType: number) {
  const topicPartitions = [
    { topic: 't', partitions: [0, 2, -1, 0] },
    { topic: 'nowhere', partitions: [0] },
    { topic: 'no name', partitions: [0] },
    { topic: 't', partitions: [] },
  ]
  return w.ask(electLeaders, version, version === 0 ? { topicPartitions } : { topicPartitions, electionType })
}

test.each([
  [0, 0],
  [1, 0],
  [1, 1],
  [2, 0],
  [2, 1],
])('version %i, type %i', async (version, electionType) => {
  const w = world()
  await w.topic('t', 2)
  const { errorCode, replicaElectionResults } = await elect(w, version, electionType)
  expect(errorCode).toBe(0)
  const notNeeded = ErrorCode.ELECTION_NOT_NEEDED
  const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  const seen = replicaElectionResults.map((r) => [r.topic, r.partitionResult.map((p) => [p.partitionId, p.errorCode])])
  expect(seen).toEqual([
    [
      't',
      [
        [0, notNeeded],
        [2, unknown],
        [-1, unknown],
        [0, notNeeded],
      ],
    ],
    ['nowhere', [[0, unknown]]],
    ['no name', [[0, unknown]]],
    ['t', []],
  ])
  expect(w.log.calls.refresh).toBe(1)
})

test('all partitions: every topic, and of each no partition, since none needs an election', async () => {
  const w = world()
  await w.topic('a', 2)
  await w.topic('b')
  const { errorCode, replicaElectionResults } = await w.ask(electLeaders, 2, { topicPartitions: null })
  expect(errorCode).toBe(0)
  expect(replicaElectionResults).toEqual([
    { topic: 'a', partitionResult: [] },
    { topic: 'b', partitionResult: [] },
  ])
})

test.each([2, -1])('election type %i does not exist', async (electionType) => {
  const w = world()
  await w.topic('t', 2)
  const { errorCode, replicaElectionResults } = await elect(w, 2, electionType)
  expect(errorCode).toBe(ErrorCode.INVALID_REQUEST)
  const [first] = replicaElectionResults
  expect(first?.partitionResult.map((p) => p.errorCode)).toEqual([42, 42, 42, 42])
  expect(first?.partitionResult[0]?.errorMessage).toBe(`Unknown election type ${electionType}`)
})

test.each([
  ['unavailable', ErrorCode.NOT_CONTROLLER],
  ['halted', ErrorCode.NOT_CONTROLLER],
] as const)('%s', async (kind, code) => {
  const w = world()
  await w.topic('t', 2)
  w.log.failure = { kind }
  const { errorCode, replicaElectionResults } = await elect(w, 1, 0)
  expect(errorCode).toBe(code)
  expect(replicaElectionResults[0]!.partitionResult[0]!.errorCode).toBe(code)
  expect((await w.ask(electLeaders, 1, { topicPartitions: null })).replicaElectionResults).toEqual([])
})
