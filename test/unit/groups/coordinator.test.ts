// Groups over real documents and a real journal, served by one coordinator and by a different process for each request:
// members share partitions, fall silent, leave; nobody commits for a generation that is over; what slept brings nothing back.
import { describe, expect, it } from 'vitest'
import type { Assignment } from '../../../lib/groups/group.ts'
import { groupKey } from '../../../lib/groups/group-document.ts'
import { seenKey } from '../../../lib/groups/seen-document.ts'
import { createTopic } from '../support/world.ts'
import { classicMember, createGroupsWorld, type GroupsWorld, SERVINGS } from './support/groups-world.ts'

/** Lets members beat every three seconds for a while; those that are told to, join again. */
async function live(
  of: GroupsWorld,
  members: readonly Awaited<ReturnType<typeof classicMember>>[],
  durationMs: number,
): Promise<void> {
  for (let spent = 0; spent < durationMs; spent += 3000) {
    const told = await Promise.all(members.map((member) => of.run(member.beat())))
    const again = members.filter((_, i) => told[i] === 'rebalanceInProgress')
    await of.run(Promise.all(again.map((member) => member.rejoin())))
    await of.world.clock.advance(3000)
  }
}

/** A second member comes while the first one beats. */
async function second(of: GroupsWorld, first: Awaited<ReturnType<typeof classicMember>>) {
  const joining = classicMember(of)
  let done = false
  void joining.then(() => {
    done = true
  })
  while (!done) {
    await of.world.clock.advance(500)
    if ((await of.run(first.beat())) === 'rebalanceInProgress') await of.run(Promise.race([first.rejoin(), never(of)]))
  }
  return joining
}
const never = async (of: GroupsWorld): Promise<void> =>
  void (await new Promise((r) => of.world.clock.timer(20_000, () => r(0))))

