// Two processes at one group, and the moment between two steps of one of them: a function that is frozen there, an answer of a
// store that travels for a while, a group that is deleted and made anew meanwhile. Each test is one story that went wrong
// once, or that must not; what lets it happen is the script of one process's way to the stores.

import { describe, expect, it } from 'vitest'
import { groupKey } from '../../../lib/groups/group-document.ts'
import { seenKey } from '../../../lib/groups/seen-document.ts'
import { createGroupsWorld, type GroupsWorld } from './support/groups-world.ts'
import {
  beatAt,
  commitAt,
  emptiedGroup,
  heartbeatOf,
  isGroup,
  joinAt,
  memberAt,
  syncAt,
  untilHeld,
} from './support/one-request.ts'

const DAY_MS = 24 * 3_600_000

describe('a commit', () => {
  // It saw that there is no group, slept, and took the fence that the first member had raised meanwhile for its own.
  it('of no member never lands beside members that came while it was looking', async () => {
    const of = await createGroupsWorld('one coordinator')
    const [slow, quick] = [await of.open(), await of.open()]
    slow.script.next('getDocument', 'holdAnswer', 1, isGroup)
    const late = commitAt(of, slow, 5)
    await untilHeld(of, slow)
    await memberAt(of, quick)
    slow.script.release()
    expect((await of.run(late)).kind).toBe('unknownMember')
    expect(await of.run(of.committed())).toBeUndefined()
  })

  it('of a static member never lands once another process has given its instance to somebody else', async () => {
    const of = await createGroupsWorld('one coordinator')
    const [slow, quick] = [await of.open(), await of.open()]
    const first = await memberAt(of, slow, { instanceId: 'i' })
    slow.script.next('append', 'hold')
    const committer = {
      groupId: 'g',
      memberId: first.memberId,
      instanceId: 'i',
      generationOrEpoch: 1,
      knowsEpochs: true,
    }
    const offset = { topicId: of.topic.id, partition: 0, offset: 5, leaderEpoch: -1, metadata: '' }
    const late = slow.groups.commit(committer, [offset], undefined)
    await untilHeld(of, slow)
    const heir = await of.run(joinAt(quick, { instanceId: 'i' }))
    expect(heir).toMatchObject({ kind: 'joined', generation: 1 })
    slow.script.release()
    expect((await of.run(late)).kind).toBe('fencedInstance')
    expect(await of.run(of.committed())).toBeUndefined()
  })
})

