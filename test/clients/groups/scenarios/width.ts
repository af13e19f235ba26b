// More members than partitions: one has nothing to do and is left in peace, until partitions are added to the topic, which
// are assigned without anybody's asking, or until another member leaves.
import assert from 'node:assert/strict'
import type { Family } from '../families.ts'
import { changeMs, type Setting, stage } from '../scene.ts'
import { sleep } from '../traffic.ts'

export function width(setting: Setting, family: Family): Promise<string> {
  return stage(setting, `width ${family.name}`, { partitions: 2 }, async (scene) => {
    const { fleet } = scene
    for (const member of ['a', 'b', 'c']) scene.join(family, member, { metadataMaxAgeMs: 1000 })
    await scene.shared(2, 2, 1)
    await sleep(500)
    const errors = fleet.events.filter((event) => event.event === 'error' && event.fatal)
    assert.deepEqual(errors, [])

    const widenedAt = Date.now()
    await scene.widen(6)
    await scene.shared(6, 3)
    const added = fleet.events.findLast((event) => event.event === 'assigned' && event.places.length > 0)
    const widenedMs = Math.round((added?.at ?? widenedAt) - widenedAt)

    const since = fleet.events.length
    await fleet.stop('b')
    await scene.shared(6, 2)
    const left = (changeMs(fleet.events, since) / 1000).toFixed(1)
    return `added partitions assigned after ${(widenedMs / 1000).toFixed(1)} s, others took over after ${left} s; ${await scene.finish(family)}`
  })
}