describe.each(SERVINGS)('with %s', (serving) => {
  it('members share the partitions, and take over from one that left', async () => {
    const of = await createGroupsWorld(serving)
    const first = await of.run(classicMember(of))
    expect(first.partitions).toEqual([0, 1, 2, 3])
    const other = await second(of, first)
    expect([...first.partitions, ...other.partitions].sort()).toEqual([0, 1, 2, 3])
    expect(other.generation).toBe(first.generation)
    const left = await of.run(
      of.next().groups.leave({ groupId: 'g', members: [{ memberId: other.memberId, instanceId: undefined }] }),
    )
    expect(left).toEqual({ kind: 'left', refusals: [undefined] })
    // A process that looked a moment ago need not look again to say that nothing happened.
    await of.world.clock.advance(1001)
    expect(await of.run(first.beat())).toBe('rebalanceInProgress')
    await of.run(first.rejoin())
    expect(first.partitions).toEqual([0, 1, 2, 3])
  })

  it('a member that falls silent is removed by the next request of anybody', async () => {
    const of = await createGroupsWorld(serving)
    const first = await of.run(classicMember(of))
    const other = await second(of, first)
    await live(of, [first, other], 6000)
    await live(of, [first], 15_000)
    expect(first.partitions).toEqual([0, 1, 2, 3])
    expect(await of.run(other.beat())).toBe('unknownMember')
  })

  it('a heartbeat writes only when what is stored is older than a third of the session timeout', async () => {
    const of = await createGroupsWorld(serving)
    const first = await of.run(classicMember(of, { sessionTimeoutMs: 45_000 }))
    const before = of.writes()
    const minutes = 5
    await live(of, [first], minutes * 60_000)
    const after = of.writes()
    const perMinute = (after.seen - before.seen) / minutes
    console.log(`${serving}: ${perMinute.toFixed(1)} writes per member and minute with a heartbeat every 3 s`)
    expect(after.group - before.group).toBe(0)
    expect(perMinute).toBeGreaterThan(3)
    expect(perMinute).toBeLessThanOrEqual(4)
  })

  it('a commit of an old generation never lands, however late its entry comes', async () => {
    const of = await createGroupsWorld(serving)
    const first = await of.run(classicMember(of))
    expect(await of.run(first.commit(10))).toBe('committed')
    // A process checks the member, and sleeps before its append.
    const sleeper = await of.open()
    sleeper.script.next('append', 'hold')
    const late = sleeper.groups.commit(
      {
        groupId: 'g',
        memberId: first.memberId,
        instanceId: undefined,
        generationOrEpoch: first.generation,
        knowsEpochs: false,
      },
      [{ topicId: of.topic.id, partition: 0, offset: 11, leaderEpoch: -1, metadata: 'late' }],
      undefined,
    )
    await of.world.clock.advance(100)
    expect(sleeper.script.held).toBe(1)
    await of.world.clock.advance(11_000)
    const heir = await of.run(classicMember(of))
    expect(heir.partitions).toEqual([0, 1, 2, 3])
    expect((await of.run(of.committed()))?.offset).toBe(10)
    expect(await of.run(heir.commit(20))).toBe('committed')
    sleeper.script.release()
    expect((await of.run(late)).kind).not.toBe('committed')
    expect((await of.run(of.committed()))?.offset).toBe(20)
  })

  it('the same offsets again cost no entry, until they are an hour old', async () => {
    const of = await createGroupsWorld(serving)
    const appends = (): number => of.processes.reduce((sum, { script }) => sum + script.count('append'), 0)
    expect((await of.run(of.commit({}, 5))).kind).toBe('committed')
    const before = appends()
    for (let i = 0; i < 5; i++) expect((await of.run(of.commit({}, 5))).kind).toBe('committed')
    expect(appends()).toBe(before)
    await of.world.clock.advance(61 * 60_000)
    expect((await of.run(of.commit({}, 5))).kind).toBe('committed')
    expect(appends()).toBe(before + 1)
  })

  it('a simple consumer commits while there are no members, and not beside them', async () => {
    const of = await createGroupsWorld(serving)
    expect((await of.run(of.commit({}, 7))).kind).toBe('committed')
    expect((await of.run(of.committed()))?.offset).toBe(7)
    await of.run(classicMember(of))
    expect((await of.run(of.commit({}, 8))).kind).toBe('unknownMember')
    expect((await of.run(of.commit({ memberId: 'nobody', generationOrEpoch: 3 }, 8))).kind).toBe('unknownMember')
    expect((await of.run(of.committed()))?.offset).toBe(7)
  })

  it('a deleted group keeps nothing, and a process that slept does not bring it back', async () => {
    const of = await createGroupsWorld(serving)
    const first = await of.run(classicMember(of))
    await of.run(first.commit(10))
    expect((await of.run(of.next().groups.delete('g'))).kind).toBe('groupNotEmpty')
    const old = await of.world.plain.documents.get(groupKey('g'))
    await of.world.clock.advance(11_000)
    expect((await of.run(of.next().groups.delete('g'))).kind).toBe('deleted')
    expect(await of.run(of.committed())).toBeUndefined()
    expect((await of.world.plain.documents.get(groupKey('g'))).kind).toBe('missing')
    expect((await of.world.plain.documents.get(seenKey('g'))).kind).toBe('missing')
    // The old state, put by somebody who believes that nothing is there.
    if (old.kind === 'found') await of.world.plain.documents.put(groupKey('g'), old.document.body, 0)
    await of.world.clock.advance(2000)
    expect(await of.run(first.beat())).toBe('unknownMember')
    expect(await of.run(first.commit(11))).not.toBe('committed')
    const heir = await of.run(classicMember(of))
    expect(await of.run(heir.commit(1))).toBe('committed')
    expect((await of.run(of.committed()))?.offset).toBe(1)
    expect((await of.run(of.next().groups.delete('nobody'))).kind).toBe('groupNotFound')
  })

  it('lists and describes all groups, those with offsets only too', async () => {
    const of = await createGroupsWorld(serving)
    await of.run(of.commit({ groupId: 'simple' }, 1))
    await of.run(classicMember(of))
    const listed = await of.run(of.next().groups.list())
    expect(listed.kind === 'found' && [...listed.groups].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
      { id: 'g', protocolType: 'consumer', state: 'Stable', type: 'classic' },
      { id: 'simple', protocolType: '', state: 'Empty', type: 'classic' },
    ])
    expect((await of.run(of.next().groups.describe('simple'))).kind).toBe('offsetsOnly')
    expect((await of.run(of.next().groups.describe('none'))).kind).toBe('missing')
    expect(await of.run(of.next().groups.describe('g'))).toMatchObject({ kind: 'found', state: 'Stable' })
  })

  it('a sweep removes the silent, and what nobody has used for longer than offsets are kept', async () => {
    const of = await createGroupsWorld(serving)
    const first = await of.run(classicMember(of))
    await of.run(first.commit(10))
    await of.run(of.commit({ groupId: 'simple' }, 1))
    await of.world.clock.advance(60_000)
    const sweeper = await of.open()
    expect(await of.run(sweeper.groups.sweep())).toBe(1)
    expect(await of.run(of.next().groups.describe('g'))).toMatchObject({ kind: 'found', state: 'Empty' })
    await of.world.clock.advance(8 * 24 * 3_600_000)
    expect(await of.run(sweeper.groups.sweep())).toBe(2)
    expect((await of.run(of.next().groups.describe('g'))).kind).toBe('missing')
    expect((await of.run(of.next().groups.describe('simple'))).kind).toBe('missing')
  })

  it('loses no decision when documents lose their answers or the race', async () => {
    const of = await createGroupsWorld(serving)
    for (const { script } of of.processes) {
      script.next('putDocument', 'lost', 3)
      script.next('putDocument', 'before', 2)
      script.next('getDocument', 'lost', 3)
      script.next('append', 'lost', 1)
    }
    const first = await of.run(classicMember(of))
    expect(first.partitions).toEqual([0, 1, 2, 3])
    const other = await second(of, first)
    expect([...first.partitions, ...other.partitions].sort()).toEqual([0, 1, 2, 3])
  })

  it('keeps groups apart, and refuses what is too much', async () => {
    const of = await createGroupsWorld(serving, { membersMax: 3 })
    const quiet = await of.run(classicMember(of, { sessionTimeoutMs: 300_000 }))
    const joins = Array.from({ length: 200 }, () => of.join({ groupId: 'crowd', memberIdRequired: false }))
    const answers = await of.run(Promise.all(joins))
    expect(answers.filter(({ kind }) => kind === 'joined').length).toBe(3)
    expect(answers.filter(({ kind }) => kind === 'groupFull').length).toBe(197)
    expect(await of.run(quiet.beat())).toBe('alive')
  })
})

