// A running group changes its protocol and changes back: members of the classic protocol, then of both, then of KIP-848 only,
// then of both again, then classic only. Nobody notices but by what they own: the judge sees one group from start to end.
import type { Family } from '../families.ts'
import { changeMs, type Setting, stage } from '../scene.ts'
import { sleep } from '../traffic.ts'

export function migration(setting: Setting, classic: Family, consumer: Family): Promise<string> {
  return stage(setting, `migration ${classic.name} ${consumer.name}`, { partitions: 12 }, async (scene) => {
    const { fleet } = scene
    const steps: string[] = []
    const step = async (what: string, members: number, change: () => Promise<void> | void): Promise<void> => {
      const since = fleet.events.length
      await change()
      await scene.shared(12, members)
      steps.push(`${what} ${(changeMs(fleet.events, since) / 1000).toFixed(1)} s`)
      await sleep(800)
    }
    await step('2 classic', 2, () => {
      scene.join(classic, 'c1')
      scene.join(classic, 'c2')
    })
    await step('upgrade', 3, () => scene.join(consumer, 'n1'))
    await step('+1', 4, () => scene.join(consumer, 'n2'))
    await step('classic left', 2, async () => {
      await fleet.stop('c1')
      await fleet.stop('c2')
    })
    await step('classic is back', 3, () => scene.join(classic, 'c3'))
    await step('downgrade', 1, async () => {
      await fleet.stop('n1')
      await fleet.stop('n2')
    })
    await step('+1', 2, () => scene.join(classic, 'c4'))
    return `${steps.join(', ')}; ${await scene.finish(consumer)}`
  })
}
