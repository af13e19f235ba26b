// FindCoordinator: a live gateway for each group, the same by everybody's reckoning; no transactions.
import { expect, test } from 'vitest'
import { coordinatorOf } from '../../../../lib/broker/cluster/leaders.ts'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { findCoordinator } from '../../../../lib/wire/messages/find-coordinator.ts'
import { world } from '../support/world.ts'

test.each([0, 1, 2, 3])('version %i answers one key', async (version) => {
  const w = world()
  const answer = await w.ask(findCoordinator, version, { key: 'g', keyType: 0 })
  const node = coordinatorOf('g', w.members.nodes())
  expect(answer).toMatchObject({ errorCode: 0, nodeId: node.nodeId, host: node.host, port: node.port })
})

test.each([4, 5])('version %i answers many keys', async (version) => {
  const w = world()
  const { coordinators } = await w.ask(findCoordinator, version, { keyType: 0, coordinatorKeys: ['a', 'b'] })
  expect(coordinators.map(({ key, errorCode }) => [key, errorCode])).toEqual([
    ['a', 0],
    ['b', 0],
  ])
})

test('transactional ids and unknown key types are refused', async () => {
  const code = async (keyType: number) => (await world().ask(findCoordinator, 3, { key: 'k', keyType })).errorCode
  expect(await code(1)).toBe(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
  expect(await code(2)).toBe(ErrorCode.INVALID_REQUEST)
})

test('groups spread over the gateways, and only those of a gateway that left move', () => {
  const node = (nodeId: number) => ({ nodeId, host: 'h', port: nodeId })
  const three = [node(1), node(2), node(3)]
  const groups = Array.from({ length: 300 }, (_, i) => `group-${i}`)
  const before = groups.map((group) => coordinatorOf(group, three).nodeId)
  for (const { nodeId } of three) expect(before.filter((id) => id === nodeId).length).toBeGreaterThan(60)
  const after = groups.map((group) => coordinatorOf(group, three.slice(0, 2)).nodeId)
  expect(after.every((id, i) => before[i] === 3 || before[i] === id)).toBe(true)
})