describe('over HTTPS', () => {
  it('a commit that comes when its client has gone on is overtaken by what that client committed since', async () => {
    const of = await createGroupsWorld('a process for each request')
    const process = of.processes[0]!
    const told = process.log.status().position
    const commit = (offset: number, position: typeof told) =>
      of
        .next()
        .groups.commit(
          { groupId: 'g', memberId: '', instanceId: undefined, generationOrEpoch: -1, knowsEpochs: false },
          [{ topicId: of.topic.id, partition: 0, offset, leaderEpoch: -1, metadata: '' }],
          position,
        )
    expect((await of.run(commit(1, told))).kind).toBe('committed')
    await of.run(process.log.refresh())
    expect((await of.run(commit(2, process.log.status().position))).kind).toBe('committed')
    expect((await of.run(commit(1, told))).kind).toBe('unavailable')
    expect((await of.run(of.committed()))?.offset).toBe(2)
  })

  it('commits of a topic that is gone are none', async () => {
    const of = await createGroupsWorld('a process for each request')
    const { log } = of.processes[0]!
    const gone = await createTopic(of.world, log, 'gone')
    const commit = () =>
      of
        .next()
        .groups.commit(
          { groupId: 'g', memberId: '', instanceId: undefined, generationOrEpoch: -1, knowsEpochs: false },
          [{ topicId: gone.id, partition: 0, offset: 1, leaderEpoch: -1, metadata: '' }],
          undefined,
        )
    expect((await of.run(commit())).kind).toBe('committed')
    await of.run(log.deleteTopic(gone))
    expect(await of.run(of.committed())).toBeUndefined()
  })
})

