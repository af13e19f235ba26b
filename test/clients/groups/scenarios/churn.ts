// The main scenario of each family: a topic of twelve partitions under a steady load of keyed records, read by a group whose
// members come, leave and are killed: one, three, two, four, one. Which of them goes, and how, is drawn from the run's
// seed; at least one is killed and one leaves. Then everything that was told goes to the judge.
import type { Family } from '../families.ts'
import { changeMs, type Scene, type Setting, slug, stage } from '../scene.ts'
import { sleep } from '../traffic.ts'

const PARTITIONS = 12
const SIZES = [1, 3, 2, 4, 1]

/** A small generator, so that a run can be repeated from its seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below)
  }
}

interface Changing {
  readonly scene: Scene
  readonly family: Family
  readonly random: (below: number) => number
  /** For each member that goes, in order: whether it is killed. */
  readonly kills: boolean[]
  readonly steps: string[]
  started: number
}

async function scaleTo(changing: Changing, size: number): Promise<void> {
  const { scene, family, random, kills, steps } = changing
  const { fleet, setting } = scene
  const from = fleet.owned.size
  const since = fleet.events.length
  const how: string[] = []
  while (fleet.owned.size > size) {
    const names = [...fleet.owned.keys()]
    const member = names[random(names.length)] ?? ''
    const kill = kills.shift() ?? false
    how.push(kill ? ' kill' : ' leave')
    await (kill ? fleet.kill(member) : fleet.stop(member))
  }
  for (let more = fleet.owned.size; more < size; more += 1) {
    changing.started += 1
    scene.join(family, `${slug(family.name)}-${changing.started}`)
    // So that the loop counts it: it is told of when its process has started.
    await fleet.until('a member starts', () => fleet.owned.size > more, scene.settleMs)
  }
  const session = family.member.protocol === 'consumer' ? setting.consumerSessionMs : scene.sessionMs
  await scene.shared(PARTITIONS, size, 0, scene.settleMs + (how.includes(' kill') ? session : 0))
  steps.push(`${from}→${size}${how.join('')} ${(changeMs(fleet.events, since) / 1000).toFixed(1)} s`)
  await sleep(500 + random(1000))
}

export function churn(setting: Setting, family: Family): Promise<string> {
  return stage(setting, `churn ${family.name}`, { partitions: PARTITIONS }, async (scene) => {
    const random = randomFrom(
      setting.seed + [...family.name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 0),
    )
    const first = random(2) === 0
    const kills = [first, !first, random(2) === 0, random(2) === 0]
    const changing: Changing = { scene, family, random, kills, steps: [], started: 0 }
    for (const size of SIZES) await scaleTo(changing, size)
    return `${changing.steps.join(', ')}; ${await scene.finish(family)}`
  })
}
