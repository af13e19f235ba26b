// What a request about a group costs at the stores, for a gateway whose view of the group is young and for a function that has
// been idle: every call is money, and a call more per heartbeat is the bill of a whole group. A change of these figures is a
// decision.
import { describe, expect, it } from 'vitest'
import { GROUP_ASSIGNMENT_TOLD_MS } from '../../../lib/base/limits.ts'
import type { StoreCall } from '../support/scripted-stores.ts'
import { createGroupsWorld, type GroupProcess, type GroupsWorld } from './support/groups-world.ts'
import { beatAt, commitAt, heartbeatOf, joinAt, memberAt, syncAt } from './support/one-request.ts'

type Calls = Partial<Record<StoreCall, number>>

/** The calls that a request makes when the last one was `idleMs` ago. */
async function callsOf<T>(
  of: GroupsWorld,
  { script }: GroupProcess,
  idleMs: number,
  ask: () => Promise<T>,
): Promise<Calls> {
  await of.world.clock.advance(idleMs)
  script.forget()
  await of.run(ask())
  return script.counts()
}

/** A view of this age is used again, and of that age no more. */
const YOUNG_MS = 100
const OLD_MS = 3000

const COSTS: Record<string, { readonly gateway: Calls; readonly function: Calls }> = {
  heartbeat: { gateway: {}, function: { getDocument: 1, readHead: 1 } },
  commit: {
    gateway: { readHead: 1, getDocument: 1, append: 1 },
    function: { readHead: 1, getDocument: 1, append: 1 },
  },
  'unchanged commit': { gateway: { readHead: 1, getDocument: 1 }, function: { readHead: 1, getDocument: 1 } },
  OffsetFetch: { gateway: { readHead: 1 }, function: { readHead: 1 } },
}

describe.each(['gateway', 'function'] as const)('for a warm %s', (where) => {
  const idleMs = where === 'gateway' ? YOUNG_MS : OLD_MS

  it('a member that lives, commits and reads', async () => {
    const of = await createGroupsWorld('one coordinator')
    const process = await of.open()
    const member = await memberAt(of, process, { sessionTimeoutMs: 300_000 })
    const cost = (name: string, ask: () => Promise<unknown>) =>
      callsOf(of, process, idleMs, ask).then((calls) => expect(calls, name).toEqual(COSTS[name]![where]))
    await cost('heartbeat', () => beatAt(of, process, member))
    await cost('commit', () => commitAt(of, process, 1, member))
    await cost('unchanged commit', () => commitAt(of, process, 1, member))
    await cost('OffsetFetch', () => process.groups.committed('g', undefined))
  })

  it('a client that only keeps offsets', async () => {
    const of = await createGroupsWorld('one coordinator')
    const process = await of.open()
    await of.run(commitAt(of, process, 1))
    const calls = await callsOf(of, process, idleMs, () => commitAt(of, process, 2))
    expect(calls).toEqual({ readHead: 2, getDocument: 1, append: 1 })
  })

  it('a group that is made, and a member that joins it again', async () => {
    const of = await createGroupsWorld('one coordinator')
    const process = await of.open()
    const options = { sessionTimeoutMs: 300_000 }
    let joined = await of.run(joinAt(process, { groupId: 'other' }))
    const first = await callsOf(of, process, idleMs, async () => {
      joined = await joinAt(process, options)
    })
    // Both documents are read and written once, and the fence is raised in the journal as it is now.
    expect(first).toEqual({ getDocument: 2, readHead: 1, putDocument: 2, append: 1 })
    if (joined.kind !== 'joined') throw new Error(joined.kind)
    const { memberId } = joined
    const sync = await callsOf(of, process, idleMs, () => syncAt(process, memberId, 1))
    expect(sync).toEqual(where === 'gateway' ? { putDocument: 1 } : { getDocument: 1, readHead: 1, putDocument: 1 })
    const again = await callsOf(of, process, idleMs, () => joinAt(process, { ...options, memberId }))
    const known = { readHead: 1, putDocument: 1, append: 1 }
    expect(again).toEqual(where === 'gateway' ? known : { ...known, getDocument: 1, readHead: 2 })
  })

  it('a member of KIP-848 that lives', async () => {
    const of = await createGroupsWorld('one coordinator')
    const process = await of.open()
    const beat = (memberEpoch: number) => process.groups.consumerHeartbeat(heartbeatOf({ memberEpoch, ...NOTHING_NEW }))
    await of.run(process.groups.consumerHeartbeat(heartbeatOf({})))
    await untilQuiet(of, () => beat(1))
    const calls = await callsOf(of, process, idleMs, () => beat(1))
    expect(calls).toEqual(where === 'gateway' ? {} : { getDocument: 1, readHead: 1 })
  })
})

/** An assignment is told again for a while after it changed, from a view that is read each time. */
async function untilQuiet(of: GroupsWorld, beat: () => Promise<unknown>): Promise<void> {
  for (let spent = 0; spent <= GROUP_ASSIGNMENT_TOLD_MS; spent += 10_000) {
    await of.world.clock.advance(10_000)
    await of.run(beat())
  }
}

const NOTHING_NEW = { subscribedTopics: undefined, owned: undefined, rebalanceTimeoutMs: -1 }

it('ten members of one group that live through one process cost a read a second, and a write in a third of a session', async () => {
  const of = await createGroupsWorld('one coordinator')
  const process = await of.open()
  const beat = (i: number, more: object) =>
    process.groups.consumerHeartbeat(heartbeatOf({ memberId: `m${i}`, ...more }))
  const all = (more: (i: number) => object) => Promise.all(Array.from({ length: 10 }, (_, i) => beat(i, more(i))))
  const joined = await of.run(all(() => ({})))
  const epochs = joined.map((answer) => (answer.kind === 'beat' ? answer.memberEpoch : -1))
  expect(epochs.every((epoch) => epoch > 0)).toBe(true)
  const living = (i: number): object => ({ memberEpoch: epochs[i]!, ...NOTHING_NEW })
  // The first two get less than they had, and say so; then everybody has what it is to have.
  for (let round = 0; round < 20; round++) {
    const answers = await of.run(all(living))
    for (const [i, answer] of answers.entries()) {
      if (answer.kind !== 'beat') throw new Error(answer.kind)
      epochs[i] = answer.memberEpoch
      if (answer.assignment !== undefined) {
        const again = await of.run(beat(i, { ...living(i), owned: answer.assignment }))
        if (again.kind === 'beat') epochs[i] = again.memberEpoch
      }
    }
    await of.world.clock.advance(5000)
  }
  await untilQuiet(of, () => all(living))
  process.script.forget()
  for (let i = 0; i < 600; i++) {
    await of.world.clock.advance(100)
    expect(await of.run(beat(i % 10, living(i % 10)))).toMatchObject({ kind: 'beat', assignment: undefined })
  }
  const { getDocument = 0, readHead = 0, putDocument = 0, append = 0 } = process.script.counts()
  console.log(`600 heartbeats in a minute: ${getDocument} reads, ${readHead} looks at the head, ${putDocument} writes`)
  // A third of the session is 15 seconds; each write is preceded by a read of its own.
  expect(getDocument).toBeLessThanOrEqual(75)
  expect(readHead).toBeLessThanOrEqual(60)
  expect(putDocument).toBeLessThanOrEqual(5)
  expect(append).toBe(0)
})