describe.each(SERVINGS)('KIP-848 with %s', (serving) => {
  const TOPICS = { subscribedTopics: ['t'], rebalanceTimeoutMs: 30_000, owned: [] }
  const partitionsOf = (of: GroupsWorld, answer: { readonly kind: string }): readonly number[] => {
    const assignment = 'assignment' in answer ? (answer.assignment as Assignment | undefined) : undefined
    return assignment?.find(({ topicId }) => topicId === of.topic.id)?.partitions ?? []
  }
  const epochIn = (answer: { readonly kind: string }): number =>
    'memberEpoch' in answer ? Number(answer.memberEpoch) : -9

  it('a second member gets its partitions only when the first has given them up', async () => {
    const of = await createGroupsWorld(serving)
    const first = await of.run(of.consumerHeartbeat({ memberId: 'a', ...TOPICS }))
    expect(partitionsOf(of, first)).toEqual([0, 1, 2, 3])
    const other = await of.run(of.consumerHeartbeat({ memberId: 'b', ...TOPICS }))
    expect(partitionsOf(of, other)).toEqual([])
    const told = await of.run(
      of.consumerHeartbeat({
        memberId: 'a',
        memberEpoch: epochIn(first),
        owned: [{ topicId: of.topic.id, partitions: [0, 1, 2, 3] }],
      }),
    )
    const kept = partitionsOf(of, told)
    expect(kept.length).toBe(2)
    // The old owner may commit what it gives up, until it has.
    const commit = (memberId: string, memberEpoch: number, offset: number, partition: number) =>
      of.run(of.commit({ memberId, generationOrEpoch: memberEpoch, knowsEpochs: true }, offset, partition))
    const given = [0, 1, 2, 3].find((partition) => !kept.includes(partition))!
    expect((await commit('a', epochIn(told), 5, given)).kind).toBe('committed')
    const done = await of.run(
      of.consumerHeartbeat({
        memberId: 'a',
        memberEpoch: epochIn(told),
        owned: [{ topicId: of.topic.id, partitions: kept }],
      }),
    )
    expect(done.kind).toBe('beat')
    await of.world.clock.advance(1001)
    const given2 = await of.run(of.consumerHeartbeat({ memberId: 'b', memberEpoch: epochIn(other), owned: [] }))
    expect([...kept, ...partitionsOf(of, given2)].sort()).toEqual([0, 1, 2, 3])
    expect((await commit('b', epochIn(given2), 6, given)).kind).toBe('committed')
    expect((await commit('a', epochIn(told), 4, given)).kind).toBe('staleMemberEpoch')
    expect((await of.run(of.committed(given)))?.offset).toBe(6)
  })

  it('a silent member loses its partitions to the next one that asks, and can commit no more', async () => {
    const of = await createGroupsWorld(serving)
    const first = await of.run(of.consumerHeartbeat({ memberId: 'a', ...TOPICS }))
    await of.world.clock.advance(46_000)
    const other = await of.run(of.consumerHeartbeat({ memberId: 'b', ...TOPICS }))
    expect(partitionsOf(of, other)).toEqual([0, 1, 2, 3])
    const committer = { memberId: 'a', generationOrEpoch: epochIn(first), knowsEpochs: true }
    expect((await of.run(of.commit(committer, 9))).kind).toBe('unknownMember')
    expect((await of.run(of.consumerHeartbeat({ memberId: 'a', memberEpoch: epochIn(first) }))).kind).toBe(
      'unknownMember',
    )
  })

  it('partitions that are added are assigned with the next heartbeat', async () => {
    const of = await createGroupsWorld(serving)
    const first = await of.run(of.consumerHeartbeat({ memberId: 'a', ...TOPICS }))
    const { log } = of.processes[0]!
    await of.run(log.addPartitions(log.topicByName('t')!, 6))
    await of.world.clock.advance(5000)
    const next = await of.run(of.consumerHeartbeat({ memberId: 'a', memberEpoch: epochIn(first) }))
    expect(partitionsOf(of, next)).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('a heartbeat that says nothing new writes nothing but, now and then, that its member is there', async () => {
    const of = await createGroupsWorld(serving)
    const first = await of.run(of.consumerHeartbeat({ memberId: 'a', ...TOPICS }))
    const before = of.writes()
    for (let i = 0; i < 24; i++) {
      await of.world.clock.advance(5000)
      expect((await of.run(of.consumerHeartbeat({ memberId: 'a', memberEpoch: epochIn(first) }))).kind).toBe('beat')
    }
    expect(of.writes().group).toBe(before.group)
    expect(of.writes().seen - before.seen).toBeLessThanOrEqual(8)
  })

  it('refuses a pattern that is none, and matches a bad one in no time', async () => {
    const of = await createGroupsWorld(serving)
    const { log } = of.processes[0]!
    await of.run(log.createTopic({ name: 'a'.repeat(200), partitions: 1, configs: new Map() }))
    const joining = { ...TOPICS, subscribedTopics: [] }
    expect((await of.run(of.consumerHeartbeat({ memberId: 'a', ...joining, subscribedPattern: '(' }))).kind).toBe(
      'invalidPattern',
    )
    const startedAt = performance.now()
    expect((await of.run(of.consumerHeartbeat({ memberId: 'a', ...joining, subscribedPattern: '(a+)+$' }))).kind).toBe(
      'beat',
    )
    expect(performance.now() - startedAt).toBeLessThan(2000)
  })
})