describe('a deletion', () => {
  /** Deletes through a process that is frozen once so many appends were sent, at its next call of this name. */
  async function deletingUntil(of: GroupsWorld, call: 'readHead' | 'getDocument' | 'deleteDocument', appends: number) {
    const deleter = await of.open()
    await of.run(deleter.log.refresh())
    deleter.script.forget()
    deleter.script.next(call, 'hold', 1, () => deleter.script.count('append') >= appends)
    const deleting = deleter.groups.delete('g')
    await untilHeld(of, deleter)
    return { deleter, deleting }
  }

  // It had closed the group, slept, read the journal up to the new member's fence, and named that as what it had seen.
  it('does not take the offsets of a group that somebody joined after it was closed', async () => {
    const of = await createGroupsWorld('one coordinator')
    await emptiedGroup(of)
    const { deleter, deleting } = await deletingUntil(of, 'readHead', 1)
    const quick = await of.open()
    const member = await memberAt(of, quick)
    expect((await of.run(of.committed()))?.offset).toBe(10)
    deleter.script.release()
    expect((await of.run(deleting)).kind).toBe('groupNotEmpty')
    expect((await of.run(of.committed()))?.offset).toBe(10)
    expect(await beatAt(of, quick, member)).toEqual({ kind: 'alive' })
  })

  // Closed and joined in one turn: the deletion took the fence of the whole turn for that of its own step.
  it('and a join that are decided together do not both succeed at the cost of what was committed', async () => {
    const of = await createGroupsWorld('one coordinator')
    await emptiedGroup(of)
    const process = await of.open()
    // Both wait for the turn that this one takes.
    const first = process.groups.heartbeat({ groupId: 'g', memberId: 'x', instanceId: undefined, generation: 1 })
    const [deleted, joined] = await of.run(Promise.all([process.groups.delete('g'), joinAt(process), first]))
    expect(joined.kind).toBe('joined')
    expect(deleted.kind).toBe('groupNotEmpty')
    expect((await of.run(of.committed()))?.offset).toBe(10)
  })

  // It removed the offsets, slept, and removed whatever document was there when it woke.
  it('that wakes up late leaves the group alone that was made anew meanwhile', async () => {
    const of = await createGroupsWorld('one coordinator')
    await emptiedGroup(of)
    const { deleter, deleting } = await deletingUntil(of, 'getDocument', 2)
    const quick = await of.open()
    const member = await memberAt(of, quick)
    expect((await of.run(commitAt(of, quick, 3, member))).kind).toBe('committed')
    deleter.script.release()
    expect((await of.run(deleting)).kind).toBe('deleted')
    await of.world.clock.advance(1001)
    expect(await beatAt(of, quick, member)).toEqual({ kind: 'alive' })
    expect((await of.run(of.committed()))?.offset).toBe(3)
  })

  // The group's next life began with the very fence that a join on the closed group had in its hands. Versions of documents do
  // not meet either; here they are made to, so that nothing but the fence stands between the two.
  it('is not undone by a join that slept on the closed group, were a new one at the same version', async () => {
    const of = await createGroupsWorld('one coordinator')
    await emptiedGroup(of)
    const { deleter, deleting } = await deletingUntil(of, 'readHead', 1)
    const closed = await of.world.plain.documents.get(groupKey('g'))
    const sleeper = await of.open()
    sleeper.script.next('putDocument', 'hold', 1, isGroup)
    const sleeping = joinAt(sleeper)
    await untilHeld(of, sleeper)
    deleter.script.release()
    expect((await of.run(deleting)).kind).toBe('deleted')
    const quick = await of.open()
    const member = await of.run(quick.groups.consumerHeartbeat(heartbeatOf({})))
    if (member.kind !== 'beat') throw new Error(member.kind)
    const version = async (): Promise<number> => {
      const found = await of.world.plain.documents.get(groupKey('g'))
      return found.kind === 'found' ? found.document.version : 0
    }
    const wanted = closed.kind === 'found' ? closed.document.version : 0
    const made = await of.world.plain.documents.get(groupKey('g'))
    if (made.kind !== 'found') throw new Error(made.kind)
    await of.world.plain.documents.delete(groupKey('g'), made.document.version)
    await of.world.plain.documents.put(groupKey('g'), made.document.body, 0, wanted)
    expect(await version()).toBe(wanted)
    const slow = await of.open()
    slow.script.next('append', 'hold')
    const late = commitAt(of, slow, 7, { memberId: 'm', generation: member.memberEpoch })
    await untilHeld(of, slow)
    sleeper.script.release()
    const back = await of.run(sleeping)
    expect(await version()).toBe(wanted + 1)
    const synced = back.kind === 'joined' ? await of.run(syncAt(sleeper, back.memberId, back.generation)) : back
    slow.script.release()
    const outcome = await of.run(late)
    // Whoever slept is in the group, or who was in it commits: not both.
    expect([synced.kind, outcome.kind]).not.toEqual(['synced', 'committed'])
  })

  // A process that had read the journal within the last second took the state that was put back for the group.
  it('is not undone through a process that has not heard of it yet, by a state that somebody put back', async () => {
    const of = await createGroupsWorld('one coordinator')
    await emptiedGroup(of)
    const old = await of.world.plain.documents.get(groupKey('g'))
    const [unaware, client] = [await of.open(), await of.open()]
    await of.run(unaware.log.refresh())
    expect((await of.run(of.processes[0]!.groups.delete('g'))).kind).toBe('deleted')
    if (old.kind === 'found') await of.world.plain.documents.put(groupKey('g'), old.document.body, 0)
    client.script.next('append', 'hold')
    const late = commitAt(of, client, 7)
    await untilHeld(of, client)
    const joined = await of.run(joinAt(unaware))
    client.script.release()
    expect([joined.kind, (await of.run(late)).kind]).toEqual(['joined', 'unknownMember'])
  })

  it('of offsets stops before a topic that somebody has subscribed to meanwhile', async () => {
    const of = await createGroupsWorld('one coordinator')
    await emptiedGroup(of)
    const admin = await of.open()
    await of.run(admin.log.refresh())
    const topics = [{ topicId: of.topic.id, name: of.topic.name, partitions: [0] }]
    admin.script.next('getDocument', 'holdAnswer', 1, isGroup)
    const removing = admin.groups.deleteOffsets('g', topics)
    await untilHeld(of, admin)
    // Version 0, no user data: subscribed to `t`.
    const metadata = Buffer.from('0000000000010001740000000000', 'hex').subarray(0, 13).toString('base64')
    await memberAt(of, await of.open(), { protocols: [{ name: 'range', metadata }] })
    expect((await of.run(of.committed()))?.offset).toBe(10)
    admin.script.release()
    expect(await of.run(removing)).toMatchObject({ kind: 'done', topics: [{ kind: 'groupSubscribedToTopic' }] })
    expect((await of.run(of.committed()))?.offset).toBe(10)
  })

  // The seen document outlived the group's, and the numbers of members began again.
  it('leaves nothing behind that makes a member of the next group look silent', async () => {
    const of = await createGroupsWorld('one coordinator')
    await emptiedGroup(of)
    await of.world.clock.advance(60_000)
    const { deleter, deleting } = await deletingUntil(of, 'deleteDocument', 2)
    const old = of.processes[0]!
    await of.run(old.groups.describe('g'))
    deleter.script.release()
    await of.run(deleting)
    // It knows when number 0 of the old group was heard of; that this one joined is stored a moment later.
    const quick = await of.open()
    quick.script.next('putDocument', 'hold', 1, ([key]) => key === seenKey('g'))
    const joining = joinAt(quick)
    await untilHeld(of, quick)
    await of.run(old.groups.describe('g'))
    quick.script.release()
    const joined = await of.run(joining)
    if (joined.kind !== 'joined') throw new Error(joined.kind)
    expect(await beatAt(of, quick, joined)).toEqual({ kind: 'alive' })
    expect(await beatAt(of, await of.open(), joined)).toEqual({ kind: 'alive' })
  })
})

