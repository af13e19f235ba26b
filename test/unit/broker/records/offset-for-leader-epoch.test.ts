// OffsetForLeaderEpoch: the log is never truncated, so every epoch ends at its end.
import { expect, test } from 'vitest'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { offsetForLeaderEpoch } from '../../../../lib/wire/messages/offset-for-leader-epoch.ts'
import { batch, type World, world } from '../support/world.ts'

async function filled(): Promise<World> {
  const w = world()
  const topic = await w.topic('t')
  const rest = { recordCount: 3, maxTimestamp: 1, producerId: -1, producerEpoch: -1, baseSequence: -1 }
  await w.log.append('x', [{ topic, partition: 0, bytes: batch(['a', 'b', 'c'], 1), ...rest }]).outcomes
  return w
}

async function ask(w: World, version: number, leaderEpoch: number, currentLeaderEpoch = -1, topic = 't') {
  const topics = [{ topic, partitions: [{ partition: 0, leaderEpoch, currentLeaderEpoch }] }]
  return (await w.ask(offsetForLeaderEpoch, version, { topics })).topics[0]!.partitions[0]!
}

test.each([2, 3, 4])('version %i: every epoch up to the current one ends at the end of the log', async (version) => {
  const w = await filled()
  for (const epoch of [0, 3, 7]) {
    expect(await ask(w, version, epoch)).toMatchObject({ errorCode: 0, leaderEpoch: epoch, endOffset: 3 })
  }
})

test('an epoch to come is undefined, unless this gateway only has not heard of it', async () => {
  const w = await filled()
  expect(await ask(w, 4, 9)).toMatchObject({ errorCode: 0, leaderEpoch: -1, endOffset: -1 })
  w.members.next = { version: 9 }
  expect(await ask(w, 4, 9)).toMatchObject({ errorCode: 0, leaderEpoch: 9, endOffset: 3 })
})

test('stale and unknown current epochs, unknown topics, no store', async () => {
  const w = await filled()
  expect(await ask(w, 4, 1, 6)).toMatchObject({ errorCode: ErrorCode.FENCED_LEADER_EPOCH, endOffset: -1 })
  expect(await ask(w, 4, 1, 8)).toMatchObject({ errorCode: ErrorCode.UNKNOWN_LEADER_EPOCH })
  expect(await ask(w, 4, 1, -1, 'no')).toMatchObject({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION })
  expect(await ask(w, 4, -1)).toMatchObject({ errorCode: 0, endOffset: -1 })
  w.log.failure = { kind: 'unknown' }
  expect(await ask(w, 4, 1)).toMatchObject({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER })
})
