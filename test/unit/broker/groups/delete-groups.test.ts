// DeleteGroups: each group with an error of its own.
import { expect, test } from 'vitest'
import { ErrorCode } from '../../../../lib/wire/errors.ts'
import { deleteGroups } from '../../../../lib/wire/messages/delete-groups.ts'
import { ENDLESS_ID, groupWorld, versionsOf } from '../support/group-world.ts'

test.each(versionsOf(deleteGroups))('version %i', async (version) => {
  const w = groupWorld()
  w.groups.delete = async (groupId) => {
    if (groupId === 'busy') return { kind: 'groupNotEmpty' }
    return groupId === 'no' ? { kind: 'groupNotFound' } : { kind: 'deleted' }
  }
  const groupsNames = ['g', 'busy', 'no', '', ENDLESS_ID]
  expect(await w.ask(deleteGroups, version, { groupsNames })).toEqual({
    throttleTimeMs: 0,
    results: [
      { groupId: 'g', errorCode: 0 },
      { groupId: 'busy', errorCode: ErrorCode.NON_EMPTY_GROUP },
      { groupId: 'no', errorCode: ErrorCode.GROUP_ID_NOT_FOUND },
      { groupId: '', errorCode: 0 },
      { groupId: ENDLESS_ID, errorCode: ErrorCode.INVALID_GROUP_ID },
    ],
  })
})

test('a group named twice is deleted once', async () => {
  const w = groupWorld()
  const { results } = await w.ask(deleteGroups, 2, { groupsNames: ['g', 'g'] })
  expect(results).toEqual([{ groupId: 'g', errorCode: 0 }])
  expect(w.groups.asked.delete).toEqual([['g']])
})

test('many groups, a few at a time', async () => {
  const w = groupWorld()
  let now = 0
  let most = 0
  w.groups.delete = async () => {
    now += 1
    most = Math.max(most, now)
    await Promise.resolve()
    now -= 1
    return { kind: 'deleted' }
  }
  const groupsNames = Array.from({ length: 200 }, (_, i) => `g-${i}`)
  const { results } = await w.ask(deleteGroups, 2, { groupsNames })
  expect(results.map(({ groupId }) => groupId)).toEqual(groupsNames)
  expect(most).toBe(8)
})

test('a deletion in doubt is not to be repeated: the repeat would find nothing', async () => {
  const w = groupWorld()
  const codes = []
  for (const kind of ['unavailable', 'unknown', 'halted'] as const) {
    w.groups.answers.delete = { kind }
    codes.push((await w.ask(deleteGroups, 2, { groupsNames: ['g'] })).results[0]!.errorCode)
  }
  expect(codes).toEqual([ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.REQUEST_TIMED_OUT, ErrorCode.NOT_COORDINATOR])
})

test('a handler that breaks down', () => {
  expect(groupWorld().broken(deleteGroups, 2, { groupsNames: ['g'] }, -1).results).toEqual([
    { groupId: 'g', errorCode: -1 },
  ])
})
