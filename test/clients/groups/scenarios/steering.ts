// A member pauses a partition, resumes it and seeks in it: nothing comes from what is paused while the others go on, and
// after a seek records come again from there.
import type { Family } from '../families.ts'
import { type Setting, stage } from '../scene.ts'
import { sleep } from '../traffic.ts'

export function steering(setting: Setting, family: Family): Promise<string> {
  return stage(setting, `steering ${family.name}`, { partitions: 2 }, async (scene) => {
    const { fleet, topic } = scene
    const seen = (partition: number, since = 0): number =>
      fleet.events.slice(since).filter((event) => event.event === 'record' && event.partition === partition).length
    const more = (partition: number, records: number, since: number): Promise<void> =>
      fleet.until(`${records} more of partition ${partition}`, () => seen(partition, since) >= records, scene.settleMs)
    scene.join(family, 'a')
    await scene.shared(2, 1)
    await more(0, 50, 0)

    fleet.tell('a', { op: 'pause', member: 'a', places: [[topic, 0]] })
    // What it had fetched already may still come.
    await sleep(700)
    let since = fleet.events.length
    await more(1, 80, since)
    if (seen(0, since) > 0) throw new Error(`${seen(0, since)} records of the paused partition`)

    fleet.tell('a', { op: 'resume', member: 'a', places: [[topic, 0]] })
    await more(0, 50, since)

    since = fleet.events.length
    fleet.tell('a', { op: 'seek', member: 'a', offsets: [[topic, 0, 3]] })
    const again = (): boolean =>
      fleet.events.slice(since).some((event) => event.event === 'record' && event.partition === 0 && event.offset === 3)
    await fleet.until('records from offset 3 on', again, scene.settleMs)
    return scene.finish(family)
  })
}
