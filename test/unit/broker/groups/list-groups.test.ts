// ListGroups: filters and the versions that have them.
import { describe, expect, test } from 'vitest'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { listGroups } from '../../../../lib/wire/messages/list-groups.ts'
import { UNSERVED } from '../support/fake-groups.ts'
import { type GroupWorld, groupWorld, versionsOf } from '../support/group-world.ts'

function filled(): GroupWorld {
  const w = groupWorld()
  w.groups.answers.list = {
    kind: 'found',
    groups: [
      { id: 'a', protocolType: 'consumer', state: 'Stable', type: 'classic' },
      { id: 'b', protocolType: 'consumer', state: 'Reconciling', type: 'consumer' },
      { id: 'c', protocolType: 'connect', state: 'PreparingRebalance', type: 'classic' },
      { id: 'd', protocolType: '', state: 'Empty', type: 'classic' },
    ],
  }
  return w
}

test.each(versionsOf(listGroups))('version %i: all groups', async (version) => {
  const { errorCode, groups } = await filled().ask(listGroups, version, {})
  expect(errorCode).toBe(0)
  expect(groups.map((g) => [g.groupId, g.protocolType, g.groupState, g.groupType])).toEqual([
    ['a', 'consumer', version >= 4 ? 'Stable' : '', version >= 5 ? 'classic' : ''],
    ['b', 'consumer', version >= 4 ? 'Reconciling' : '', version >= 5 ? 'consumer' : ''],
    ['c', 'connect', version >= 4 ? 'PreparingRebalance' : '', version >= 5 ? 'classic' : ''],
    ['d', '', version >= 4 ? 'Empty' : '', version >= 5 ? 'classic' : ''],
  ])
})

describe('filters', () => {
  const ids = async (filters: { statesFilter?: string[]; typesFilter?: string[] }, version = 5) =>
    (await filled().ask(listGroups, version, filters)).groups.map(({ groupId }) => groupId).join('')

  test.each([4, 5])('version %i: states, however capitalised', async (version) => {
    expect(await ids({ statesFilter: ['stable', ' PREPARINGREBALANCE '] }, version)).toBe('ac')
    expect(await ids({ statesFilter: ['Dead'] }, version)).toBe('')
  })

  test('types, however capitalised', async () => {
    expect(await ids({ typesFilter: ['Consumer'] })).toBe('b')
    expect(await ids({ typesFilter: ['classic', 'CONSUMER'] })).toBe('abcd')
    expect(await ids({ typesFilter: ['share'] })).toBe('')
  })

  test('both', async () => {
    expect(await ids({ statesFilter: ['Stable', 'Reconciling'], typesFilter: ['classic'] })).toBe('a')
  })
})

test.each(UNSERVED)('%s: the code after which Java asks again', async (kind) => {
  const w = filled()
  w.groups.answers.list = { kind }
  expect(await w.ask(listGroups, 5, {})).toMatchObject({ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, groups: [] })
})

test('a handler that breaks down', () => {
  expect(filled().broken(listGroups, 5, {}, -1)).toMatchObject({ errorCode: -1, groups: [] })
})
