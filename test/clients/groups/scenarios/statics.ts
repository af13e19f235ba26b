// Static members (KIP-345): one that is back within its session costs nobody anything; of two with the same instance id one
// has to go. In the classic protocol it is the older one, which is fenced; in KIP-848 the newer one, as long as the older has
// not left.
import assert from 'node:assert/strict'
import type { Family } from '../families.ts'
import type { DriverProcess } from '../fleet.ts'
import { disturbances, type Setting, stage } from '../scene.ts'
import { sleep } from '../traffic.ts'

const FENCED_INSTANCE_ID = 82
const UNRELEASED_INSTANCE_ID = 111
/** Longer than a heartbeat interval of the classic protocol: by then it would have heard of a rebalance. */
const HEARTBEAT_MS = 3500

export function statics(setting: Setting, family: Family): Promise<string> {
  return stage(setting, `static ${family.name}`, { partitions: 6 }, async (scene) => {
    const { fleet } = scene
    const classic = family.member.protocol === 'classic'
    // Long enough for a slow start of the one that comes back.
    const join = (member: string, instanceId: string, process?: DriverProcess): void =>
      scene.join(family, member, { instanceId, sessionTimeoutMs: 3 * scene.sessionMs }, process)
    const owns = (member: string): string => [...(fleet.owned.get(member) ?? [])].sort().join(' ')
    join('a1', 'a')
    join('b1', 'b')
    await scene.shared(6, 2)
    const before = owns('a1')

    const ready = await scene.prepare(family)
    let since = fleet.events.length
    // Who closes a static KIP-848 member tells the group that it will be back; killed, it would keep its name for a session.
    await (classic ? fleet.kill('a1') : fleet.stop('a1'))
    join('a2', 'a', ready)
    await fleet.until('the static member has its partitions again', () => owns('a2') === before, scene.settleMs)
    await sleep(HEARTBEAT_MS)
    assert.deepEqual(disturbances(scene, since, 'b1'), [], 'the other member while the static one was away')

    since = fleet.events.length
    join('a3', 'a')
    const loser = classic ? 'a2' : 'a3'
    const refusal = (): string | undefined => {
      const told = fleet.events
        .slice(since)
        .find(
          (event) => event.event === 'error' && event.member === loser && isRefusal(event.code, event.text, classic),
        )
      return told?.event === 'error' ? `${told.code} ${told.text.trim().split('\n').at(-1)}` : undefined
    }
    await fleet.until(`${loser} is refused`, () => refusal() !== undefined, scene.settleMs)
    const winner = classic ? 'a3' : 'a2'
    await fleet.until(`${winner} has the partitions`, () => owns(winner) === before, scene.settleMs)
    assert.deepEqual(disturbances(scene, since, 'b1'), [], 'the other member while the static one was replaced')
    await fleet.kill(loser)
    return `${refusal()?.slice(0, 90)}; ${await scene.finish({ ...family, outlived: [loser] })}`
  })
}

/** librdkafka has a word of its own for it, and says the rest in words. */
function isRefusal(code: number, text: string, classic: boolean): boolean {
  if (classic) return code === FENCED_INSTANCE_ID || /fenced/i.test(text)
  return code === UNRELEASED_INSTANCE_ID || /UNRELEASED|still in use|instance id/i.test(text)
}
