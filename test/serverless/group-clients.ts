// What members of groups do through `tidelog connect`, whatever their client: one of them reads a topic alone, a second shares
// it, the first is restarted, the second is killed. The drivers, the steady load and the judge are those of `npm run
// test:groups`; the topic is written to and the offsets are observed through the same listener.
import type { Family } from '../clients/groups/families.ts'
import { changeMs, SESSION_MS, type Setting, stage } from '../clients/groups/scene.ts'
import { sleep } from '../clients/groups/traffic.ts'

const PARTITIONS = 4
/** The emulator is one process, through which all requests of all members and of all functions go: some 100 a second. */
const PACE = { perTick: 8, tickMs: 1000, lookMs: 1000 }
const CALM_MS = 700
/** What is slow is printed, not judged. */
const SETTLE_MS = 90_000

/** Resolves with what was measured and counted. */
export function membership(setting: Setting, family: Family): Promise<string> {
  return stage(
    setting,
    `serverless ${family.name} ${setting.seed}`,
    { partitions: PARTITIONS, ...PACE },
    async (scene) => {
      const { fleet } = scene
      const took: string[] = []
      const measured = async (what: string, change: () => Promise<unknown>, members: number, moreMs = 0) => {
        const since = fleet.events.length
        await change()
        await scene.shared(PARTITIONS, members, 0, SETTLE_MS + moreMs)
        took.push(`${what} ${(changeMs(fleet.events, since) / 1000).toFixed(1)} s`)
        await sleep(CALM_MS)
      }
      const joins = async (member: string): Promise<void> => {
        const before = fleet.owned.size
        scene.join(family, member)
        await fleet.until('a member starts', () => fleet.owned.size > before, SETTLE_MS)
      }
      const session = family.member.protocol === 'consumer' ? setting.consumerSessionMs : SESSION_MS
      await measured('first', () => joins('a'), 1)
      await measured('second', () => joins('b'), 2)
      await measured('leaves', () => fleet.stop('a'), 1)
      await measured('comes back', () => joins('a-again'), 2)
      await measured('killed', () => fleet.kill('b'), 1, session)
      return `${took.join(', ')}; ${await scene.finish(family)}`
    },
  )
}
