// Processes of one group whose clocks differ, and times of members that are lost or in the future.
import { describe, expect, it } from 'vitest'
import { createGroups } from '../../../lib/groups/coordinator.ts'
import { decodeSeen, seenKey } from '../../../lib/groups/seen-document.ts'
import { seededRandom } from '../support/manual-clock.ts'
import { classicMember, createGroupsWorld, type GroupProcess, type GroupsWorld } from './support/groups-world.ts'
import { beatAt, commitAt, joinAt, memberAt, syncAt } from './support/one-request.ts'
import { SETTINGS } from './support/settings.ts'

const HOUR_MS = 3_600_000

/** A process whose wall clock differs by so much. */
async function skewed(of: GroupsWorld, skewMs: number, seed: number): Promise<GroupProcess> {
  const process = await of.open()
  const { clock } = of.world
  const own = { ...clock, now: () => clock.now() + skewMs }
  const { log, script } = process
  const ports = { log, documents: script.stores.documents, clock: own, random: seededRandom(seed), settings: SETTINGS }
  return { ...process, groups: createGroups(ports) }
}

describe('clocks and the times of members', () => {
  it('that differ by minutes let nobody commit for a generation that is over', async () => {
    const of = await createGroupsWorld('one coordinator')
    const { clock } = of.world
    const processes = [await skewed(of, -180_000, 1), await skewed(of, 0, 2), await skewed(of, 300_000, 3)]
    const members: { memberId: string; generation: number }[] = []
    let newest = 0
    for (let round = 0; round < 60; round++) {
      const process = processes[(round * 7) % 3]!
      const joined = await of.run(joinAt(process))
      if (joined.kind === 'joined') {
        members.push(joined)
        await of.run(syncAt(process, joined.memberId, joined.generation))
      }
      // Each offset says which generation it is of: none may come after a higher one.
      for (const [i, member] of members.slice(-4).entries()) {
        const at = processes[(round + i) % 3]!
        const outcome = await of.run(commitAt(of, at, member.generation, member))
        if (outcome.kind === 'committed') {
          expect(member.generation).toBeGreaterThanOrEqual(newest)
          newest = member.generation
        }
      }
      await clock.advance(1500)
    }
    expect(newest).toBeGreaterThan(3)
  })

  it('that are an hour ahead keep no member that fell silent, whoever looks', async () => {
    const of = await createGroupsWorld('one coordinator')
    const { memberId, generation } = await memberAt(of, await skewed(of, HOUR_MS, 1))
    const others = [await of.open(), await of.open()]
    for (let look = 0; look < 3; look++) {
      const described = await of.run(others[look % 2]!.groups.describe('g'))
      expect(described).toMatchObject({ kind: 'found', state: 'Stable' })
      // Each look is that of a process which has just started.
      others[look % 2] = await of.open()
      await of.world.clock.advance(3000)
    }
    expect(await beatAt(of, others[0]!, { memberId, generation })).toEqual({ kind: 'alive' })
    await of.world.clock.advance(13_500)
    const described = await of.run((await of.open()).groups.describe('g'))
    expect(described).toMatchObject({ kind: 'found', state: 'Empty' })
  })

  it('that are an hour ahead are put right by the sweep', async () => {
    const of = await createGroupsWorld('one coordinator')
    await memberAt(of, await skewed(of, HOUR_MS, 1))
    const state = async () => of.run((await of.open()).groups.describe('g'))
    await of.run((await of.open()).groups.sweep())
    const found = await of.world.plain.documents.get(seenKey('g'))
    const times = found.kind === 'found' ? [...decodeSeen(found.document.body).values()] : []
    expect(times).toEqual([of.world.clock.now()])
    await of.world.clock.advance(10_001)
    await of.run((await of.open()).groups.sweep())
    expect(await state()).toMatchObject({ kind: 'found', state: 'Empty' })
  })

  it('that are lost or unreadable give members their full time, not more', async () => {
    const of = await createGroupsWorld('a process for each request')
    const member = await of.run(classicMember(of))
    const { documents } = of.world.plain
    for (const body of ['{}', 'garbage', '{"0":"yesterday"}', undefined]) {
      const found = await documents.get(seenKey('g'))
      if (found.kind === 'found') {
        const { version } = found.document
        if (body === undefined) await documents.delete(seenKey('g'), version)
        else await documents.put(seenKey('g'), Buffer.from(body), version)
      }
      await of.world.clock.advance(2000)
      expect(await of.run(member.beat())).toBe('alive')
    }
    await of.world.clock.advance(10_500)
    const heir = await of.run(classicMember(of))
    expect(heir.partitions).toEqual([0, 1, 2, 3])
  })
})
