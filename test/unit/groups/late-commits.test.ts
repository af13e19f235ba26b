// A commit over a connection of its own client may still be carried out late: its gateway was slow, or slept, while the client
// lost the connection, went to another gateway and committed what it had done since. What the client committed later stays,
// wherever the first gateway stood still: before it looked at the journal, or while the commit waited behind another one.
import { describe, expect, it } from 'vitest'
import { createGroupsWorld, type GroupProcess } from './support/groups-world.ts'

const SIMPLE = { groupId: 'g', memberId: '', instanceId: undefined, generationOrEpoch: -1, knowsEpochs: false }

async function twoGateways() {
  const of = await createGroupsWorld('one coordinator')
  const slow = of.processes[0]!
  const other = await of.open()
  const commit = ({ groups }: GroupProcess, partition: number, offset: number) => {
    const wanted = { topicId: of.topic.id, partition, offset, leaderEpoch: -1, metadata: '' }
    return groups.commit(SIMPLE, [wanted], undefined)
  }
  expect((await of.run(commit(slow, 0, 4))).kind).toBe('committed')
  await of.run(other.log.refresh())
  return { of, slow, other, commit }
}

describe('a commit whose client has gone on through another gateway', () => {
  it('does not take the group back when it waited behind a commit of somebody else', async () => {
    const { of, slow, other, commit } = await twoGateways()
    slow.script.next('append', 'hold')
    const before = commit(slow, 1, 10)
    await of.world.clock.advance(50)
    expect(slow.script.held).toBe(1)
    const late = commit(slow, 0, 5)
    await of.world.clock.advance(50)
    expect((await of.run(commit(other, 0, 6))).kind).toBe('committed')
    slow.script.release()
    expect((await of.run(before)).kind).toBe('committed')
    expect((await of.run(late)).kind).toBe('unavailable')
    expect((await of.run(of.committed()))?.offset).toBe(6)
  })

  it('does not take the group back when its gateway looked at the journal late', async () => {
    const { of, slow, other, commit } = await twoGateways()
    slow.script.next('readHead', 'hold')
    const late = commit(slow, 0, 5)
    await of.world.clock.advance(50)
    expect(slow.script.held).toBe(1)
    expect((await of.run(commit(other, 0, 6))).kind).toBe('committed')
    slow.script.release()
    expect((await of.run(late)).kind).toBe('unavailable')
    expect((await of.run(of.committed()))?.offset).toBe(6)
  })

  it.each([
    ['one that its client has given up: it asks again', 5, 'unavailable'],
    ['the same once more: it is there', 6, 'committed'],
  ] as const)('that lands beside it is %s', async (_name, offset, told) => {
    const { of, slow, other, commit } = await twoGateways()
    slow.script.next('append', 'hold')
    const given = commit(slow, 0, offset)
    await of.world.clock.advance(50)
    other.script.next('append', 'hold')
    const waiting = commit(other, 0, 6)
    await of.world.clock.advance(50)
    expect([slow.script.held, other.script.held]).toEqual([1, 1])
    slow.script.release()
    expect((await of.run(given)).kind).toBe('committed')
    other.script.release()
    expect((await of.run(waiting)).kind).toBe(told)
    expect((await of.run(commit(other, 0, 6))).kind).toBe('committed')
    expect((await of.run(of.committed()))?.offset).toBe(6)
  })

  it('is taken at its next try, if its client still waits', async () => {
    const { of, slow, other, commit } = await twoGateways()
    expect((await of.run(commit(other, 0, 6))).kind).toBe('committed')
    // This gateway has not looked since: for all it knows that commit may be newer.
    expect((await of.run(commit(slow, 0, 7))).kind).toBe('unavailable')
    expect((await of.run(commit(slow, 0, 7))).kind).toBe('committed')
    expect((await of.run(of.committed()))?.offset).toBe(7)
  })
})