describe('a sweep', () => {
  // It found everything expired, and removed the group as it was a moment later.
  it('does not take what a client without members committed while it was looking', async () => {
    const of = await createGroupsWorld('one coordinator')
    const client = await of.open()
    expect((await of.run(commitAt(of, client, 1))).kind).toBe('committed')
    await of.world.clock.advance(8 * DAY_MS)
    const sweeper = await of.open()
    sweeper.script.next('getDocument', 'hold', 1, isGroup)
    const sweeping = sweeper.groups.sweep()
    await untilHeld(of, sweeper)
    expect((await of.run(commitAt(of, client, 2))).kind).toBe('committed')
    sweeper.script.release()
    await of.run(sweeping)
    expect((await of.run(of.committed()))?.offset).toBe(2)
  })

  it('does not take a partition of it either', async () => {
    const of = await createGroupsWorld('one coordinator')
    const client = await of.open()
    expect((await of.run(commitAt(of, client, 1, {}, 0))).kind).toBe('committed')
    await of.world.clock.advance(5 * DAY_MS)
    expect((await of.run(commitAt(of, client, 1, {}, 1))).kind).toBe('committed')
    await of.world.clock.advance(3 * DAY_MS)
    const sweeper = await of.open()
    sweeper.script.forget()
    sweeper.script.next('readHead', 'hold', 1, () => sweeper.script.count('listDocuments') >= 2)
    const sweeping = sweeper.groups.sweep()
    await untilHeld(of, sweeper)
    expect((await of.run(commitAt(of, client, 2, {}, 0))).kind).toBe('committed')
    sweeper.script.release()
    await of.run(sweeping)
    expect((await of.run(of.committed(0)))?.offset).toBe(2)
    await of.world.clock.advance(5 * DAY_MS)
    await of.run(sweeper.groups.sweep())
    expect((await of.run(of.committed(0)))?.offset).toBe(2)
    expect(await of.run(of.committed(1))).toBeUndefined()
  })

  it('of a group that has been empty for long leaves offsets that are young', async () => {
    const of = await createGroupsWorld('one coordinator')
    await emptiedGroup(of)
    await of.world.clock.advance(6 * DAY_MS)
    expect((await of.run(commitAt(of, of.processes[0]!, 11, {}, 1))).kind).toBe('committed')
    await of.world.clock.advance(2 * DAY_MS)
    await of.run((await of.open()).groups.sweep())
    expect((await of.run(of.committed(1)))?.offset).toBe(11)
  })

  it('and a list go on past a document that they cannot read', async () => {
    const of = await createGroupsWorld('one coordinator')
    await memberAt(of, of.processes[0]!)
    const body = Buffer.from(JSON.stringify({ format: 99, group: {} }))
    await of.world.plain.documents.put(groupKey('another release'), body, 0)
    await of.world.clock.advance(60_000)
    const process = await of.open()
    expect(await of.run(process.groups.sweep())).toBe(1)
    expect(await of.run(process.groups.list())).toMatchObject({ kind: 'found', groups: [{ id: 'g', state: 'Empty' }] })
  })

  it('leaves what it has no time for to the next one', async () => {
    const of = await createGroupsWorld('one coordinator')
    for (const groupId of ['g', 'h', 'i']) await of.run(joinAt(of.processes[0]!, { groupId }))
    await of.world.clock.advance(60_000)
    const process = await of.open()
    let looks = 0
    expect(await of.run(process.groups.sweep(() => ++looks > 1))).toBe(1)
    expect(await of.run(process.groups.sweep())).toBe(2)
    expect(await of.run(process.groups.sweep())).toBe(0)
  })

  it('counts as under way: who waits for that waits for it', async () => {
    const of = await createGroupsWorld('one coordinator')
    await memberAt(of, of.processes[0]!)
    await of.world.clock.advance(60_000)
    const process = await of.open()
    process.script.next('putDocument', 'hold', 1, isGroup)
    const sweeping = process.groups.sweep()
    await untilHeld(of, process)
    let isSettled = false
    const settling = process.groups.settle().then(() => {
      isSettled = true
    })
    await of.world.clock.advance(50)
    expect(isSettled).toBe(false)
    process.script.release()
    await of.run(settling)
    expect(await of.run(sweeping)).toBe(1)
  })

  it('removes a group that nobody came back to, and of which the journal knows nothing', async () => {
    const of = await createGroupsWorld('one coordinator')
    const process = of.processes[0]!
    expect((await of.run(joinAt(process, { memberIdRequired: true }))).kind).toBe('memberIdRequired')
    expect(await of.run(process.groups.sweep())).toBe(0)
    await of.world.clock.advance(11_000)
    expect(await of.run(process.groups.sweep())).toBe(1)
    expect((await of.world.plain.documents.get(groupKey('g'))).kind).toBe('missing')
  })
})

