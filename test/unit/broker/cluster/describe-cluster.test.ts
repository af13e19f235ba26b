// DescribeCluster: the gateways that are alive now.
import { expect, test } from 'vitest'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { describeCluster } from '../../../../lib/wire/messages/describe-cluster.ts'
import { node, world } from '../support/world.ts'

test.each([0, 1, 2])('version %i lists the gateways that are alive now', async (version) => {
  const w = world({}, [node(1)])
  w.members.next = { list: [node(1), node(2)] }
  const response = await w.ask(describeCluster, version, {})
  expect(response).toMatchObject({ errorCode: 0, clusterId: 'test-cluster', clusterAuthorizedOperations: -2147483648 })
  expect(response.brokers).toEqual([
    { brokerId: 1, host: 'gateway-1', port: 9093, rack: null, isFenced: false },
    { brokerId: 2, host: 'gateway-2', port: 9094, rack: null, isFenced: false },
  ])
  expect([1, 2]).toContain(response.controllerId)
})

test('authorized operations when asked for', async () => {
  const response = await world().ask(describeCluster, 0, { includeClusterAuthorizedOperations: true })
  expect(response.clusterAuthorizedOperations).toBe(0b1_1111_1010_0000)
})

test.each([
  [2, ErrorCode.MISMATCHED_ENDPOINT_TYPE],
  [3, ErrorCode.UNSUPPORTED_ENDPOINT_TYPE],
  [0, ErrorCode.UNSUPPORTED_ENDPOINT_TYPE],
])('endpoint type %i is refused', async (endpointType, errorCode) => {
  expect(await world().ask(describeCluster, 1, { endpointType })).toMatchObject({ errorCode, brokers: [] })
})
