// How long a rebalance takes at each client's default intervals: from a member's start of joining, or of leaving, to the last
// change of what anybody owns. Members hear of it with their next heartbeat (3 s), so the median of several takes less than 4 s.
// With KIP-848 Apache Kafka's heartbeats come every 5 s, and it takes one of the member that gives up and one of the one that gets.
import type { Family } from '../families.ts'
import { changeMs, type Setting, stage } from '../scene.ts'
import { sleep } from '../traffic.ts'

const TIMES = 3
const REBALANCE_MS_MAX = 4000
const CONSUMER_OF_KAFKA_MS_MAX = 11_000

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0
const seconds = (list: readonly number[]): string => list.map((ms) => (ms / 1000).toFixed(1)).join(' ')

export function speed(setting: Setting, family: Family): Promise<string> {
  return stage(setting, `speed ${family.name}`, { partitions: 12 }, async (scene) => {
    const { fleet } = scene
    const { assignor: _, ...defaults } = family.member
    const plain = { ...family, member: defaults }
    const join = async (member: string): Promise<void> =>
      scene.join(plain, member, { sessionTimeoutMs: 30_000 }, await scene.prepare(family))
    await join('a')
    await scene.shared(12, 1)
    const joins: number[] = []
    const leaves: number[] = []
    for (let time = 0; time < TIMES; time += 1) {
      await sleep(700)
      const since = fleet.events.length
      await join(`b${time}`)
      await scene.shared(12, 2)
      joins.push(changeMs(fleet.events, since))
      await sleep(700)
      const left = fleet.events.length
      await fleet.stop(`b${time}`)
      await scene.shared(12, 1)
      leaves.push(changeMs(fleet.events, left))
    }
    const isSlow = setting.server === 'kafka' && family.member.protocol === 'consumer'
    const most = (setting.patience ?? 1) * (isSlow ? CONSUMER_OF_KAFKA_MS_MAX : REBALANCE_MS_MAX)
    const shown = `joins ${seconds(joins)} s, leaves ${seconds(leaves)} s`
    if (median(joins) > most || median(leaves) > most) throw new Error(`more than ${most} ms: ${shown}`)
    return `${shown}; ${await scene.finish(family)}`
  })
}