describe('a join', () => {
  it('of one instance through two processes at once leaves one member, and one client that is told so', async () => {
    const of = await createGroupsWorld('one coordinator')
    const [one, other] = [await of.open(), await of.open()]
    one.script.next('putDocument', 'hold', 1, isGroup)
    const first = joinAt(one, { instanceId: 'i' })
    await untilHeld(of, one)
    const second = await of.run(joinAt(other, { instanceId: 'i' }))
    one.script.release()
    const late = await of.run(first)
    const described = await of.run(of.next().groups.describe('g'))
    const members = described.kind === 'found' ? described.group.members : []
    expect(members.map(({ memberId }) => memberId)).toEqual([(late as { memberId?: string }).memberId])
    const beat = { groupId: 'g', instanceId: 'i', generation: 1, memberId: (second as { memberId: string }).memberId }
    await of.world.clock.advance(1001)
    expect((await of.run(other.groups.heartbeat(beat))).kind).toBe('fencedInstance')
  })

  // A request of the same name with other protocols got past the check of what the members have in common.
  it('that comes again with other protocols does not leave the members without a common one', async () => {
    const of = await createGroupsWorld('one coordinator')
    const process = await of.open()
    const metadata = 'bWV0YQ=='
    await memberAt(of, process, { token: 'again' })
    expect((await of.run(joinAt(process))).kind).toBe('wait')
    const other = await of.run(joinAt(process, { token: 'again', protocols: [{ name: 'other', metadata }] }))
    expect(other.kind).toBe('inconsistentProtocol')
    await of.world.clock.advance(31_000)
    expect(await of.run(process.groups.describe('g'))).toMatchObject({ kind: 'found' })
  })

  // Version 0 of the heartbeat has no member id: whoever looked twice made two members.
  it('by a heartbeat without a member id makes one member, whatever becomes of the first write', async () => {
    const of = await createGroupsWorld('one coordinator')
    const [slow, quick] = [await of.open(), await of.open()]
    slow.script.next('putDocument', 'lost', 1, isGroup)
    slow.script.next('getDocument', 'hold', 1, (args) => isGroup(args) && slow.script.count('putDocument') > 0)
    const joining = slow.groups.consumerHeartbeat(heartbeatOf({ memberId: '' }))
    await untilHeld(of, slow)
    await of.run(quick.groups.consumerHeartbeat(heartbeatOf({})))
    slow.script.release()
    expect((await of.run(joining)).kind).toBe('beat')
    const described = await of.run(quick.groups.describe('g'))
    expect(described.kind === 'found' && described.group.members.length).toBe(2)
  })
})
