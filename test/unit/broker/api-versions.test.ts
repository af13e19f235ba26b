// ApiVersions: exactly the ranges that are served, as Kafka 4 has them.
import { expect, test } from 'vitest'
import { featuresFor } from '../../../lib/broker/api-versions.ts'
import { ErrorCode } from '../../../lib/wire/errors.ts'
import { apiVersions } from '../../../lib/wire/messages/api-versions.ts'
import { world } from './support/world.ts'

const client = { clientSoftwareName: 'some-client', clientSoftwareVersion: '1.2.3' }

test.each([0, 1, 2, 3, 4])('version %i lists what is served, in the ranges of Kafka 4', async (version) => {
  const w = world()
  const { apiKeys, errorCode } = await w.ask(apiVersions, version, client)
  expect(errorCode).toBe(0)
  expect(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, minVersion, maxVersion])).toEqual([
    [0, 0, 11],
    [1, 4, 17],
    [2, 1, 10],
    [3, 0, 13],
    [8, 2, 9],
    [9, 1, 9],
    [10, 0, 5],
    [11, 0, 9],
    [12, 0, 4],
    [13, 0, 5],
    [14, 0, 5],
    [15, 0, 6],
    [16, 0, 5],
    [18, 0, 4],
    [19, 2, 7],
    [20, 1, 6],
    [21, 0, 2],
    [22, 0, 5],
    [23, 2, 4],
    [32, 1, 4],
    [33, 0, 2],
    [35, 1, 4],
    [37, 0, 3],
    [42, 0, 2],
    [43, 0, 2],
    [44, 0, 1],
    [45, 0, 1],
    [46, 0, 0],
    [47, 0, 0],
    [55, 0, 2],
    [60, 0, 2],
    [68, 0, 1],
    [69, 0, 1],
    [75, 0, 0],
  ])
})

test('no feature is offered, least of all the second version of transactions', async () => {
  const response = await world().ask(apiVersions, 4, client)
  expect(response).toMatchObject({ supportedFeatures: [], finalizedFeatures: [], finalizedFeaturesEpoch: -1 })
})

test.each([
  ['', '1'],
  ['a b', '1'],
  ['-a', '1'],
  ['a', 'ü'],
  ['a', '1.'],
])(
  'a client that calls itself %j %j is refused from version 3 on',
  async (clientSoftwareName, clientSoftwareVersion) => {
    const w = world()
    const value = { clientSoftwareName, clientSoftwareVersion }
    expect((await w.ask(apiVersions, 3, value)).errorCode).toBe(ErrorCode.INVALID_REQUEST)
    expect((await w.ask(apiVersions, 2, value)).errorCode).toBe(0)
  },
)

test('features with minimum 0 are for version 4 on', () => {
  const features = [
    { name: 'zero', minVersion: 0, maxVersion: 1 },
    { name: 'one', minVersion: 1, maxVersion: 2 },
  ]
  expect(featuresFor(features, 3).map((feature) => feature.name)).toEqual(['one'])
  expect(featuresFor(features, 4)).toEqual(features)
})
