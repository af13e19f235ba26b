// Subscription by a pattern: matched by the client in the classic protocol, by the server in KIP-848. Topics that match are
// consumed, others are not; a classic client also finds a topic that is made later.
import assert from 'node:assert/strict'
import { type Family, GROUP_DRIVERS } from '../families.ts'
import { createFleet } from '../fleet.ts'
import { drained, SESSION_MS, SETTLE_MS, type Setting, slug } from '../scene.ts'
import { createTopic, kafkaFor, startTraffic } from '../traffic.ts'
import { verify } from '../verify.ts'

/** KafkaJS looks for matching topics once, when it subscribes. */
const findsNewTopics = (family: Family): boolean =>
  family.member.protocol === 'classic' && GROUP_DRIVERS[family.driver] !== GROUP_DRIVERS.kafkajs

export async function patterns(setting: Setting, family: Family): Promise<string> {
  const { patience = 1 } = setting
  const settleMs = SETTLE_MS * patience
  const name = `pattern-${slug(family.name)}`
  const kafka = kafkaFor(setting.bootstrap)
  const widths: Record<string, number> = { [`${name}.a`]: 3, [`${name}.b`]: 2 }
  for (const [topic, partitions] of Object.entries(widths)) await createTopic(kafka, topic, partitions)
  await createTopic(kafka, `other-${name}`, 2)
  const traffic = await startTraffic(kafka, { ...widths, [`other-${name}`]: 2 }, 6)
  const fleet = createFleet(setting.bootstrap)
  const owned = (): string[] => [...fleet.owned.values()].flatMap((mine) => [...mine]).sort()
  const wanted = (): string[] =>
    Object.entries(widths)
      .flatMap(([topic, partitions]) => Array.from({ length: partitions }, (_, at) => `${topic}/${at}`))
      .sort()
  const shared = (members: number): Promise<void> =>
    fleet.until(
      `${members} members share what matches`,
      () =>
        [...fleet.owned.values()].filter(({ size }) => size > 0).length === members && `${owned()}` === `${wanted()}`,
      settleMs,
    )
  try {
    const spec = {
      group: name,
      pattern: `^${name}\\..*`,
      sessionTimeoutMs: SESSION_MS * patience,
      metadataMaxAgeMs: 1000,
    }
    fleet.start(family.driver, 'a', { ...spec, ...family.member })
    await shared(1)
    fleet.start(family.driver, 'b', { ...spec, ...family.member })
    await shared(2)
    if (findsNewTopics(family)) {
      await createTopic(kafka, `${name}.c`, 2)
      widths[`${name}.c`] = 2
      await shared(2)
      await traffic.widen(`${name}.c`, 2)
    }
    const ends = await traffic.stop()
    for (const place of [...ends.keys()]) if (!wanted().includes(place)) ends.delete(place)
    const reached = drained(fleet.events)
    await fleet.until('all records are processed', () => reached(ends), settleMs)
    for (const member of [...fleet.owned.keys()]) await fleet.stop(member)
    const { produced } = traffic
    const { violations, figures } = verify(fleet.events, { produced, ends, lateRecords: family.lateRecords ?? false })
    assert.deepEqual(violations, [])
    return `${wanted().length} partitions of ${Object.keys(widths).length} topics, ${figures.records} records`
  } finally {
    await Promise.allSettled([traffic.stop(), fleet.close()])
  }
}
