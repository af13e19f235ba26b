// The rows of groups as a whole: which APIs and versions they serve, and whatever a client sends within the protocol is
// answered without breaking an invariant of a handler.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GROUP_ROWS } from '../../../../lib/broker/groups/group-handlers.ts'
import type { RequestInput } from '../../../../lib/wire/schema.ts'
import { arbitraryStruct } from '../../wire/arbitrary.ts'
import { groupWorld, versionsOf } from '../support/group-world.ts'

test('what is served', () => {
  expect(GROUP_ROWS.map(({ api }) => `${api.key} ${api.name} ${api.serveMin}-${api.max}`)).toEqual([
    '8 OffsetCommit 2-9',
    '9 OffsetFetch 1-9',
    '11 JoinGroup 0-9',
    '12 Heartbeat 0-4',
    '13 LeaveGroup 0-5',
    '14 SyncGroup 0-5',
    '15 DescribeGroups 0-6',
    '16 ListGroups 0-5',
    '42 DeleteGroups 0-2',
    '47 OffsetDelete 0-0',
    '68 ConsumerGroupHeartbeat 0-1',
    '69 ConsumerGroupDescribe 0-1',
  ])
})

const served = GROUP_ROWS.flatMap(({ api }) => versionsOf(api).map((version) => [api.name, version, api] as const))

test.each(served)('%s version %i: arbitrary requests', async (_name, version, api) => {
  const w = groupWorld()
  await w.topic('t', 3)
  await fc.assert(
    fc.asyncProperty(arbitraryStruct(api.request, version), async (value) => {
      // The descriptors of this API made the value.
      const request = value as RequestInput<typeof api>
      expect((await w.start(api, version, request).answer).kind).toBe('respond')
      expect(Object.keys(w.broken(api, version, request, -1)).length).toBeGreaterThan(0)
    }),
    { numRuns: 40 },
  )
})
