// A member that is stopped for longer than its session and wakes up again, not knowing: others have its partitions by then.
// It may go on with what it had in hand, but nothing that it commits may land.
import type { Family } from '../families.ts'
import { type Setting, stage } from '../scene.ts'
import { sleep } from '../traffic.ts'

export function frozen(setting: Setting, family: Family): Promise<string> {
  return stage(setting, `frozen ${family.name}`, { partitions: 6 }, async (scene) => {
    const { fleet } = scene
    for (const member of ['a', 'b', 'c']) scene.join(family, member)
    await scene.shared(6, 3)
    await sleep(500)
    fleet.signal('b', 'SIGSTOP')
    const session = family.member.protocol === 'consumer' ? setting.consumerSessionMs : scene.sessionMs
    const others = (): number => (fleet.owned.get('a')?.size ?? 0) + (fleet.owned.get('c')?.size ?? 0)
    await fleet.until('the others have everything', () => others() === 6, session + scene.settleMs)
    await sleep(500)
    fleet.signal('b', 'SIGCONT')
    await scene.shared(6, 3)
    await sleep(500)
    const failed = fleet.events.filter((event) => event.event === 'commitFailed' && event.member === 'b').length
    return `${failed} of its commits refused; ${await scene.finish({ lateRecords: true, outlived: ['b'] })}`
  })
}
